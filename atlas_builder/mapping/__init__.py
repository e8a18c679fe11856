"""An atlas carried onto a scan: regions, measures, confidence and reservations."""

from atlas_builder.mapping.level import carry_regions, map_level
from atlas_builder.mapping.pipeline import KeySlices, map_key_slices, map_regions, read_key_slices
from atlas_builder.mapping.processes import registration_processes
from atlas_builder.mapping.region_map import Flag, LevelMap, RegionMap, RegionMeasure
from atlas_builder.mapping.thick_slices import ThickSlice

__all__ = [
    "Flag",
    "KeySlices",
    "LevelMap",
    "RegionMap",
    "RegionMeasure",
    "ThickSlice",
    "carry_regions",
    "map_key_slices",
    "map_level",
    "map_regions",
    "read_key_slices",
    "registration_processes",
]
