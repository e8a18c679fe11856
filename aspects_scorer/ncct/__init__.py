"""ASPECTS of a non-contrast CT of the head."""
