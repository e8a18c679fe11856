"""Scans in any format: NIfTI files, DICOM folders and files, and zipped DICOM.

A source holds the place of every slice before any pixel is read, reads only the slices needed, and
writes labels back to where they belong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.errors import InputError
from atlas_builder.core.flags import Flag
from atlas_builder.core.scan import Scan
from atlas_builder.io.archive import ZIP_STARTS, unpacked_dicom
from atlas_builder.io.dicom.preamble import START, starts_as_dicom
from atlas_builder.io.nifti.images import read_slices, write_like, write_volume
from atlas_builder.io.nifti.storage import Storage, examine
from atlas_builder.io.stacking import remarks_on_stack, stack_affine

if TYPE_CHECKING:
    from atlas_builder.io.dicom.results.reported_scan import ReportedScan
    from atlas_builder.io.dicom.scans import DicomSeries

Labels = NDArray[np.uint8]

_TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


@dataclass(frozen=True)
class NiftiSource:
    """A scan in a NIfTI file, read slice by slice.

    Attributes
    ----------
    storage : Storage
        Where its slices lie.
    kind : str
        How it is stored.
    age, series : None
        What only DICOM headers state.
    """

    storage: Storage
    kind: Literal["NIfTI"] = "NIfTI"
    age: None = None
    series: None = None

    @property
    def path(self) -> Path:
        """The file."""
        return self.storage.path

    @property
    def affines(self) -> NDArray[np.float64]:
        """The affine of each slice, shape (slices, 4, 4), as in `Scan`."""
        return self.storage.affines

    @property
    def shape(self) -> tuple[int, int, int]:
        """Columns, rows and slices, as in `Scan`."""
        return (*self.storage.slice_shape, len(self.affines))

    @property
    def remarks(self) -> tuple[Flag, ...]:
        """What is unusual about how the slices are stacked and placed."""
        return (*self.storage.remarks, *remarks_on_stack(self.affines))

    def read(self, indices: Sequence[int] | None = None) -> Scan:
        """Read some slices in HU by their index, or all of them.

        Parameters
        ----------
        indices : sequence of int, optional
            0-based, in file order; by default every slice.

        Returns
        -------
        Scan
            float32 HU, the slices in the order of `indices`.

        Raises
        ------
        InputError
            The file is damaged, or more than a trace of the voxels are not finite numbers.
        """
        return read_slices(self.storage, range(len(self.affines)) if indices is None else indices)

    def write_labels(self, path: Path, labels: Labels, exact_at: tuple[int, int]) -> str | None:
        """Write labels as NIfTI with the file's own shape, axes and affine, see `write_like`.

        Parameters
        ----------
        path : Path
            ``.nii`` or ``.nii.gz``; written whole or not at all.
        labels : ndarray of uint8, shape (columns, rows, slices)
            In the layout of `Scan`.
        exact_at : tuple of int
            As in `DicomSource`; the file's own affine is right for all slices.

        Returns
        -------
        None
            There is nothing to know about the affine.
        """
        write_like(path, labels, self.storage)
        return None


@dataclass(frozen=True)
class DicomSource:
    """An axial series of a DICOM folder, file or archive, read slice by slice.

    Attributes
    ----------
    path : Path
        What was given: a folder, a file or an archive.
    dicom : DicomSeries
        The series and where its slices lie.
    kind : str
        How it is stored.
    """

    path: Path
    dicom: DicomSeries
    kind: Literal["DICOM"] = "DICOM"

    @property
    def age(self) -> float | None:
        """The patient's age in years where the header states it; never from the birth date."""
        return self.dicom.age

    @property
    def series(self) -> str:
        """The series number."""
        return self.dicom.number

    @property
    def affines(self) -> NDArray[np.float64]:
        """The affine of each slice, shape (slices, 4, 4), as in `Scan`."""
        return self.dicom.affines

    @property
    def shape(self) -> tuple[int, int, int]:
        """Columns, rows and slices, as in `Scan`."""
        return (*self.dicom.slice_shape, len(self.dicom.frames))

    @property
    def remarks(self) -> tuple[Flag, ...]:
        """What is unusual about the series."""
        return self.dicom.remarks

    def read(self, indices: Sequence[int] | None = None) -> Scan:
        """Read some slices in HU by their index, or all of them.

        Parameters
        ----------
        indices : sequence of int, optional
            0-based, from the feet to the head; by default every slice.

        Returns
        -------
        Scan
            float32 HU, the slices in the order of `indices`.

        Raises
        ------
        InputError
            Pixels cannot be decoded.
        """
        from atlas_builder.io.dicom.scans import read_frames  # noqa: PLC0415

        return read_frames(
            self.dicom, range(len(self.dicom.frames)) if indices is None else indices
        )

    def write_labels(self, path: Path, labels: Labels, exact_at: tuple[int, int]) -> str | None:
        """Write labels as a NIfTI volume; a tilt becomes a sheared affine, see `write_volume`.

        Parameters
        ----------
        path : Path
            ``.nii`` or ``.nii.gz``; written whole or not at all.
        labels : ndarray of uint8, shape (columns, rows, slices)
            In the layout of `Scan`.
        exact_at : tuple of int
            The two slices whose place must be right where one affine cannot be right for all.

        Returns
        -------
        str or None
            What to know about the file's affine.
        """
        affine, note = stack_affine(self.affines, exact_at)
        write_volume(path, labels, affine)
        return note

    def write_segmentation(self, path: Path, labels: Labels) -> str | None:
        """Write a region map as DICOM SEG beside its series; see `dicom.segmentation`.

        Parameters
        ----------
        path : Path
            ``.dcm``; written whole or not at all.
        labels : ndarray of uint8, shape (columns, rows, slices)
            In the layout of `Scan`: 1-10 on the patient's left, 11-20 on the right.

        Returns
        -------
        str or None
            Why no file was written, where none was.
        """
        from atlas_builder.io.dicom.segmentation import write_segmentation  # noqa: PLC0415 - slow to load

        return write_segmentation(path, labels, self.dicom.frames)

    def write_affected(self, path: Path, labels: Labels) -> str | None:
        """Write the regions that lost their point as DICOM SEG, in a series of their own.

        Parameters
        ----------
        path, labels
            As `write_segmentation` takes them.

        Returns
        -------
        str or None
            Why no file was written, where none was.
        """
        from atlas_builder.io.dicom.segmentation import (  # noqa: PLC0415 - slow to load
            AFFECTED_REGIONS,
            write_segmentation,
        )

        return write_segmentation(path, labels, self.dicom.frames, AFFECTED_REGIONS)

    def write_structured_report(
        self, path: Path, report: ReportedScan, referred: Sequence[int], segmentation: Path
    ) -> str | None:
        """Write what was found as DICOM SR beside the series; see `dicom.structured_report`.

        Parameters
        ----------
        path : Path
            ``.dcm``; written whole or not at all.
        report : ReportedScan
            What was found.
        referred : sequence of int
            Indices of the slices it was found on.
        segmentation : Path
            From `write_segmentation`.

        Returns
        -------
        str or None
            Why no file was written, where none was.
        """
        from atlas_builder.io.dicom.results.structured_report import write_structured_report  # noqa: PLC0415

        return write_structured_report(path, report, self.dicom.frames, referred, segmentation)

    def write_captures(self, folder: Path, pictures: Mapping[int, NDArray[np.uint8]]) -> str | None:
        """Write pictures of slices as a series in colour; see `dicom.captures`.

        Parameters
        ----------
        folder : Path
            Made if need be.
        pictures : mapping of int to ndarray of uint8, shape (columns, rows, 3)
            By the slices' indices.

        Returns
        -------
        str or None
            Why none was written, where none was.
        """
        from atlas_builder.io.dicom.results.captures import write_captures  # noqa: PLC0415

        return write_captures(folder, pictures, self.dicom.frames)

    def write_infarct(self, path: Path, mask: Labels) -> str | None:
        """Write an infarct as DICOM SEG beside its series; see `dicom.infarct_segmentation`.

        Parameters
        ----------
        path : Path
            ``.dcm``; written whole or not at all.
        mask : ndarray of uint8, shape (columns, rows, slices)
            In the layout of `Scan`: 1 inside.

        Returns
        -------
        str or None
            Why no file was written, where none was.
        """
        from atlas_builder.io.dicom.results.infarct_segmentation import (  # noqa: PLC0415 - slow to load
            write_infarct,
        )

        return write_infarct(path, mask, self.dicom.frames)


