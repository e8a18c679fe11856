"""The network's input of a scan: every slice on one grid around the head's middle.

Slices become 224 x 224 pixels of about 1 mm. They are laid by their true positions, so a stack
sheared by the gantry's tilt is straight again, and they run from the feet to the head whatever the
file's order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Scan
from slice_localizer.positions import heights_of

FIELD_OF_VIEW_MM = 235.0
"""Side of the square around the head's middle that the network is given of each slice."""

SIZE = 224
"""Rows and columns of a slice as the network is given it."""

_AIR_HU = -1024.0
_HEAD_HU = -300.0
_COUNTED_MM = 115.0  # from the vertex down: what lies lower does not count for the head's middle
_LEAST_HEAD_MM2 = 2000.0
_THIN_MM = 2.6
_SLAB_MM = 4.0  # thinner slices are averaged to about this


@dataclass(frozen=True)
class View:
    """A scan as the network is given it.

    Attributes
    ----------
    hu : ndarray of float32, shape (n, rows, columns)
        HU, from the feet to the head; thin slices are averaged to about 4 mm.
    heights_mm : ndarray, shape (n,)
        Where they lie along the slices' normal, ascending, as `heights_of`.
    """

    hu: NDArray[np.float32]
    heights_mm: NDArray[np.float64]


def view_scan(
    scan: Scan, size: int = SIZE, between_mm: tuple[float, float] = (-np.inf, np.inf)
) -> View:
    """Prepare a scan for the network.

    Parameters
    ----------
    scan : Scan
        A non-contrast CT of the head, HU; slices of any number, spacing, order and tilt.
    size : int
        Rows and columns of the view.
    between_mm : tuple of float
        The heights, as `heights_of`, between which slices are shown; by default all are.

    Returns
    -------
    View

    Raises
    ------
    InputError
        The slices are not parallel, or the scan shows nothing as dense as a head.
    """
    heights = heights_of(scan.affines)
    order = np.argsort(heights, kind="stable")
    groups = [
        group
        for group in _groups(heights[order])
        if between_mm[0] <= heights[order[list(group)]].mean() <= between_mm[1]
    ]
    middle = _middle(scan, order, heights)
    pixel = FIELD_OF_VIEW_MM / size
    places = (np.arange(size, dtype=np.float64) - (size - 1) / 2.0) * pixel
    images = np.empty((len(groups), size, size), np.float32)
    for number, group in enumerate(groups):
        members = [_resampled(scan, int(order[k]), middle, places) for k in group]
        images[number] = np.mean(members, axis=0)
    at = np.array([heights[order[list(group)]].mean() for group in groups], dtype=np.float64)
    return View(images, at)


def _groups(ascending: NDArray[np.float64]) -> list[range]:
    """Return which neighbouring slices are averaged, as places in the ascending order."""
    steps = np.diff(ascending)
    spacing = float(np.median(steps[steps > 0])) if (steps > 0).any() else _SLAB_MM
    together = 1 if spacing >= _THIN_MM else max(1, round(_SLAB_MM / spacing))
    whole = len(ascending) // together
    if whole == 0:
        return [range(len(ascending))]
    return [range(k * together, (k + 1) * together) for k in range(whole)]


def _axes(scan: Scan) -> NDArray[np.float64]:
    """Return unit vectors along the first slice's columns and rows, shape (3, 2)."""
    axes = scan.affines[0, :3, :2]
    return np.asarray(axes / np.linalg.norm(axes, axis=0))


def _middle(
    scan: Scan, order: NDArray[np.intp], heights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the head's middle, mm along columns and rows."""
    axes = _axes(scan)
    area, sums, top = 0.0, np.zeros(2), None
    for k in order[::-1]:
        if top is not None and heights[k] < top - _COUNTED_MM:
            break
        affine = scan.affines[k]
        step = np.linalg.norm(affine[:3, :2], axis=0)
        head = np.asarray(scan.data[::4, ::4, k], np.float32) > _HEAD_HU
        shown = float(head.sum() * 16.0 * step[0] * step[1])
        if shown < _LEAST_HEAD_MM2:
            continue
        top = heights[k] if top is None else top
        mean = np.argwhere(head).mean(axis=0) * 4.0
        area += shown
        sums += shown * (affine[:3, 3] @ axes + mean * step)
    if top is None:
        raise InputError("shows nothing as dense as a head; give a CT of the head in HU")
    return np.asarray(sums / area, dtype=np.float64)


def _resampled(
    scan: Scan, k: int, middle: NDArray[np.float64], places: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Average one slice's pixels over those of the view."""
    affine = scan.affines[k]
    start = affine[:3, 3] @ _axes(scan)
    step = np.linalg.norm(affine[:3, :2], axis=0)
    columns, rows = (
        _averaging((middle[axis] + places - start[axis]) / step[axis], scan.data.shape[axis])
        for axis in range(2)
    )
    # Scanners fill what they did not reconstruct with values below air's.
    image = np.maximum(scan.data[:, :, k], _AIR_HU) - np.float32(_AIR_HU)
    return np.asarray((columns @ image.astype(np.float32) @ rows.T).T + np.float32(_AIR_HU))


def _averaging(at: NDArray[np.float64], count: int) -> NDArray[np.float32]:
    """Return the matrix that interpolates `count` pixels at fractional places.

    Where the places lie further apart than the pixels, it averages over their distance. Beyond the
    last pixels there is nothing.
    """
    width = max(1.0, float(at[1] - at[0]))
    distance = np.abs(at[:, np.newaxis] - np.arange(count)) / width
    weights = np.maximum(0.0, 1.0 - distance) / width
    # Pixels are not dense enough for their weights to add up to 1 of themselves.
    total = weights.sum(axis=1, keepdims=True)
    inside = (at > -0.5) & (at < count - 0.5)
    scale = np.where(inside[:, np.newaxis], 1.0 / np.maximum(total, 1e-6), 0.0)
    return np.asarray(weights * scale, np.float32)
