"""A node for a hospital: studies in from a PACS or a folder, scores out, nothing lost."""
