"""Measures of images and of region maps."""
