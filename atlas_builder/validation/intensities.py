"""Published CT templates brought to Hounsfield units, whatever they are stored as.

Templates are stored as HU, as HU with an offset that keeps them positive, or in the units of the
Clinical Toolbox for SPM [1]_: HU + 1000 up to -100 HU, then the range -100 to 100 HU, which holds
the brain, stretched elevenfold, then HU + 3000. Only one of these readings gives the tissue inside
the skull the density of brain, so the values themselves tell which it is; no file name is needed.

References
----------
.. [1] Rorden C, Bonilha L, Fridriksson J, Bender B, Karnath HO. Age-specific CT and MRI templates
   for spatial normalization. NeuroImage 61:957-965 (2012). doi:10.1016/j.neuroimage.2012.03.020
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.errors import InputError
from atlas_builder.preprocessing.plausibility import BRAIN_MEDIAN_HU

Array = NDArray[np.float32]

AIR_HU = -300.0
"""Between air or foam (below -850) and fat (-100)."""

TYPICAL_HU = 32.0
_MIDDLE = (
    0.25  # half the width, as a share of the volume, of the block in which brain is looked for
)
_STRETCH_FROM, _STRETCH_TO = 900.0, 3100.0
_STRETCH = 11.0


def _stretched(stored: Array) -> Array:
    """Undo the Clinical Toolbox's stretching of -100 to 100 HU."""
    inside = (stored - _STRETCH_FROM) / _STRETCH - 100
    beyond = np.where(stored < _STRETCH_FROM, stored - 1000, stored - 3000)
    stretched = (stored >= _STRETCH_FROM) & (stored <= _STRETCH_TO)
    return np.where(stretched, inside, beyond).astype(np.float32)


READINGS: Mapping[str, Callable[[Array], Array]] = {
    "HU": lambda stored: stored,
    "HU + 1024": lambda stored: stored - np.float32(1024),
    "HU + 1000": lambda stored: stored - np.float32(1000),
    "HU, -100 to 100 stretched elevenfold": _stretched,
}
"""From stored values to HU, by what a file may hold."""


def to_hounsfield(stored: Array) -> tuple[Array, str]:
    """Bring a head's volume to HU.

    The median of the tissue in the middle of the head is compared with that of brain for each of
    `READINGS`; among those within `BRAIN_MEDIAN_HU` the nearest to a typical brain is taken.

    Parameters
    ----------
    stored : ndarray of float32, shape (columns, rows, slices)
        As the file has it; with or without its skull.

    Returns
    -------
    hu : ndarray of float32
        The same in HU.
    reading : str
        Which of `READINGS` it was.

    Raises
    ------
    InputError
        No reading gives brain.
    """
    middle = _middle_of_head(stored)
    medians = {name: float(np.median(read(middle))) for name, read in READINGS.items()}
    low, high = BRAIN_MEDIAN_HU
    plausible = {name: median for name, median in medians.items() if low <= median <= high}
    if not plausible:
        raise InputError(
            f"the tissue in the middle has the value {float(np.median(middle)):g}, which is brain "
            "neither in HU nor in HU with the usual offsets; give CT in HU"
        )
    reading = min(plausible, key=lambda name: abs(plausible[name] - TYPICAL_HU))
    return READINGS[reading](stored), reading


def _middle_of_head(stored: Array) -> Array:
    """Return the values in the middle block of what differs from the background."""
    head = stored != stored.flat[0]
    block = []
    for axis in range(3):
        other = tuple(place for place in range(3) if place != axis)
        ends = np.flatnonzero(head.any(axis=other))
        if not ends.size:
            return stored.ravel()
        middle, reach = (ends[0] + ends[-1]) / 2, _MIDDLE * (ends[-1] - ends[0])
        block.append(slice(int(middle - reach), int(middle + reach) + 1))
    values = stored[tuple(block)]
    return values[head[tuple(block)]]
