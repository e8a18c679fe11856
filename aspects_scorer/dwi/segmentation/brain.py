"""Brain extraction on diffusion MR: b 0, b 1000, or any image in which the brain is bright.

On diffusion images the skull is dark and fat is suppressed, so the brain is the one large bright
body. What else shows is thin, small or faint: scalp, eyes, optic nerves, muscle. An acute infarct
can be several times as bright as the brain around it, and coils shade. So values are capped not far
above the brain's own, divided by their slow variation, and cut at a share of the brain's level;
what remains is parted where it is thin, bodies of a brain's size and brightness are kept, and
sulci and ventricles, dark at b 1000, are filled. The threshold to begin with is Otsu's [1]_.

References
----------
.. [1] Otsu N. A threshold selection method from gray-level histograms. IEEE Trans Syst Man Cybern
   9:62-66 (1979). doi:10.1109/TSMC.1979.4310076
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from aspects_scorer.dwi.segmentation.preprocessing import Sampling
from atlas_builder.core.errors import InputError
from atlas_builder.preprocessing.components import largest_component

_GRID_MM = 2.0  # in plane; slices stay
_SMOOTHING_MM = 1.0
_CAP = 1.6  # of the brain's level: infarcts and fluid at b 0 count no more than that
_SPIKES = 0.999  # what is brighter than this share of the image counts no more than that
_FLOOR = 0.02  # of the brightest: all that is darker is nothing
_INTACT = 0.35  # more of what is bright lies above this quantile than any infarct fills
_FIELD_MM = 25.0
_LEVEL = 0.55  # of the brain's level around; fat and muscle lie below, grey and white matter above
_NECK_MM = 3.5  # half the width of what is cut: scalp, optic nerves, vessels
_LEAST_PART_ML = 8.0  # an eye has 7
_FAINT = 0.6  # of the brain's level, the median of a part that is not brain
_CLOSING_MM = 10.0  # half the width of ventricles and fissures that are filled
_PLAUSIBLE_ML = (80.0, 2600.0)
_PLAUSIBLE_MM = (70.0, 230.0)  # in plane

Mask = NDArray[np.bool_]
Array = NDArray[np.float32]


def extract_brain(volume: Array, affine: NDArray[np.float64]) -> Mask:
    """Find the brain on a diffusion scan.

    Parameters
    ----------
    volume : ndarray of float32, shape (x, y, z)
        Signal of b 0 or b 1000 in any unit; skull and scalp may show, or be stripped.
    affine : ndarray, shape (4, 4)
        From voxels to millimetres.

    Returns
    -------
    ndarray of bool, shape (x, y, z)
        Brain with its ventricles, sulci and lesions.

    Raises
    ------
    InputError
        There is none: values below 0, nothing bright, or nothing with the size of a brain.
    """
    values = np.nan_to_num(np.asarray(volume, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    spacing = np.linalg.norm(np.asarray(affine, np.float64)[:3, :3], axis=0)
    if values.ndim != 3 or min(values.shape) < 3:
        raise _no_brain(f"the image has shape {values.shape}; give a volume of 3 or more slices")
    if values.min() < 0:
        raise _no_brain("values lie below 0; give the b 1000 or b 0 image, not CT or a phase image")
    if values.max() == 0:
        raise _no_brain("all values are 0")
    grid = _grid(values.shape, spacing)
    steps = spacing * np.diag(grid.matrix)
    sampled = ndimage.gaussian_filter(
        grid.of(values), (_SMOOTHING_MM / steps[0], _SMOOTHING_MM / steps[1], 0)
    )
    brain = _filled(_brain_parts(sampled, steps), steps)
    _check_size(brain, steps)
    outline = ndimage.gaussian_filter(brain.astype(np.float32), (0.7, 0.7, 0))
    return np.asarray(grid.back(outline, values.shape) > 0.5)


def _grid(shape: tuple[int, int, int], spacing: NDArray[np.float64]) -> Sampling:
    """Return a grid of 2 mm where voxels are smaller, over the whole volume."""
    steps = np.maximum(_GRID_MM, spacing)
    nx, ny, nz = (int(n) for n in np.ceil((np.array(shape) - 1) * spacing / steps - 1e-6) + 1)
    # Centred, so that a volume stored the other way round gives the same brain.
    start = ((np.array(shape) - 1) * spacing - (np.array([nx, ny, nz]) - 1) * steps) / 2
    return Sampling(np.diag(steps / spacing), start / spacing, (nx, ny, nz))


def _brain_parts(values: Array, steps: NDArray[np.float64]) -> Mask:
    """Return grey and white matter, infarcts included."""
    bright, level = _bright(values)
    capped = np.minimum(values, _CAP * level)
    core = largest_component(_eroded(bright, _NECK_MM, steps))
    if not core.any():
        raise _no_brain("nothing bright is as thick as a brain")
    sigma = _FIELD_MM / steps
    field = ndimage.gaussian_filter(np.where(core, capped, 0), sigma)
    field /= np.maximum(ndimage.gaussian_filter(core.astype(np.float32), sigma), 1e-3)
    # Far from the brain there is no field to speak of.
    tissue = capped > _LEVEL * np.maximum(field, 0.5 * level)
    thick = _eroded(tissue, _NECK_MM, steps)
    labels, count = ndimage.label(thick)
    if not count:
        raise _no_brain("nothing bright is as thick as a brain")
    voxel_ml = float(np.prod(steps)) / 1000
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:] * voxel_ml
    largest = int(np.argmax(sizes)) + 1
    own = float(np.median(capped[labels == largest]))
    medians = ndimage.median(capped, labels, np.arange(1, count + 1))
    keep = (sizes >= _LEAST_PART_ML) & (np.asarray(medians) > _FAINT * own)
    keep[largest - 1] = True
    kept = np.concatenate([[False], keep])[labels]
    return np.asarray(tissue & _dilated(kept, _NECK_MM + 1, steps))


def _bright(values: Array) -> tuple[Mask, float]:
    """Return what is bright, and the level of it; what is much brighter still does not count."""
    cap = float(np.quantile(values, _SPIKES)) or float(values.max())
    for _ in range(4):
        # The logarithm parts brain from air rather than an infarct of half the brain from the rest.
        bright = values > np.exp(_otsu(np.log(np.clip(values, _FLOOR * cap, cap))))
        level = float(np.quantile(values[bright], _INTACT)) if bright.any() else 0.0
        if level <= 0:
            raise _no_brain("nothing in the image is bright")
        cap = min(cap, _CAP * level)
    return bright, level


def _otsu(values: Array) -> float:
    """Return the threshold that parts values into the two most even classes."""
    counts, edges = np.histogram(values, 256)
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    total = np.cumsum(counts * centres)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (total / below - (total[-1] - total) / above) ** 2
    return float(centres[int(np.nanargmax(between[:-1]))])


def _filled(parts: Mask, steps: NDArray[np.float64]) -> Mask:
    """Fill sulci, ventricles and cavities."""
    room = np.ceil((_CLOSING_MM + 2) / steps).astype(int)
    padded = np.pad(parts, [(n, n) for n in room])
    closed = ~_dilated(~_dilated(padded, _CLOSING_MM, steps), _CLOSING_MM, steps)
    whole = closed[tuple(slice(n, -n) for n in room)] | parts
    for index in range(whole.shape[2]):
        whole[:, :, index] = ndimage.binary_fill_holes(whole[:, :, index])
    return largest_component(whole)


def _check_size(brain: Mask, steps: NDArray[np.float64]) -> None:
    volume = int(np.count_nonzero(brain)) * float(np.prod(steps)) / 1000
    extent = [s.stop - s.start for s in ndimage.find_objects(brain.astype(np.uint8))[0]] * steps
    if not _PLAUSIBLE_ML[0] <= volume <= _PLAUSIBLE_ML[1]:
        raise _no_brain(f"what is bright measures {volume:.0f} mL")
    if not (_PLAUSIBLE_MM[0] <= sorted(extent)[1] and max(extent) <= _PLAUSIBLE_MM[1]):
        raise _no_brain(
            f"what is bright measures {' x '.join(f'{side:.0f}' for side in extent)} mm; check the "
            "voxel size"
        )


def _eroded(mask: Mask, radius_mm: float, steps: NDArray[np.float64]) -> Mask:
    return np.asarray(ndimage.distance_transform_edt(mask, sampling=steps) > radius_mm)


def _dilated(mask: Mask, radius_mm: float, steps: NDArray[np.float64]) -> Mask:
    return np.asarray(ndimage.distance_transform_edt(~mask, sampling=steps) <= radius_mm)


def _no_brain(reason: str) -> InputError:
    return InputError(f"no brain found on the diffusion image: {reason}")
