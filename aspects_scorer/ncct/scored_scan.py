"""The ASPECTS of a non-contrast CT, region by region, by any method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aspects_scorer.ncct.attention import AttentionMap
from aspects_scorer.ncct.infarct import Infarct
from atlas_builder.core.anatomy import Region, Side
from atlas_builder.core.aspects import POINTS
from atlas_builder.core.flags import Flag


@dataclass(frozen=True)
class RegionFinding:
    """What a method says of one region of one side.

    Attributes
    ----------
    region, side
        Which region.
    probability : float
        Of being affected, 0-1; NaN where the method gives none, or the region could not be judged.
    affected : bool
        Whether the side loses a point for it.
    mean_hu, contralateral_mean_hu : float
        Density of its tissue and of the other side's, HU; NaN where there is none.
    difference_hu : float
        This side less the other, HU.
    error_hu : float
        Standard error of the difference, HU.
    volume_ml : float
        Of the region on the scan.
    confidence : float
        How far its place can be trusted, 0-1; NaN where it is not known.
    reason : str
        Why it counts as affected, in words and numbers; empty where it does not.
    """

    region: Region
    side: Side
    probability: float
    affected: bool
    mean_hu: float
    contralateral_mean_hu: float
    difference_hu: float
    error_hu: float
    volume_ml: float
    confidence: float
    reason: str = ""


@dataclass(frozen=True)
class ScoredScan:
    """The score of a scan.

    Attributes
    ----------
    method : str
        The scorer's name, such as ``asymmetry``.
    rule : str
        Which extent of ischaemia counts, a name of `atlas_builder.core.aspects.RULES`.
    findings : tuple of RegionFinding
        Twenty, left before right, each side in label order.
    expected : mapping of Side to float
        The score that is expected of each side, given the probabilities; empty where the method
        gives none.
    interval : tuple of float or None
        In which the score of the patient lies with a probability of 90%.
    flags : tuple of Flag
        What makes the score doubtful, those of the map included.
    attention : AttentionMap or None
        Where a network looked; None where there is no network.
    infarct : Infarct or None
        The acute infarct, where the method draws it.
    """

    method: str
    rule: str
    findings: tuple[RegionFinding, ...]
    expected: Mapping[Side, float]
    interval: tuple[float, float] | None
    flags: tuple[Flag, ...]
    attention: AttentionMap | None = None
    infarct: Infarct | None = None

    @property
    def left(self) -> int:
        """ASPECTS of the left side, 0-10."""
        return self._points("left")

    @property
    def right(self) -> int:
        """ASPECTS of the right side, 0-10."""
        return self._points("right")

    @property
    def aspects(self) -> int:
        """The score of the patient: the lower of the sides."""
        return min(self.left, self.right)

    def of(self, side: Side) -> tuple[RegionFinding, ...]:
        """Return the ten findings of a side, in label order.

        Parameters
        ----------
        side : {'left', 'right'}
            Of the patient.

        Returns
        -------
        tuple of RegionFinding
            Ten.
        """
        return tuple(finding for finding in self.findings if finding.side == side)

    def _points(self, side: Side) -> int:
        return POINTS - sum(finding.affected for finding in self.of(side))
