"""Shannon entropy of an image, the paper's measure of how sharp a template is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def shannon_entropy(image: NDArray[np.generic]) -> float:
    """Return the entropy of an image's grey levels in bits.

    Values are stretched to 0-255, rounded and counted in 256 bins over the whole image, the
    background included, which is how the entropies printed for ASPECTS-281 come out [1]_.

    Parameters
    ----------
    image : ndarray
        Any shape and unit; finite. A constant image has entropy 0.

    Returns
    -------
    float
        Bits, between 0 and 8.

    References
    ----------
    .. [1] Sun X, et al. Sci Data 11, 1132 (2024). doi:10.1038/s41597-024-03973-y, Table 2.
    """
    values = np.asarray(image, dtype=np.float64)
    low, high = values.min(), values.max()
    if low == high:
        return 0.0
    levels = np.rint((values - low) * (255 / (high - low))).astype(np.uint8)
    counts = np.bincount(levels.ravel(), minlength=256)
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum())
