"""A core low in the brain is doubted, wherever its grid lies and however it is stored."""

from __future__ import annotations

import numpy as np
import pytest

from aspects_scorer.dwi.skull_base import part_set_aside, skull_base_remarks
from atlas_builder.core.lesion import Lesion
from atlas_builder.core.volume import Volume


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


def head(balls, *, bright=1.8, turned=1):
    """Return b 1000, the brain, what was found and the way to MNI: 3 mm voxels, balls of 9 mm."""
    shape = (54, 66, 50)
    to_mni = np.diag([3.0, 3.0, 3.0, 1.0])
    to_mni[:3, 3] = (-79.5, -112.0, -70.0)
    if turned < 0:
        to_mni[:, 0] *= -1
        to_mni[0, 3] = 79.5
    places = np.indices(shape).reshape(3, -1).T @ to_mni[:3, :3].T + to_mni[:3, 3]
    brain = (((places - (0, -18, 0)) / (70, 88, 66)) ** 2).sum(axis=1).reshape(shape) < 1
    signal = 100 * brain * np.random.default_rng(0).normal(1, 0.05, shape)
    found = np.zeros(shape, bool)
    for centre, marked in balls:
        ball = (np.linalg.norm(places - centre, axis=1) < 9).reshape(shape)
        signal[ball] *= bright
        found |= ball & marked
    return Volume(signal.astype(np.float32), to_mni), brain, found, to_mni


RIGHT, LEFT, ABOVE = (24, -60, -30), (-21, -54, -28), (-30, 0, 30)


@pytest.mark.parametrize("turned", [1, -1])
def test_what_is_bright_on_both_sides_of_the_cerebellum_is_set_aside(turned):
    image, brain, found, to_mni = head([(RIGHT, True), (LEFT, True), (ABOVE, True)], turned=turned)
    aside = part_set_aside(image, brain, found, to_mni)
    heights = (np.argwhere(found & ~aside) @ to_mni[:3, :3].T + to_mni[:3, 3])[:, 2]
    assert heights.min() > 20  # what lies above stays
    assert aside.sum() == pytest.approx(2 / 3 * found.sum(), rel=0.1)


def test_it_is_set_aside_as_well_where_only_one_side_was_found():
    image, brain, found, to_mni = head([(RIGHT, True), (LEFT, False)])
    assert (part_set_aside(image, brain, found, to_mni) == found).all()


@pytest.mark.parametrize("bright", [1.3, 1.8, 3.0])
def test_an_infarct_of_one_side_of_the_cerebellum_stays(bright):
    assert not part_set_aside(*head([(RIGHT, True)], bright=bright)).any()


def test_an_infarct_of_the_brain_stem_lies_opposite_itself_and_stays():
    assert not part_set_aside(*head([((0, -28, -35), True)])).any()


def test_what_is_found_above_stays_though_both_sides_are_bright():
    assert not part_set_aside(*head([(ABOVE, True), ((30, 0, 30), True)])).any()


def test_what_is_set_aside_is_named_with_its_volume():
    (flag,) = skull_base_remarks(ball(20.0), ball(-40.0))
    assert flag.code == "set-aside-without-adc"
    assert flag.reason.startswith("2.2 mL found in the cerebellum or near the skull base are not")
