"""What the phantom's stages hand on: a standard head, then one person's head.

Volumes are indexed ``[x, y, z]`` and their affines lead to RAS+ millimetres.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atlas_builder.phantom.tissues import Tissue


@dataclass(frozen=True)
class Head:
    """The standard head, in MNI152NLin2009aSym space at 1 mm.

    Attributes
    ----------
    tissues : mapping of Tissue to ndarray of uint8, shape (x, y, z)
        How much of each voxel is of that tissue, in 1/255; they add up to 255 everywhere.
    regions : ndarray of uint8, shape (x, y, z)
        The ASPECTS regions in the brain: 1-10 on the left, 11-20 on the right.
    affine : ndarray, shape (4, 4)
        From voxels to RAS+ millimetres of MNI space.
    bgl_point : ndarray, shape (3,)
        Millimetres: where the basal ganglia level crosses the midline between the deep nuclei.
    """

    tissues: Mapping[Tissue, NDArray[np.uint8]]
    regions: NDArray[np.uint8]
    affine: NDArray[np.float64]
    bgl_point: NDArray[np.float64]


@dataclass(frozen=True)
class Anatomy:
    """One person's head in the person's own space, before any scanner.

    Attributes
    ----------
    hu : ndarray of float32, shape (x, y, z)
        HU without noise or blur, air -1000.
    grey, white, csf : ndarray of uint8, shape (x, y, z)
        How much of each voxel is of that tissue, in 1/255.
    regions : ndarray of uint8, shape (x, y, z)
        The ASPECTS regions: 1-10 on the left, 11-20 on the right.
    lesion : ndarray of bool, shape (x, y, z)
        The acute infarct; empty in a person who has none.
    affine : ndarray, shape (4, 4)
        From voxels to RAS+ millimetres of the person: an upright head looking forward.
    bgl_point : ndarray, shape (3,)
        Millimetres: the person's point for `Head.bgl_point`.
    """

    hu: NDArray[np.float32]
    grey: NDArray[np.uint8]
    white: NDArray[np.uint8]
    csf: NDArray[np.uint8]
    regions: NDArray[np.uint8]
    lesion: NDArray[np.bool_]
    affine: NDArray[np.float64]
    bgl_point: NDArray[np.float64]
