"""The files of one stack of slices, and what their headers say of it."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from atlas_builder.core.flags import Flag
from atlas_builder.io.dicom.frames import CtFile, Frame
from atlas_builder.io.dicom.stacks import REFORMATTED, SAME_POSITION_MM, position_of

_MOST_TILT = math.radians(30.1)  # CT gantries tilt by up to 30 degrees; headers are rounded


@dataclass(frozen=True)
class SeriesFiles:
    """The CT files of one stack of a series.

    Attributes
    ----------
    files : tuple of CtFile
        At least one.
    part : int or None
        Which of the series's stacks, counted from 1; None where it is one stack.
    """

    files: tuple[CtFile, ...]
    part: int | None = None

    @property
    def name(self) -> str:
        """What ``--series`` knows it by: the series number, and the stack where there are more."""
        return self.number if self.part is None else f"{self.number}/{self.part}"

    @property
    def number(self) -> str:
        """The series number."""
        return self.files[0].series_number

    @property
    def uid(self) -> str:
        """The Series Instance UID."""
        return self.files[0].series_uid

    @property
    def age(self) -> float | None:
        """The patient's age in years, where the files that state one agree."""
        ages = {file.age for file in self.files if file.age is not None}
        return ages.pop() if len(ages) == 1 else None

    @cached_property
    def frames(self) -> tuple[Frame, ...]:
        """The frames of all files."""
        return tuple(frame for file in self.files for frame in file.frames)

    @cached_property
    def positions(self) -> tuple[float, ...]:
        """Different positions along the normal in mm, towards the head."""
        heights = sorted(position_of(self.frames[0], frame) for frame in self.frames)
        apart = (b for a, b in itertools.pairwise(heights) if b - a > SAME_POSITION_MM)
        return (*heights[:1], *apart)

    @property
    def extent(self) -> float:
        """How much of the body is covered, in mm from the first slice to the last."""
        return self.positions[-1] - self.positions[0]

    @property
    def spacing(self) -> float:
        """The usual distance between slices in mm, 0 for a single slice."""
        return float(np.median(np.diff(self.positions))) if len(self.positions) > 1 else 0.0

    @property
    def is_axial(self) -> bool:
        """Whether its slices lie within 30 degrees of the body's axial plane."""
        return bool(self.frames) and bool(self.frames[0].affine[2, 2] >= math.cos(_MOST_TILT))

    @property
    def is_original(self) -> bool:
        """Whether it holds slices as reconstructed, not reformatted or projected ones."""
        return not any(REFORMATTED.intersection(frame.image_type) for frame in self.frames)

    @property
    def is_measured(self) -> bool:
        """Whether it shows what one tube voltage measured, not what was computed from several."""
        return not any(file.spectral for file in self.files)

    @property
    def is_without_contrast(self) -> bool:
        """Whether no header names a contrast agent."""
        return not any(file.contrast for file in self.files)

    @property
    def is_for_bone(self) -> bool:
        """Whether it was reconstructed, or is meant to be displayed, for bone."""
        return any(file.sharp for file in self.files)

    @property
    def remarks(self) -> tuple[Flag, ...]:
        """What keeps it from being plain CT as scanned.

        ``reformatted``, ``computed-image``, ``contrast``, ``bone-kernel`` and ``lossy``.
        """
        remarks = []
        if not self.is_original:
            reason = "the header speaks of reformatted slices, not those of the scanner"
            remarks.append(Flag("reformatted", reason))
        if not self.is_measured:
            reason = (
                "the header speaks of an image computed from several energies, such as virtual "
                "non-contrast; densities are not those of plain CT"
            )
            remarks.append(Flag("computed-image", reason))
        if not self.is_without_contrast:
            reason = "the header speaks of a contrast agent; densities are not those of plain CT"
            remarks.append(Flag("contrast", reason))
        if self.is_for_bone:
            reason = "the series was made for bone; noise hides differences between the sides"
            remarks.append(Flag("bone-kernel", reason))
        if any(file.acquisition.lossy for file in self.files):
            reason = "the images were compressed with loss, which blurs what is faint"
            remarks.append(Flag("lossy", reason))
        return tuple(remarks)

    def __str__(self) -> str:
        """Describe the stack by what does not tell who the patient is, nor when he was scanned."""
        return f"{self.name} ({', '.join(self._words())})"

    def in_full(self) -> str:
        """Describe the stack so that it can be chosen: with date, time, description and extent."""
        taken = self.files[0].acquisition
        words = [taken.when, f'"{taken.description}"' if taken.description else ""]
        slices, *remarks = self._words()
        extent = [f"{self.extent:.0f} mm in all"] if self.extent else []
        words = [word for word in words if word]
        return f"{self.name} ({', '.join([*words, slices, *extent, *remarks])})"

    def _words(self) -> list[str]:
        count = len(self.positions)
        slices = f"{count} slice{'s' * (count != 1)}"
        if self.spacing:
            slices += f" of {self.spacing:.3g} mm"
        return [slices, *(remark.code.replace("-", " ") for remark in self.remarks)]
