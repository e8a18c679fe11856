"""What a cohort keeps of each participant's lesion, and the tables that it is written to."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aspects_scorer.dwi.scored_lesion import ScoredLesion
from aspects_scorer.severity.groups import Severity, severity_of
from aspects_scorer.severity.patients import Patient
from atlas_builder.cohorts.participants import Refusal
from atlas_builder.core.anatomy import Region, Side
from atlas_builder.core.aspects import RegionInvolvement
from atlas_builder.runtime.files import replacing
from atlas_builder.runtime.tsv import NOT_AVAILABLE, number_cell, write_tsv, yes_or_no

SCORES_COLUMNS = (
    "participant_id",
    "aspects_left",
    "aspects_right",
    "aspects",
    "aspects_any_deep_lesion",
    "core_volume_ml",
    "flags",
)
REGIONS_COLUMNS = (
    "participant_id",
    "side",
    "region",
    "volume_ml",
    "lesion_ml",
    "fraction",
    "loses_point",
)


@dataclass(frozen=True)
class ScoredPatient:
    """A participant's lesion, scored.

    Attributes
    ----------
    participant_id : str
        With ``sub-`` before it.
    aspects_left, aspects_right : int
        ASPECTS of each side, 0-10.
    aspects_any_deep_lesion : int
        ASPECTS of the patient if any lesion takes a deep region's point, see `ScoredLesion`.
    core_volume_ml : float
        In mL, on the grid that the mask was drawn on.
    mca_share : float
        Share of the lesion in the ten regions of either side, 0-1; NaN for an empty mask.
    flags : tuple of str
        Codes of what a reader should know.
    regions : tuple of RegionInvolvement
        Twenty, left before right, each side in label order.
    """

    participant_id: str
    aspects_left: int
    aspects_right: int
    aspects_any_deep_lesion: int
    core_volume_ml: float
    mca_share: float
    flags: tuple[str, ...]
    regions: tuple[RegionInvolvement, ...]

    @property
    def aspects(self) -> int:
        """The lower of the sides."""
        return min(self.aspects_left, self.aspects_right)

    def loses_points(self, side: Side) -> list[bool]:
        """Return for each region of a side, in label order, whether it loses its point.

        Parameters
        ----------
        side : {'left', 'right'}
            The patient's side.

        Returns
        -------
        list of bool
            Ten.
        """
        return [region.loses_point for region in self.regions if region.side == side]

    @classmethod
    def of(cls, participant_id: str, scored: ScoredLesion) -> ScoredPatient:
        """Return what a cohort keeps of a scored lesion.

        Parameters
        ----------
        participant_id : str
            With ``sub-`` before it.
        scored : ScoredLesion
            The lesion.

        Returns
        -------
        ScoredPatient
            Each flag once.
        """
        return cls(
            participant_id,
            scored.score.left,
            scored.score.right,
            scored.literal.aspects,
            scored.core_volume_ml,
            scored.mca_share,
            tuple(dict.fromkeys(flag.code for flag in scored.flags)),
            scored.score.regions,
        )


def save_scored(path: Path, patient: ScoredPatient, inputs: Mapping[str, object]) -> None:
    """Write a participant's result with what it was made from.

    Parameters
    ----------
    path : Path
        The JSON file.
    patient : ScoredPatient
        The result.
    inputs : mapping
        All that decides the result, as JSON can hold it.
    """
    content = {
        "inputs": inputs,
        "participant_id": patient.participant_id,
        "aspects_left": patient.aspects_left,
        "aspects_right": patient.aspects_right,
        "aspects_any_deep_lesion": patient.aspects_any_deep_lesion,
        "core_volume_ml": patient.core_volume_ml,
        "mca_share": None if math.isnan(patient.mca_share) else patient.mca_share,
        "flags": patient.flags,
        "regions": [
            [r.region.name, r.side, r.volume_ml, r.lesion_ml, r.fraction, r.loses_point]
            for r in patient.regions
        ],
    }
    with replacing(path) as partial:
        partial.write_text(json.dumps(content), "utf-8")


def load_scored(path: Path, inputs: Mapping[str, object]) -> ScoredPatient | None:
    """Read a participant's result, if there is one of the same inputs.

    Parameters
    ----------
    path : Path
        What `save_scored` wrote.
    inputs : mapping
        All that decides the result.

    Returns
    -------
    ScoredPatient or None
        None where the file is missing, damaged or of other inputs.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
        if content["inputs"] != inputs:
            return None
        share = content["mca_share"]
        return ScoredPatient(
            content["participant_id"],
            content["aspects_left"],
            content["aspects_right"],
            content["aspects_any_deep_lesion"],
            content["core_volume_ml"],
            math.nan if share is None else share,
            tuple(content["flags"]),
            tuple(
                RegionInvolvement(Region[name], side, volume, lesion, fraction, loses)
                for name, side, volume, lesion, fraction, loses in content["regions"]
            ),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_scores(path: Path, patients: Iterable[ScoredPatient]) -> Path:
    """Write ``scores.tsv``: a row a participant.

    Parameters
    ----------
    path : Path
        The file.
    patients : iterable of ScoredPatient
        In the order of the rows.

    Returns
    -------
    Path
        The file.
    """
    rows = (
        [
            patient.participant_id,
            str(patient.aspects_left),
            str(patient.aspects_right),
            str(patient.aspects),
            str(patient.aspects_any_deep_lesion),
            f"{patient.core_volume_ml:.3f}",
            ",".join(patient.flags) or NOT_AVAILABLE,
        ]
        for patient in patients
    )
    return write_tsv(path, SCORES_COLUMNS, rows)


def write_regions(path: Path, patients: Iterable[ScoredPatient]) -> Path:
    """Write ``regions.tsv``: a row a participant, side and region.

    Parameters
    ----------
    path : Path
        The file.
    patients : iterable of ScoredPatient
        In the order of the rows.

    Returns
    -------
    Path
        The file.
    """
    rows = (
        [
            patient.participant_id,
            region.side,
            region.region.name,
            f"{region.volume_ml:.3f}",
            f"{region.lesion_ml:.3f}",
            f"{region.fraction:.4f}",
            yes_or_no(region.loses_point),
        ]
        for patient in patients
        for region in patient.regions
    )
    return write_tsv(path, REGIONS_COLUMNS, rows)


def write_subjects(
    path: Path,
    scored: Sequence[ScoredPatient],
    patients: Mapping[str, Patient],
    refusals: Iterable[Refusal],
) -> Path:
    """Write ``subjects.tsv``: who was scored and how severe the stroke was, who was not and why.

    Parameters
    ----------
    path : Path
        The file.
    scored : sequence of ScoredPatient
        Who was scored.
    patients : mapping of str to Patient
        What is known of them, by participant identifier.
    refusals : iterable of Refusal
        Who was not, and why.

    Returns
    -------
    Path
        The file.
    """
    header = ("participant_id", "age", "sex", "nihss", "severity", "mca_share", "scored", "reason")
    rows = []
    for one in scored:
        known = _known(patients.get(one.participant_id))
        rows.append(
            [one.participant_id, *known, number_cell(one.mca_share, ".3f"), "yes", NOT_AVAILABLE]
        )
    for refusal in refusals:
        known = _known(patients.get(refusal.participant_id))
        rows.append([refusal.participant_id, *known, NOT_AVAILABLE, "no", refusal.reason])
    return write_tsv(path, header, rows)


def _known(patient: Patient | None) -> list[str]:
    if patient is None:
        return [NOT_AVAILABLE] * 4
    unknown = math.isnan(patient.nihss)
    severity = (
        NOT_AVAILABLE
        if unknown
        else Severity(int(severity_of(np.array(patient.nihss)))).name.lower()
    )
    return [number_cell(patient.age, "g"), patient.sex, number_cell(patient.nihss, "g"), severity]
