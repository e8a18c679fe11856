"""Lengths that headers state to a few digits, brought to one value for all their roundings.

A registration is no continuous function of its images: a change of 0.0001 HU leads ANTs to another
affine, up to 1.7 mm away on real heads. What headers say twice in slightly different digits
(0.488281 and 0.48828125 mm, cosines rounded to five digits) must therefore reach it as one number.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def rounded_to(values: ArrayLike, step: float) -> NDArray[np.float64]:
    """Round values to whole multiples of a step.

    Parameters
    ----------
    values : array_like
        In any unit.
    step : float
        In the same. Of a negative power of two, fields of view of whole millimetres over 512
        pixels, and slices of 0.625 and 1.25 mm, are multiples; what decimals leave over is never
        half a step for multiples of 0.05.

    Returns
    -------
    ndarray of float64
    """
    return np.rint(np.asarray(values, np.float64) / step) * step
