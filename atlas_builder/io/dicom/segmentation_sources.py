"""The source images of a DICOM SEG: which they are, where they lie, and whether they can be named.

A segmentation refers to its source images by their identifiers and shares one orientation, one
pixel size and one frame of reference among its frames. What differs by rounding is made one here;
what cannot be is named.

References
----------
DICOM PS3.3, A.51 Segmentation IOD, C.7.4.1 Frame of Reference, C.7.6.2 Image Plane, C.7.6.16.2
Functional Group Macros.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.valuerep import format_number_as_ds

from atlas_builder.io.dicom.datasets import numbers, read_dataset
from atlas_builder.io.dicom.frames import Frame
from atlas_builder.io.dicom.portable import portable_copy

_CT = "1.2.840.10008.5.1.4.1.1.2"
_MULTI_FRAME = {
    "1.2.840.10008.5.1.4.1.1.2.1",  # Enhanced CT Image Storage
    "1.2.840.10008.5.1.4.1.1.2.2",  # Legacy Converted Enhanced CT Image Storage
}
_REFERENCES = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID")
# A segmentation must have them, if only empty.
_MAY_BE_EMPTY = (
    "AccessionNumber",
    "PatientBirthDate",
    "PatientID",
    "PatientName",
    "PatientSex",
    "ReferringPhysicianName",
    "StudyDate",
    "StudyID",
    "StudyTime",
)
_MOST_PIXELS_OFF = 0.25
"""How far the common plane may put a pixel from where its own slice's header puts it."""
_DECIMALS = 9


class UnusableSourcesError(Exception):
    """No segmentation can refer to the source images; the message says why, in a few words."""


@dataclass(frozen=True)
class _Plane:
    """A stored slice's place, in LPS mm: of its first pixel, and the steps to the next ones.

    `steps` has shape (2, 3): to the next column, to the next row.
    """

    position: NDArray[np.float64]
    steps: NDArray[np.float64]


def source_headers(frames: Sequence[Frame], labelled: Sequence[int]) -> list[pydicom.Dataset]:
    """Return the headers of the files that hold some slices, as a segmentation can refer to them.

    Parameters
    ----------
    frames : sequence of Frame
        All slices of the scan.
    labelled : sequence of int
        Indices of those that the segmentation has regions on.

    Returns
    -------
    list of pydicom.Dataset
        In the order of `labelled`, each file once; copies, see `portable_copy`. They share one
        orientation, pixel size and frame of reference, and what a segmentation must have of them is
        there, if only empty.

    Raises
    ------
    UnusableSourcesError
        An identifier is missing or tells the slices not apart, or the slices' planes differ by more
        than a quarter of a pixel.
    """
    paths = list(dict.fromkeys(frames[index].path for index in labelled))
    sources = [read_dataset(path, stop_before_pixels=True) for path in paths]
    copies = [portable_copy(source) for source in sources]
    for source, copied in zip(sources, copies, strict=True):
        _complete(source, copied)
    _share_frame_of_reference(frames, copies)
    _check_references(sources, copies)
    other = next((frame.path for frame in frames if frame.path not in paths), None)
    _check_instances(copies, other)
    cosines, spacing = _common_plane([frames[index] for index in labelled])
    for path, source, copied in zip(paths, sources, copies, strict=True):
        count = int(source.get("NumberOfFrames") or 1)
        if copied.SOPClassUID in _MULTI_FRAME:
            if len(paths) > 1:
                raise UnusableSourcesError("the key slices lie in several multi-frame files")
            copied.NumberOfFrames = count
        elif count > 1:
            raise UnusableSourcesError("NumberOfFrames is not 1 though SOPClassUID is CT Image")
        elif "NumberOfFrames" in copied:
            del copied.NumberOfFrames
        inside = [frame for frame in frames if frame.path == path]
        _place(source, copied, inside, (cosines, spacing, _usual_gap(frames)))
    return copies


