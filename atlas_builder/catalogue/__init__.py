"""Atlases known by name, and the regions and the head in MNI space that ship."""
