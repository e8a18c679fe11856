"""Age-specific ASPECTS atlases on non-contrast CT, key slices, region maps and ASPECTS scores.

The names below are the public interface; each is loaded when it is first used, so importing this
package costs nothing. ``docs/api.md`` shows an example of each.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "atlas_builder.core.anatomy": ("AgeGroup", "Region"),
    "atlas_builder.core.aspects": ("BARBER", "AspectsRule"),
    "atlas_builder.core.errors": ("InputError",),
    "atlas_builder.core.flags": ("Flag",),
    "atlas_builder.core.lesion": ("Lesion",),
    "atlas_builder.core.scan": ("Scan", "Slice"),
    "atlas_builder.io.source": ("open_scan",),
    "atlas_builder.io.nifti.masks": ("read_lesion",),
    "atlas_builder.metrics.entropy": ("shannon_entropy",),
    "atlas_builder.metrics.overlap": ("dice_by_label",),
    "atlas_builder.preprocessing.key_slice": ("make_key_slice",),
    "atlas_builder.catalogue.atlas": ("Atlas",),
    "atlas_builder.catalogue.entries": ("load_atlas",),
    "atlas_builder.construction.build": ("BuildSettings",),
    "atlas_builder.mapping.pipeline": ("map_regions",),
    "atlas_builder.mapping.region_map": ("RegionMap",),
    "atlas_builder.reporting.mapping.overlay": ("draw_region_map",),
    "atlas_builder.validation.selection": ("ValidationSettings",),
    "atlas_builder.workflows.build": ("build_atlas",),
    "atlas_builder.workflows.locate": ("locate_scan",),
    "atlas_builder.workflows.map": ("map_scan",),
    "atlas_builder.workflows.score": ("score_mask", "score_scan"),
    "atlas_builder.workflows.score_cohort": ("CohortSettings", "score_cohort"),
    "atlas_builder.workflows.simulate": ("CohortPlan", "simulate_cohort"),
    "atlas_builder.workflows.validate": ("validate_atlas",),
    "slice_localizer.locating": ("locate_slices",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "BARBER",
    "AgeGroup",
    "AspectsRule",
    "Atlas",
    "BuildSettings",
    "CohortPlan",
    "CohortSettings",
    "Flag",
    "InputError",
    "Lesion",
    "Region",
    "RegionMap",
    "Scan",
    "Slice",
    "ValidationSettings",
    "__version__",
    "build_atlas",
    "dice_by_label",
    "draw_region_map",
    "load_atlas",
    "locate_scan",
    "locate_slices",
    "make_key_slice",
    "map_regions",
    "map_scan",
    "open_scan",
    "read_lesion",
    "score_cohort",
    "score_mask",
    "score_scan",
    "shannon_entropy",
    "simulate_cohort",
    "validate_atlas",
]


def __getattr__(name: str) -> Any:
    """Load a public name from the module it lives in."""
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names, loaded or not."""
    return sorted({*globals(), *__all__})
