"""An atlas carried onto a scan: regions, measures, confidence and reservations."""

from atlas_builder.mapping.level import carry_regions, map_level
from atlas_builder.mapping.pipeline import KeySlices, map_key_slices, map_regions
from atlas_builder.mapping.processes import registration_processes
from atlas_builder.mapping.region_map import Flag, LevelMap, RegionMap, RegionMeasure

__all__ = [
    "Flag",
    "KeySlices",
    "LevelMap",
    "RegionMap",
    "RegionMeasure",
    "carry_regions",
    "map_key_slices",
    "map_level",
    "map_regions",
    "registration_processes",
]
