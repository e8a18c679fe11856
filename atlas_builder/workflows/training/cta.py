"""Fitting the scorer of CT angiographies, complete: a cohort with its truth in, machines out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aspects_scorer.cta.radiomics_svm.machine import PUBLISHED, SELECTED
from aspects_scorer.cta.radiomics_svm.training.fitting import FOLDS, Fitted, fit_machine
from aspects_scorer.cta.radiomics_svm.training.selection import select_features
from aspects_scorer.ncct.radiomics_forest.features import measure_radiomics
from atlas_builder import __version__
from atlas_builder.cohorts.participants import Participant, Refusal
from atlas_builder.cohorts.stroke_truth import StrokeTruth
from atlas_builder.core.anatomy import SIDES, Region
from atlas_builder.core.aspects import ANATOMICAL
from atlas_builder.core.errors import InputError
from atlas_builder.io.source import open_scan
from atlas_builder.runtime.files import replacing, write_json
from atlas_builder.runtime.progress import Progress, no_progress
from atlas_builder.runtime.workers import open_workers
from atlas_builder.workflows.cta.score import map_angiography

RESULT = "radiomics_svm.json"
"""The machines."""

PUBLISHED_FEATURES = (
    "firstorder_Mean",
    "firstorder_RootMeanSquared",
    "glrlm_HighGrayLevelRunEmphasis",
)
"""Those that the paper selected."""

COUNT = len(PUBLISHED_FEATURES)

_LEAST_SUBJECTS = FOLDS


@dataclass(frozen=True)
class Measured:
    """A subject's features.

    Attributes
    ----------
    participant_id : str
        With the prefix ``sub-``.
    names : tuple of str
        Of the features.
    differences : ndarray, shape (2, 10, features)
        Of each region less its counterpart, left side first; NaN where one could not be measured.
    reason : str
        Why the subject cannot be used; empty otherwise.
    """

    participant_id: str
    names: tuple[str, ...] = ()
    differences: NDArray[np.float64] | None = None
    reason: str = ""


def train_cta(
    participants: Sequence[Participant],
    truths: dict[str, StrokeTruth],
    out: Path,
    *,
    jobs: int = 1,
    progress: Progress = no_progress,
) -> tuple[dict[str, Fitted], list[Refusal]]:
    """Choose features and fit machines to a cohort of CT angiographies.

    Subjects measured before in the same folder are not measured again.

    Parameters
    ----------
    participants : sequence of Participant
        With ``sub-XX_cta.nii.gz`` in their folders.
    truths : dict of str to StrokeTruth
        By participant.
    out : Path
        Gets the measures and `RESULT`.
    jobs : int
        Processes at once.
    progress : callable
        Told the stage, how many are measured and how many there are.

    Returns
    -------
    fitted : dict of str to Fitted
        By the machines' names, on the selected features and on those of the paper.
    refusals : list of Refusal
        Who was left out, and why.

    Raises
    ------
    InputError
        Fewer subjects than five can be used, or too few regions are affected.
    """
    folder = out / "features"
    folder.mkdir(parents=True, exist_ok=True)
    known = [one for one in participants if one.participant_id in truths]
    refusals = [
        Refusal(one.participant_id, "no row in truth.tsv; add it")
        for one in participants
        if one.participant_id not in truths
    ]
    stage, measured = "Measuring", []
    progress(stage, 0, len(known))
    with open_workers(min(jobs, max(len(known), 1))) as workers:
        found = workers.in_order(partial(_measure, folder), known)
        for number, one in enumerate(found, start=1):
            measured.append(one)
            progress(stage, number, len(known))
    refusals += [Refusal(one.participant_id, one.reason) for one in measured if one.reason]
    usable = [one for one in measured if one.differences is not None]
    if len(usable) < _LEAST_SUBJECTS:
        reasons = "; ".join(one.reason for one in refusals[:2])
        raise InputError(
            f"{out}: {len(usable)} CT angiographies can be used, {_LEAST_SUBJECTS} are needed; "
            f"simulate them with simulate-cohort --cta --infarcts 0.8 ({reasons or 'no other'})"
        )
    names = usable[0].names
    values, ill, subjects = _regions(usable, truths)
    selection = select_features(names, values, ill, COUNT)
    fitted = {
        name: fit_machine(features, values[:, [names.index(f) for f in features]], ill, subjects)
        for name, features in ((SELECTED, selection.names), (PUBLISHED, PUBLISHED_FEATURES))
    }
    content = {
        "machines": {name: one.machine.stored() for name, one in fitted.items()},
        "fits": {name: _described(one) for name, one in fitted.items()},
        "features": {"all": len(names), "differing": selection.differing},
        "cohort": {
            "subjects": len(usable),
            "regions": len(ill),
            "affected": int(ill.sum()),
        },
        "rule": "barber",
        "version": __version__,
    }
    write_json(out / RESULT, content)
    return fitted, refusals


def _regions(
    subjects: Sequence[Measured], truths: dict[str, StrokeTruth]
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.intp]]:
    """Return features of all regions that could be measured, which are affected, and whose."""
    values = np.stack([one.differences for one in subjects if one.differences is not None])
    ill = np.array(
        [
            [
                [
                    ANATOMICAL.loses_point(region, truths[one.participant_id].shares[side, region])
                    for region in Region
                ]
                for side in SIDES
            ]
            for one in subjects
        ]
    )
    owner = np.broadcast_to(np.arange(len(subjects))[:, None, None], ill.shape)
    finite = np.isfinite(values).all(axis=-1)
    return values[finite], ill[finite], owner[finite]


def _measure(folder: Path, participant: Participant) -> Measured:
    """Measure a subject unless that was done; in a worker."""
    name = participant.participant_id
    file = folder / f"{name}.npz"
    if not file.exists():
        scan = participant.folder / f"{participant.folder.name}_cta.nii.gz"
        if not scan.exists():
            return Measured(name, reason=f"{name}/{scan.name} is missing")
        try:
            with open_scan(scan) as source:
                mapped = map_angiography(source.read(), participant.age)
            radiomics = measure_radiomics(mapped)
        except InputError as error:
            return Measured(name, reason=str(error).removeprefix(f"{scan}: "))
        with replacing(file) as partial_file, partial_file.open("wb") as opened:
            np.savez(
                opened,
                names=np.array(radiomics.names),
                differences=radiomics.values - radiomics.values[::-1],
            )
    with np.load(file, allow_pickle=False) as stored:
        return Measured(name, tuple(map(str, stored["names"])), stored["differences"])


def _described(fitted: Fitted) -> dict[str, Any]:
    known = [auc for auc in fitted.aucs if not math.isnan(auc)]
    return {
        "features": list(fitted.machine.features),
        "kernel": fitted.kernel,
        "penalty": fitted.penalty,
        "auc_of_folds": [round(auc, 4) for auc in known],
        "mean_auc": round(float(np.mean(known)), 4) if known else None,
    }
