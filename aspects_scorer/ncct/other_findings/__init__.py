"""What on a non-contrast head CT is not early ischaemia and makes the score doubtful."""

from __future__ import annotations

from aspects_scorer.ncct.mapped_scan import MappedScan
from aspects_scorer.ncct.measures import RegionDensities
from aspects_scorer.ncct.other_findings.blood import find_blood
from aspects_scorer.ncct.other_findings.both_sides import find_dark_sides
from aspects_scorer.ncct.other_findings.coarse_head import coarsen
from aspects_scorer.ncct.other_findings.dense_grains import (
    find_calcifications,
    find_contrast_medium,
)
from aspects_scorer.ncct.other_findings.fluid import find_old_infarcts
from aspects_scorer.ncct.other_findings.midline import find_mass_effect
from aspects_scorer.ncct.other_findings.quality import find_metal, find_motion, find_streaks
from aspects_scorer.ncct.other_findings.vault import find_skull_defects
from atlas_builder.core.flags import Flag


def find_other_findings(scan: MappedScan, densities: RegionDensities) -> tuple[Flag, ...]:
    """Tell what is no early ischaemia.

    Parameters
    ----------
    scan : MappedScan
        The scan.
    densities : RegionDensities
        Of its regions.

    Returns
    -------
    tuple of Flag
        ``haemorrhage``, ``contrast-medium``, ``old-infarct``, ``midline-shift``, ``skull-defect``,
        ``bilateral-hypodensity``, ``strong-motion``, ``streaks``, ``metal`` and ``calcification``.
        None where the map shows no region on both sides.
    """
    head = coarsen(scan)
    if head is None:
        return ()
    return (
        *find_blood(head),
        *find_contrast_medium(head),
        *find_old_infarcts(head),
        *find_mass_effect(head),
        *find_skull_defects(head),
        *find_dark_sides(head, densities, scan.age),
        *find_motion(head),
        *find_streaks(head),
        *find_metal(scan),
        *find_calcifications(head),
    )


def find_other_findings_on_angiography(scan: MappedScan) -> tuple[Flag, ...]:
    """Tell what is no early ischaemia on a CT angiography, as far as vessels leave it to be told.

    Parameters
    ----------
    scan : MappedScan
        The scan, its vessels cut down to the density of brain.

    Returns
    -------
    tuple of Flag
        ``old-infarct``, ``midline-shift``, ``skull-defect``, ``strong-motion`` and ``metal``.
    """
    head = coarsen(scan)
    if head is None:
        return ()
    return (
        *find_old_infarcts(head),
        *find_mass_effect(head),
        *find_skull_defects(head),
        *find_motion(head),
        *find_metal(scan),
    )
