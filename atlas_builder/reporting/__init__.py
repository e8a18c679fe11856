"""Figures and pages that people read: what an atlas is made of and how well it is made."""
