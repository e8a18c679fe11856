"""Scoring head CT, from files to folders."""
