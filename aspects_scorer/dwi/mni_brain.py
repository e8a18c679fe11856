"""The average brain in MNI space: what its tissues look like in pictures, and where it ends."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from atlas_builder.catalogue.mni_head import TISSUES_FILE
from atlas_builder.catalogue.tissues import Tissue
from atlas_builder.io.nifti.damage import refusing_damage
from atlas_builder.io.nifti.storage import load

_TISSUES = (Tissue.GREY, Tissue.WHITE, Tissue.CSF)
_STEP = 2  # voxels: what lies near the brain need not be known more finely
_REACH = 5  # voxels of that size: a cube that reaches 4-5 mm beyond the brain


@dataclass(frozen=True)
class MniBrain:
    """Tissue fractions of the average brain in MNI152NLin2009aSym space at 1 mm.

    Attributes
    ----------
    grey, white, csf : ndarray of uint8, shape (x, y, z)
        How much of each voxel is of that tissue, in 1/255.
    affine : ndarray, shape (4, 4)
        From voxels to RAS+ mm.
    """

    grey: NDArray[np.uint8]
    white: NDArray[np.uint8]
    csf: NDArray[np.uint8]
    affine: NDArray[np.float64]

    def mixed(self, grey: float, white: float, csf: float) -> NDArray[np.float32]:
        """Return an image in which each tissue has a brightness of its own.

        Parameters
        ----------
        grey, white, csf : float
            The brightness of a voxel that is all of that tissue.

        Returns
        -------
        ndarray of float32, shape (x, y, z)
            0 outside the brain.
        """
        weights = np.array((grey, white, csf), np.float32) / 255
        image = self.grey * weights[0]
        image += self.white * weights[1]
        image += self.csf * weights[2]
        return image

    @cached_property
    def mask(self) -> NDArray[np.bool_]:
        """The brain with its fluid, shape (x, y, z)."""
        return self.sampled_mask(1)

    def sampled_mask(self, step: int) -> NDArray[np.bool_]:
        """Return the brain with its fluid at some of the voxels.

        Parameters
        ----------
        step : int
            Every so many voxels along each axis, from the first on.

        Returns
        -------
        ndarray of bool, shape (ceil(x / step), ceil(y / step), ceil(z / step))
        """
        grey, white, csf = (
            fraction[::step, ::step, ::step] for fraction in (self.grey, self.white, self.csf)
        )
        return (grey.astype(np.uint16) + white + csf) > 127

    @cached_property
    def _near(self) -> NDArray[np.bool_]:
        return np.pad(ndimage.maximum_filter(self.sampled_mask(_STEP), _REACH), 1)

    def is_near(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell which points lie in the brain or at most about 5 mm outside it.

        Parameters
        ----------
        points : ndarray, shape (3, n)
            RAS+ mm.
        """
        indices = (np.linalg.inv(self.affine[:3, :3]) @ (points - self.affine[:3, 3:])) / _STEP
        last = np.array(self._near.shape)[:, np.newaxis] - 1
        places = np.clip(np.rint(indices).astype(np.intp) + 1, 0, last)
        near: NDArray[np.bool_] = self._near[tuple(places)]
        return near


@cache
def mni_brain() -> MniBrain:
    """Return the average brain that ships, read once in a process.

    Raises
    ------
    InputError
        Its file is missing or damaged: the installation is incomplete.
    """
    image = load(TISSUES_FILE)
    first, *_, last = (list(Tissue).index(tissue) for tissue in _TISSUES)
    with refusing_damage(TISSUES_FILE):
        # The file holds one tissue after the other: what follows these is not unpacked.
        fractions = np.asarray(image.dataobj[..., first : last + 1])
    grey, white, csf = np.moveaxis(fractions, -1, 0)
    return MniBrain(grey, white, csf, np.asarray(image.affine, np.float64))
