"""Overlap of two region maps."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


def dice(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """Return the Dice similarity coefficient of two masks; NaN when both are empty.

    Parameters
    ----------
    first, second : ndarray of bool, of any shape, the same for both
        The masks, on the same pixels.

    Returns
    -------
    float
        0 to 1, or NaN.

    References
    ----------
    Dice LR. Measures of the amount of ecologic association between species. Ecology 26:297-302
    (1945). doi:10.2307/1932409
    """
    size = np.count_nonzero(first) + np.count_nonzero(second)
    if size == 0:
        return float("nan")
    return 2 * np.count_nonzero(first & second) / size


def dice_by_label(
    first: NDArray[np.uint8], second: NDArray[np.uint8], labels: Iterable[int]
) -> dict[int, float]:
    """Return the Dice similarity coefficient of each label value of two label images.

    Parameters
    ----------
    first, second : ndarray of uint8, of any shape, the same for both
        Label values on the same pixels.
    labels : iterable of int
        The label values to compare.

    Returns
    -------
    dict of int to float
        By label value; NaN where neither image has it.
    """
    return {int(label): dice(first == label, second == label) for label in labels}
