"""Simulated NCCT: a head with the ASPECTS regions, persons, infarcts, scanners and cohorts."""
