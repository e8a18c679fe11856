"""ASPECTS by random forests on radiomic features, the rival in the paper of DA-Net."""
