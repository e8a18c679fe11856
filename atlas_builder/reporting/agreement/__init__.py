"""The report of scorers held against the truth."""
