"""Cross-validation on a cohort: every scan is located once, by a network not trained on it.

As the ASPECTS-281 paper does in five folds [1]_. Folds are finished one after the other, and a run
that was interrupted goes on where it stopped.

References
----------
.. [1] Sun X, et al. Sci Data 11, 1132 (2024). doi:10.1038/s41597-024-03973-y
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from atlas_builder.core.anatomy import AGE_GROUPS
from atlas_builder.core.errors import InputError
from atlas_builder.metrics.tables import Table
from atlas_builder.networks.training.checkpoint import CHECKPOINT
from atlas_builder.networks.training.curve import read_curve
from atlas_builder.networks.training.device import Machine
from atlas_builder.networks.training.start import Start
from atlas_builder.runtime.files import replacing
from atlas_builder.runtime.progress import Progress, no_progress
from atlas_builder.validation.localisation import LocatedSlice, localisation_table, located
from slice_localizer.positions import heights_of, nearest, sgl_of
from slice_localizer.training.aspectslocnet import AspectsLocNet
from slice_localizer.training.augmentation import resized
from slice_localizer.training.cohort_samples import CohortSamples, KeptScan, read_kept
from slice_localizer.training.plan import Plan
from slice_localizer.training.prediction import predict_sample
from slice_localizer.training.recipe import LocalizerRecipe, train_localizer_network

BY_SCORE, BY_HEIGHT = "by score", "by height"
"""The slice of the highest score, as published; and that nearest to the level that heights give."""

_FOUND = "found.json"


@dataclass(frozen=True)
class Fold:
    """The results of one fold.

    Attributes
    ----------
    found : mapping of str to tuple of LocatedSlice
        The key slices of the scans kept from training, `BY_SCORE` and `BY_HEIGHT`.
    curve : tuple of mapping
        The training's evaluations, see `LocalizerRecipe.evaluate`.
    """

    found: Mapping[str, tuple[LocatedSlice, ...]]
    curve: tuple[Mapping[str, Any], ...]


def split_folds(scans: Sequence[KeptScan], folds: int, seed: int) -> list[list[KeptScan]]:
    """Divide scans into parts that differ by at most one in size, ages spread evenly over them.

    Parameters
    ----------
    scans : sequence of KeptScan
        At least as many as folds.
    folds : int
        How many parts.
    seed : int
        Decides which scan comes into which part.

    Returns
    -------
    list of list of KeptScan
        One list a fold.

    Raises
    ------
    InputError
        There are fewer scans than folds.
    """
    if len(scans) < folds:
        raise InputError(f"{len(scans)} scans cannot be divided into {folds} folds; ask for fewer")
    rng = np.random.default_rng([seed, folds])
    by_age: dict[int, list[KeptScan]] = {}
    for place in rng.permutation(len(scans)):
        by_age.setdefault(_age_group(scans[place].age), []).append(scans[place])
    dealt = [scan for group in sorted(by_age) for scan in by_age[group]]
    return [dealt[fold::folds] for fold in range(folds)]


def cross_validate(
    scans: Sequence[KeptScan],
    folds: int,
    plan: Plan,
    out: Path,
    *,
    machine: Machine,
    start: Start | None = None,
    progress: Progress = no_progress,
) -> list[Fold]:
    """Train a network for each fold, and locate the key slices of the scans it was not trained on.

    Parameters
    ----------
    scans : sequence of KeptScan
        From `slice_localizer.training.cohort_samples.keep_scans`.
    folds : int
        How many; their seeds follow from the plan's.
    plan : Plan
        Of each training.
    out : Path
        A folder a fold: checkpoints while it trains, then what it found.
    machine : Machine
        Where the trainings run, one after the other.
    start : Start, optional
        The network each goes on from, that which the plan names.
    progress : callable
        Told the fold with its stage, how many steps are done and how many there are.

    Returns
    -------
    list of Fold
        In order.
    """
    parts = split_folds(scans, folds, plan.seed)
    done = []
    for number, kept in enumerate(parts, start=1):
        folder = out / f"fold-{number}"
        if not (folder / _FOUND).exists():
            used = [scan for other in parts if other is not kept for scan in other]

            def show(stage: str, step: int, steps: int, number: int = number) -> None:
                progress(f"Fold {number} of {folds}: {stage.lower()}", step, steps)

            _run_fold(used, kept, plan, folder, machine, start, show)
        done.append(_read_fold(folder))
    return done


def fold_tables(folds: Sequence[Fold]) -> list[Table]:
    """Return accuracy and distance error of each fold and of all together.

    Parameters
    ----------
    folds : sequence of Fold
        From `cross_validate`.

    Returns
    -------
    list of Table
        One a method, `BY_SCORE` and `BY_HEIGHT`.
    """
    tables = []
    for method in (BY_SCORE, BY_HEIGHT):
        groups = {f"fold {n}": fold.found[method] for n, fold in enumerate(folds, start=1)}
        together = {"all folds": [one for found in groups.values() for one in found]}
        tables.append(
            replace(
                localisation_table({**groups, **together}),
                name=f"table_folds_{method.replace(' ', '_')}",
                title=f"Key slices found in scans that were not trained on, {method}",
            )
        )
    return tables


def located_levels(
    participant_id: str,
    affines: NDArray[np.float64],
    true: tuple[int, int],
    bgl: int,
    level_mm: float | None = None,
) -> tuple[LocatedSlice, LocatedSlice]:
    """Measure a BGL slice that was found, and the SGL slice that follows from it.

    Parameters
    ----------
    participant_id : str
        Whose scan.
    affines : ndarray, shape (slices, 4, 4)
        Of the scan's slices, see `Scan`.
    true : tuple of int
        The true BGL and SGL slice.
    bgl : int
        The BGL slice found.
    level_mm : float, optional
        Where the level lies, see `slice_localizer.positions.sgl_of`. Where no slice lies high
        enough for the SGL, the highest counts as found.

    Returns
    -------
    bgl, sgl : LocatedSlice
    """
    heights = heights_of(affines)
    try:
        sgl = sgl_of(heights, bgl, level_mm)
    except InputError:
        sgl = int(heights.argmax())
    return (
        located(participant_id, "BGL", affines, true[0], bgl),
        located(participant_id, "SGL", affines, true[1], sgl),
    )


def _age_group(age: float) -> int:
    """Return the place of the age group, that beyond the last for ages of none."""
    return next((n for n, group in enumerate(AGE_GROUPS) if age in group), len(AGE_GROUPS))


def _run_fold(
    used: Sequence[KeptScan],
    kept: Sequence[KeptScan],
    plan: Plan,
    folder: Path,
    machine: Machine,
    start: Start | None,
    progress: Progress,
) -> None:
    """Train on some scans, locate the key slices of the others, and write what was found."""
    size = plan.stages[-1].size
    recipe = LocalizerRecipe(
        CohortSamples(tuple(scan.path for scan in used), plan.seed),
        lambda pixels: [resized(read_kept(scan.path).sample, pixels) for scan in kept],
        plan,
        machine.loaders,
        start,
    )
    network = train_localizer_network(recipe, folder, machine, progress)
    found: dict[str, list[dict[str, Any]]] = {BY_SCORE: [], BY_HEIGHT: []}
    for scan in kept:
        for method, levels in _predict_levels(scan, network, size, machine.device).items():
            found[method] += [asdict(level) for level in levels]
    with replacing(folder / _FOUND) as partial:
        described = {"found": found, "curve": read_curve(folder)}
        partial.write_text(json.dumps(described, indent=1) + "\n", "utf-8")
    # Hundreds of megabytes that are not needed any more.
    (folder / CHECKPOINT).unlink()


def _predict_levels(
    scan: KeptScan, network: AspectsLocNet, size: int, device: torch.device
) -> dict[str, tuple[LocatedSlice, LocatedSlice]]:
    view = read_kept(scan.path)
    predictions = predict_sample(network, resized(view.sample, size), device)
    heights = heights_of(view.affines)
    level = predictions.level.position_mm + float(heights[view.bgl_slice])
    # Where thin slices were averaged, each has the score of the place it lies at.
    at = heights - heights[view.bgl_slice]
    best = int(np.interp(at, predictions.positions_mm, predictions.logits).argmax())
    name, true = scan.participant_id, (view.bgl_slice, view.sgl_slice)
    return {
        BY_SCORE: located_levels(name, view.affines, true, best),
        BY_HEIGHT: located_levels(name, view.affines, true, nearest(heights, level), level),
    }


def _read_fold(folder: Path) -> Fold:
    path = folder / _FOUND
    try:
        described = json.loads(path.read_text("utf-8"))
        found = {
            method: tuple(LocatedSlice(**one) for one in ones)
            for method, ones in described["found"].items()
        }
        return Fold({name: found[name] for name in (BY_SCORE, BY_HEIGHT)}, described["curve"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{path}: cannot be read; remove it to repeat this fold") from None
