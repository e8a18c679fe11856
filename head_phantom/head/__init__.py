"""The standard head on a coarse lattice, and how it is deformed and sampled."""
