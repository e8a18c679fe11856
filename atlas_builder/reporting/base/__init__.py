"""What every report is made of: pages, sections, figures, colours, outlines."""
