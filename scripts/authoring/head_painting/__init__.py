"""Painting the standard head from the ICBM152 averages."""
