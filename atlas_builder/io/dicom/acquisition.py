"""What tells the acquisitions apart that one series may hold.

References
----------
DICOM PS3.3, C.7.4.1 Frame of Reference, C.7.6.1 General Image, C.7.6.16.2.2 Frame Content.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from atlas_builder.io.dicom.datasets import numbers

ATTRIBUTES = [
    "AcquisitionDate",
    "AcquisitionDateTime",
    "AcquisitionNumber",
    "AcquisitionTime",
    "FrameOfReferenceUID",
    "InstanceNumber",
    "LossyImageCompression",
    "PatientID",
    "PatientName",
    "SeriesDate",
    "SeriesDescription",
    "SliceThickness",
    "StudyDate",
    "StudyInstanceUID",
]
"""The attributes that `Acquisition` is made of."""

_LEAST_OF_NAME = 3  # letters: shorter parts of a name stand in any description


@dataclass(frozen=True)
class Acquisition:
    """Where, when and how a file's slices were taken.

    Attributes
    ----------
    study, frame_of_reference : str
        Unique identifiers; empty where the file has none.
    number : str
        The acquisition number.
    time : str
        Date and time of the acquisition, digits only; empty where the file does not state them.
    instance : float or None
        The instance number.
    date : str
        Of the acquisition, else of series or study, as YYYY-MM-DD; empty where none is stated.
    description : str
        Of the series, without words of the patient's name or ID.
    thickness_mm : float or None
        Of the slices.
    lossy : bool
        Whether the pixels were compressed with loss at any time.
    """

    study: str
    frame_of_reference: str
    number: str
    time: str
    instance: float | None
    date: str
    description: str
    thickness_mm: float | None
    lossy: bool

    @property
    def when(self) -> str:
        """Date and time for the eye; empty where unknown."""
        clock = self.time[8:14]
        shown = ":".join(clock[k : k + 2] for k in (0, 2, 4)) if len(clock) == 6 else ""
        return f"{self.date} {shown}".strip()


def acquisition_of(header: Any) -> Acquisition:
    """Return what a header says of its acquisition.

    Parameters
    ----------
    header : pydicom.Dataset
        With the elements in `ATTRIBUTES`, where the file has them.

    Returns
    -------
    Acquisition
    """
    stamp = _digits(header, "AcquisitionDateTime")
    day, clock = _digits(header, "AcquisitionDate"), _digits(header, "AcquisitionTime")
    dates = (stamp[:8], day, _digits(header, "SeriesDate"), _digits(header, "StudyDate"))
    date = next((found[:8] for found in dates if len(found) >= 8), "")
    instance, thickness = (
        next(iter(numbers(header, keyword, 1)), None)
        for keyword in ("InstanceNumber", "SliceThickness")
    )
    return Acquisition(
        study=_text(header, "StudyInstanceUID"),
        frame_of_reference=_text(header, "FrameOfReferenceUID"),
        number=_text(header, "AcquisitionNumber"),
        time=stamp or (f"{day or date:0<8}{clock}" if clock else ""),
        instance=instance,
        date=f"{date[:4]}-{date[4:6]}-{date[6:]}" if date else "",
        description=_description(header),
        thickness_mm=thickness,
        lossy=_text(header, "LossyImageCompression") == "01",
    )


def _description(header: Any) -> str:
    """Return the series description without what may identify the patient."""
    identity = " ".join(_text(header, keyword) for keyword in ("PatientName", "PatientID"))
    words = re.split(r"[\W_]+", identity.lower())
    secret = {word for word in words if len(word) >= _LEAST_OF_NAME}
    shown = [
        word
        for word in _text(header, "SeriesDescription").split()
        if not any(part in word.lower() for part in secret)
    ]
    return " ".join(shown)[:40]


def _digits(header: Any, keyword: str) -> str:
    return re.sub(r"\D", "", _text(header, keyword).partition(".")[0])


def _text(header: Any, keyword: str) -> str:
    try:
        value = header.get(keyword)
    except (ValueError, TypeError, OverflowError):
        value = None
    return "" if value is None else str(value).strip("\0 ")
