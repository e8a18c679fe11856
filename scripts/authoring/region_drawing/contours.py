"""Smooth solids and surfaces from a few drawn points, in millimetres of MNI space.

Structures whose borders the tissue maps do not show everywhere are drawn as closed contours on some
axial slices, or as heights on a coarse grid, and interpolated between. Only one side is drawn:
x is the distance from the midline, so the other side is its exact mirror.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import CubicSpline, PchipInterpolator

FloatArray: TypeAlias = NDArray[np.floating]
Contour: TypeAlias = Sequence[tuple[float, float]]

_CURVE_POINTS = 8  # per drawn point
_ROOM = 6.0  # mm around a contour within which distances are computed
_CAP_SLOPE = 2.0  # how fast a solid tapers beyond its last contours, mm per mm


def smooth_curve(contour: Contour) -> NDArray[np.float64]:
    """Return a closed curve through the points of a contour.

    A periodic cubic spline over the centripetal parameter, which neither overshoots nor loops
    where points are unevenly spaced.

    Parameters
    ----------
    contour : sequence of (float, float)
        At least three points in mm, in order; the last joins the first.

    Returns
    -------
    ndarray, shape (n, 2)
        Points of the curve in mm; the last joins the first.

    References
    ----------
    Lee ETY. Choosing nodes in parametric curve interpolation. Computer-Aided Design 21:363-370
    (1989). doi:10.1016/0010-4485(89)90003-1
    """
    points = np.array([*contour, contour[0]], dtype=np.float64)
    steps = np.sqrt(np.linalg.norm(np.diff(points, axis=0), axis=1))
    nodes = np.concatenate([[0.0], np.cumsum(steps)])
    spline = CubicSpline(nodes, points, bc_type="periodic")
    within = np.linspace(0.0, 1.0, _CURVE_POINTS, endpoint=False)
    return spline((nodes[:-1, np.newaxis] + steps[:, np.newaxis] * within).ravel())


def signed_distance(contour: Contour, first: FloatArray, second: FloatArray) -> NDArray[np.float64]:
    """Return how far the points of a plane lie from a contour's curve.

    Parameters
    ----------
    contour : sequence of (float, float)
        As `smooth_curve` takes it.
    first, second : ndarray, shapes (n,) and (m,)
        Coordinates of the grid in mm, ascending.

    Returns
    -------
    ndarray, shape (n, m)
        Distance in mm, negative inside; 6 where it would be more.
    """
    curve = smooth_curve(contour)
    distance = np.full((len(first), len(second)), _ROOM)
    ends = np.stack([curve.min(axis=0) - _ROOM, curve.max(axis=0) + _ROOM], axis=-1)
    box = tuple(
        slice(*np.searchsorted(axis, span))
        for axis, span in zip((first, second), ends, strict=True)
    )
    distance[box] = np.minimum(_distance_to_curve(curve, first[box[0]], second[box[1]]), _ROOM)
    return distance


def _distance_to_curve(
    curve: FloatArray, first: FloatArray, second: FloatArray
) -> NDArray[np.float64]:
    grid = np.stack(np.meshgrid(first, second, indexing="ij"), axis=-1)
    squared = np.full(grid.shape[:2], np.inf)
    inside = np.zeros(grid.shape[:2], dtype=bool)
    for start, end in zip(curve, np.roll(curve, -1, axis=0), strict=True):
        edge, offset = end - start, grid - start
        along = np.clip(offset @ edge / (edge @ edge), 0.0, 1.0)
        squared = np.minimum(squared, ((offset - along[..., np.newaxis] * edge) ** 2).sum(-1))
        # A ray to the right of an inside point crosses the curve an odd number of times.
        spans = (start[1] > grid[..., 1]) != (end[1] > grid[..., 1])
        if spans.any():
            crossing = start[0] + (grid[..., 1] - start[1]) * edge[0] / edge[1]
            inside ^= spans & (grid[..., 0] < crossing)
    return np.where(inside, -1.0, 1.0) * np.sqrt(squared)


def solid(
    contours: Mapping[float, Contour], x: FloatArray, y: FloatArray, z: FloatArray
) -> NDArray[np.float64]:
    """Interpolate contours drawn on axial slices to a solid.

    Between two slices the signed distances are interpolated; beyond the lowest and the highest one
    the solid tapers off.

    Parameters
    ----------
    contours : mapping of float to contour
        From the height of a slice (mm) to the contour of (x, y) points drawn on it.
    x, y, z : ndarray, one-dimensional
        Coordinates of the grid in mm.

    Returns
    -------
    ndarray, shape (len(x), len(y), len(z))
        Signed distance within the slices, mm, negative inside.

    References
    ----------
    Raya SP, Udupa JK. Shape-based interpolation of multidimensional objects. IEEE Trans Med Imaging
    9:32-42 (1990). doi:10.1109/42.52980
    """
    heights = sorted(contours)
    drawn = np.stack([signed_distance(contours[height], x, y) for height in heights], axis=-1)
    inner = np.clip(z, heights[0], heights[-1])
    return PchipInterpolator(heights, drawn, axis=-1)(inner) + _CAP_SLOPE * np.abs(z - inner)


def surface(
    rows: Mapping[float, Mapping[float, float]],
    y: FloatArray,
    z: FloatArray,
    smoothing: float = 2.0,
) -> NDArray[np.float64]:
    """Interpolate distances from the midline, known at some places, to a smooth surface x(y, z).

    Parameters
    ----------
    rows : mapping of float to mapping of float to float
        For heights z (mm), the distances x (mm) at places y (mm); constant beyond the outermost.
    y, z : ndarray, one-dimensional
        Coordinates of the grid in mm, at steps of 1 mm.
    smoothing : float
        Standard deviation of the Gaussian that rounds the surface, mm.

    Returns
    -------
    ndarray, shape (len(y), len(z))
        The distance from the midline in mm.
    """
    heights = sorted(rows)
    lines = []
    for height in heights:
        places = sorted(rows[height])
        line = PchipInterpolator(places, [rows[height][place] for place in places])
        lines.append(line(np.clip(y, places[0], places[-1])))
    across = PchipInterpolator(heights, np.stack(lines, axis=-1), axis=-1)
    between = across(np.clip(z, heights[0], heights[-1]))
    return ndimage.gaussian_filter(between, smoothing, mode="nearest")
