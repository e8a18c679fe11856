"""Whether a scan is of the height of a head, by its alignment with the standard one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.flags import Flag
from slice_localizer.alignment.level import LevelAlignment

_USUAL_PROPORTION = 0.92
"""Height by length and width of simulated heads, with the standard head's as 1; seven real heads
have 0.80 to 1.00."""

_PROPORTIONS = (0.78, 1.25)
"""Of that: a spacing stated as 3 mm in place of 5 gives 0.56 to 0.65, 5 in place of 3 gives 1.43 to
1.6."""

_VERTEX_MM = 90.0  # the standard head's above the level
_REACHED = 0.82  # of that: six whole heads as scanned reach 0.86 and more, but for one cut short


def remarks_on_proportions(alignment: LevelAlignment) -> list[Flag]:
    """Remark on a head whose height does not go with its length and width.

    Parameters
    ----------
    alignment : LevelAlignment
        Of a scan in which it found a brain.

    Returns
    -------
    list of Flag
        ``head-proportions``, or none.
    """
    across, along, up = np.linalg.norm(alignment.affine[:3, :3], axis=0)
    return out_of_proportion(float(up / np.sqrt(across * along)) / _USUAL_PROPORTION)


def out_of_proportion(ratio: float) -> list[Flag]:
    """Remark on a head that is flatter or taller than heads are.

    Parameters
    ----------
    ratio : float
        Its height against its width, heads' usual one being 1.

    Returns
    -------
    list of Flag
        ``head-proportions``, or none.
    """
    low, high = _PROPORTIONS
    if low <= ratio <= high:
        return []
    kind = "flatter" if ratio < 1 else "taller"
    return [
        Flag(
            "head-proportions",
            f"the head would be {abs(ratio - 1):.0%} {kind} than heads are: check the distance "
            "between the slices and the pixel size that the file states",
        )
    ]


def remarks_on_reach(
    alignment: LevelAlignment, upwards: NDArray[np.float64], level_mm: float
) -> list[Flag]:
    """Remark on a scan that ends well below the top of the head.

    Parameters
    ----------
    alignment : LevelAlignment
        Of a scan in which it found a brain.
    upwards : ndarray, shape (slices,)
        Heights of the slices in mm, growing towards the vertex of the picture.
    level_mm : float
        Of the basal ganglia level, likewise.

    Returns
    -------
    list of Flag
        ``head-cut-short``, or none.
    """
    size = float(np.linalg.norm(alignment.affine[:3, 2]))
    vertex, reached = size * _VERTEX_MM, float(upwards.max()) - level_mm
    if reached >= _REACHED * vertex:
        return []
    return [cut_short(reached, vertex)]


def cut_short(reached_mm: float, vertex_mm: float) -> Flag:
    """Return the remark on a scan that ends in the head.

    Parameters
    ----------
    reached_mm, vertex_mm : float
        How far the scan and the head go above the basal ganglia level.

    Returns
    -------
    Flag
        ``head-cut-short``.
    """
    return Flag(
        "head-cut-short",
        f"the scan ends {reached_mm:.0f} mm above the basal ganglia level, where a head of this "
        f"size reaches {vertex_mm:.0f} mm: slices at its top may be missing",
    )
