"""Cohorts: participants, their scans and the regions that raters drew."""