@contextmanager
def open_scan(path: Path, series: str | None = None) -> Iterator[NiftiSource | DicomSource]:
    """Open a scan, whatever it is stored as.

    Parameters
    ----------
    path : Path
        A NIfTI file, a folder of DICOM files, a multi-frame DICOM file, or a zip archive of DICOM
        files, which is unpacked for the length of the block.
    series : str, optional
        The DICOM series to use, by its number or Series Instance UID.

    Yields
    ------
    NiftiSource or DicomSource
        Headers are read and checked, pixels are not read yet.

    Raises
    ------
    InputError
        See `examine` and `examine_dicom`; or a series is named for a NIfTI file.
    """
    path = Path(path)
    form = _form_of(path)
    if form == "other":
        if series is not None:
            raise InputError(f"{path}: no DICOM; leave out --series, which is for DICOM folders")
        yield NiftiSource(examine(path))
        return
    from atlas_builder.io.dicom.scans import examine_dicom  # noqa: PLC0415 - NIfTI does without

    if form == "zip":
        with unpacked_dicom(path) as folder:
            yield DicomSource(path, examine_dicom(folder, series))
        return
    found = examine_dicom(path, series)
    if form == "DICOM" and len(found.frames) == 1:
        raise InputError(f"{path}: one slice of a DICOM series; give the folder that holds them")
    yield DicomSource(path, found)


def _form_of(path: Path) -> Literal["folder", "zip", "DICOM", "other"]:
    """Tell how a scan is stored by what is there, not by its name."""
    try:
        if path.is_dir():
            return "folder"
        if not path.is_file():
            return "other"
        with path.open("rb") as file:
            start = file.read(START)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check access") from None
    if start.startswith(ZIP_STARTS):
        return "zip"
    if path.name.lower().endswith(_TAR_SUFFIXES):
        raise InputError(f"{path}: a tar archive; unpack it and give the folder, or a zip archive")
    return "DICOM" if starts_as_dicom(start) else "other"
