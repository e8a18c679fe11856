"""Simulated subjects in three dimensions, made once and kept, to render training scans from.

A subject takes seconds to make, a scan of one by `rendering` a fraction of a second; so many scans
are rendered from each subject.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atlas_builder import __version__
from atlas_builder.catalogue.mni_head import Head, load_head
from atlas_builder.networks.training.cache import prepare
from atlas_builder.runtime.files import replacing
from atlas_builder.runtime.progress import Progress, no_progress
from head_phantom.anatomy import make_anatomy
from head_phantom.infarct.old_lesions import OldInfarct
from head_phantom.infarct.strokes import draw_infarct
from head_phantom.person.person import draw_person

_YOUNGEST, _OLDEST = 10, 90
_INFARCT_SHARE, _OLD_INFARCT_SHARE = 0.3, 0.2
_HALF = 127


@dataclass(frozen=True)
class SubjectVolume:
    """A subject's head at 1 mm.

    Attributes
    ----------
    hu : ndarray of int16, shape (x, y, z)
        HU without noise, air -1000.
    brain : ndarray of bool, shape (x, y, z)
        Brain and the fluid in and around it.
    affine : ndarray, shape (4, 4)
        From voxels to RAS+ millimetres of an upright head.
    bgl_point : ndarray, shape (3,)
        Millimetres: where the basal ganglia level crosses the midline.
    """

    hu: NDArray[np.int16]
    brain: NDArray[np.bool_]
    affine: NDArray[np.float64]
    bgl_point: NDArray[np.float64]


def keep_subjects(
    folder: Path, count: int, seed: int, *, jobs: int = 1, progress: Progress = no_progress
) -> list[Path]:
    """Make subjects that the folder does not hold yet; more of them leave the first as they are.

    Parameters
    ----------
    folder : Path
        Where they are kept; made if need be.
    count : int
        How many.
    seed : int
        Of everything random. Ages are even over 10 to 90 years; three in ten have an acute infarct
        and two in ten an old one.
    jobs : int
        Processes at once; the files are the same for any number.
    progress : callable
        Told the stage, how many subjects are done and how many there are.

    Returns
    -------
    list of Path
        One file a subject, for `read_subject`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"person-{__version__}-{seed}-{index:04d}.npz" for index in range(count)]
    missing = [(path, seed, index) for index, path in enumerate(paths) if not path.exists()]
    stage, already = "Simulating persons", count - len(missing)
    for _ in prepare(
        _keep_person, missing, stage=stage, jobs=jobs, progress=progress, already=already
    ):
        pass
    return paths


def read_subject(path: Path) -> SubjectVolume:
    """Read a subject that `keep_subjects` made.

    Parameters
    ----------
    path : Path
        The ``.npz``.

    Returns
    -------
    SubjectVolume
    """
    with np.load(path, allow_pickle=False) as arrays:
        return SubjectVolume(
            arrays["hu"],
            np.unpackbits(arrays["brain"], count=arrays["hu"].size)
            .reshape(arrays["hu"].shape)
            .astype(bool),
            arrays["affine"],
            arrays["bgl_point"],
        )


def make_subject(seed: int, index: int) -> SubjectVolume:
    """Simulate one subject; the same seed and index give the same bits.

    Parameters
    ----------
    seed : int
        Of all subjects.
    index : int
        Which of them, counted from 0.

    Returns
    -------
    SubjectVolume
    """
    rng = np.random.default_rng([seed, index])
    age = float(rng.uniform(_YOUNGEST, _OLDEST))
    person = draw_person(age, "F" if rng.random() < 0.5 else "M", rng)
    infarct = draw_infarct(rng) if rng.random() < _INFARCT_SHARE else None
    old = []
    if rng.random() < _OLD_INFARCT_SHARE:
        old.append(OldInfarct(draw_infarct(rng).place, seed=int(rng.integers(2**32))))
    anatomy = make_anatomy(_standard_head(), person, infarct, old)
    tissue = anatomy.grey.astype(np.int16) + anatomy.white + anatomy.csf
    return SubjectVolume(
        np.round(anatomy.hu).astype(np.int16),
        tissue > _HALF,
        anatomy.affine,
        np.asarray(anatomy.bgl_point, dtype=np.float64),
    )


def _keep_person(task: tuple[Path, int, int]) -> None:
    """Simulate a subject and write it; in a worker."""
    path, seed, index = task
    person = make_subject(seed, index)
    with replacing(path) as partial:
        # Compressed files would be read more slowly than they are rendered from.
        np.savez(
            partial,
            hu=person.hu,
            brain=np.packbits(person.brain),
            affine=person.affine,
            bgl_point=person.bgl_point,
        )


@lru_cache(maxsize=1)
def _standard_head() -> Head:
    return load_head()
