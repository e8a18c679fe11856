"""A mapped scan in the standard head's space, where left and right mirror each other.

The paper brings scans to a standard orientation by a rigid alignment. Here the standard brain has
been deformed onto the scan already, to map it; read through that deformation, a region and its
counterpart lie at mirrored places, whatever the tilt, the slices and the shape of the brain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from aspects_scorer.ncct.mapped_scan import MappedScan
from atlas_builder.core.scan import Scan
from slice_localizer.alignment.coarse_scan import AIR_HU, CoarseScan, coarsen
from slice_localizer.alignment.deformation import BrainPlace
from slice_localizer.positions import heights_of, normal_of

STEP_MM = (2.0, 2.0, 4.0)
SHAPE = (72, 92, 26)
FIRST_MM = (-71.0, -104.0, -28.0)
"""The grid in the standard head's space, RAS+; its columns mirror each other about the midline."""

_SLICE_MM = 4.0

Array = NDArray[np.float32]


@dataclass(frozen=True)
class StandardView:
    """A scan on the standard grid.

    Attributes
    ----------
    hu : ndarray of float32, shape `SHAPE`
        Densities; air beyond the scan.
    labels : ndarray of uint8, shape `SHAPE`
        The mapped regions: 1-10 on the left, 11-20 on the right.
    """

    hu: Array
    labels: NDArray[np.uint8]


def view_of(scan: MappedScan) -> StandardView:
    """Read a scan and its regions on the standard grid.

    Parameters
    ----------
    scan : MappedScan
        With the place of the standard brain in it.

    Returns
    -------
    StandardView

    Raises
    ------
    ValueError
        The place is not known.
    """
    points = places_of(scan)
    hu = read_at(Scan(scan.hu, scan.affines), points, AIR_HU)
    return StandardView(hu, labels_at(scan.labels, scan.affines, points))


def places_of(scan: MappedScan) -> NDArray[np.float64]:
    """Return where the points of the grid lie in a scan.

    Parameters
    ----------
    scan : MappedScan
        With the place of the standard brain in it.

    Returns
    -------
    ndarray, shape (3, points)
        RAS+ mm of the scan.

    Raises
    ------
    ValueError
        The place is not known.
    """
    if scan.place is None:
        raise ValueError("the place of the standard brain in the scan is not known")
    return points_of(scan.place)


def points_of(place: BrainPlace) -> NDArray[np.float64]:
    """Return where the points of the grid lie in a scan, given the brain's place in it.

    Parameters
    ----------
    place : BrainPlace
        Of the standard brain.

    Returns
    -------
    ndarray, shape (3, points)
        RAS+ mm of the scan.
    """
    axes = (
        first + step * np.arange(n) for first, step, n in zip(FIRST_MM, STEP_MM, SHAPE, strict=True)
    )
    grid = np.stack(np.meshgrid(*axes, indexing="ij")).reshape(3, -1)
    return place.to_scan(grid)


def read_at(scan: Scan, points: NDArray[np.float64], beyond: float) -> Array:
    """Return a scan's values at the points of the grid, averaged over about 2 mm.

    Parameters
    ----------
    scan : Scan
        HU, or a mask.
    points : ndarray, shape (3, points)
        From `places_of`.
    beyond : float
        The value where the scan ends.

    Returns
    -------
    ndarray of float32, shape `SHAPE`
    """
    coarse: CoarseScan = coarsen(scan, STEP_MM[0], _SLICE_MM)
    indices, inside = coarse.indices(points)
    values = ndimage.map_coordinates(coarse.hu, indices, order=1, mode="nearest")
    return np.where(inside, values, beyond).astype(np.float32).reshape(SHAPE)


def labels_at(
    labels: NDArray[np.uint8], affines: NDArray[np.float64], points: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """Return the label of the voxel nearest to each point of the grid.

    Parameters
    ----------
    labels : ndarray of uint8, shape (columns, rows, slices)
        Of a scan.
    affines : ndarray, shape (slices, 4, 4)
        Of each slice, as in `Scan`.
    points : ndarray, shape (3, points)
        From `places_of`.

    Returns
    -------
    ndarray of uint8, shape `SHAPE`
        0 beyond the scan.
    """
    heights = heights_of(affines)
    order = np.argsort(heights, kind="stable")
    borders = (heights[order][1:] + heights[order][:-1]) / 2
    slices = order[np.searchsorted(borders, normal_of(affines) @ points)]
    to_pixels = np.linalg.pinv(affines[order[0], :3, :2])
    columns, rows = np.rint(to_pixels @ (points - affines[slices, :3, 3].T)).astype(int)
    inside = (columns >= 0) & (rows >= 0)
    inside &= (columns < labels.shape[0]) & (rows < labels.shape[1])
    found = np.zeros(points.shape[1], np.uint8)
    found[inside] = labels[columns[inside], rows[inside], slices[inside]]
    return found.reshape(SHAPE)
