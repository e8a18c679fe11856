"""How ASPECTS and core volume of a cohort go with the severity of its strokes.

References
----------
Wei L, et al. Automated quantification of the Alberta Stroke Programme Early CT Score (ASPECTS) and
infarct core on diffusion-weighted imaging in acute ischaemic stroke. Brain Commun (2026).
doi:10.1093/braincomms/fcag053
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from aspects_scorer.dwi.scored_lesion import MCA_SHARE
from aspects_scorer.severity.deductions import (
    Deduction,
    deductions_by_side,
    deductions_of_either_side,
)
from aspects_scorer.severity.groups import MODERATE_FROM, Severity, severity_of
from atlas_builder.core.anatomy import Side
from atlas_builder.metrics.reliability import (
    Coefficient,
    ReaderAgreement,
    compare_scores,
    spearman,
)
from atlas_builder.metrics.roc import Area, AreaTest, Curve, area_under, compare_areas, roc_curve_of
from atlas_builder.metrics.tables import NO_NUMBER
from atlas_builder.metrics.thresholds import (
    OperatingPoint,
    operating_point,
    threshold_interval,
    youden_threshold,
)

AUTOMATED = "automated"
"""What the scores of this software are called beside those of readers."""

LEAST_A_SIDE = 2
"""Patients below and above the bound of severity without whom an area has no interval."""

MarkerName: TypeAlias = Literal["aspects", "volume"]


@dataclass(frozen=True)
class Marker:
    """A measure that is to tell moderate and severe strokes from mild ones.

    Attributes
    ----------
    name : {'aspects', 'volume'}
        Which one.
    words, unit : str
        As tables name it.
    lower_is_worse : bool
        Whether small values mean a severe stroke.
    published_area, published_threshold : float
        Of Wei et al.
    digits : int
        Decimals of a threshold.
    """

    name: MarkerName
    words: str
    unit: str
    lower_is_worse: bool
    published_area: float
    published_threshold: float
    digits: int

    def rule(self, threshold: float) -> str:
        """Return a threshold as it is read: ``≤ 6`` or ``≥ 27.86 mL``.

        Parameters
        ----------
        threshold : float
            In the marker's unit.

        Returns
        -------
        str
            An en dash for NaN.
        """
        if np.isnan(threshold):
            return NO_NUMBER
        sign = "≤" if self.lower_is_worse else "≥"
        return f"{sign} {threshold:.{self.digits}f} {self.unit}".rstrip()


MARKERS: tuple[Marker, ...] = (
    Marker("aspects", "DWI-ASPECTS", "", True, 0.762, 6.0, 0),
    Marker("volume", "core volume", "mL", False, 0.751, 27.86, 2),
)


@dataclass(frozen=True)
class PatientArrays:
    """Patients with scores and NIHSS, as arrays in one order.

    Attributes
    ----------
    nihss, aspects, core_volume_ml, mca_share : ndarray, shape (patients,)
        Severity, the lower side's score, mL, and share of the lesion in the regions (NaN of
        empty masks).
    deducted : mapping of side to ndarray of bool, shape (patients, 10)
        Who loses the point of which region.
    """

    nihss: NDArray[np.float64]
    aspects: NDArray[np.float64]
    core_volume_ml: NDArray[np.float64]
    mca_share: NDArray[np.float64]
    deducted: Mapping[Side, NDArray[np.bool_]]

    def __len__(self) -> int:
        """Return the number of patients."""
        return len(self.nihss)

    def keeping(self, kept: NDArray[np.bool_]) -> PatientArrays:
        """Return some of the patients.

        Parameters
        ----------
        kept : ndarray of bool, shape (patients,)
            Which.

        Returns
        -------
        PatientArrays
            In the same order.
        """
        return PatientArrays(
            self.nihss[kept],
            self.aspects[kept],
            self.core_volume_ml[kept],
            self.mca_share[kept],
            {side: lost[kept] for side, lost in self.deducted.items()},
        )

    def of(self, marker: Marker) -> NDArray[np.float64]:
        """Return a marker's values.

        Parameters
        ----------
        marker : Marker
            DWI-ASPECTS or core volume.

        Returns
        -------
        ndarray of float64, shape (patients,)
            Points from 0 to 10, or mL.
        """
        return self.aspects if marker.name == "aspects" else self.core_volume_ml

    @property
    def positive(self) -> NDArray[np.bool_]:
        """Who had a moderate or severe stroke."""
        return self.nihss >= MODERATE_FROM

    @property
    def severity(self) -> NDArray[np.intp]:
        """Values of `Severity`."""
        return severity_of(self.nihss)


@dataclass(frozen=True)
class MarkerResult:
    """How well a marker tells moderate and severe strokes from mild ones.

    Attributes
    ----------
    marker : Marker
        Which one.
    curve : Curve
        Its ROC curve.
    area : Area
        Under it.
    youden : OperatingPoint
        At the threshold chosen on these patients; NaN where none is better than chance.
    threshold_low, threshold_high : float
        95% bootstrap interval of that threshold; NaN where there is none.
    published : OperatingPoint
        At the published threshold, which these patients had no part in.
    with_nihss : Coefficient
        Spearman's correlation with the NIHSS.
    """

    marker: Marker
    curve: Curve
    area: Area
    youden: OperatingPoint
    threshold_low: float
    threshold_high: float
    published: OperatingPoint
    with_nihss: Coefficient


@dataclass(frozen=True)
class SeverityAnalysis:
    """A group of patients analysed.

    Attributes
    ----------
    name : str
        What the group is called.
    patients : PatientArrays
        Who is in it.
    markers : tuple of MarkerResult
        Of `MARKERS`, in that order.
    test : AreaTest
        The first marker's area less the second's.
    by_side, of_either_side : tuple of Deduction
        How often regions lose their point by severity.
    """

    name: str
    patients: PatientArrays
    markers: tuple[MarkerResult, ...]
    test: AreaTest
    by_side: tuple[Deduction, ...]
    of_either_side: tuple[Deduction, ...]

    @property
    def slug(self) -> str:
        """The name as files carry it."""
        return self.name.replace(" ", "_").lower()

    @property
    def sizes(self) -> dict[Severity, int]:
        """Patients of each severity."""
        return {group: int(np.sum(self.patients.severity == group)) for group in Severity}


def analyse_severity(
    patients: PatientArrays, seed: int
) -> tuple[tuple[SeverityAnalysis, ...], tuple[str, ...]]:
    """Analyse all patients, then those with mostly MCA lesions.

    Parameters
    ----------
    patients : PatientArrays
        Everyone with a score and an NIHSS.
    seed : int
        Of the bootstrap.

    Returns
    -------
    analyses : tuple of SeverityAnalysis
        Of the groups that can be analysed.
    withheld : tuple of str
        Why a group is not among them, in one line each.
    """
    mca = patients.keeping(patients.mca_share >= MCA_SHARE)
    analyses, withheld = [], []
    for name, group in (("all patients", patients), ("mostly MCA lesions", mca)):
        above = int(group.positive.sum())
        below = len(group) - above
        if min(above, below) < LEAST_A_SIDE:
            withheld.append(
                f"{name}: {above} with NIHSS ≥ {MODERATE_FROM} and {below} below; the analysis of "
                f"severity needs {LEAST_A_SIDE} of each and is left out"
            )
        else:
            analyses.append(_analyse(name, group, seed))
    return tuple(analyses), tuple(withheld)


def compare_with_readers(
    automated: NDArray[np.float64], readers: Mapping[str, NDArray[np.float64]]
) -> tuple[ReaderAgreement, ...]:
    """Compare the automated ASPECTS with each reader's, then the readers with each other.

    Parameters
    ----------
    automated : ndarray, shape (patients,)
        ASPECTS of this software.
    readers : mapping of str to ndarray, shape (patients,)
        Each reader's; NaN where a patient was not read.
    """
    pairs = [(AUTOMATED, automated, name, scores) for name, scores in readers.items()]
    pairs += [(one, readers[one], other, readers[other]) for one, other in combinations(readers, 2)]
    return tuple(compare_scores(one, other, a, b) for one, a, other, b in pairs)


def _analyse(name: str, patients: PatientArrays, seed: int) -> SeverityAnalysis:
    positive = patients.positive
    results = []
    for marker in MARKERS:
        values, lower = patients.of(marker), marker.lower_is_worse
        curve = roc_curve_of(positive, values, lower_is_worse=lower)
        low, high = threshold_interval(positive, values, seed, lower_is_worse=lower)
        chosen, published = (
            operating_point(positive, values, threshold, lower_is_worse=lower)
            for threshold in (youden_threshold(curve), marker.published_threshold)
        )
        results.append(
            MarkerResult(
                marker,
                curve,
                area_under(positive, -values if lower else values),
                chosen,
                low,
                high,
                published,
                spearman(values, patients.nihss),
            )
        )
    return SeverityAnalysis(
        name,
        patients,
        tuple(results),
        compare_areas(positive, -patients.aspects, patients.core_volume_ml),
        deductions_by_side(patients.deducted, patients.severity),
        deductions_of_either_side(patients.deducted, patients.severity),
    )
