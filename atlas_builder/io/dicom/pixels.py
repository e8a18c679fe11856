"""The values of DICOM CT frames, in Hounsfield units.

References
----------
DICOM PS3.3, C.7.5.1.1.2 Pixel Padding Value, C.11.1 Modality LUT (rescale); PS3.5, section 8.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.pixels.decoders.base import get_decoder

from atlas_builder.core.errors import InputError
from atlas_builder.io.dicom.damage import refusing_damage
from atlas_builder.io.dicom.datasets import read_dataset
from atlas_builder.io.dicom.frames import Frame

_AIR_HU = -1000.0
_HIGHEST_HU = 3071.0  # of the 12-bit scale
_NO_TISSUE_HU = 30_000.0  # metal on the extended scale ends below; signed padding read as unsigned


def read_hu(frames: Sequence[Frame]) -> NDArray[np.float32]:
    """Read frames of one series in Hounsfield units.

    Parameters
    ----------
    frames : sequence of Frame
        Frames of one shape.

    Returns
    -------
    ndarray, shape (columns, rows, frames)
        float32 HU in the layout of `Slice`. Photometric interpretation is how to display values
        and changes none. Padding is kept where it lies below air; padding above the CT scale, as
        unsigned padding does, becomes air.

    Raises
    ------
    InputError
        A file is damaged, has no rescale, or is compressed in a way no installed package decodes.
    """
    slices: dict[int, NDArray[np.float32]] = {}
    for path in dict.fromkeys(frame.path for frame in frames):
        stored, padded = _stored_values(path)
        for place, frame in enumerate(frames):
            if frame.path == path:
                hu = _rescaled(frame, stored[frame.index])
                hu[(padded[frame.index] & (hu > _HIGHEST_HU)) | (hu > _NO_TISSUE_HU)] = _AIR_HU
                slices[place] = frame.in_plane.turn(hu.T)
    return np.stack([slices[place] for place in range(len(frames))], axis=2)


def _stored_values(path: Path) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
    """Return a file's stored values, shape (frames, rows, columns), and where they are padding."""
    with refusing_damage(path):
        dataset = read_dataset(path)
        _check_decodable(path, dataset.file_meta.TransferSyntaxUID)
        stored = dataset.pixel_array.reshape(-1, dataset.Rows, dataset.Columns)
        padding = dataset.get("PixelPaddingValue")
        if padding is None:
            return stored, np.zeros(stored.shape, dtype=bool)
        limit = dataset.get("PixelPaddingRangeLimit", padding)
        return stored, (stored >= min(padding, limit)) & (stored <= max(padding, limit))


def _check_decodable(path: Path, syntax: Any) -> None:
    missing = []
    if syntax.is_compressed:
        try:
            decoder = get_decoder(syntax)
        except NotImplementedError:
            raise InputError(
                f"{path}: stored as {syntax.name}, which cannot be decoded; decompress it, for "
                "example with gdcmconv --raw"
            ) from None
        missing = [] if decoder.is_available else decoder.missing_dependencies
    if missing:
        packages = next((text for text in missing if text.startswith("pylibjpeg")), missing[0])
        raise InputError(
            f"{path}: compressed as {syntax.name}, which needs a package that is not installed; "
            f"install {packages.partition(' requires ')[2]}"
        )


def _rescaled(frame: Frame, stored: NDArray[np.generic]) -> NDArray[np.float32]:
    if frame.rescale is None:
        raise InputError(
            f"{frame.path}: no rescale slope and intercept that are numbers, so its values are not "
            "HU; export it again from the archive"
        )
    slope, intercept = frame.rescale
    hu = stored.astype(np.float32)
    hu *= np.float32(slope)
    hu += np.float32(intercept)
    return hu
