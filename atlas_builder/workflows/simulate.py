"""Simulated cohorts on the disk: every subject from one seed, in parallel, resumable."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from atlas_builder import __version__
from atlas_builder.cohorts.labelled_scans import SIMULATION, read_simulation
from atlas_builder.cohorts.stroke_truth import TRUTH, StrokeTruth, no_stroke, write_truth
from atlas_builder.core.anatomy import AgeGroup, Region, Side
from atlas_builder.core.errors import InputError
from atlas_builder.runtime.files import replacing_folder, write_json
from atlas_builder.runtime.progress import Progress, no_progress
from atlas_builder.runtime.resumption import ResultRecord
from atlas_builder.runtime.tsv import NOT_AVAILABLE, tsv_text, write_tsv
from atlas_builder.runtime.workers import open_workers
from head_phantom.cohort.subject import AngiographyPlan, Recipe, simulate_subject
from head_phantom.cohort.subject_files import Format, write_subject
from head_phantom.infarct.lesion_shapes import describe_lesions
from head_phantom.infarct.patients import LesionSource

_STALE_SECONDS = 3600.0


@dataclass(frozen=True)
class CohortPlan:
    """What a simulated cohort is made of.

    Attributes
    ----------
    age_groups : tuple of AgeGroup
        Each has as many subjects.
    subjects : int
        In each age group. More of them leave the first as they are.
    seed : int
        Of everything random.
    file_format : {'nifti', 'dicom'}
        Of the scans.
    validation : int
        How many subjects of each age group, the first ones, are kept for validation; the others
        are for building. With none the table has no column ``split``.
    infarct_share : float
        The probability of an acute infarct, 0 to 1.
    thickness_mm : float or None
        Of slices; by default 5 mm for most scans and 2 to 7 mm for the others.
    matrix : int
        Columns and rows of the scans.
    dwi : bool
        Whether every subject has a diffusion scan as well.
    lesions : LesionSource or None
        Real lesions; with them the subjects are people scanned for a suspected stroke.
    angiography : AngiographyPlan or None
        With it every subject has a CT angiography as well.
    """

    age_groups: tuple[AgeGroup, ...]
    subjects: int
    seed: int = 1
    file_format: Format = "nifti"
    validation: int = 0
    infarct_share: float = 0.0
    thickness_mm: float | None = None
    matrix: int = 512
    dwi: bool = False
    lesions: LesionSource | None = None
    angiography: AngiographyPlan | None = None

    def recipes(self) -> list[Recipe]:
        """Return what decides each subject, in the table's order."""
        return [
            Recipe(
                self.seed,
                group,
                index,
                self.infarct_share,
                self.thickness_mm,
                self.matrix,
                self.dwi,
                self.lesions,
                self.angiography,
            )
            for group in dict.fromkeys(self.age_groups)
            for index in range(self.subjects)
        ]

    def describe(self) -> dict[str, object]:
        """Return what must stay the same for a run to go on in the same folder."""
        settings: dict[str, object] = {
            "simulated": True,
            "age_groups": [str(group) for group in self.age_groups],
            "seed": self.seed,
            "format": self.file_format,
            "validation": self.validation,
            "infarct_share": self.infarct_share,
            "thickness_mm": self.thickness_mm,
            "matrix": self.matrix,
            "dwi": self.dwi,
            "version": __version__,
        }
        if self.lesions is not None:
            settings["lesions"] = describe_lesions(self.lesions.folder, self.lesions.part)
        if self.angiography is not None:
            occluded = self.angiography.occluded
            settings["cta"] = {
                "occlusion": None if occluded is None else occluded.value,
                "thickness_mm": self.angiography.thickness_mm,
            }
        return settings


@dataclass(frozen=True)
class _Task:
    recipe: Recipe
    folder: Path
    file_format: Format


