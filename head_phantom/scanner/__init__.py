"""Scanners: CT with its faults, and diffusion MR."""
