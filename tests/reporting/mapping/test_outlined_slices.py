"""Slices in colour: borders inside their regions, everything else the grey of the window."""

from __future__ import annotations

import numpy as np

from atlas_builder.core.anatomy import Region, map_value
from atlas_builder.reporting.mapping.outlined_slices import outlined_slice

LEFT_C, RIGHT_M1 = map_value(Region.C, "left"), map_value(Region.M1, "right")


def test_borders_are_coloured_and_the_rest_is_grey() -> None:
    hu = np.full((40, 30), 40.0)
    labels = np.zeros((40, 30), np.uint8)
    labels[2:12, 2:12] = LEFT_C
    labels[20:30, 5:15] = RIGHT_M1
    picture = outlined_slice(hu, labels, {RIGHT_M1})
    coloured = ~(picture == picture[..., :1]).all(axis=2)
    thin, thick = coloured & (labels == LEFT_C), coloured & (labels == RIGHT_M1)
    assert thin.sum() == 100 - 8 * 8
    assert thick.sum() == 100 - 4 * 4
    assert not coloured[labels == 0].any()
    assert len(np.unique(picture[~coloured])) == 1
    assert tuple(picture[2, 2]) == (0xD0, 0x48, 0x00)
    assert tuple(picture[20, 5]) == (0xA8, 0xC0, 0x00)


def test_a_neighbour_keeps_its_border() -> None:
    labels = np.full((20, 20), LEFT_C, np.uint8)
    labels[10:] = RIGHT_M1
    picture = outlined_slice(np.zeros((20, 20)), labels, set())
    assert tuple(picture[9, 5]) == (0xD0, 0x48, 0x00)
    assert tuple(picture[10, 5]) == (0xA8, 0xC0, 0x00)
