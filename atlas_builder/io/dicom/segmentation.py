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

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray

from atlas_builder import __version__
from atlas_builder.core.anatomy import SIDES, Region, Side, map_value
from atlas_builder.io.damage import in_silence
from atlas_builder.io.dicom.damage import DAMAGE, LOGGER
from atlas_builder.io.dicom.frames import Frame
from atlas_builder.io.dicom.portable import UTF_8
from atlas_builder.io.dicom.segmentation_sources import UnusableSourcesError, source_headers
from atlas_builder.runtime.files import replacing

PRODUCT = "ASPECTS Atlas"
PRIVATE_SCHEME = "99ASPECTS"
_SERIES_NUMBER = 9500  # far above those that scanners give
_SNOMED = {
    Region.C: ("11000004", "Caudate Nucleus"),
    Region.IC: ("85637007", "Internal capsule"),
    Region.I: ("36169008", "Insula"),
}
_MADE_OF = {Region.L: (("89278009", "Putamen"), ("14738005", "Globus Pallidus"))}
_STRUCTURE = ("91723000", "Anatomical Structure")
_BRAIN = ("12738006", "Brain")
_SIDE_CODES = {"left": ("7771000", "Left"), "right": ("24028007", "Right")}


def write_segmentation(
    path: Path, labels: NDArray[np.uint8], frames: Sequence[Frame]
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
    content = Content("ASPECTS_REGIONS", "Regions of ASPECTS, from an atlas", "ASPECTS regions")

    def describe() -> list[Any]:
        return [_describe(n, *segment) for n, segment in enumerate(segments, start=1)]

    return write_segments(path, labels, frames, numbered, describe, content)


@dataclass(frozen=True)
class Content:
    """What a segmentation says of itself.

    Attributes
    ----------
    label, description, series : str
        The content's label and description, and the series' description.
    """

    label: str
    description: str
    series: str


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
        with _in_silence():
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


@contextmanager
def _in_silence() -> Iterator[None]:
    """Keep pydicom and highdicom, which quote the patient's data, from writing to the terminal."""
    library = logging.getLogger("highdicom")
    nowhere, passed_on = logging.NullHandler(), library.propagate
    # Its modules have loggers of their own, which disabling the library's would not reach.
    library.addHandler(nowhere)
    library.propagate = False
    try:
        with in_silence(LOGGER):
            yield
    finally:
        library.propagate = passed_on
        library.removeHandler(nowhere)


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
        series_number=_SERIES_NUMBER,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer=PRODUCT,
        manufacturer_model_name=PRODUCT,
        software_versions=__version__,
        specific_character_set=UTF_8,
        device_serial_number="none",
        content_label=content.label,
        content_description=content.description,
        series_description=content.series,
    )
    scheme = pydicom.Dataset()
    scheme.CodingSchemeDesignator = PRIVATE_SCHEME
    scheme.CodingSchemeName = "Regions of the Alberta Stroke Program Early CT Score"
    scheme.CodingSchemeResponsibleOrganization = PRODUCT
    segmentation.CodingSchemeIdentificationSequence = [scheme]
    return segmentation


def _describe(number: int, region: Region, side: Side) -> Any:
    import highdicom as hd  # noqa: PLC0415

    name = region.full_name.capitalize()
    if region.name.startswith("M"):
        name = f"{region.name} ({region.full_name})"
    if region in _SNOMED:
        property_type = _code(_SNOMED[region])
    else:
        property_type = hd.sr.CodedConcept(region.name, PRIVATE_SCHEME, name)
    description = hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=f"{name}, {side}",
        segmented_property_category=_code(_STRUCTURE),
        segmented_property_type=property_type,
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=hd.AlgorithmIdentificationSequence(
            name=PRODUCT,
            version=__version__,
            family=hd.sr.CodedConcept("ATLAS", PRIVATE_SCHEME, "Registration of an atlas"),
        ),
        tracking_uid=hd.UID(),
        tracking_id=f"{region.name}, {side}",
        anatomic_regions=[_code(_BRAIN)],
        primary_anatomic_structures=_codes(_MADE_OF.get(region, ())) or None,
    )
    # The side is a modifier of the code, as the standard wants it, not a code of its own.
    modifier = [_code(_SIDE_CODES[side])]
    description.SegmentedPropertyTypeCodeSequence[
        0
    ].SegmentedPropertyTypeModifierCodeSequence = modifier
    description.AnatomicRegionSequence[0].AnatomicRegionModifierSequence = modifier
    return description


def _code(code: tuple[str, str]) -> Any:
    import highdicom as hd  # noqa: PLC0415

    return hd.sr.CodedConcept(code[0], "SCT", code[1])


def _codes(codes: Iterable[tuple[str, str]]) -> list[Any]:
    return [_code(code) for code in codes]
