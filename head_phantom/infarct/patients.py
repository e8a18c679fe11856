"""Who is scanned for a suspected stroke: real infarcts, old ones, clots, uneven densities.

Ages and head are those of any simulated subject; what comes on top of them is drawn here.

References
----------
.. [1] Vermeer SE, Longstreth WT, Koudstaal PJ. Silent brain infarcts: a systematic review. Lancet
   Neurol 6:611-619 (2007). doi:10.1016/S1474-4422(07)70170-9. In 8-28% of old people.
.. [2] Mair G, Boyd EV, Chappell FM, et al. Sensitivity and specificity of the hyperdense artery
   sign for arterial obstruction in acute ischemic stroke. Stroke 46:102-107 (2015).
   doi:10.1161/STROKEAHA.114.007036. Half of the occlusions of large arteries show it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atlas_builder.catalogue.mni_head import Head
from atlas_builder.core.anatomy import SIDES, Region, Side, map_value
from atlas_builder.core.aspects import ANATOMICAL
from head_phantom.infarct.dense_vessel import DenseVessel, draw_dense_vessel
from head_phantom.infarct.infarct import Infarct, LesionMask, Territory
from head_phantom.infarct.lesion_shapes import Part, lesion_files, mirrored, read_shape
from head_phantom.infarct.old_lesions import OldInfarct
from head_phantom.infarct.strokes import draw_infarct
from head_phantom.person.unevenness import Unevenness, draw_unevenness

_REAL_SHARE = 0.7  # of infarcts; the others are territories
_ELSEWHERE = 0.12  # how much less often a shape is used that takes no point
_LEAST_ML = 0.5  # a smaller one may fall between the voxels of the phantom
_EARLY_HOURS, _LATE_HOURS = (0.5, 4.5), (4.5, 24.0)
_OLD_SHARE = ((40.0, 0.04), (85.0, 0.25))  # by age, past infarcts known or silent [1]_
_LARGE_REGIONS = 3  # so many affected regions speak for a large artery
_DENSE_LARGE, _DENSE_SMALL = 0.55, 0.15  # how often its clot shows [2]_


@dataclass(frozen=True)
class LesionSource:
    """Real lesions to take shapes from.

    Attributes
    ----------
    folder : Path
        Of masks in MNI space, see `lesion_files`.
    part : Part
        Which of them, so that training and test share none.
    """

    folder: Path
    part: Part


@dataclass(frozen=True)
class Findings:
    """What a scan shows beside the person's own head.

    Attributes
    ----------
    infarct : Infarct or None
        The acute infarct.
    old_infarcts : tuple of OldInfarct
        Past ones.
    dense_vessel : DenseVessel or None
        A clot that shows.
    unevenness : Unevenness or None
        Of the brain's density; None where tissue is as dense everywhere as its kind.
    """

    infarct: Infarct | None = None
    old_infarcts: tuple[OldInfarct, ...] = ()
    dense_vessel: DenseVessel | None = None
    unevenness: Unevenness | None = None


def draw_stroke(
    head: Head, source: LesionSource, rng: np.random.Generator
) -> tuple[Infarct, DenseVessel | None]:
    """Draw an acute infarct 0.5 to 24 hours old, half of them younger than 4.5 hours.

    Seven in ten have the shape of a real lesion, on its own side or mirrored; the others are
    territories of the middle cerebral artery, see `draw_infarct`. Real lesions that cost no point
    are used one time in eight, since most would lie outside the artery's territory.

    Parameters
    ----------
    head : Head
        The standard head, whose regions a shape is held against.
    source : LesionSource
        The real lesions.
    rng : numpy.random.Generator
        The only source of chance.

    Returns
    -------
    infarct : Infarct
        The infarct.
    dense_vessel : DenseVessel or None
        The clot in the artery of its side, where it shows.
    """
    if rng.random() < _REAL_SHARE:
        place: Territory | LesionMask = draw_shape(head, source, rng)
    else:
        place = draw_infarct(rng).place
    infarct = Infarct(place, hours=_draw_hours(rng), seed=int(rng.integers(2**32)))
    side, affected = affected_regions(head, place)
    shows = rng.random() < (_DENSE_LARGE if len(affected) >= _LARGE_REGIONS else _DENSE_SMALL)
    return infarct, draw_dense_vessel(side, rng) if shows and affected else None


def draw_shape(head: Head, source: LesionSource, rng: np.random.Generator) -> LesionMask:
    """Draw a real lesion of at least 0.5 mL, on its own side or mirrored.

    Parameters
    ----------
    head : Head
        The standard head; a lesion that costs no point of its ASPECTS is taken one time in eight.
    source : LesionSource
        The real lesions.
    rng : numpy.random.Generator
        The only source of chance.

    Returns
    -------
    LesionMask
        In MNI space.
    """
    files = _files(source)
    while True:
        shape = read_shape(files[int(rng.integers(len(files)))])
        shape = mirrored(shape) if rng.random() < 0.5 else shape
        volume_ml = np.count_nonzero(shape.data) * abs(np.linalg.det(shape.affine[:3, :3])) / 1000
        if volume_ml < _LEAST_ML:
            continue
        if rng.random() < _ELSEWHERE or affected_regions(head, shape)[1]:
            return shape


def draw_background(
    age: float, source: LesionSource, rng: np.random.Generator
) -> tuple[tuple[OldInfarct, ...], Unevenness]:
    """Draw what a head has whether or not it has an acute infarct.

    Parameters
    ----------
    age : float
        In years; past infarcts become more frequent with it.
    source : LesionSource
        The shapes of past infarcts.
    rng : numpy.random.Generator
        The only source of chance.

    Returns
    -------
    old_infarcts : tuple of OldInfarct
        None or one.
    unevenness : Unevenness
        Of the brain's density.
    """
    unevenness = draw_unevenness(rng)
    ages, shares = zip(*_OLD_SHARE, strict=True)
    if rng.random() >= np.interp(age, ages, shares):
        return (), unevenness
    files = _files(source)
    shape = read_shape(files[int(rng.integers(len(files)))])
    old = OldInfarct(mirrored(shape) if rng.random() < 0.5 else shape, int(rng.integers(2**32)))
    return (old,), unevenness


def _draw_hours(rng: np.random.Generator) -> float:
    return float(rng.uniform(*(_EARLY_HOURS if rng.random() < 0.5 else _LATE_HOURS)))


@lru_cache(maxsize=4)
def _files(source: LesionSource) -> tuple[Path, ...]:
    return tuple(lesion_files(source.folder, source.part))


def affected_regions(head: Head, place: Territory | LesionMask) -> tuple[Side, tuple[Region, ...]]:
    """Tell what a lesion affects.

    Parameters
    ----------
    head : Head
        The standard head.
    place : Territory or LesionMask
        Where the lesion is.

    Returns
    -------
    side : {'left', 'right'}
        The one that it affects most.
    regions : tuple of Region
        Those of that side that lose a point.
    """
    if isinstance(place, Territory):
        return place.side, place.regions
    voxels = np.argwhere(np.asarray(place.data) > 0)
    points = voxels @ place.affine[:3, :3].T + place.affine[:3, 3]
    inverse = np.linalg.inv(head.affine)
    indices = np.rint(points @ inverse[:3, :3].T + inverse[:3, 3]).astype(int)
    within = ((indices >= 0) & (indices < head.regions.shape)).all(axis=1)
    values = 2 * len(Region) + 1
    found = np.bincount(head.regions[tuple(indices[within].T)], minlength=values)
    cell = abs(np.linalg.det(place.affine[:3, :3]) / np.linalg.det(head.affine[:3, :3]))
    shares = found * cell / np.maximum(_volumes(head), 1)
    lost = {
        side: tuple(
            r for r in Region if ANATOMICAL.loses_point(r, float(shares[map_value(r, side)]))
        )
        for side in SIDES
    }
    left, right = (len(lost[side]) for side in SIDES)
    if left == right:
        side = SIDES[0] if np.median(points[:, 0]) < 0 else SIDES[1]
    else:
        side = SIDES[0] if left > right else SIDES[1]
    return side, lost[side]


def _volumes(head: Head) -> NDArray[np.int64]:
    return np.asarray(np.bincount(head.regions.ravel(), minlength=2 * len(Region) + 1))
