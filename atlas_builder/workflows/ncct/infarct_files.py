"""The files that an infarct found on a head CT is written to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atlas_builder.io.source import DicomSource, NiftiSource

INFARCT_MASK = "infarct.nii.gz"
INFARCT_PICTURE = "infarct.png"
INFARCT_SEGMENTATION = "infarct.seg.dcm"


def write_mask(
    folder: Path,
    mask: NDArray[np.uint8],
    source: NiftiSource | DicomSource,
    exact_at: tuple[int, int],
) -> list[str]:
    """Write the mask of an infarct as NIfTI and, of a DICOM series, as DICOM SEG.

    Parameters
    ----------
    folder : Path
        Where to.
    mask : ndarray of uint8, shape (columns, rows, slices)
        1 inside, on the scan's own voxels.
    source : NiftiSource or DicomSource
        The scan.
    exact_at : tuple of int
        Slices whose place in the NIfTI file must be right, see `DicomSource.write_labels`.

    Returns
    -------
    list of str
        What to know about the files.
    """
    notes = [source.write_labels(folder / INFARCT_MASK, mask, exact_at)]
    if isinstance(source, DicomSource) and mask.any():
        notes.append(source.write_infarct(folder / INFARCT_SEGMENTATION, mask))
    return [note for note in notes if note is not None]
