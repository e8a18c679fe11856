"""Thin slices averaged to a thick one: less noise, nothing displaced, thick ones as they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from atlas_builder.core.anatomy import LEVELS, SIDES, Level, map_value, regions_of
from atlas_builder.core.scan import Scan
from atlas_builder.mapping.pipeline import map_regions
from atlas_builder.mapping.thick_slices import ThickSlice, covered_mm, read_thick_slices
from atlas_builder.metrics.overlap import dice


def stack(heights: Sequence[float], shift_mm: float = 0.0) -> np.ndarray:
    """Affines of slices with 1 mm pixels, each shifted to the front by so much a mm of height."""
    affines = np.repeat(np.diag([-1.0, -1.0, 1.0, 1.0])[np.newaxis], len(heights), axis=0)
    affines[:, 2, 3] = heights
    affines[:, 1, 3] = shift_mm * np.asarray(heights)
    return affines


def thick(data: np.ndarray, affines: np.ndarray, index: int) -> ThickSlice:
    def read(indices: Sequence[int]) -> Scan:
        return Scan(data[:, :, indices], affines[indices])

    return read_thick_slices(read, affines, [index])[0]


@pytest.mark.parametrize("upwards", [True, False])
def test_thin_slices_are_weighed_by_what_they_cover_of_5_mm(upwards: bool) -> None:
    heights = np.arange(0, 20, 1.25)
    covered = covered_mm(stack(heights if upwards else heights[::-1]), 8)
    assert covered == pytest.approx({6: 0.625, 7: 1.25, 8: 1.25, 9: 1.25, 10: 0.625})


def test_at_an_end_and_beside_a_gap_there_are_fewer() -> None:
    assert covered_mm(stack([0, 1, 2, 3, 4]), 0) == pytest.approx({0: 1, 1: 1, 2: 1})
    # A slice next to the gap does not stand for what is missing.
    assert covered_mm(stack([0, 1, 2, 4.5, 5.5]), 2) == pytest.approx({0: 1, 1: 1, 2: 1, 3: 0.5})


@pytest.mark.parametrize("spacing", [3.0, 5.0, 8.0])
def test_thick_slices_stay_as_they_are(spacing: float) -> None:
    data = np.random.default_rng(0).normal(30, 5, (8, 8, 5)).astype(np.float32)
    found = thick(data, stack(np.arange(5) * spacing), 2)
    np.testing.assert_array_equal(found.slice.data, data[:, :, 2])
    assert (found.count, found.thickness_mm) == (1, 0)


def test_noise_falls_with_the_number_of_slices() -> None:
    data = np.random.default_rng(0).normal(30, 16, (90, 90, 15)).astype(np.float32)
    found = thick(data, stack(np.arange(15.0)), 7)
    assert (found.count, found.thickness_mm) == (5, 5.0)
    assert np.std(found.slice.data) == pytest.approx(16 / np.sqrt(5), rel=0.03)
    assert np.mean(found.slice.data) == pytest.approx(30, abs=0.5)


@pytest.mark.parametrize("order", [1, -1])
def test_slices_of_a_tilted_stack_are_laid_on_each_other(order: int) -> None:
    """A column that stands upright in the patient lies elsewhere on the pixels of every slice."""
    heights = np.arange(11.0)[::order]
    affines = stack(heights, shift_mm=0.7)
    y = np.indices((40, 60))[1]
    data = np.stack([100 - 5 * np.abs(a[1, 3] - y + 25) for a in affines], axis=2)
    found = thick(data.astype(np.float32), affines, 5)
    # Only where interpolation rounds the tip off is it not the same.
    inside = (slice(None), slice(5, 55))
    away = np.abs(y - affines[5, 1, 3] - 25) > 1.5
    difference = (found.slice.data - data[:, :, 5])[inside]
    assert found.count == 5
    np.testing.assert_allclose(difference[away[inside]], 0, atol=1e-3)


def test_padding_and_its_neighbours_do_not_darken_the_image() -> None:
    data = np.full((20, 20, 7), 40.0, np.float32)
    data[:8, :, 4] = -3024
    data[:5, :, 3] = np.nan
    found = thick(data, stack(np.arange(7.0)), 3).slice.data
    np.testing.assert_allclose(found[5:], 40, rtol=1e-6)
    assert np.isnan(found[:5]).all()


@pytest.fixture(scope="module")
def thin(make_scan) -> tuple[Scan, dict[Level, np.ndarray]]:
    """The drawn head in slices of 1 mm with their noise: BGL below 10 mm, SGL above."""
    drawn = make_scan(noise=0.0)
    heights = np.arange(-3, 24.0)
    affines = np.repeat(drawn.scan.affines[:1], len(heights), axis=0)
    affines[:, 2, 3] = heights
    data = drawn.scan.data[:, :, np.where(heights < 10, 0, 2)]
    noise = np.random.default_rng(1).normal(0, 22, data.shape)
    return Scan((data + noise * (data > -900)).astype(np.float32), affines), drawn.truth


@pytest.mark.slow
def test_a_thin_noisy_scan_is_mapped_as_well_as_a_thick_one(thin, atlas) -> None:
    scan, truth = thin
    bgl, sgl = 3, 23
    alone = Scan(scan.data[:, :, [bgl, sgl]], scan.affines[[bgl, sgl]])

    def mean_dice(scan: Scan, bgl: int, sgl: int) -> float:
        found = map_regions(scan, atlas, bgl, sgl, age=60)
        return float(
            np.mean(
                [
                    dice(m.regions == map_value(r, side), truth[m.level] == map_value(r, side))
                    for m in found.levels
                    for r in regions_of(m.level)
                    for side in SIDES
                ]
            )
        )

    single, averaged = mean_dice(alone, 0, 1), mean_dice(scan, bgl, sgl)
    assert averaged > single + 0.01
    assert averaged > 0.93


def test_regions_lie_on_the_chosen_slices_only(thin, atlas) -> None:
    scan, _ = thin
    found = map_regions(scan, atlas, 3, 23, age=60)
    assert [m.averaged_slices for m in found.levels] == [5, 5]
    assert [m.averaged_mm for m in found.levels] == [5.0, 5.0]
    labelled = np.flatnonzero(found.volume(scan.data.shape).any(axis=(0, 1)))
    assert labelled.tolist() == [3, 23]
    assert [m.level for m in found.levels] == list(LEVELS)


def test_rounding_does_not_make_slices_of_3_mm_thin() -> None:
    heights = np.arange(5) * 3.0 * (1 - 1e-6)
    assert covered_mm(stack(heights), 2) == {2: 5.0}


def test_rounded_positions_and_directions_give_the_same_average() -> None:
    rng = np.random.default_rng(0)
    data = rng.normal(30, 5, (40, 60, 15)).astype(np.float32)
    affines = stack(np.arange(15) * 1.25)
    noisy = affines.copy()
    noisy[:, :3] += rng.uniform(-1e-5, 1e-5, (15, 3, 4))
    found, again = (thick(data, each, 7) for each in (affines, noisy))
    np.testing.assert_array_equal(again.slice.data, found.slice.data)
    assert (again.count, again.thickness_mm) == (found.count, found.thickness_mm) == (5, 5.0)
