"""Figures and pages that people read, one folder a report."""
