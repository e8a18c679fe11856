"""The training recipe of the infarct network."""
