"""What is done to whole scans to see whether the key slices are still found; the truth follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Scan
from atlas_builder.preprocessing.brain import extract_brain
from slice_localizer.positions import heights_of, sgl_of

TURN_DEG = 20.0
NOISE_HU = 6.0
BLOOD_HU, FLUID_HU = 65.0, 8.0


@dataclass(frozen=True)
class Case:
    """A scan with its true key slices.

    Attributes
    ----------
    scan : Scan
        HU.
    bgl, sgl : int
        Places in the scan.
    """

    scan: Scan
    bgl: int
    sgl: int


Disturbance = Callable[[Case, np.random.Generator], Case]


def noisier(case: Case, rng: np.random.Generator) -> Case:
    """Add noise as grainy as that of a soft reconstruction kernel."""
    noise = rng.standard_normal(case.scan.data.shape, dtype=np.float32)
    noise = ndi.gaussian_filter(noise, (0.8, 0.8, 0.0))
    noise *= NOISE_HU / noise.std()
    return _with(case, np.where(case.scan.data > -900, case.scan.data + noise, case.scan.data))


def bled(case: Case, rng: np.random.Generator) -> Case:
    """Fill up to three ellipsoids of 5 to 25 mm with blood."""
    data = case.scan.data
    for _ in range(int(rng.integers(1, 4))):
        data = _filled(case, data, BLOOD_HU, np.exp(rng.uniform(np.log(5), np.log(25))), rng)
    return _with(case, data)


def old_lesion(case: Case, rng: np.random.Generator) -> Case:
    """Turn the brain in an ellipsoid of 20 to 35 mm into fluid."""
    return _with(case, _filled(case, case.scan.data, FLUID_HU, rng.uniform(20, 35), rng))


def missing_slices(case: Case, rng: np.random.Generator) -> Case:
    """Take out one to three slices within 6 cm of the level, not the key slices."""
    heights = heights_of(case.scan.affines)
    near = np.flatnonzero(np.abs(heights - heights[case.bgl]) < 60)
    lost = rng.choice([k for k in near if k not in (case.bgl, case.sgl)], rng.integers(1, 4), False)
    return _kept(case, [k for k in range(len(heights)) if k not in lost])


def cut_coverage(case: Case, rng: np.random.Generator) -> Case:
    """Let the scan end one slice above the SGL, or begin one slice below the BGL."""
    heights = heights_of(case.scan.affines)
    order = np.argsort(heights)
    rank = {int(index): place for place, index in enumerate(order)}
    below, above = order[: rank[case.sgl] + 2], order[max(rank[case.bgl] - 1, 0) :]
    kept = below if rng.random() < 0.5 else above
    return _kept(case, sorted(int(k) for k in kept))


def every_second_slice(case: Case, _: np.random.Generator) -> Case:
    """Take out every other slice, the BGL slice kept."""
    return _kept(case, list(range(case.bgl % 2, len(case.scan), 2)))


def averaged_slices(case: Case, rng: np.random.Generator) -> Case:
    """Average pairs of slices, the BGL slice with the one before or after it."""
    first = (case.bgl + int(rng.integers(2))) % 2
    pairs = np.arange(first, len(case.scan) - 1, 2)
    data = (case.scan.data[:, :, pairs] + case.scan.data[:, :, pairs + 1]) / 2
    affines = (case.scan.affines[pairs] + case.scan.affines[pairs + 1]) / 2
    bgl = int(np.abs(pairs - case.bgl + 0.5).argmin())
    return Case(Scan(data, affines), bgl, sgl_of(heights_of(affines), bgl))


def other_way_round(case: Case, _: np.random.Generator) -> Case:
    """Store the slices in the opposite order, with their positions."""
    return _kept(case, list(range(len(case.scan)))[::-1])


def against_positions(case: Case, _: np.random.Generator) -> Case:
    """Store the pictures in the opposite order and leave the positions: the file is wrong."""
    last = len(case.scan) - 1
    data = np.ascontiguousarray(case.scan.data[:, :, ::-1])
    return Case(Scan(data, case.scan.affines), last - case.bgl, last - case.sgl)


def turned(case: Case, rng: np.random.Generator) -> Case:
    """Turn the head in the plane, to either side."""
    angle = TURN_DEG if rng.random() < 0.5 else -TURN_DEG
    data = ndi.rotate(case.scan.data, angle, (0, 1), reshape=False, order=1, cval=-1000.0)
    return _with(case, data)


def stripped(case: Case, rng: np.random.Generator) -> Case:
    """Leave the brain alone, in air or in zeros; slices without any become empty."""
    background = float(rng.choice([-1000.0, 0.0]))
    data = np.full_like(case.scan.data, background)
    for place in range(len(case.scan)):
        one = case.scan[place]
        try:
            brain = extract_brain(one.data, one.spacing)
        except InputError:
            continue
        data[:, :, place] = np.where(brain, one.data, background)
    return _with(case, data)


DISTURBANCES: tuple[dict[str, Disturbance], ...] = (
    {f"noise of {NOISE_HU:g} HU more": noisier},
    {"haemorrhages": bled},
    {"old lesion": old_lesion},
    {"1-3 slices missing": missing_slices},
    {"vertex or base not scanned": cut_coverage},
    {"every second slice": every_second_slice},
    {"pairs of slices averaged": averaged_slices},
    {
        "stored the other way round": other_way_round,
        "pictures against positions": against_positions,
    },
    {f"turned by {TURN_DEG:g} degrees": turned},
    {"skull-stripped": stripped},
)
"""How scans are disturbed, each scan in the way of one entry."""


def _with(case: Case, data: NDArray[np.generic]) -> Case:
    return replace(case, scan=Scan(data.astype(np.float32), case.scan.affines))


def _kept(case: Case, kept: list[int]) -> Case:
    """Keep some slices, the BGL slice among them."""
    scan = Scan(np.ascontiguousarray(case.scan.data[:, :, kept]), case.scan.affines[kept])
    bgl = kept.index(case.bgl)
    if case.sgl in kept:
        return Case(scan, bgl, kept.index(case.sgl))
    return Case(scan, bgl, sgl_of(heights_of(scan.affines), bgl))


def _filled(
    case: Case,
    data: NDArray[np.generic],
    hu: float,
    radius_mm: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Give an ellipsoid of soft tissue within 4 cm of the level another density."""
    heights = heights_of(case.scan.affines)
    near = np.flatnonzero(np.abs(heights - heights[case.bgl]) < 40)
    place = int(rng.choice(near))
    inner = ndi.binary_erosion((data[:, :, place] > 15) & (data[:, :, place] < 60), iterations=3)
    pixels = np.argwhere(inner)
    if not len(pixels):
        return data
    middle = pixels[rng.integers(len(pixels))]
    radii = radius_mm * rng.uniform(0.7, 1.3, 3)
    spacing = case.scan[place].spacing
    columns, rows = (
        ((np.arange(n) - at) * step / radius) ** 2
        for n, at, step, radius in zip(data.shape[:2], middle, spacing, radii[:2], strict=True)
    )
    along = ((heights - heights[place]) / radii[2]) ** 2
    depth = 1 - columns[:, None, None] - rows[:, None] - along
    share = np.clip(3 * depth, 0, 1) * ((data > -10) & (data < 90))
    return np.asarray(data + share * (hu - data), np.float32)
