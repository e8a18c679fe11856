"""Raters who draw the regions of a key slice as the expert does, but for their own hand.

A rater's drawing is the expert's under a smooth random displacement, so that neighbours stay
neighbours. How far boundaries move is set region by region, from the region's area and outline, so
that its overlap with the expert's comes out at the value drawn for this rater.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from atlas_builder.core.anatomy import Region
from atlas_builder.metrics.overlap import dice_by_label
from head_phantom.raters.drawing import in_one_piece, without_sides

Array = NDArray[np.float64]
Labels = NDArray[np.uint8]

_CORRELATION_MM = 5.0
_BLENDING_MM = 3.0
_MARGIN_MM = 12.0
_ROUNDS = 6
_MOST_MM = 4.0  # no boundary moves farther, root mean square: the displacement would fold
_WORST = 0.55


@dataclass(frozen=True)
class RaterAgreement:
    """How well raters agree with an expert on one region.

    Attributes
    ----------
    mean, deviation : float
        Of the Dice coefficient over participants.
    """

    mean: float
    deviation: float


# Measured on a cohort of 48 participants whose two raters differ as the raters of ASPECTS-281 are
# reported to (docs/simulation.md); the coefficient counts both sides together.
AGREEMENT = {
    Region.C: RaterAgreement(0.842, 0.055),
    Region.L: RaterAgreement(0.907, 0.022),
    Region.IC: RaterAgreement(0.829, 0.042),
    Region.I: RaterAgreement(0.889, 0.025),
    Region.M1: RaterAgreement(0.938, 0.012),
    Region.M2: RaterAgreement(0.946, 0.011),
    Region.M3: RaterAgreement(0.940, 0.014),
    Region.M4: RaterAgreement(0.942, 0.014),
    Region.M5: RaterAgreement(0.953, 0.009),
    Region.M6: RaterAgreement(0.942, 0.013),
}


def draw_as_rater(
    expert: Labels, brain: NDArray[np.bool_], pixel_mm: float, rng: np.random.Generator
) -> Labels:
    """Draw a slice's regions once more, as another rater.

    Parameters
    ----------
    expert : ndarray of uint8, shape (columns, rows)
        The expert's regions of one level: 1-10 on the left, 11-20 on the right.
    brain : ndarray of bool, shape (columns, rows)
        Where regions may lie.
    pixel_mm : float
        The pixel size.
    rng : Generator
        The only source of chance; a rater is one stream of it.

    Returns
    -------
    ndarray of uint8, shape (columns, rows)
        Numbered as `expert`. Regions keep their order and stay in the brain, each in one piece
        without holes.
    """
    box = _box_around(expert, round(_MARGIN_MM / pixel_mm))
    inside, allowed = expert[box], brain[box] | (expert[box] > 0)
    regions = [region for region in Region if region in np.unique(without_sides(inside))]
    goals = {region: _draw_agreement(region, rng) for region in regions}
    displacement = _smooth_field(inside.shape, _CORRELATION_MM / pixel_mm, rng)
    near = {
        region: ndimage.gaussian_filter(
            (without_sides(inside) == region).astype(np.float32), _BLENDING_MM / pixel_mm
        )
        for region in regions
    }
    amplitudes = {
        region: _first_amplitude(without_sides(inside) == region, goals[region], pixel_mm)
        for region in regions
    }
    drawn = inside
    for _ in range(_ROUNDS):
        weight = sum(near.values()) + 1e-12
        far = sum(amplitudes[region] * near[region] for region in regions) / weight
        drawn = in_one_piece(_displaced(inside, displacement * far / pixel_mm) * allowed)
        overlap = dice_by_label(without_sides(drawn), without_sides(inside), regions)
        for region in regions:
            change = (1.0 - goals[region]) / max(1.0 - overlap[region], 1e-3)
            amplitudes[region] = min(_MOST_MM, amplitudes[region] * float(np.clip(change, 0.5, 2)))
    whole = np.zeros_like(expert)
    whole[box] = drawn
    return whole


def _draw_agreement(region: Region, rng: np.random.Generator) -> float:
    """Draw a rater's Dice coefficient with the expert; its shortfall from 1 is log-normal."""
    agreement = AGREEMENT[region]
    shortfall = 1.0 - agreement.mean
    spread = np.sqrt(np.log1p((agreement.deviation / shortfall) ** 2))
    drawn = shortfall * np.exp(spread * rng.standard_normal() - spread**2 / 2.0)
    return max(_WORST, 1.0 - float(drawn))


def _first_amplitude(region: NDArray[np.bool_], agreement: float, pixel_mm: float) -> float:
    """Return how far the outline must move, root mean square in mm, for a Dice coefficient.

    An outline of length P that moves by d on average changes an area of P d, and a change of that
    area lowers the Dice coefficient by P d / 2A.
    """
    area = np.count_nonzero(region) * pixel_mm**2
    slopes = np.gradient(ndimage.gaussian_filter(region.astype(np.float64), 1.0))
    outline = max(float(np.hypot(*slopes).sum()) * pixel_mm, 1e-6)
    mean = (1.0 - agreement) * 2.0 * area / outline
    return min(_MOST_MM, mean * float(np.sqrt(np.pi / 2.0)))


def _smooth_field(shape: tuple[int, ...], correlation: float, rng: np.random.Generator) -> Array:
    """Draw a displacement of two components, each smooth and of variance 1."""
    coarse = max(1, int(correlation / 3.0))
    size = [length // coarse + 3 for length in shape]
    field = np.empty((2, *shape))
    for component in field:
        white = rng.standard_normal(size)
        smooth = ndimage.gaussian_filter(white, correlation / coarse)
        smooth /= smooth.std()
        places = [np.arange(length) / coarse for length in shape]
        component[:] = ndimage.map_coordinates(
            smooth, np.meshgrid(*places, indexing="ij"), order=1, mode="nearest"
        )
    return field


def _displaced(labels: Labels, displacement: Array) -> Labels:
    """Take each pixel's label from where the displacement (in pixels) points."""
    moved = np.rint(np.indices(labels.shape) + displacement).astype(np.intp)
    columns, rows = (
        np.clip(place, 0, length - 1) for place, length in zip(moved, labels.shape, strict=True)
    )
    return labels[columns, rows]


def _box_around(labels: Labels, margin: int) -> tuple[slice, slice]:
    marked = np.argwhere(labels)
    low = np.maximum(marked.min(axis=0) - margin, 0)
    high = np.minimum(marked.max(axis=0) + margin + 1, labels.shape)
    return slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1]))
