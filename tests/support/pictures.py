"""What pictures show: how many pixels are of a colour, and where."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.image import imread
from numpy.typing import NDArray


def picture_of(path: Path) -> NDArray[np.float64]:
    """Return red, green and blue, 0-1, shape (rows, columns, 3)."""
    return np.asarray(imread(path)[..., :3], np.float64)


def coloured(picture: NDArray[np.float64], colour: str, off: float = 0.05) -> NDArray[np.bool_]:
    """Tell which pixels are of a colour, but for so much in any channel."""
    return np.abs(picture - to_rgb(colour)).max(axis=2) < off


def reddish(picture: NDArray[np.float64], least: float = 0.2) -> NDArray[np.bool_]:
    """Tell which pixels have more red than green and blue, by so much."""
    return picture[..., 0] - picture[..., 1:].max(axis=2) > least
