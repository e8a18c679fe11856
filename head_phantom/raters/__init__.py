"""How an expert and other raters draw the regions of a simulated subject."""
