"""What is done to labelled slices to see whether mapping bears it; regions follow the image."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from atlas_builder.cohorts.drawn_regions import distance_from_midline
from atlas_builder.cohorts.labelled_scans import LabelledSlice
from atlas_builder.core.scan import Slice
from atlas_builder.io.nifti.images import read_labels, read_scan, write_image

TILT_DEG = 20.0
CUT_MM = 20.0
HEAD_HU = -300.0

Disturbance = Callable[[LabelledSlice, np.random.Generator], LabelledSlice]


def clean(drawn: LabelledSlice, _: np.random.Generator) -> LabelledSlice:
    """Change nothing."""
    return drawn


def turned(drawn: LabelledSlice, _: np.random.Generator, degrees: float) -> LabelledSlice:
    """Turn the head about the middle of the slice."""
    turn = np.radians(degrees)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    # Semi-real slices have square pixels.
    return _resampled(drawn, matrix, np.array(drawn.ct.data.shape))


def mirrored(drawn: LabelledSlice, _: np.random.Generator) -> LabelledSlice:
    """Store the slice with its columns from the patient's left to the right, and read it back."""
    flip = np.diag([-1.0, 1.0, 1.0, 1.0])
    flip[0, 3] = drawn.ct.data.shape[0] - 1
    with tempfile.TemporaryDirectory() as folder:
        for name, image in (("ct", drawn.ct), ("labels", drawn.labels)):
            path = Path(folder) / f"{name}.nii"
            write_image(path, image.data[::-1], image.affine @ flip)
        ct, labels = read_scan(Path(folder) / "ct.nii"), read_labels(Path(folder) / "labels.nii")
        return LabelledSlice(ct[0], labels[0])


def tilted(drawn: LabelledSlice, _: np.random.Generator) -> LabelledSlice:
    """Cut the head at an angle: it becomes longer from front to back, and its plane tilts."""
    stretch = 1 / np.cos(np.radians(TILT_DEG))
    columns, rows = drawn.ct.data.shape
    shape = np.array([columns, round(rows * stretch)])
    longer = _resampled(drawn, np.diag([1.0, 1 / stretch]), shape)
    turn = np.radians(TILT_DEG)
    rotation = np.eye(4)
    rotation[1:3, 1:3] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    affine = rotation @ drawn.ct.affine
    return LabelledSlice(Slice(longer.ct.data, affine), Slice(longer.labels.data, affine))


def cut(drawn: LabelledSlice, _: np.random.Generator, axis: int, at_the_end: bool) -> LabelledSlice:
    """Let the field of view end 20 mm within the head; what lies beyond is not in the file."""
    head = ndi.binary_opening(drawn.ct.data > HEAD_HU, iterations=3)
    ends = np.flatnonzero(head.any(axis=1 - axis))[[0, -1]]
    pixels = round(CUT_MM / drawn.ct.spacing[axis])
    part = [slice(None), slice(None)]
    part[axis] = slice(0, ends[1] + 1 - pixels) if at_the_end else slice(ends[0] + pixels, None)
    affine = drawn.ct.affine.copy()
    start = np.array([p.start or 0 for p in part])
    affine[:3, 3] += affine[:3, :2] @ start
    x, y = part
    return LabelledSlice(Slice(drawn.ct.data[x, y], affine), Slice(drawn.labels.data[x, y], affine))


def noisy(drawn: LabelledSlice, rng: np.random.Generator, hu: float) -> LabelledSlice:
    """Add noise as grainy as that of a soft reconstruction kernel."""
    noise = ndi.gaussian_filter(rng.normal(size=drawn.ct.data.shape), 0.8)
    noise *= hu / noise.std()
    ct = np.where(drawn.ct.data > -900, drawn.ct.data + noise, drawn.ct.data)
    return LabelledSlice(Slice(ct.astype(np.float32), drawn.ct.affine), drawn.labels)


def infarct(
    drawn: LabelledSlice, _: np.random.Generator, hu: float, on_left: bool
) -> LabelledSlice:
    """Darken the back half of the regions of one side, and what lies between, with a soft edge."""
    labels = drawn.labels.data
    places = np.argwhere(labels)
    left = distance_from_midline(places * np.array(drawn.ct.spacing), labels[labels > 0]) > 0
    mine = places[left == on_left]
    back = mine[mine[:, 1] > np.median(mine[:, 1])]
    territory = np.zeros(labels.shape, bool)
    territory[tuple(back.T)] = True
    pixel = drawn.ct.spacing[0]
    reach = round(4 / pixel)
    disc = np.hypot(*np.ogrid[-reach : reach + 1, -reach : reach + 1]) <= reach
    territory = ndi.binary_closing(np.pad(territory, reach), disc)[reach:-reach, reach:-reach]
    depth = ndi.gaussian_filter(territory.astype(np.float32), 3 / pixel)
    tissue = (drawn.ct.data > 0) & (drawn.ct.data < 80)
    ct = drawn.ct.data - hu * depth * tissue
    return LabelledSlice(Slice(ct.astype(np.float32), drawn.ct.affine), drawn.labels)


def _resampled(
    drawn: LabelledSlice, matrix: NDArray[np.float64], shape: NDArray[np.int_]
) -> LabelledSlice:
    middle = (np.array(drawn.ct.data.shape) - 1) / 2
    offset = middle - matrix @ ((shape - 1) / 2)
    ct = ndi.affine_transform(
        drawn.ct.data, matrix, offset, output_shape=tuple(shape), order=1, cval=-1000.0
    )
    labels = ndi.affine_transform(
        drawn.labels.data, matrix, offset, output_shape=tuple(shape), order=0, cval=0
    )
    return LabelledSlice(Slice(ct, drawn.ct.affine), Slice(labels, drawn.labels.affine))


DISTURBANCES: dict[str, Disturbance] = {
    "clean": clean,
    "turned by 15 degrees": partial(turned, degrees=15.0),
    "turned by -15 degrees": partial(turned, degrees=-15.0),
    "mirrored storage": mirrored,
    f"tilted by {TILT_DEG:g} degrees": tilted,
    "20 mm cut off, right": partial(cut, axis=0, at_the_end=False),
    "20 mm cut off, left": partial(cut, axis=0, at_the_end=True),
    "20 mm cut off, front": partial(cut, axis=1, at_the_end=False),
    "20 mm cut off, back": partial(cut, axis=1, at_the_end=True),
    "noise of 2 HU": partial(noisy, hu=2.0),
    "noise of 4 HU": partial(noisy, hu=4.0),
    "noise of 6 HU": partial(noisy, hu=6.0),
    "infarct of 2 HU, left": partial(infarct, hu=2.0, on_left=True),
    "infarct of 5 HU, right": partial(infarct, hu=5.0, on_left=False),
    "infarct of 8 HU, left": partial(infarct, hu=8.0, on_left=True),
}
"""How slices are disturbed; noise comes on top of what a slice has."""
