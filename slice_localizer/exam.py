"""An exam: what the network is shown of one scan, and what it is to say."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

FIELD_OF_VIEW_MM = 235.0
"""How much of each slice the network sees, a square around the head's middle."""

SIZE = 224
"""Rows and columns the network sees of a slice."""


@dataclass(frozen=True)
class Exam:
    """One scan as the network is shown it, with the truth.

    Attributes
    ----------
    hu : Tensor, shape (slices, rows, columns)
        HU of a field of view of `FIELD_OF_VIEW_MM`, slices from the feet to the head, rows from
        the front to the back, columns from the patient's right to the left.
    heights_mm : Tensor of float32, shape (slices,)
        Of the slices' middles above the basal ganglia level, along their normal.
    bgl : int
        The slice nearest to that level.
    """

    hu: Tensor
    heights_mm: Tensor
    bgl: int
