"""Brain extraction: which pixels of an axial NCCT slice are brain.

The published ASPECTS-281 pipeline grows a region from seeds of 20-30 HU within 0-120 HU, closes it
with a radius of 10 pixels of 0.5 mm, keeps the largest component and fills its holes [1]_. Seeds
of that density also lie in scalp, orbit and head holder, and a region grown through a gap of the
skull runs into the scalp. Here place comes before density: only what the skull encloses can be
brain, its gaps bridged. The upper bound, the closing radius and the filling stay as published.

Everything runs on a grid of 0.5 mm, the published pixel, so a slice gives the same brain whatever
its own pixel size.

References
----------
.. [1] Sun X, et al. Sci Data 11, 1132 (2024). doi:10.1038/s41597-024-03973-y
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from atlas_builder.core.errors import InputError
from atlas_builder.preprocessing.skull import find_wall

_PIXEL_MM = 0.5
_AIR_HU = -300.0  # between air or foam (below -850) and fat (-100)
_SOFT_HU = -30.0  # between fat (-100) and fluid, which noise and beam hardening bring below 0
_BONE_HU = 120.0  # the published upper bound; clotted blood stays below 90
# Clipped at twice its threshold, bone keeps its place when smoothed beside fluid.
_CLIP_HU = (-200.0, 2 * _BONE_HU)
_FLUID_HU = 8.0  # the brain's edge lies where values pass halfway from its median to this
_DENSER_HU = 14.0  # above fluid with its noise, below the oedema of infarcts (18-25)
_SMOOTHING_MM = 0.5
_CLOSING_MM = 5.0  # 10 pixels of 0.5 mm as published
_HULL_DIRECTIONS = 90  # its facets stay within 0.1 mm of a brain's curved outline
_LEAK_MM = 2.0  # half the width of the foramina and slits through bone that are cut
_LEAST_BRAIN_CM2 = 10.0
_LEAST_COMPARTMENT_CM2 = 3.0
_COMPARTMENT_HU = (15.0, 48.0)  # vitreous is lighter, muscle denser
_COMPARTMENT_BONE = 0.6  # least share of bone along a compartment's border
_STRIPPED_RIM_MM = 2.0  # interpolation blends brain and background there
_STRIPPED_SPREAD_HU = 100.0  # about the median; fat, bone and air lie further away
_STRIPPED_OUTLIERS = 0.03  # calcification, remains of bone
_STRIPPED_LAYERS_MM = (2, 20)  # beneath the edge; scalp and skull of a whole head end there
# A layer's median from that of all: cortex and fluid lie within 30, a skull further away.
_STRIPPED_LAYER_HU = 40.0


def extract_brain(image: NDArray[np.float32], spacing: tuple[float, float]) -> NDArray[np.bool_]:
    """Find the brain on an axial NCCT slice that shows the skull.

    Parameters
    ----------
    image : ndarray, shape (columns, rows)
        HU. Padding may hold any value below -300 HU, or NaN.
    spacing : tuple of float
        Pixel size in mm along each axis.

    Returns
    -------
    ndarray of bool, shape (columns, rows)
        Brain with its ventricles, sulci and lesions. Bone, the layer of cerebrospinal fluid
        between brain and skull, scalp and orbits are left out.

    Raises
    ------
    InputError
        The skull encloses no brain on this slice.
    """
    grid, corner = _to_grid(image, spacing)
    smooth = ndi.gaussian_filter(np.clip(grid, *_CLIP_HU), _px(_SMOOTHING_MM))
    bone = smooth > _BONE_HU
    soft = ~bone & (smooth > _SOFT_HU)
    wall = find_wall(bone, soft, _touching_border(grid < _AIR_HU), _PIXEL_MM)
    if wall is None:
        raise InputError(
            "no brain found: no soft tissue is enclosed by skull; "
            "give a slice through the brain with values in HU"
        )
    cavity = wall.encloses(grid.shape) & ~bone
    intracranial = _intracranial(grid, cavity & soft, cavity, bone, wall.centre)
    brain = _without_outer_csf(grid, intracranial, bone)
    if np.count_nonzero(brain) * _PIXEL_MM**2 < _LEAST_BRAIN_CM2 * 100:
        raise InputError(
            f"no brain found: less than {_LEAST_BRAIN_CM2:g} cm2 of soft tissue inside the skull; "
            "give a slice through the brain with values in HU"
        )
    return _from_grid(brain, corner, image.shape, spacing)


def brain_of_stripped(
    image: NDArray[np.float32], spacing: tuple[float, float]
) -> NDArray[np.bool_] | None:
    """Return the brain of a slice that was skull-stripped before, or None where it was not.

    A stripped slice is one constant around tissue without fat, bone or air. Whether its values
    are HU is not judged here, so that a shift of all values does not hide the stripping.

    Parameters
    ----------
    image : ndarray, shape (columns, rows)
        Any constant, or NaN, outside the brain.
    spacing : tuple of float
        Pixel size in mm along each axis.

    Returns
    -------
    ndarray of bool, shape (columns, rows), or None
        What differs from the background, holes filled: fluid may have the background's value.
    """
    background = constant_background(image)
    if background is None:
        return None
    values = np.nan_to_num(image, nan=background)
    pixel_cm2 = spacing[0] * spacing[1] / 100
    tissue = values != background
    brain = ndi.binary_fill_holes(_components(tissue, _LEAST_COMPARTMENT_CM2 / pixel_cm2))
    box = around(brain, 1, 1)
    depth = ndi.distance_transform_edt(brain[box], sampling=spacing)
    inside = values[box][tissue[box] & (depth > _STRIPPED_RIM_MM)]
    if inside.size * pixel_cm2 < _LEAST_BRAIN_CM2:
        return None
    outliers = np.mean(np.abs(inside - np.median(inside)) > _STRIPPED_SPREAD_HU)
    # A head clipped to a narrow display window shows its skull as one flat maximum.
    saturated = np.mean(inside == inside.max())
    if max(outliers, saturated) >= _STRIPPED_OUTLIERS:
        return None
    return None if _has_shell(values[box], depth, float(np.median(inside))) else brain


def _has_shell(values: NDArray[np.float32], depth: NDArray[np.float64], typical: float) -> bool:
    """Tell whether a layer all around differs from the rest, as bone does in any unit.

    HU stored in 8 bits wrap around: air becomes a soft tissue, and a skull lies within the spread
    of a brain with a haemorrhage; but a haemorrhage does not go all around.
    """
    first, last = _STRIPPED_LAYERS_MM
    layers = (values[(depth > d) & (depth <= d + 1)] for d in range(first, last))
    return any(
        layer.size > 0 and abs(float(np.median(layer)) - typical) > _STRIPPED_LAYER_HU
        for layer in layers
    )


def around(mask: NDArray[np.bool_], x: int, y: int) -> tuple[slice, slice]:
    """Return the box of what a mask holds, with room about it.

    Parameters
    ----------
    mask : ndarray of bool, shape (columns, rows)
        Anything.
    x, y : int
        Pixels of room along each axis, as far as there are any.

    Returns
    -------
    tuple of slice
        Empty where the mask is.
    """
    found = ndi.find_objects(mask.astype(np.uint8))
    if not found:
        return slice(0), slice(0)
    columns, rows = (
        slice(max(0, axis.start - room), axis.stop + room)
        for axis, room in zip(found[0], (x, y), strict=True)
    )
    return columns, rows


def constant_background(image: NDArray[np.float32]) -> float | None:
    """Return the one value that most of the image's border holds, or None.

    Where that value is NaN, a value below all others stands for it.

    Parameters
    ----------
    image : ndarray of float32, shape (columns, rows)
        Any unit; may hold NaN.

    Returns
    -------
    float or None
        None where no value is on more than half of the border pixels.
    """
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    if np.isnan(border).sum() > border.size / 2:
        return float(np.nanmin(image)) - 1 if not np.isnan(image).all() else 0.0
    levels, counts = np.unique(border[~np.isnan(border)], return_counts=True)
    most = int(np.argmax(counts))
    return float(levels[most]) if counts[most] > border.size / 2 else None


def _intracranial(
    grid: NDArray[np.float32],
    soft: NDArray[np.bool_],
    cavity: NDArray[np.bool_],
    bone: NDArray[np.bool_],
    centre: tuple[float, float],
) -> NDArray[np.bool_]:
    """Return the space in the skull: what holds the centre, and what bone has split off from it."""
    core = ndi.distance_transform_edt(soft) > _px(_LEAK_MM)
    labels, count = ndi.label(core)
    if count == 0:
        return soft
    away, nearest = ndi.distance_transform_edt(~core, return_indices=True)
    owner = labels[tuple(nearest)]
    opened = soft & (away <= _px(_LEAK_MM))
    area_cm2 = np.bincount(owner[opened], minlength=count + 1) * _PIXEL_MM**2 / 100
    rim = ~soft & (away <= _px(_LEAK_MM) + 3)
    rim_length = np.bincount(owner[rim], minlength=count + 1)
    rim_of_bone = np.bincount(owner[rim & bone], minlength=count + 1)
    keep = np.zeros(count + 1, bool)
    for label in np.flatnonzero(area_cm2 >= _LEAST_COMPARTMENT_CM2):
        if rim_of_bone[label] >= _COMPARTMENT_BONE * rim_length[label]:
            density = np.median(grid[labels == label])
            keep[label] = _COMPARTMENT_HU[0] <= density <= _COMPARTMENT_HU[1]
    keep[owner[round(centre[0]), round(centre[1])]] = True
    kept = opened & keep[owner]
    space: NDArray[np.bool_] = ndi.binary_fill_holes(kept | (_closed(kept, _CLOSING_MM) & cavity))
    return space


def _without_outer_csf(
    grid: NDArray[np.float32], intracranial: NDArray[np.bool_], bone: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Take away the layer of fluid between brain and skull, but neither sulci nor lesions."""
    if not intracranial.any():
        return intracranial
    # Pixels beside bone hold some of it, so they take their value from further in.
    pure = (intracranial & ~ndi.binary_dilation(bone)).astype(np.float32)
    weight = ndi.gaussian_filter(pure, _px(_SMOOTHING_MM))
    smooth = ndi.gaussian_filter(pure * np.clip(grid, *_CLIP_HU), _px(_SMOOTHING_MM))
    smooth /= np.maximum(weight, 1e-3)
    tissue = intracranial & (smooth > (_FLUID_HU + np.median(grid[intracranial])) / 2)
    # Opened by 1 mm: dura and slivers of bone across the fluid are no brain.
    tissue = _components(_opened(tissue, 1.0), _px(_px(_LEAST_COMPARTMENT_CM2 * 100)))
    brain = _closed(tissue, _CLOSING_MM) & intracranial
    spaces = _opened(intracranial & ~brain, _CLOSING_MM)
    if spaces.any():
        # A layer of fluid, however wide, follows the brain. Lesions are denser, or dent it.
        dents = _opened(spaces & _convex_hull(brain), _CLOSING_MM)
        denser = _opened(spaces & (smooth > _DENSER_HU), _CLOSING_MM / 2)
        brain |= ndi.binary_propagation(dents | denser, mask=spaces)
        brain = _closed(brain, _CLOSING_MM) & intracranial
    filled: NDArray[np.bool_] = ndi.binary_fill_holes(brain)
    return filled


