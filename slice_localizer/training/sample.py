"""A training sample: the network's input of one scan, and the truth about it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Sample:
    """One scan as the network is given it, with the truth.

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