def _complete(source: Any, copied: Any) -> None:
    """Fill in what the file states elsewhere, and what may be empty."""
    meta = getattr(source, "file_meta", None) or {}
    if not copied.get("SOPClassUID"):
        copied.SOPClassUID = meta.get("MediaStorageSOPClassUID") or _CT
    if not copied.get("SOPInstanceUID"):
        copied.SOPInstanceUID = meta.get("MediaStorageSOPInstanceUID")
    for keyword in _MAY_BE_EMPTY:
        if not copied.get(keyword):
            setattr(copied, keyword, None)
    if copied.get("PatientIdentityRemoved") == "YES" and not (
        copied.get("DeidentificationMethod") or copied.get("DeidentificationMethodCodeSequence")
    ):
        copied.DeidentificationMethod = "not stated by the source"


def _share_frame_of_reference(frames: Sequence[Frame], copies: Sequence[Any]) -> None:
    """Give all sources one frame of reference, that of most slices where they name several.

    Slices of one series lie in one space; exports that give each slice its own identifier, or one
    slice another or none, do not mean otherwise.
    """
    named = Counter(uid for copied in copies if (uid := copied.get("FrameOfReferenceUID")))
    if len(named) != 1:
        for path in dict.fromkeys(frame.path for frame in frames):
            tag = ["FrameOfReferenceUID"]
            header = portable_copy(read_dataset(path, stop_before_pixels=True, specific_tags=tag))
            named.update([uid] if (uid := header.get("FrameOfReferenceUID")) else [])
    if named:
        (uid, _), *_ = named.most_common()
        for copied in copies:
            copied.FrameOfReferenceUID = uid


def _check_references(sources: Sequence[Any], copies: Sequence[Any]) -> None:
    lacking = [name for name in _REFERENCES if any(not copied.get(name) for copied in copies)]
    if lacking:
        held = [name for name in lacking if any(_holds(source, name) for source in sources)]
        if held:
            raise UnusableSourcesError(f"the source's {', '.join(held)} is no unique identifier")
        raise UnusableSourcesError(f"the source lacks {', '.join(lacking)}")
    for name in ("StudyInstanceUID", "SeriesInstanceUID"):
        if len({copied.get(name) for copied in copies}) > 1:
            raise UnusableSourcesError(f"{name} differs between the key slices")


def _holds(source: Any, keyword: str) -> bool:
    return keyword in source and bool(source.get_item(keyword).value)


def _check_instances(copies: Sequence[Any], other: Path | None) -> None:
    """Make sure that an identifier leads to one slice, as far as the slices at hand show it."""
    named = [copied.SOPInstanceUID for copied in copies]
    if other is not None:
        header = read_dataset(other, stop_before_pixels=True, specific_tags=["SOPInstanceUID"])
        named.append(portable_copy(header).get("SOPInstanceUID"))
    if len(set(named)) < len(named):
        raise UnusableSourcesError(
            "SOPInstanceUID is the same for several slices, so that it identifies none"
        )


