"""Scoring CT angiographies, from files to folders."""
