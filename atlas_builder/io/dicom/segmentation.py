"""Region maps as DICOM Segmentation objects beside the series they were drawn on.

A segmentation belongs to its patient: the standard has its Patient and Study modules repeat those
of the source series, so this file names the patient exactly where the source does. Nothing else
that this software writes does.

Regions that DICOM's terminology knows are coded in SNOMED CT; the others in the private scheme
99ASPECTS, whose codes are the names of the ASPECTS regions.

References
----------
DICOM PS3.3, A.51 Segmentation IOD, C.8.20.2 Segmentation Image; PS3.16, CID 7151 and CID
7710 (brain structures), CID 244 (laterality).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atlas_builder import __version__
from atlas_builder.core.anatomy import SIDES, Region, Side, map_value
from atlas_builder.io.dicom.codes import (
    BRAIN,
    PRIVATE_SCHEME,
    PRODUCT,
    SIDE_CODES,
    Code,
    coded,
    name_of,
    private_scheme,
    region_code,
)
from atlas_builder.io.dicom.damage import DAMAGE, in_dicom_silence
from atlas_builder.io.dicom.frames import Frame
from atlas_builder.io.dicom.portable import UTF_8
from atlas_builder.io.dicom.segmentation_sources import UnusableSourcesError, source_headers
from atlas_builder.runtime.files import replacing

_MADE_OF: dict[Region, tuple[Code, ...]] = {
    Region.L: (
        Code("89278009", "SCT", "Putamen"),
        Code("14738005", "SCT", "Globus Pallidus"),
    )
}
_STRUCTURE = Code("91723000", "SCT", "Anatomical Structure")


@dataclass(frozen=True)
class SegmentationSeries:
    """What a segmentation's series is called.

    Attributes
    ----------
    number : int
        Its series number.
    description : str
        Its series description.
    """

    number: int
    description: str


ALL_REGIONS = SegmentationSeries(9500, "ASPECTS regions")
"""Far above the numbers that scanners give."""
AFFECTED_REGIONS = SegmentationSeries(9501, "ASPECTS regions that lost their point")


def write_segmentation(
    path: Path,
    labels: NDArray[np.uint8],
    frames: Sequence[Frame],
    series: SegmentationSeries = ALL_REGIONS,
) -> str | None:
    """Write a region map as a binary DICOM SEG that refers to its source series.

    Parameters
    ----------
    path : Path
        Such as ``regions.seg.dcm``; written whole or not at all.
    labels : ndarray of uint8, shape (columns, rows, slices)
        A region map in the layout of `Scan`, values as in `map_value`. Each of its regions becomes
        a segment, each slice that holds some of it a frame at that slice's position.
    frames : sequence of Frame
        The slices' places in DICOM files, in the order of `labels`. The files are read, never
        changed.
    series : SegmentationSeries
        What its series is called.

    Returns
    -------
    str or None
        Why nothing was written: the map is empty, or the source images cannot be referred to, see
        `source_headers`.
    """
    if not labels.any():
        return "no DICOM SEG: the map has no regions"
    present = set(np.unique(labels))
    segments = [
        (region, side) for side in SIDES for region in Region if map_value(region, side) in present
    ]
    numbered = {map_value(*segment): n for n, segment in enumerate(segments, start=1)}
    content = Content("ASPECTS_REGIONS", "Regions of ASPECTS, from an atlas", series)

    def describe() -> list[Any]:
        return [_describe(n, *segment) for n, segment in enumerate(segments, start=1)]

    return write_segments(path, labels, frames, numbered, describe, content)


@dataclass(frozen=True)
class Content:
    """What a segmentation says of itself.

    Attributes
    ----------
    label, description : str
        The content's.
    series : SegmentationSeries
        What its series is called.
    """

    label: str
    description: str
    series: SegmentationSeries


def write_segments(
    path: Path,
    labels: NDArray[np.uint8],
    frames: Sequence[Frame],
    numbered: Mapping[int, int],
    describe: Callable[[], Sequence[Any]],
    content: Content,
) -> str | None:
    """Write labels as the segments of a binary DICOM SEG that refers to its source series.

    Parameters
    ----------
    path : Path
        Written whole or not at all.
    labels : ndarray of uint8, shape (columns, rows, slices)
        In the layout of `Scan`; not empty.
    frames : sequence of Frame
        The slices' places in DICOM files, in the order of `labels`.
    numbered : mapping of int to int
        The segment of each value, from 1 on.
    describe : callable
        Returns highdicom's description of each segment.
    content : Content
        What the file says of itself.

    Returns
    -------
    str or None
        Why nothing was written.
    """
    labelled = [index for index in range(labels.shape[2]) if labels[:, :, index].any()]
    try:
        with in_dicom_silence():
            sources = source_headers(frames, labelled)
            numbers = np.zeros(256, np.uint8)
            for value, number in numbered.items():
                numbers[value] = number
            stored = [numbers[_stored(labels[:, :, i], frames[i])] for i in labelled]
            indices = [frames[i].index for i in labelled]
            segmentation = _segmentation(sources, stored, indices, describe(), content)
            with replacing(path) as partial:
                segmentation.save_as(partial)
    except UnusableSourcesError as reason:
        return f"no DICOM SEG: {reason}"
    except DAMAGE as error:
        if isinstance(error, OSError):
            raise
        return f"no DICOM SEG: the source's headers do not allow it ({type(error).__name__})"
    return None


def _stored(labels: NDArray[np.uint8], frame: Frame) -> NDArray[np.uint8]:
    """Turn a slice's labels into the file's own rows and columns."""
    return np.ascontiguousarray(frame.in_plane.undo(labels).T)


def _segmentation(
    sources: Sequence[Any],
    stored: Sequence[NDArray[np.uint8]],
    indices: Sequence[int],
    described: Sequence[Any],
    content: Content,
) -> Any:
    """Return the segmentation of classic images, one an array, or of one multi-frame image."""
    import highdicom as hd  # noqa: PLC0415 - slow to load, and DICOM scans alone need it

    frame_count = int(sources[0].get("NumberOfFrames", len(stored)))
    places = indices if "NumberOfFrames" in sources[0] else range(len(stored))
    pixels = np.zeros((frame_count, *stored[0].shape), np.uint8)
    for place, array in zip(places, stored, strict=True):
        pixels[place] = array
    segmentation = hd.seg.Segmentation(
        source_images=sources,
        pixel_array=pixels,
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=described,
        series_instance_uid=hd.UID(),
        series_number=content.series.number,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer=PRODUCT,
        manufacturer_model_name=PRODUCT,
        software_versions=__version__,
        specific_character_set=UTF_8,
        device_serial_number="none",
        content_label=content.label,
        content_description=content.description,
        series_description=content.series.description,
    )
    segmentation.CodingSchemeIdentificationSequence = [private_scheme()]
    return segmentation


def _describe(number: int, region: Region, side: Side) -> Any:
    import highdicom as hd  # noqa: PLC0415

    description = hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=f"{name_of(region)}, {side}",
        segmented_property_category=coded(_STRUCTURE),
        segmented_property_type=coded(region_code(region)),
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=hd.AlgorithmIdentificationSequence(
            name=PRODUCT,
            version=__version__,
            family=coded(Code("ATLAS", PRIVATE_SCHEME, "Registration of an atlas")),
        ),
        tracking_uid=hd.UID(),
        tracking_id=f"{region.name}, {side}",
        anatomic_regions=[coded(BRAIN)],
        primary_anatomic_structures=[coded(part) for part in _MADE_OF.get(region, ())] or None,
    )
    # The side is a modifier of the code, as the standard wants it, not a code of its own.
    modifier = [coded(SIDE_CODES[side])]
    description.SegmentedPropertyTypeCodeSequence[
        0
    ].SegmentedPropertyTypeModifierCodeSequence = modifier
    description.AnatomicRegionSequence[0].AnatomicRegionModifierSequence = modifier
    return description
