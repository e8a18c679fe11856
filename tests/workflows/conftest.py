"""What the packages' own tests draw, for whole runs."""

from localizer_scans import at_once, scanned_cohort
from mapped_scan import atlas, drawn, region_map
from rated_cohort import atlas_folder, rated_cohort, writing
from shaped_cohort import built, copied, shaped_cohort
from simple_head import simple_head

__all__ = [
    "at_once",
    "atlas",
    "atlas_folder",
    "built",
    "copied",
    "drawn",
    "rated_cohort",
    "region_map",
    "scanned_cohort",
    "shaped_cohort",
    "simple_head",
    "writing",
]
