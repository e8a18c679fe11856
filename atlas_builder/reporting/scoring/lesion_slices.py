"""A scored lesion as the viewer shows it: axial slices of the whole brain in MNI152 space."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from aspects_scorer.dwi.case import Case
from aspects_scorer.dwi.scored_lesion import standard_atlas
from atlas_builder.core.anatomy import SIDES, Region, map_value
from atlas_builder.reporting.base.pictures import Window
from atlas_builder.reporting.scoring.axial_views import HEIGHTS, white_of
from atlas_builder.reporting.viewer.viewed_slices import (
    LESION,
    Comparison,
    ValueScale,
    ViewedSlices,
    areas_of,
)

_BRIGHTNESS = ValueScale(0.0, 100 / 255, "%")
_WINDOWS = (Window("whole range", 50.0, 100.0), Window("bright", 65.0, 50.0))
_COMPARISON = Comparison((5.0, 100.0), 5.0, 40.0)
# MNI152 mm: to the left, to the back, upwards, as far as the brain reaches.
_X, _Y, _Z = np.arange(80, -81, -1), np.arange(80, -113, -1), np.arange(-64, 87, 2)


def view_lesion(case: Case) -> ViewedSlices:
    """Return a scored lesion, the regions and the image below as the viewer shows them.

    Parameters
    ----------
    case : Case
        What was scored.

    Returns
    -------
    ViewedSlices
        1 mm in plane, every second mm; brightness in percent of the brightest tissue's.
    """
    image, lesion, atlas = case.image, case.lesion, standard_atlas()
    bright = _sampled(image.data, image.affine, order=1) * (100 / white_of(image))
    brain = np.flatnonzero((bright > 0).any(axis=(1, 2)))
    shown = slice(brain[0], brain[-1] + 1) if len(brain) else slice(None)
    labels = _sampled(atlas.labels, atlas.affine, order=0)[shown].astype(np.uint8)
    mask = _sampled(lesion.mask.astype(np.uint8), lesion.affine, order=0)[shown] > 0
    heights = _Z[shown]
    extent = mask.sum(axis=(1, 2))
    marks = {"largest lesion": int(extent.argmax())} if extent.any() else {}
    marks |= {level: int(np.abs(heights - middle).argmin()) for level, (_, middle, _) in HEIGHTS}
    return ViewedSlices(
        _BRIGHTNESS.stored(bright[shown]),
        np.where(mask, labels + LESION, labels).astype(np.uint8),
        1.0,
        _BRIGHTNESS,
        _WINDOWS,
        _COMPARISON,
        [f"z = {height} mm" for height in heights],
        marks,
        _homes(areas_of(labels), areas_of(np.where(mask, labels, 0).astype(np.uint8))),
        {(r.region, r.side) for r in case.scored.score.regions if r.loses_point},
    )


def _homes(areas: NDArray[np.int64], affected: NDArray[np.int64]) -> dict[int, int]:
    """Return where to look for each label: where most of it is lesion, else where most of it is."""
    values = [map_value(region, side) for region in Region for side in SIDES]
    return {
        value: int((affected if affected[:, value].any() else areas)[:, value].argmax())
        for value in values
        if areas[:, value].any()
    }


def _sampled(
    data: NDArray[np.generic], affine: NDArray[np.float64], order: int
) -> NDArray[np.float32]:
    """Sample a volume on the viewer's voxels, shape (slices, rows, columns)."""
    to_mm = np.zeros((4, 4))
    to_mm[[2, 1, 0], [0, 1, 2]] = _Z[1] - _Z[0], -1, -1
    to_mm[:, 3] = _X[0], _Y[0], _Z[0], 1
    to_voxel = np.linalg.inv(affine) @ to_mm
    shape = len(_Z), len(_Y), len(_X)
    return np.asarray(
        ndimage.affine_transform(
            data, to_voxel[:3, :3], to_voxel[:3, 3], shape, np.float32, order=order
        )
    )