def _components(mask: NDArray[np.bool_], least_pixels: float) -> NDArray[np.bool_]:
    """Keep the connected components of at least so many pixels."""
    labels, _ = ndi.label(mask)
    keep = np.bincount(labels.ravel()) >= least_pixels
    keep[0] = False
    kept: NDArray[np.bool_] = keep[labels]
    return kept


def _touching_border(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Keep the connected components that reach the array's border."""
    labels, count = ndi.label(mask)
    keep = np.zeros(count + 1, bool)
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        keep[edge] = True
    keep[0] = False
    kept: NDArray[np.bool_] = keep[labels]
    return kept


def _closed(mask: NDArray[np.bool_], radius_mm: float) -> NDArray[np.bool_]:
    """Close with a disc; distances in place of a footprint keep large radii cheap."""
    if not mask.any():
        return mask
    radius = _px(radius_mm)
    margin = int(radius) + 2
    box = around(mask, 0, 0)
    dilated = ndi.distance_transform_edt(~np.pad(mask[box], margin)) <= radius
    eroded = ndi.distance_transform_edt(dilated) > radius
    closed = mask.copy()
    closed[box] |= eroded[margin:-margin, margin:-margin]
    return closed


def _opened(mask: NDArray[np.bool_], radius_mm: float) -> NDArray[np.bool_]:
    """Open with a disc."""
    opened = np.zeros_like(mask)
    box = around(mask, 1, 1)
    core = ndi.distance_transform_edt(mask[box]) > _px(radius_mm)
    if core.any():
        opened[box] = mask[box] & (ndi.distance_transform_edt(~core) <= _px(radius_mm))
    return opened


def _convex_hull(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Intersect the half-planes that hold the mask."""
    hull = np.ones_like(mask)
    x, y = np.ogrid[: mask.shape[0], : mask.shape[1]]
    points = np.argwhere(mask & ~ndi.binary_erosion(mask))
    for angle in np.arange(_HULL_DIRECTIONS) * (2 * np.pi / _HULL_DIRECTIONS):
        across = np.array([np.cos(angle), np.sin(angle)])
        hull &= x * across[0] + y * across[1] <= (points @ across).max(initial=-np.inf)
    return hull


def _px(length_mm: float) -> float:
    """Return a length in pixels of the grid."""
    return length_mm / _PIXEL_MM


def _to_grid(
    image: NDArray[np.float32], spacing: tuple[float, float]
) -> tuple[NDArray[np.float32], tuple[int, int]]:
    """Sample what is not air at 0.5 mm; also return the image's index of the grid's corner."""
    # Clipped before it is interpolated, lest padding or metal spread over its neighbours.
    image = np.clip(np.nan_to_num(image, nan=-1000.0), -1000.0, 1000.0)
    head = image > _AIR_HU
    if not head.any():
        return np.full((1, 1), -1000.0, np.float32), (0, 0)
    bounds = ndi.find_objects(head.astype(np.int8))[0]
    start = tuple(max(b.start - 2, 0) for b in bounds)
    stop = tuple(min(b.stop + 2, n) for b, n in zip(bounds, image.shape, strict=True))
    step = np.divide(_PIXEL_MM, spacing)
    shape = tuple(((np.subtract(stop, start) - 1) / step).astype(int) + 1)
    grid: NDArray[np.float32] = ndi.affine_transform(
        image[start[0] : stop[0], start[1] : stop[1]].astype(np.float32),
        np.diag(step),
        output_shape=shape,
        order=1,
        mode="nearest",
    )
    return grid, (start[0], start[1])


def _from_grid(
    mask: NDArray[np.bool_],
    corner: tuple[int, int],
    shape: tuple[int, ...],
    spacing: tuple[float, float],
) -> NDArray[np.bool_]:
    """Sample a mask of the grid on the image's own pixels."""
    step = np.divide(spacing, _PIXEL_MM)
    # A slight blur first makes the outline of the interpolated mask smooth, not stepped. The grid
    # ends with the head, so brain cut by its edge goes on beyond.
    outline = ndi.gaussian_filter(mask.astype(np.float32), 0.7)
    values = ndi.affine_transform(
        outline, np.diag(step), -step * corner, output_shape=shape, order=1, mode="nearest"
    )
    brain: NDArray[np.bool_] = values > 0.5
    return brain
