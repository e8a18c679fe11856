"""An acute infarct as a DICOM Segmentation object beside the CT series it was found on.

It repeats the patient of its source, as `atlas_builder.io.dicom.segmentation` explains.

References
----------
DICOM PS3.16, CID 7150 (segmentation property categories), CID 7162 (algorithm families);
SNOMED CT.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atlas_builder import __version__
from atlas_builder.io.dicom.codes import PRODUCT
from atlas_builder.io.dicom.frames import Frame
from atlas_builder.io.dicom.segmentation import Content, SegmentationSeries, write_segments

_CONTENT = Content(
    "ACUTE_INFARCT", "Acute infarct, from a network", SegmentationSeries(9502, "Acute infarct")
)
_ALTERED = ("49755003", "SCT", "Morphologically Altered Structure")
_INFARCT = ("55641003", "SCT", "Infarct")
_BRAIN = ("12738006", "SCT", "Brain")
_NETWORKS = ("123110", "DCM", "Artificial Intelligence")


def write_infarct(path: Path, mask: NDArray[np.uint8], frames: Sequence[Frame]) -> str | None:
    """Write an infarct as a binary DICOM SEG that refers to its source series.

    Parameters
    ----------
    path : Path
        Such as ``infarct.seg.dcm``; written whole or not at all.
    mask : ndarray of uint8, shape (columns, rows, slices)
        In the layout of `Scan`: 1 inside; not empty.
    frames : sequence of Frame
        The slices' places in DICOM files, in the order of `mask`.

    Returns
    -------
    str or None
        Why nothing was written, see `write_segments`.
    """
    return write_segments(path, mask, frames, {1: 1}, _described, _CONTENT)


def _described() -> list[Any]:
    import highdicom as hd  # noqa: PLC0415 - slow to load, and DICOM scans alone need it

    algorithm = hd.AlgorithmIdentificationSequence(
        name=PRODUCT, version=__version__, family=hd.sr.CodedConcept(*_NETWORKS)
    )
    return [
        hd.seg.SegmentDescription(
            segment_number=1,
            segment_label="Acute infarct",
            segmented_property_category=hd.sr.CodedConcept(*_ALTERED),
            segmented_property_type=hd.sr.CodedConcept(*_INFARCT),
            algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
            algorithm_identification=algorithm,
            tracking_uid=hd.UID(),
            tracking_id="Acute infarct",
            anatomic_regions=[hd.sr.CodedConcept(*_BRAIN)],
        )
    ]
