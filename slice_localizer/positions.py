"""Where a scan's slices lie along their common normal, and the slice 2 cm above another.

Everything follows from the slices' affines, never from their order: tilted gantries, spacing that
changes inside the scan and slices stored from the vertex down need no special case.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.anatomy import SGL_ABOVE_BGL_MM
from atlas_builder.core.errors import InputError

_PARALLEL = 0.996  # the cosine of 5 degrees
_LEAST_ABOVE_MM = 15.0  # a slice this near to the BGL still shows what lies above the ganglia
_LEAST_STEP_MM = 0.01


def normal_of(affines: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the unit normal that a scan's slices share, towards the top of the head.

    Parameters
    ----------
    affines : ndarray, shape (slices, 4, 4)
        Of each slice, as in `Scan`.

    Raises
    ------
    InputError
        The slices are not parallel.
    """
    normals = affines[:, :3, 2]
    mean = normals.mean(axis=0)
    length = float(np.linalg.norm(mean))
    if length < _PARALLEL or float((normals @ mean).min()) < _PARALLEL * length:
        raise InputError("the slices are not parallel; give one axial series of the head")
    return np.asarray(mean / length)


def heights_of(affines: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the height of each slice along the common normal.

    Parameters
    ----------
    affines : ndarray, shape (slices, 4, 4)
        Of each slice in file order, as in `Scan`.

    Returns
    -------
    ndarray, shape (slices,)
        RAS+ mm projected on the normal; rises towards the top of the head, in whatever order the
        slices are.

    Raises
    ------
    InputError
        There is one slice only, the slices are not parallel, or all lie at one place.
    """
    if len(affines) < 2:
        raise InputError(
            "the scan has one slice, but BGL and SGL are two: give a scan that holds both in one "
            "file or folder"
        )
    heights = np.asarray(affines[:, :3, 3] @ normal_of(affines))
    if float(np.ptp(heights)) < _LEAST_STEP_MM:
        raise InputError("all slices lie at one place; the file's positions are damaged")
    return heights


def nearest(heights: NDArray[np.float64], height: float) -> int:
    """Return the slice nearest to a height.

    Parameters
    ----------
    heights : ndarray, shape (slices,)
        From `heights_of`.
    height : float
        In the same mm.

    Returns
    -------
    int
        Its index; of two slices as near, that of the one stored first.
    """
    return int(np.abs(heights - height).argmin())


def sgl_of(heights: NDArray[np.float64], bgl_index: int, bgl_height: float | None = None) -> int:
    """Return the slice nearest to 20 mm above the basal ganglia level.

    Parameters
    ----------
    heights : ndarray, shape (slices,)
        From `heights_of`.
    bgl_index : int
        The BGL slice.
    bgl_height : float, optional
        Where the basal ganglia level itself lies, in mm as `heights`: between slices, as a rule. By
        default that of the BGL slice. Where it lies nearer to another slice, the point of the BGL
        slice's reach next to it counts.

    Returns
    -------
    int
        A slice above the BGL slice.

    Raises
    ------
    InputError
        The scan ends less than 15 mm above the BGL slice.
    """
    level = float(heights[bgl_index])
    if bgl_height is not None:
        lower, upper = (bounds[bgl_index] for bounds in reaches(heights))
        level = float(np.clip(bgl_height, lower, upper))
    above = heights - heights[bgl_index]
    if float(above.max()) < _LEAST_ABOVE_MM:
        raise InputError(
            f"the scan ends {above.max():.0f} mm above slice {bgl_index}, the basal ganglia level, "
            "but the SGL lies 20 mm above it; give a scan that reaches higher"
        )
    distance = np.abs(heights - (level + SGL_ABOVE_BGL_MM))
    return int(np.where(above > 0, distance, np.inf).argmin())


def reaches(heights: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return between which heights each slice is the nearest one.

    Parameters
    ----------
    heights : ndarray, shape (slices,)
        From `heights_of`.

    Returns
    -------
    lower, upper : ndarray, shape (slices,)
        In mm; without end below the lowest and above the highest slice.
    """
    order = np.argsort(heights, kind="stable")
    middles = (heights[order][1:] + heights[order][:-1]) / 2
    lower, upper = np.full(len(heights), -np.inf), np.full(len(heights), np.inf)
    lower[order[1:]] = middles
    upper[order[:-1]] = middles
    return lower, upper


def voxel_volumes_ml(affines: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the volume that a voxel of each slice stands for.

    A slice stands for half the way to its neighbours on either side, along the normal: tilted and
    uneven stacks are counted as they are.

    Parameters
    ----------
    affines : ndarray, shape (slices, 4, 4)
        Of each slice, as in `Scan`.

    Returns
    -------
    ndarray, shape (slices,)
        In mL.
    """
    heights = (affines[:, :3, 3] - affines[0, :3, 3]) @ affines[0, :3, 2]
    order = np.argsort(heights)
    thickness = np.ones(len(order))
    if len(order) > 1:
        thickness[order] = np.gradient(heights[order])
    sides = np.linalg.norm(affines[:, :3, :2], axis=1).prod(axis=1)
    return np.asarray(sides * thickness / 1000)
