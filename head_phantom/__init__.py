"""Simulated heads: a standard head, subjects, infarcts, scanners, raters and cohorts."""