def _common_plane(frames: Sequence[Frame]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return one orientation and one pixel size for some slices.

    Returns
    -------
    cosines : ndarray, shape (2, 3)
        Of the steps to the next column and to the next row, LPS; orthonormal.
    spacing : ndarray, shape (2,)
        Of these steps, in mm.
    """
    steps = np.stack([_stored_plane(frame).steps for frame in frames])
    lengths = np.linalg.norm(steps, axis=2)
    left, _, right = np.linalg.svd((steps / lengths[..., np.newaxis]).mean(axis=0), False)
    cosines = np.round(left @ right, _DECIMALS)
    spacing = np.round(lengths.mean(axis=0), _DECIMALS)
    sizes = np.array(frames[0].shape) - 1  # columns and rows
    off = np.linalg.norm(steps - cosines * spacing[:, np.newaxis], axis=2) @ sizes
    if off.max() > _MOST_PIXELS_OFF * spacing.min():
        stretched = np.abs(lengths - spacing) @ sizes
        turned = off.max() > 2 * stretched.max()
        name = "ImageOrientationPatient" if turned else "PixelSpacing"
        raise UnusableSourcesError(f"{name} differs between the key slices by more than rounding")
    return cosines, spacing


def _stored_plane(frame: Frame) -> _Plane:
    """Undo the turn from a stored slice to the layout of `Slice`."""
    affine, in_plane = frame.affine, frame.in_plane
    origin, steps = affine[:3, 3], [affine[:3, 0], affine[:3, 1]]
    lengths = frame.shape[::-1] if in_plane.transposed else frame.shape
    for axis, flipped in enumerate(in_plane.flips):
        if flipped:
            origin = origin + steps[axis] * (lengths[axis] - 1)
            steps[axis] = -steps[axis]
    if in_plane.transposed:
        steps.reverse()
    ras_to_lps = np.array([-1.0, -1.0, 1.0])
    return _Plane(origin * ras_to_lps, np.stack(steps) * ras_to_lps)


def _place(
    source: Any,
    copied: Any,
    frames: Sequence[Frame],
    plane: tuple[NDArray[np.float64], NDArray[np.float64], float],
) -> None:
    """State a file's geometry anew: at the root, or in functional groups where it holds many."""
    cosines, (to_column, to_row), gap = plane
    copied.Columns, copied.Rows = frames[0].shape
    orientation, measures = pydicom.Dataset(), pydicom.Dataset()
    orientation.ImageOrientationPatient = _decimals(cosines.ravel())
    measures.PixelSpacing = _decimals([to_row, to_column])  # rows first
    thickness = numbers(_measures_of(source), "SliceThickness", 1)
    measures.SliceThickness = _decimals(thickness if thickness and thickness[0] > 0 else [gap])[0]
    between = numbers(_measures_of(source), "SpacingBetweenSlices", 1)
    if "SpacingBetweenSlices" in copied:
        del copied.SpacingBetweenSlices
    if between and between[0] > 0:
        measures.SpacingBetweenSlices = _decimals(between)[0]
    positions = {frame.index: _stored_plane(frame).position for frame in frames}
    if "NumberOfFrames" not in copied:
        copied.update(orientation)
        copied.update(measures)
        copied.ImagePositionPatient = _decimals(positions[frames[0].index])
        return
    shared = pydicom.Dataset()
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [orientation], [measures]
    copied.SharedFunctionalGroupsSequence = [shared]
    groups = []
    for index in range(copied.NumberOfFrames):
        # Frames that are no slices of the scan, such as localizers, are not referred to.
        position, group = pydicom.Dataset(), pydicom.Dataset()
        place = positions.get(index, positions[frames[0].index])
        position.ImagePositionPatient = _decimals(place)
        group.PlanePositionSequence = [position]
        groups.append(group)
    copied.PerFrameFunctionalGroupsSequence = groups


def _measures_of(source: Any) -> Any:
    """Return what holds a file's thickness: an item of its functional groups, or the file."""
    shared = source.get("SharedFunctionalGroupsSequence") or []
    each = source.get("PerFrameFunctionalGroupsSequence") or []
    for group in (*shared, *each[:1]):
        for item in group.get("PixelMeasuresSequence") or []:
            if "SliceThickness" in item:
                return item
    return source


def _decimals(values: Any) -> list[str]:
    return [format_number_as_ds(round(float(value), _DECIMALS) + 0.0) for value in values]


def _usual_gap(frames: Sequence[Frame]) -> float:
    """Return the usual distance between slices in mm, 1 for a single slice."""
    heights = [float(frames[0].affine[:3, 2] @ frame.affine[:3, 3]) for frame in frames]
    return float(np.median(np.abs(np.diff(heights)))) if len(heights) > 1 else 1.0
