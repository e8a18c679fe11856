"""Where the standard brain lies in a scan."""

from __future__ import annotations

from atlas_builder.core.scan import Scan
from slice_localizer.alignment.coarse_scan import coarsen
from slice_localizer.alignment.deformation import BrainPlace, deform_brain
from slice_localizer.alignment.level import LevelAlignment, in_air, is_stripped
from slice_localizer.alignment.standard_head import load_standard_head


def place_brain(scan: Scan, alignment: LevelAlignment) -> BrainPlace:
    """Deform the standard brain onto a scan.

    Parameters
    ----------
    scan : Scan
        All slices, in HU; with or without the skull.
    alignment : LevelAlignment
        Of the standard head with the scan, from `align_level`.

    Returns
    -------
    BrainPlace

    Raises
    ------
    InputError
        The scan's slices are not parallel, or what ships is damaged.
    """
    coarse = coarsen(scan)
    stripped = is_stripped(coarse)
    if stripped:
        coarse = in_air(coarse)
    return deform_brain(load_standard_head(), coarse, alignment.affine, stripped=stripped)
