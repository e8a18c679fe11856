"""What makes the two halves of a healthy brain differ in density: tissue, and the scanner.

Corresponding regions of the two sides are never equally dense on CT. Blood content and myelin vary
smoothly from place to place; a head off the middle of the bow-tie filter, the heel effect and what
is left of beam hardening lean the whole image by a fraction of a Hounsfield unit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from head_phantom.head.coarse_head import CoarseHead
from head_phantom.head.deformation import smooth_noise

_SMOOTHNESS_MM = 12.0  # places 30 mm apart have a correlation of 0.2
_TISSUE_HU = (0.3, 0.7)
_LEAN_HU = 0.3
_ACROSS_MM = 60.0  # from the midline to the edge of the brain


@dataclass(frozen=True)
class Unevenness:
    """How uneven a brain's density is.

    Attributes
    ----------
    tissue_hu : float
        Standard deviation of the smooth field that the tissue's density varies by.
    lean_hu : tuple of float
        By how much the right edge of the brain is denser than the midline, and the front.
    seed : int
        Decides the field.
    """

    tissue_hu: float
    lean_hu: tuple[float, float]
    seed: int


def draw_unevenness(rng: np.random.Generator) -> Unevenness:
    """Draw how uneven a brain is.

    Parameters
    ----------
    rng : numpy.random.Generator
        Draws the strengths and the field's seed.

    Returns
    -------
    Unevenness
    """
    across, along = (_LEAN_HU * float(np.clip(n, -2.5, 2.5)) for n in rng.standard_normal(2))
    return Unevenness(float(rng.uniform(*_TISSUE_HU)), (across, along), int(rng.integers(2**32)))


def density_offsets(coarse: CoarseHead, unevenness: Unevenness) -> NDArray[np.float32]:
    """Return by how many HU the tissue of each cell is denser than its kind.

    Parameters
    ----------
    coarse : CoarseHead
        The standard head's brain.
    unevenness : Unevenness
        How uneven.

    Returns
    -------
    ndarray of float32, shape (x, y, z)
        On the lattice of `coarse`.
    """
    rng = np.random.default_rng(unevenness.seed)
    field = unevenness.tissue_hu * smooth_noise(coarse.lattice, _SMOOTHNESS_MM, rng)
    across, along = (
        lean * axis / _ACROSS_MM
        for lean, axis in zip(unevenness.lean_hu, coarse.lattice.points(), strict=False)
    )
    return np.asarray(field + across + along, dtype=np.float32)
