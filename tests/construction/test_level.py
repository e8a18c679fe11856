"""What a level keeps on the disk, and how its grid lies in the key slice."""

from __future__ import annotations

import numpy as np
import pytest

from atlas_builder.construction.level import Estimate, IterationRecord
from atlas_builder.preprocessing.key_slice import key_slice_grid


def test_the_levels_grid_is_a_part_of_the_key_slice(built):
    for job in built.jobs.values():
        whole = key_slice_grid().points()[(slice(None), *job.crop)]
        np.testing.assert_array_equal(job.grid.points(), whole)


def test_no_brain_is_cut_off(built):
    for job in built.jobs.values():
        for participant in job.participants:
            image = job.load(participant).image
            assert image.shape == job.grid.shape
            for border in (image[:16], image[-16:], image[:, :16], image[:, -16:]):
                assert not border.any()


def test_on_the_key_slice_an_image_lies_where_its_grid_says(built):
    for job in built.jobs.values():
        x, y = job.grid.points()
        wholes = [job.on_key_slice(axis) for axis in (x, y)]
        inside = job.on_key_slice(np.ones(job.grid.shape, bool))
        for whole, axis in zip(wholes, key_slice_grid().points(), strict=True):
            np.testing.assert_array_equal(whole[inside], axis[inside])
            assert (whole[~inside] == 0).all()


@pytest.mark.parametrize("initial", [True, False], ids=["initial", "later"])
def test_an_estimate_is_the_same_bits_after_the_disk(tmp_path, initial):
    rng = np.random.default_rng(0)
    image = rng.normal(size=(6, 8)).astype(np.float32)
    estimate = Estimate.initial(image)
    if not initial:
        estimate = Estimate(
            image,
            rng.normal(size=(3, 3)),
            rng.normal(size=(2, 3, 4)),
            rng.normal(size=(5, 3, 3)),
            rng.normal(size=5),
            IterationRecord(3, 0.1, 1 / 3, 2e-17, 0.98, 2.1),
        )
    path = tmp_path / "template-3.npz"
    estimate.save(path)
    again = Estimate.load(path)
    for name in ("image", "mean_affine", "displacement", "initial_affines", "correlations"):
        first, second = getattr(again, name), getattr(estimate, name)
        np.testing.assert_array_equal(first, second)
        assert first.dtype == second.dtype
    assert again.record == estimate.record
