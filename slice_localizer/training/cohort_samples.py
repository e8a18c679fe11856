"""Samples of a cohort: its participants' scans as the network's input, prepared once and kept.

A scan is read whole and laid out by `view_scan`; the slice that a rater drew the BGL
regions on is height 0. What is kept is read in a fraction of the time a scan takes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from atlas_builder import __version__
from atlas_builder.cohorts.labelled_scans import (
    Participant,
    Refusal,
    read_labelled_scan,
    read_participants,
)
from atlas_builder.core.anatomy import AgeGroup
from atlas_builder.core.errors import InputError
from atlas_builder.networks.training.cache import prepare
from atlas_builder.networks.training.seeds import generator
from atlas_builder.runtime.files import replacing
from atlas_builder.runtime.progress import Progress, no_progress
from slice_localizer.network.views import view_scan
from slice_localizer.positions import heights_of
from slice_localizer.training.augmentation import augment
from slice_localizer.training.sample import Sample

EVERY_AGE = AgeGroup(0, 130)
"""The network is one for all ages."""

_DENSEST_HU = 3071.0


@dataclass(frozen=True)
class KeptScan:
    """A participant's scan, ready for the network.

    Attributes
    ----------
    participant_id : str
        Whose.
    age : float
        In years.
    split : str or None
        As the cohort's table gives it.
    path : Path
        The file, for `read_kept`.
    """

    participant_id: str
    age: float
    split: str | None
    path: Path


@dataclass(frozen=True)
class LabelledView:
    """What is kept of a scan.

    Attributes
    ----------
    sample : Sample
        The scan as the network is given it, without augmentation.
    affines : ndarray, shape (slices, 4, 4)
        Of the scan's own slices in file order, as in `Scan`; thin slices are averaged in `sample`.
    bgl_slice, sgl_slice : int
        The key slices, places in `affines`.
    """

    sample: Sample
    affines: NDArray[np.float64]
    bgl_slice: int
    sgl_slice: int


def keep_scans(
    cohort: Path,
    folder: Path,
    rater: str,
    splits: Sequence[str],
    *,
    jobs: int = 1,
    progress: Progress = no_progress,
) -> tuple[list[KeptScan], list[Refusal]]:
    """Prepare the scans of a cohort that the folder does not hold yet.

    Parameters
    ----------
    cohort : Path
        The cohort, its scans whole: from key slices alone the others could not be learnt.
    folder : Path
        Where the scans are kept; made if need be.
    rater : str
        Whose key slices are the true ones.
    splits : sequence of str
        Which of the cohort's splits take part where it has any.
    jobs : int
        Processes at once; the files are the same for any number.
    progress : callable
        Told the stage, how many scans are done and how many there are.

    Returns
    -------
    scans : list of KeptScan
        In the table's order, split by split.
    refusals : list of Refusal
        Participants who cannot be used, and why.

    Raises
    ------
    InputError
        The cohort's table cannot be read, or no participant can be used.
    """
    folder.mkdir(parents=True, exist_ok=True)
    participants: dict[str, Participant] = {}
    refusals: dict[str, Refusal] = {}
    for split in splits:
        found, refused = read_participants(cohort, EVERY_AGE, split)
        participants |= {one.participant_id: one for one in found}
        refusals |= {one.participant_id: one for one in refused}
    tasks = [(one, rater, folder) for one in participants.values()]
    scans: list[KeptScan] = []
    for kept in prepare(_keep, tasks, stage="Preparing scans", jobs=jobs, progress=progress):
        if isinstance(kept, Refusal):
            refusals[kept.participant_id] = kept
        else:
            scans.append(kept)
    if not scans:
        first = next((f" ({one.reason})" for one in refusals.values()), "")
        raise InputError(
            f"{cohort}: no participant can be used{first}; the key-slice network learns from whole "
            "scans with regions drawn on two slices"
        )
    return scans, list(refusals.values())


def read_kept(path: Path) -> LabelledView:
    """Read a scan that `keep_scans` kept.

    Parameters
    ----------
    path : Path
        Its file, see `KeptScan`.

    Returns
    -------
    LabelledView
    """
    with np.load(path, allow_pickle=False) as arrays:
        return LabelledView(
            Sample(
                torch.from_numpy(arrays["hu"]),
                torch.from_numpy(arrays["heights_mm"]),
                int(arrays["bgl"]),
            ),
            arrays["affines"],
            int(arrays["bgl_slice"]),
            int(arrays["sgl_slice"]),
        )


@dataclass(frozen=True)
class CohortSamples:
    """Draws samples of kept scans, augmented; every scan once before any comes again.

    Attributes
    ----------
    paths : tuple of Path
        Of the scans, see `KeptScan`.
    seed : int
        Of their order and of the augmentation.
    """

    paths: tuple[Path, ...]
    seed: int

    def __call__(self, number: int, size: int) -> Sample:
        """Return sample number `number`, see `DrawSample`."""
        epoch, place = divmod(number, len(self.paths))
        order = generator(self.seed, 0, epoch).permutation(len(self.paths))
        sample = read_kept(self.paths[order[place]]).sample
        return augment(sample, generator(self.seed, 1, number), size)


def _keep(task: tuple[Participant, str, Path]) -> KeptScan | Refusal:
    """Prepare a scan unless it is there; in a worker."""
    participant, rater, folder = task
    name = participant.participant_id
    path = folder / f"{name}-{_fingerprint(participant, rater)}.npz"
    kept = KeptScan(name, participant.age, participant.split, path)
    if path.exists():
        return kept
    try:
        labelled = read_labelled_scan(participant, rater)
        try:
            view = view_scan(labelled.scan)
        except InputError as error:
            raise InputError(f"{name}: {error}") from None
    except InputError as error:
        return Refusal(name, str(error))
    key_slices = labelled.key_slices
    level = heights_of(labelled.scan.affines)[key_slices["BGL"]]
    heights = view.heights_mm - level
    with replacing(path) as partial:
        # Compressed files would be read more slowly than the network learns from them.
        np.savez(
            partial,
            hu=np.minimum(view.hu, _DENSEST_HU).astype(np.float16),
            heights_mm=heights.astype(np.float32),
            bgl=np.abs(heights).argmin(),
            affines=labelled.scan.affines,
            bgl_slice=key_slices["BGL"],
            sgl_slice=key_slices["SGL"],
        )
    return kept


def _fingerprint(participant: Participant, rater: str) -> str:
    """Return what changes when a participant's files do, the rater, or how scans are laid out."""
    files = sorted(path for path in participant.folder.rglob("*") if path.is_file())
    seen = [
        f"{path.relative_to(participant.folder)} {(stat := path.stat()).st_size} {stat.st_mtime_ns}"
        for path in files
    ]
    text = "\n".join([__version__, rater, *seen])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
