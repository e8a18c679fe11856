"""A CT angiography as a brain scan: thick slices in which vessels are cut down to 80 HU.

Thin slices are noisy, and vessels of 300 HU would be taken for what they are not by all that is
made for the brain. Values above the window of 0 to 80 HU, in which early ischaemia is looked for
[1]_, are therefore cut off before slices are averaged; bone, which is one large piece on a slice
where vessels are small ones, keeps its values.

References
----------
.. [1] Shieh Y, Chang CH, Shieh M, et al. Computer-aided diagnosis of hyperacute stroke with
   thrombolysis decision support using a contralateral comparative method of CT image analysis. J
   Digit Imaging 27:392-406 (2014). doi:10.1007/s10278-013-9672-x
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from atlas_builder.core.scan import Scan

Value = TypeVar("Value", bound=np.generic)

WINDOW_HU = 80.0
"""What is denser counts as dense as this, bone aside."""

_SLICE_MM = 5.0
_BONE_HU = 110.0
_LEAST_BONE_MM2 = 150.0  # a vessel cut along its course is smaller
_BONE_BORDER_MM = 1.5  # partial volume


@dataclass(frozen=True)
class ThickScan:
    """Slices of about 5 mm of a CT angiography.

    Attributes
    ----------
    brain : Scan
        Their means with vessels cut down to 80 HU, float32.
    plain : Scan
        Their means as they are, float32.
    starts : ndarray of int, shape (thick slices,)
        The first slice of the file in each.
    ends : ndarray of int, shape (thick slices,)
        The one after the last.
    """

    brain: Scan
    plain: Scan
    starts: NDArray[np.intp]
    ends: NDArray[np.intp]

    @property
    def middles(self) -> NDArray[np.intp]:
        """The slice of the file in the middle of each, shape (thick slices,)."""
        return (self.starts + self.ends - 1) // 2

    def on_file(self, volume: NDArray[Value]) -> NDArray[Value]:
        """Return a volume of thick slices on the slices of the file.

        Parameters
        ----------
        volume : ndarray, shape (columns, rows, thick slices)
            Labels or a mask.

        Returns
        -------
        ndarray, shape (columns, rows, slices)
            Each slice has what the thick slice has that it is part of.
        """
        return np.repeat(volume, self.ends - self.starts, axis=2)


def thicken(scan: Scan) -> ThickScan:
    """Average thin slices and cut vessels down.

    Parameters
    ----------
    scan : Scan
        All slices, in HU; those of 3.4 mm and more stay single.

    Returns
    -------
    ThickScan
    """
    count = len(scan)
    together = max(round(_SLICE_MM / _apart(scan)), 1)
    starts = np.arange(0, count, together)
    ends = np.minimum(starts + together, count)
    shape = (*scan.data.shape[:2], len(starts))
    brain, plain = np.empty(shape, np.float32), np.empty(shape, np.float32)
    for index, (first, end) in enumerate(zip(starts, ends, strict=True)):
        block = scan.data[:, :, first:end].astype(np.float32)
        plain[:, :, index] = block.mean(axis=2)
        cut = np.minimum(block, WINDOW_HU).mean(axis=2)
        bone = _bone(plain[:, :, index], scan[index].spacing)
        brain[:, :, index] = np.where(bone, plain[:, :, index], cut)
    affines = np.stack(
        [scan.affines[first:end].mean(axis=0) for first, end in zip(starts, ends, strict=True)]
    )
    return ThickScan(Scan(brain, affines), Scan(plain, affines), starts, ends)


def _apart(scan: Scan) -> float:
    """Return the usual distance of slices along their normal, mm."""
    if len(scan) < 2:
        return _SLICE_MM
    heights = scan.affines[:, :3, 3] @ scan.affines[0, :3, 2]
    return max(float(np.median(np.abs(np.diff(heights)))), 0.1)


def _bone(image: NDArray[np.float32], spacing: tuple[float, float]) -> NDArray[np.bool_]:
    """Return the large dense pieces of a slice with their border."""
    pieces, count = ndimage.label(image > _BONE_HU)
    sizes = np.bincount(pieces.ravel(), minlength=count + 1) * spacing[0] * spacing[1]
    large = sizes > _LEAST_BONE_MM2
    large[0] = False
    reach = [max(round(_BONE_BORDER_MM / step), 1) for step in spacing]
    size = tuple(2 * one + 1 for one in reach)
    return np.asarray(ndimage.maximum_filter(large[pieces].astype(np.uint8), size) > 0)
