"""Slices as pictures for the eye: which way up, in which window, in which file.

Pictures follow the radiological convention: the patient is seen from the feet, so the patient's
right is at the picture's left and the front is at the top.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Value = TypeVar("Value", bound=np.generic)


@dataclass(frozen=True)
class Window:
    """Which densities are shown between black and white.

    Attributes
    ----------
    name : str
        As readers of CT call it.
    level, width : float
        Middle and extent in HU.
    """

    name: str
    level: float
    width: float

    @property
    def limits(self) -> tuple[float, float]:
        """HU shown as black and as white."""
        return self.level - self.width / 2, self.level + self.width / 2

    @property
    def setting(self) -> str:
        """Level and width, as they stand beside a picture."""
        return f"WL {self.level:g} WW {self.width:g}"


BRAIN_WINDOW = Window("brain", 40.0, 80.0)

STROKE_WINDOW = Window("stroke", 35.0, 30.0)
"""Narrow, so that the slight darkening of early ischaemia shows."""

_QUALITY = 78
"""Of JPEG: enough for what is looked at in passing."""


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


def grey_levels(hu: NDArray[np.floating], window: Window = BRAIN_WINDOW) -> NDArray[np.uint8]:
    """Return HU in a window as grey values.

    The window's ends are exactly black and white, as with DICOM's ``LINEAR_EXACT`` (PS3.3
    C.11.2.1.3.2).

    Parameters
    ----------
    hu : ndarray, shape (...)
        In HU; NaN becomes black.
    window : Window
        What spans black to white.

    Returns
    -------
    ndarray of uint8, shape (...)
        0-255.
    """
    low, high = window.limits
    clipped = np.clip(np.nan_to_num(hu, nan=low), low, high)
    return np.rint((clipped - low) * (255 / (high - low))).astype(np.uint8)


def rgb(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a grey picture in three equal channels.

    Parameters
    ----------
    grey : ndarray of uint8, shape (rows, columns)
        0-255.

    Returns
    -------
    ndarray of uint8, shape (rows, columns, 3)
    """
    return np.repeat(grey[..., np.newaxis], 3, axis=2)


def jpeg_uri(grey: NDArray[np.uint8], quality: int = _QUALITY) -> str:
    """Return a picture as a data URI that holds a JPEG.

    Parameters
    ----------
    grey : ndarray of uint8, shape (rows, columns)
        0-255.
    quality : int
        Of the JPEG, 0-95.

    Returns
    -------
    str
    """
    buffer = io.BytesIO()
    Image.fromarray(rgb(grey)).save(buffer, "JPEG", quality=quality, optimize=True)
    return data_uri(buffer.getvalue(), "image/jpeg")


def data_uri(content: bytes, kind: str) -> str:
    """Return a data URI, so that a page needs no second file.

    Parameters
    ----------
    content : bytes
        Of the file.
    kind : str
        Its MIME type.

    Returns
    -------
    str
    """
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
