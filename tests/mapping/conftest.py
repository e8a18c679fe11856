"""A drawn head, its atlas, and a map of it."""

from mapped_scan import atlas, drawn, make_scan, region_map

__all__ = ["atlas", "drawn", "make_scan", "region_map"]
