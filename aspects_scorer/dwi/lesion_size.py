"""Whether a mask is small enough to be an infarct, or holds what is not infarcted."""

from __future__ import annotations

from pathlib import Path

from atlas_builder.core.errors import InputError
from atlas_builder.core.lesion import Lesion

MOST_ML = 600.0
"""The largest core on a patient's image. A whole hemisphere has some 500 mL without its fluid."""

MOST_ML_MNI = 800.0
"""The same in MNI152 space, where brains are a third larger."""


def refuse_implausible_size(path: Path, lesion: Lesion, most_ml: float) -> None:
    """Refuse a mask that is too large for an infarct, as one with 0 and 1 exchanged is.

    Parameters
    ----------
    path : Path
        The mask's file, for the message.
    lesion : Lesion
        On its own grid.
    most_ml : float
        `MOST_ML` or `MOST_ML_MNI`.

    Raises
    ------
    InputError
        The mask holds more than that.
    """
    volume = lesion.volume_ml
    if volume > most_ml:
        raise InputError(
            f"{path}: a lesion of {volume:.0f} mL is no infarct's (at most {most_ml:.0f} mL); the "
            "mask looks inverted, or is a brain mask: give one that is 1 inside the lesion only"
        )
