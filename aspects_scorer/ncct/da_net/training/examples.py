"""What DA-Net is trained on: heads on the standard grid, with infarcts of their own or planted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from aspects_scorer.ncct.da_net.network import RULE_NAMES
from aspects_scorer.ncct.da_net.patches import patches_of
from aspects_scorer.ncct.da_net.standard_view import SHAPE, STEP_MM, StandardView
from atlas_builder.core.anatomy import SIDES, Region
from atlas_builder.core.aspects import VOXEL_RULES

_PLANTED = 0.6  # share of the heads without an infarct of their own that get one
_UPTAKE = (0.015, 0.18)  # share of the density that is lost; early and late
_SHIFT_VOXELS = 1.5
_GAIN, _OFFSET_HU, _LEAN_HU = 0.03, 1.5, 0.8
_NOISE_HU, _PATCHY_HU, _PATCHES_MM = 3.0, 1.2, 24.0

Array = NDArray[np.float32]


@dataclass(frozen=True)
class StandardCase:
    """A head on the standard grid with everything that is true of it.

    Attributes
    ----------
    hu : ndarray of float16, shape `SHAPE`
        Densities.
    labels : ndarray of uint8, shape `SHAPE`
        The regions as they are mapped, errors included, which is what is scored later.
    lesion : ndarray of uint8, shape `SHAPE`
        The share of each voxel that is acute infarct, 255 for all of it.
    shares : ndarray, shape (2, 10)
        How much of each true region is infarcted, left side first.
    """

    hu: NDArray[np.float16]
    labels: NDArray[np.uint8]
    lesion: NDArray[np.uint8]
    shares: NDArray[np.float64]

    @property
    def affected(self) -> NDArray[np.bool_]:
        """Which regions lose their point by each rule, shape (2, 10, rules)."""
        return affected_by(self.shares)


@dataclass(frozen=True)
class Pairs:
    """Pairs of patches, and which of their sides are affected.

    Attributes
    ----------
    patches : ndarray of float32, shape (pairs, 2, CHANNELS, *PATCH)
        Left and mirrored right.
    affected : ndarray of bool, shape (pairs, 2, rules)
        The truth.
    """

    patches: Array
    affected: NDArray[np.bool_]


def affected_by(shares: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which regions lose their point.

    Parameters
    ----------
    shares : ndarray, shape (2, 10)
        How much of each region is infarcted.

    Returns
    -------
    ndarray of bool, shape (2, 10, rules)
    """
    found = np.zeros((len(SIDES), len(Region), len(RULE_NAMES)), np.bool_)
    for side, region in product(range(len(SIDES)), Region):
        for rule, name in enumerate(RULE_NAMES):
            share = float(shares[side, region.value - 1])
            found[side, region.value - 1, rule] = VOXEL_RULES[name].loses_point(region, share)
    return found


def write_case(path: Path, case: StandardCase) -> None:
    """Write a head.

    Parameters
    ----------
    path : Path
        An ``.npz`` file.
    case : StandardCase
        The head.
    """
    with path.open("wb") as opened:
        np.savez_compressed(
            opened, hu=case.hu, labels=case.labels, lesion=case.lesion, shares=case.shares
        )


def read_case(path: Path) -> StandardCase:
    """Read what `write_case` wrote.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    StandardCase
    """
    with np.load(path, allow_pickle=False) as stored:
        return StandardCase(**{key: stored[key] for key in ("hu", "labels", "lesion", "shares")})


def plain_pairs(case: StandardCase, regions: tuple[Region, ...]) -> Pairs:
    """Return a head's pairs as they are scored.

    Parameters
    ----------
    case : StandardCase
        The head.
    regions : tuple of Region
        Those that the network judges.

    Returns
    -------
    Pairs
    """
    view = StandardView(case.hu.astype(np.float32), case.labels)
    return _pairs(view, case.affected, regions)


def draw_pairs(
    cases: Sequence[StandardCase], regions: tuple[Region, ...], rng: np.random.Generator
) -> Pairs:
    """Draw a head and alter it more than scanners, patients and maps do.

    Parameters
    ----------
    cases : sequence of StandardCase
        The heads to draw from, and the infarcts to plant.
    regions : tuple of Region
        Those that the network judges.
    rng : numpy.random.Generator
        The only source of chance.

    Returns
    -------
    Pairs
    """
    case = cases[int(rng.integers(len(cases)))]
    if not case.shares.any() and rng.random() < _PLANTED:
        case = _with_infarct(case, cases[int(rng.integers(len(cases)))].lesion, rng)
    affected = case.affected
    view = StandardView(_altered(case.hu.astype(np.float32), rng), _misplaced(case.labels, rng))
    pairs = _pairs(view, affected, regions)
    if rng.random() < 0.5:
        return Pairs(pairs.patches[:, ::-1].copy(), pairs.affected[:, ::-1].copy())
    return pairs


def _pairs(view: StandardView, affected: NDArray[np.bool_], regions: tuple[Region, ...]) -> Pairs:
    columns = [region.value - 1 for region in regions]
    return Pairs(patches_of(view, regions), affected[:, columns].swapaxes(0, 1))


def _with_infarct(
    case: StandardCase, lesion: NDArray[np.uint8], rng: np.random.Generator
) -> StandardCase:
    """Plant another head's infarct, on either side."""
    if rng.random() < 0.5:
        lesion = lesion[::-1]
    share = lesion / np.float32(255)
    low, high = np.log(_UPTAKE)
    uptake = np.float32(np.exp(rng.uniform(low, high)))
    hu = case.hu.astype(np.float32)
    tissue = (hu > 0) & (hu < 60)
    darker = np.where(tissue, hu * (1 - uptake * share), hu)
    counts = np.bincount(case.labels.ravel(), minlength=21)[1:]
    covered = np.bincount(case.labels.ravel(), share.ravel(), minlength=21)[1:]
    shares = (covered / np.maximum(counts, 1)).reshape(2, len(Region))
    return replace(case, hu=darker.astype(np.float16), lesion=lesion, shares=shares)


def _altered(hu: Array, rng: np.random.Generator) -> Array:
    """Change calibration, shading, sharpness and noise."""
    across = (np.arange(SHAPE[0]) - (SHAPE[0] - 1) / 2) / ((SHAPE[0] - 1) / 2)
    lean = rng.normal(0, _LEAN_HU) * across
    changed = hu * np.float32(rng.normal(1, _GAIN)) + np.float32(rng.normal(0, _OFFSET_HU))
    changed += lean[:, np.newaxis, np.newaxis].astype(np.float32)
    coarse = [max(2, round(n * mm / _PATCHES_MM)) for n, mm in zip(SHAPE, STEP_MM, strict=True)]
    patchy = rng.normal(0, rng.uniform(0, _PATCHY_HU), coarse).astype(np.float32)
    zoom = [n / m for n, m in zip(SHAPE, coarse, strict=True)]
    changed += ndimage.zoom(patchy, zoom, order=1, grid_mode=True, mode="nearest")
    if rng.random() < 0.3:
        changed = ndimage.gaussian_filter(changed, (*[rng.uniform(0.3, 0.8)] * 2, 0.0))
    noise = rng.normal(0, rng.uniform(0, _NOISE_HU), SHAPE).astype(np.float32)
    return np.asarray(changed + noise, np.float32)


def _misplaced(labels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Move the map a little, as if the alignment had erred."""
    off = np.rint(rng.normal(0, _SHIFT_VOXELS / 2, 3) / (1, 1, 2)).astype(int)
    return np.roll(labels, tuple(int(n) for n in off), axis=(0, 1, 2))
