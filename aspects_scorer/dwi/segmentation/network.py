"""What the infarct network takes; the training recipe beside this module builds it."""

KIND = "infarct-segmenter"
"""The network's name in its model."""

MULTIPLES = (16, 16, 8)
"""What the sides of an image must be multiples of: slices are thick, they are pooled once less."""

CROP = (80, 96, 16)
"""Voxels of the crops that the network is trained on."""
