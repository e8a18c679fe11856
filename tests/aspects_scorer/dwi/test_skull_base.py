"""A core low in the brain is doubted, wherever its grid lies and however it is stored."""

from __future__ import annotations

import numpy as np
import pytest

from aspects_scorer.dwi.skull_base import skull_base_remarks
from atlas_builder.core.lesion import Lesion


def ball(height, radius_mm=8.0, flipped=False):
    """Return a ball of 2 mm voxels about a height, mm."""
    grid = np.indices((20, 20, 20)).astype(float) * 2 - 19
    mask = (grid**2).sum(axis=0) < radius_mm**2
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = (-19, -19, height - 19)
    if flipped:
        affine[:, 2] *= -1
        affine[2, 3] = height + 19
    return Lesion(mask, affine)


@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize(("height", "doubted"), [(-40.0, True), (20.0, False), (-2.0, False)])
def test_what_lies_low_is_doubted(height, doubted, flipped):
    remarks = skull_base_remarks(ball(height, flipped=flipped))
    assert [flag.code for flag in remarks] == ["skull-base-without-adc"] * doubted


def test_its_volume_is_named_and_little_is_not():
    (flag,) = skull_base_remarks(ball(-40.0))
    assert flag.reason.startswith("2.2 mL")
    assert not skull_base_remarks(ball(-40.0, radius_mm=4.0))
    assert not skull_base_remarks(Lesion(np.zeros((3, 3, 3), bool), np.eye(4)))
