"""Acute infarcts, old lesions, and what is true of them."""
