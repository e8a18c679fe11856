"""Overlap, surface distance, entropy, ROC, reliability, tests, and tables of them."""
