"""What the networks of Deep-ASPECTS give; the training recipe beside this module builds them."""

from __future__ import annotations

from dataclasses import dataclass

from atlas_builder.core.anatomy import Region


@dataclass(frozen=True)
class Task:
    """What one of the two networks tells.

    Attributes
    ----------
    kind : str
        The network's name in its model.
    outputs : int
        Values a pixel: the logit of infarct, or one of nothing and of each region. The side of a
        region is that of the midline on which it lies.
    """

    kind: str
    outputs: int


INFARCT = Task("deep-aspects-infarct", 1)
"""Finds the acute infarct."""

ANATOMY = Task("deep-aspects-anatomy", 1 + len(Region))
"""Tells the ten regions."""

TASKS = (INFARCT, ANATOMY)
