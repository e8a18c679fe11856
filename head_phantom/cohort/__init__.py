"""Subjects of a simulated cohort, and their files."""
