"""Slices as pictures for the eye: which way up, in which window, in which file.

Pictures follow the radiological convention: the patient is seen from the feet, so the patient's
right is at the picture's left and the front is at the top.
"""

from __future__ import annotations

import base64
import io
from typing import TypeVar

import numpy as np
from matplotlib.image import imsave
from numpy.typing import NDArray

Value = TypeVar("Value", bound=np.generic)

BRAIN_WINDOW = (0.0, 80.0)
"""HU shown as black and as white: level 40, width 80."""

_JPEG = {"quality": 78, "optimize": True}


def radiological(image: NDArray[Value]) -> NDArray[Value]:
    """Turn a slice the way it is shown.

    Parameters
    ----------
    image : ndarray, shape (nx, ny)
        The first axis runs to the patient's left, the second to the back.

    Returns
    -------
    ndarray, shape (ny, nx)
        Rows from the front to the back, columns from the patient's right to the left.
    """
    return image.T


def grey_levels(hu: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return HU in the brain window as 0-255."""
    low, high = BRAIN_WINDOW
    return np.rint((np.clip(hu, low, high) - low) * (255 / (high - low))).astype(np.uint8)


def jpeg_uri(grey: NDArray[np.uint8]) -> str:
    """Return a picture as a data URI that holds a JPEG; shape (rows, columns), 0-255."""
    buffer = io.BytesIO()
    imsave(buffer, np.repeat(grey[..., np.newaxis], 3, axis=2), format="jpeg", pil_kwargs=_JPEG)
    return data_uri(buffer.getvalue(), "image/jpeg")


def data_uri(content: bytes, kind: str) -> str:
    """Return a data URI, so that a page needs no second file; `kind` is a MIME type."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
