"""Outlines of masks and regions as vector paths: sharp at any size, and small."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from contourpy import contour_generator
from numpy.typing import NDArray
from scipy import ndimage as ndi

from atlas_builder.core.anatomy import Region
from atlas_builder.core.transform import halve

_TOLERANCE = 0.3
"""Millimetres that an outline may leave its border by: less than a pixel of the key slice."""

_FINE_TOLERANCE = 0.12
"""Pixels that the outline of a region on a scan may leave its border by."""

_REACH = 4.0
"""Standard deviations at which a Gaussian has died away."""


def mask_outline(mask: NDArray[np.bool_], first: tuple[int, int]) -> str:
    """Return the outline of a mask as the ``d`` of an SVG path.

    Parameters
    ----------
    mask : ndarray of bool, shape (nx, ny)
        Pixels of the key-slice grid, 0.5 mm; nx and ny even.
    first : tuple of int
        Where pixel ``(0, 0)`` of the mask lies on the key-slice grid.

    Returns
    -------
    str
        In the coordinates of the 1 mm head picture, in radiological convention, where a pixel's
        corners are whole numbers; empty for an empty mask.
    """
    # A frame of background, so that outlines close at the border.
    coverage = np.pad(halve(mask.astype(np.float32)), 1)
    if not coverage.any():
        return ""
    borders = contour_generator(z=coverage.T).lines(0.5)
    # Pixel h of the halved mask covers key-slice pixels 2h and 2h + 1; pixel i of the head picture
    # lies on key-slice pixel 2i, and its centre at i + 0.5. The frame shifts by one more.
    shift = np.array(first) / 2 + 0.25 + 0.5 - 1
    return svg_path(_thinned(np.asarray(border), _TOLERANCE) + shift for border in borders)


def region_outlines(
    labels: NDArray[np.uint8], regions: Iterable[Region], first: tuple[int, int]
) -> dict[str, str]:
    """Return the outline of each region, both sides in one, by the region's name.

    Parameters
    ----------
    labels : ndarray of uint8, shape (nx, ny)
        As the mask of `mask_outline`.
    regions : iterable of Region
        Which regions.
    first : tuple of int
        As `mask_outline` takes it.
    """
    return {region.name: mask_outline(labels == region, first) for region in regions}


def closed_borders(
    mask: NDArray[np.bool_], smooth: Sequence[float]
) -> tuple[NDArray[np.float64], ...]:
    """Return the borders of a mask as closed polygons, without the steps of its pixels.

    Parameters
    ----------
    mask : ndarray of bool, shape (nx, ny)
        A region on the pixels of a scan.
    smooth : sequence of float
        Standard deviation in pixels, along each axis, of the Gaussian that rounds the steps.

    Returns
    -------
    tuple of ndarray, shape (points, 2)
        Fractional pixel indices, pixel centres being whole numbers; the last point joins the first.
        None for an empty mask and for one so small that smoothing leaves nothing.
    """
    found = ndi.find_objects(mask.astype(np.uint8))
    if not found:
        return ()
    room = int(np.ceil(_REACH * max(smooth))) + 1
    coverage = np.pad(mask[found[0]].astype(np.float32), room)
    coverage = ndi.gaussian_filter(coverage, smooth, truncate=_REACH)
    shift = np.array([axis.start for axis in found[0]]) - room
    return tuple(
        _thinned(np.asarray(border), _FINE_TOLERANCE) + shift
        for border in contour_generator(z=coverage.T).lines(0.5)
    )


def svg_path(polygons: Iterable[NDArray[np.float64]]) -> str:
    """Return closed polygons as the ``d`` of one SVG path.

    Parameters
    ----------
    polygons : iterable of ndarray, shape (points, 2)
        The last point joins the first.

    Returns
    -------
    str
        Coordinates with one decimal.
    """
    return "".join(f"{svg_line(polygon)}Z" for polygon in polygons)


def svg_line(points: NDArray[np.float64]) -> str:
    """Return an open line as the ``d`` of an SVG path.

    Parameters
    ----------
    points : ndarray, shape (points, 2)
        In order; at least one.

    Returns
    -------
    str
        Coordinates with one decimal.
    """
    written = [f"{x:.1f} {y:.1f}" for x, y in points]
    return f"M{written[0]}L{' '.join(written[1:])}"


def _thinned(border: NDArray[np.float64], tolerance: float) -> NDArray[np.float64]:
    """Leave out the points of a closed border that the others hold to within the tolerance.

    References
    ----------
    Douglas DH, Peucker TK. Algorithms for the reduction of the number of points required to
    represent a digitized line or its caricature. Cartographica 10:112-122 (1973).
    doi:10.3138/FM57-6770-U75U-7727
    """
    furthest = int(np.argmax(np.hypot(*(border - border[0]).T)))
    kept = {0, furthest}
    spans = [(0, furthest), (furthest, len(border) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        distances = _distances(border[first + 1 : last], border[first], border[last])
        if distances.max() > tolerance:
            middle = first + 1 + int(np.argmax(distances))
            kept.add(middle)
            spans += [(first, middle), (middle, last)]
    return border[sorted(kept)]


def _distances(
    points: NDArray[np.float64], start: NDArray[np.float64], end: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how far points, shape (n, 2), lie from the line through two others."""
    (x, y), (dx, dy) = (points - start).T, end - start
    length = np.hypot(dx, dy)
    return np.hypot(x, y) if length == 0 else np.abs(x * dy - y * dx) / length
