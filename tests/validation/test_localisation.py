"""Key slices found: distances along the scan, accuracy, and the table."""

from __future__ import annotations

import math

import numpy as np
import pytest

from atlas_builder.validation.localisation import (
    accuracy,
    localisation_table,
    located,
    relative_distance_error,
)


def stack(heights, tilt=0.0):
    """Slices at heights along their own normal, tilted about the left-right axis."""
    angle = np.radians(tilt)
    normal = np.array([0.0, -np.sin(angle), np.cos(angle)])
    affines = np.tile(np.eye(4), (len(heights), 1, 1))
    affines[:, :3, 2] = normal
    affines[:, :3, 3] = np.outer(heights, normal) + np.array([90.0, 110.0, -40.0])
    return affines


@pytest.mark.parametrize("tilt", [0.0, 18.5, -25.0])
@pytest.mark.parametrize("order", [1, -1])
def test_distance_is_along_the_stack_with_uneven_spacing(tilt, order):
    affines = stack([0, 4, 8, 15, 22], tilt)[::order]
    places = [1, 4] if order == 1 else [3, 0]
    found = located("sub-1", "BGL", affines, *places)
    assert found.distance_mm == pytest.approx(18)
    assert not found.is_exact


def test_gantry_tilt_that_shears_the_stack_does_not_lengthen_it():
    affines = stack([0, 5, 10])
    affines[:, 1, 3] += np.array([0, 3, 6])  # slices shifted against each other
    assert located("s", "BGL", affines, 0, 2).distance_mm == pytest.approx(10)


def test_the_paper_s_figures_agree_with_each_other():
    """89.38% and 0.53 mm, 82.42% and 0.88 mm: misses by one slice of 5 mm."""
    affines = stack(np.arange(0, 100, 5.0))
    for share, error in ((0.8938, 0.53), (0.8242, 0.88)):
        exact = round(10_000 * share)
        hit, miss = located("s", "BGL", affines, 8, 8), located("s", "BGL", affines, 8, 9)
        slices = [hit] * exact + [miss] * (10_000 - exact)
        assert accuracy(slices) == pytest.approx(share)
        assert relative_distance_error(slices) == pytest.approx(error, abs=0.005)


def test_nothing_found_nothing_measured():
    assert math.isnan(accuracy([]))
    assert math.isnan(relative_distance_error([]))


def test_the_table_has_levels_apart_and_together():
    affines = stack(np.arange(0, 50, 5.0))
    slices = [
        located(name, level, affines, true, found)
        for name, level, true, found in (
            ("a", "BGL", 3, 3),
            ("a", "SGL", 6, 7),
            ("b", "BGL", 3, 3),
            ("b", "SGL", 7, 7),
            ("c", "BGL", 2, 5),
            ("c", "SGL", 7, 7),
        )
    ]
    table = localisation_table({"50-69": slices, "nobody": []})
    assert [row[:3] for row in table.rows] == [
        ("50-69", "BGL", 3),
        ("50-69", "SGL", 3),
        ("50-69", "both", 6),
    ]
    texts = [[table.text(row, column) for column in (3, 5, 6, 7)] for row in range(3)]
    assert texts[0] == ["66.67", "66.67", "5.00 ± 8.66", "15.00"]
    assert texts[1] == ["66.67", "100.00", "1.67 ± 2.89", "5.00"]
    assert texts[2][0] == "66.67"
    assert texts[2][2].startswith("3.33")
    interval = table.rows[2][4]
    # Scans are resampled: with three of them the share goes from a half to all.
    assert interval.low == pytest.approx(50)
    assert interval.high == pytest.approx(100)
