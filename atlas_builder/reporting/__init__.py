"""Figures and pages for readers, one folder a report."""