def simulate_cohort(
    out: Path, plan: CohortPlan, *, jobs: int = 1, progress: Progress = no_progress
) -> int:
    """Write a simulated cohort.

    Subjects that an earlier run with the same plan completed are kept, so an interrupted run goes
    on and a cohort grows. The files are the same bits for any number of jobs.

    Parameters
    ----------
    out : Path
        The cohort's folder; made if need be.
    plan : CohortPlan
        What to simulate.
    jobs : int
        Processes at once.
    progress : callable
        Called with the stage, how many subjects are done and how many there are.

    Returns
    -------
    int
        How many subjects were simulated now; the others were there.

    Raises
    ------
    InputError
        The folder holds something else, or a cohort simulated otherwise.
    """
    out = Path(out)
    _claim(out, plan)
    recipes = plan.recipes()
    tasks = [
        _Task(recipe, out / recipe.participant_id, plan.file_format)
        for recipe in recipes
        if not (out / recipe.participant_id).exists()
    ]
    stage, done = "Simulating", len(recipes) - len(tasks)
    progress(stage, done, len(recipes))
    if tasks:
        with open_workers(min(jobs, len(tasks))) as workers:
            for number, _ in enumerate(workers.in_order(_complete, tasks), start=done + 1):
                progress(stage, number, len(recipes))
    write_participants(out, recipes, plan.validation)
    if plan.infarct_share:
        write_truths(out, recipes)
    return len(tasks)


def _claim(out: Path, plan: CohortPlan) -> None:
    """Make a folder a simulated cohort's, or see that it is this one's."""
    record = ResultRecord(
        out / SIMULATION,
        "cohort",
        "a cohort simulated with other settings; give another folder",
        inputs_of=lambda path: read_simulation(path.parent),
    )
    if not record.begin(plan.describe(), restart=False):
        _remove_unfinished(out)
        return
    if out.exists() and any(out.iterdir()):
        raise InputError(f"{out}: not empty and no simulated cohort; give another folder")
    out.mkdir(parents=True, exist_ok=True)
    write_json(record.path, plan.describe())


def _remove_unfinished(out: Path) -> None:
    """Remove what killed runs left, not what one that goes on beside this one is writing."""
    for kind in ("new", "old"):
        for folder in out.glob(f".*.{kind}.sub-*"):
            if time.time() - folder.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


def _complete(task: _Task) -> None:
    """Simulate a subject and write it; in a worker."""
    with replacing_folder(task.folder) as folder:
        write_subject(folder, simulate_subject(task.recipe), task.file_format)


def write_participants(out: Path, recipes: Sequence[Recipe], validation: int) -> None:
    """Write ``participants.tsv``, with the true key slices beside what is promised of it.

    Parameters
    ----------
    out : Path
        The cohort's folder, with every subject's.
    recipes : sequence of Recipe
        The subjects, in the order of the rows.
    validation : int
        How many of each age group are for validation; with none there is no column ``split``.
    """
    columns = ["participant_id", "age", "sex", "bgl_slice", "sgl_slice", "aspects"]
    rows = []
    for recipe in recipes:
        name = recipe.participant_id
        truth = json.loads((out / name / f"{name}.json").read_text("utf-8"))
        infarct = truth["infarct"]
        row = [truth[column] for column in columns[:-1]]
        row.append(NOT_AVAILABLE if infarct is None else infarct["aspects"])
        if validation:
            row.append("validation" if recipe.index < validation else "build")
        rows.append(row)
    header = columns + (["split"] if validation else [])
    path = out / "participants.tsv"
    # A build takes a cohort whose table was written again for another one.
    if not path.exists() or path.read_text("utf-8") != tsv_text(header, rows):
        write_tsv(path, header, rows)


def write_truths(out: Path, recipes: Sequence[Recipe]) -> None:
    """Write ``truth.tsv``: the share of each of the twenty regions that is infarcted.

    Parameters
    ----------
    out : Path
        The cohort's folder, with every subject's.
    recipes : sequence of Recipe
        The subjects, in the order of the rows.
    """
    truths = []
    for recipe in recipes:
        name = recipe.participant_id
        known = json.loads((out / name / f"{name}.json").read_text("utf-8"))
        infarct, occlusion = known["infarct"], known.get("cta", {}).get("occlusion")
        truth = no_stroke(name) if infarct is None else _truth_of(name, infarct)
        if occlusion is not None:
            truth = replace(
                truth, occlusion=occlusion["artery"], collaterals=occlusion["collaterals"]
            )
        truths.append(truth)
    write_truth(out / TRUTH, truths)


def _truth_of(name: str, infarct: dict[str, Any]) -> StrokeTruth:
    shares = dict(no_stroke(name).shares)
    other: Side = "left" if infarct["side"] == "right" else "right"
    for side, key in ((infarct["side"], "involvement"), (other, "other_side_involvement")):
        for region, share in infarct.get(key, {}).items():
            shares[side, Region[region]] = share
    return StrokeTruth(name, infarct["side"], infarct["hours"], infarct["volume_ml"], shares)
