"""Scans, cohorts and atlases in and out of files."""
