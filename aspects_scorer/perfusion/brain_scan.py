"""The patient's brain on the non-contrast CT, as a perfusion map is laid over it.

Fluid (ventricles, sulci, what old infarcts left) and what is denser than brain are told by density;
where grey and white matter are expected, and which place lies opposite, by the standard brain that
was deformed onto the scan: its left and right are alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from aspects_scorer.dwi.mni_brain import mni_brain
from aspects_scorer.ncct.measures import tell_kinds
from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Scan
from slice_localizer.alignment.deformation import BrainPlace
from slice_localizer.whole_head.whole_map import WholeMap

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Image = NDArray[np.float32]

_MARGIN = 6  # pixels
_MIRROR = np.array([[-1.0], [1.0], [1.0]])


@dataclass(frozen=True)
class BrainScan:
    """The part of a scan that holds the brain, slices from the lowest to the highest.

    Attributes
    ----------
    hu : ndarray of float32, shape (columns, rows, slices)
        Densities.
    labels : ndarray of uint8, shape (columns, rows, slices)
        1-10 on the patient's left, 11-20 on the right.
    brain, tissue : ndarray of bool, shape (columns, rows, slices)
        The brain with its fluid, and without fluid and what is denser than brain.
    affines : ndarray, shape (slices, 4, 4)
        As in `Scan`.
    place : BrainPlace
        Of the standard brain in the scan.
    whole : tuple of int
        Columns, rows and slices of the scan.
    corner : tuple of int
        Column and row of the scan at which this part begins.
    order : ndarray of int, shape (slices,)
        Which slice of the scan each is.
    """

    hu: Image
    labels: NDArray[np.uint8]
    brain: Mask
    tissue: Mask
    affines: Array
    place: BrainPlace
    whole: tuple[int, int, int]
    corner: tuple[int, int]
    order: NDArray[np.intp]

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Size of a pixel along columns and rows, and the usual distance of slices, mm."""
        columns, rows = np.linalg.norm(self.affines[0, :3, :2], axis=0)
        return float(columns), float(rows), float(np.median(np.diff(self.heights)))

    @cached_property
    def heights(self) -> Array:
        """Of the slices along their normal, mm, ascending."""
        return np.asarray(self.affines[:, :3, 3] @ self.affines[0, :3, 2])

    @cached_property
    def voxel_ml(self) -> Array:
        """Volume of a voxel of each slice, which stands for half the way to its neighbours."""
        columns, rows, _ = self.spacing
        return np.asarray(np.gradient(self.heights) * columns * rows / 1000)

    def volume_ml(self, mask: Mask) -> float:
        """Return the volume of some voxels in mL."""
        return float(mask.sum(axis=(0, 1)) @ self.voxel_ml)

    def on_slices(self, mask: Mask) -> Iterator[tuple[int, Mask, Array]]:
        """Yield each slice that has some voxels, which they are, and where they lie in mm."""
        for index, affine in enumerate(self.affines):
            here = mask[:, :, index]
            if here.any():
                yield index, here, affine[:3, :2] @ np.argwhere(here).T + affine[:3, 3:]

    def indices(self, points: Array) -> Array:
        """Return where points lie, as fractional columns, rows and slices, shape (3, n).

        Parameters
        ----------
        points : ndarray, shape (3, n)
            RAS+ mm.
        """
        height = self.affines[0, :3, 2] @ points
        # np.interp stops at the outermost slices: beyond them there is nothing to look up.
        place = np.interp(height, self.heights, np.arange(len(self.heights)), np.nan, np.nan)
        below = np.clip(np.nan_to_num(place).astype(np.intp), 0, len(self.heights) - 2)
        to_pixels = np.linalg.pinv(self.affines[0, :3, :2])
        firsts = self.affines[:, :3, 3] @ to_pixels.T
        share = (place - below)[:, np.newaxis]
        first = firsts[below] * (1 - share) + firsts[below + 1] * share
        return np.concatenate([to_pixels @ points - first.T, place[np.newaxis]])

    @cached_property
    def grey_and_white(self) -> tuple[Image, Image]:
        """How much of each voxel's tissue the standard brain has as grey and as white matter."""
        standard = mni_brain()
        back = np.linalg.inv(standard.affine)
        shares = [np.zeros(self.brain.shape, np.float32) for _ in range(2)]
        for index, here, points in self.on_slices(self.tissue):
            places = back[:3, :3] @ self.place.to_standard(points) + back[:3, 3:]
            for share, fractions in zip(shares, (standard.grey, standard.white), strict=True):
                share[:, :, index][here] = (
                    ndimage.map_coordinates(fractions, places, np.float32, order=1) / 255
                )
        return shares[0], shares[1]

    def mirrored(self, image: Image, where: Mask) -> Image:
        """Return what an image has at the mirrored places of some voxels.

        Parameters
        ----------
        image : ndarray of float32, shape (columns, rows, slices)
            NaN where it says nothing.
        where : ndarray of bool, shape (columns, rows, slices)
            The voxels.

        Returns
        -------
        ndarray of float32, shape (columns, rows, slices)
            NaN elsewhere, and where the mirrored place has nothing to say.
        """
        found = np.full(image.shape, np.nan, np.float32)
        for index, here, points in self.on_slices(where):
            opposite = self.place.to_scan(self.place.to_standard(points) * _MIRROR)
            places = np.nan_to_num(self.indices(opposite), nan=-2.0)
            found[:, :, index][here] = ndimage.map_coordinates(
                image, places, np.float32, order=1, mode="constant", cval=np.nan
            )
        return found

    def restored(self, mask: Mask) -> NDArray[np.uint8]:
        """Return a mask on the whole scan's grid and in its order, 1 or 0."""
        whole = np.zeros(self.whole, np.uint8)
        columns, rows = (
            slice(start, start + size)
            for start, size in zip(self.corner, mask.shape[:2], strict=True)
        )
        whole[columns, rows, self.order] = mask
        return whole


def cut_brain(scan: Scan, mapped: WholeMap) -> BrainScan:
    """Cut the brain out of a scan whose regions are mapped on all slices.

    Parameters
    ----------
    scan : Scan
        In HU.
    mapped : WholeMap
        Of the same scan.

    Returns
    -------
    BrainScan

    Raises
    ------
    InputError
        The map holds no brain.
    """
    if not mapped.brain.any():
        raise InputError("no brain found; give a CT of the head")
    order = np.argsort(mapped.affines[:, :3, 3] @ mapped.affines[0, :3, 2], kind="stable")
    spans = []
    for axis in range(2):
        along = np.flatnonzero(mapped.brain.any(axis=(1 - axis, 2)))
        spans.append(slice(max(int(along[0]) - _MARGIN, 0), int(along[-1]) + 1 + _MARGIN))
    columns, rows = spans
    affines = mapped.affines[order].copy()
    affines[:, :3, 3] += affines[:, :3, :2] @ np.array([columns.start, rows.start], np.float64)
    hu = np.asarray(scan.data[columns, rows][:, :, order], np.float32)
    brain = mapped.brain[columns, rows][:, :, order]
    pixel = np.linalg.norm(affines[0, :3, :2], axis=0)
    tissue, _, _ = tell_kinds(hu, brain, (float(pixel[0]), float(pixel[1]), 1.0))
    return BrainScan(
        hu=hu,
        labels=np.where(brain, mapped.labels[columns, rows][:, :, order], 0).astype(np.uint8),
        brain=brain,
        tissue=tissue,
        affines=affines,
        place=mapped.place,
        whole=(scan.data.shape[0], scan.data.shape[1], scan.data.shape[2]),
        corner=(columns.start, rows.start),
        order=order,
    )
