"""From a CBF map and a brain whose regions are known to the truth of a patient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aspects_scorer.perfusion.brain_scan import BrainScan
from aspects_scorer.perfusion.cbf_map import CbfMap
from aspects_scorer.perfusion.core import CoreMap, find_core, side_levels
from aspects_scorer.perfusion.placement import PlacedMap, place_map
from aspects_scorer.perfusion.region_core import PerfusionTruth, measure_regions
from aspects_scorer.perfusion.units import MapUnit, check_unit
from atlas_builder.core.anatomy import Side
from atlas_builder.core.aspects import AspectsRule
from atlas_builder.core.flags import Flag


@dataclass(frozen=True)
class LabelledBrain:
    """A brain whose core is known.

    Attributes
    ----------
    placed : PlacedMap
        The map on the scan's voxels, in its own unit.
    unit : MapUnit
        What its values are.
    better_side : {'left', 'right'}
        Whose grey matter has more flow.
    core : CoreMap
        The core.
    truth : PerfusionTruth
        Region by region.
    coverage_mm : float
        Height of the map.
    flags : tuple of Flag
        All reservations about the map and the core.
    """

    placed: PlacedMap
    unit: MapUnit
    better_side: Side
    core: CoreMap
    truth: PerfusionTruth
    coverage_mm: float
    flags: tuple[Flag, ...]


@dataclass(frozen=True)
class LabelledPerfusion:
    """What is written of a patient.

    Attributes
    ----------
    participant : str
        What tables call the patient.
    rule : str
        A name of `atlas_builder.core.aspects.RULES`.
    labelled : LabelledBrain
        The core and the regions.
    brain : BrainScan
        Of the CT.
    scan_flags : tuple of Flag
        Reservations about the CT and its map of regions.
    key_slices : mapping of str to int
        ``bgl_slice`` and ``sgl_slice``, zero-based.
    timings : mapping of str to float
        Seconds of each stage.
    """

    participant: str
    rule: str
    labelled: LabelledBrain
    brain: BrainScan
    scan_flags: tuple[Flag, ...] = ()
    key_slices: Mapping[str, int] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)

    @property
    def flags(self) -> tuple[Flag, ...]:
        """All reservations, those about the perfusion first."""
        return (*self.labelled.flags, *self.scan_flags)


def label_brain(cbf: CbfMap, scan: BrainScan, rule: AspectsRule) -> LabelledBrain:
    """Find the core on a CBF map and measure it in the regions.

    Parameters
    ----------
    cbf : CbfMap
        In the millimetres of the scan's patient.
    scan : BrainScan
        The brain with its regions.
    rule : AspectsRule
        Which share of a region counts.

    Returns
    -------
    LabelledBrain

    Raises
    ------
    InputError
        The map lies elsewhere, or holds no blood flow.
    """
    placed = place_map(cbf, scan)
    levels = side_levels(placed.flow, scan)
    better: Side = "left" if levels["left"] > levels["right"] else "right"
    unit = check_unit(*levels[better])
    core = find_core(placed.flow, scan, levels[better][0])
    truth = measure_regions(core, scan, rule, unit.factor, cbf.coverage_mm)
    flags = (*cbf.flags, *placed.flags, *unit.flags, *truth.flags)
    return LabelledBrain(placed, unit, better, core, truth, cbf.coverage_mm, flags)
