"""Connected parts of a mask."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def largest_component(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the largest part of a mask whose pixels or voxels touch side by side.

    Of parts of one size it is the first; an empty mask is returned as it is.

    Parameters
    ----------
    mask : ndarray of bool, of any shape
        The mask; in two dimensions a pixel has four neighbours, in three a voxel has six.

    Returns
    -------
    ndarray of bool, of the same shape
    """
    components, count = ndimage.label(mask)
    if count == 0:
        return mask
    return np.asarray(components == 1 + np.argmax(np.bincount(components.ravel())[1:]))
