"""Outlines lie where the masks lie."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from atlas_builder.core.anatomy import Region
from atlas_builder.reporting.base.outlines import (
    closed_borders,
    mask_outline,
    region_outlines,
    svg_line,
    svg_path,
)

Array = NDArray[Any]


def polygons(d: str) -> list[Array]:
    """The polygons of a path, each shape (points, 2)."""
    return [
        np.array(re.findall(r"(-?[\d.]+) (-?[\d.]+)", part), float) for part in d.split("M") if part
    ]


def area(polygon: Array) -> float:
    x, y = polygon.T
    return float(abs(x @ np.roll(y, 1) - y @ np.roll(x, 1)) / 2)


@settings(max_examples=40)
@given(st.floats(30, 70), st.floats(40, 60), st.floats(6, 28), st.floats(6, 28), st.integers(0, 60))
def test_outline_encloses_the_mask(x: float, y: float, a: float, b: float, start: int) -> None:
    i, j = np.indices((100, 100))
    mask = ((i - x) / a) ** 2 + ((j - y) / b) ** 2 <= 1
    (polygon,) = polygons(mask_outline(mask, (2 * start, 4)))
    assert area(polygon) == pytest.approx(np.count_nonzero(mask) / 4, rel=0.12)
    # Pixel k of the key slice has its centre at k / 2 + 0.5 of the head picture.
    inside = np.argwhere(mask)
    for found, wanted, outwards in (
        (polygon.min(axis=0), inside.min(axis=0), -0.25),
        (polygon.max(axis=0), inside.max(axis=0), 0.25),
    ):
        edge = (wanted + np.array([2 * start, 4])) / 2 + 0.5 + outwards
        assert found == pytest.approx(edge, abs=0.8)


def test_a_straight_border_needs_few_points() -> None:
    mask = np.zeros((80, 80), bool)
    mask[10:50, 20:60] = True
    (polygon,) = polygons(mask_outline(mask, (0, 0)))
    assert len(polygon) <= 10
    assert polygon.min(axis=0) == pytest.approx([5.25, 10.25], abs=0.06)
    assert polygon.max(axis=0) == pytest.approx([25.25, 30.25], abs=0.06)


def test_a_mask_that_reaches_the_border_is_closed() -> None:
    (polygon,) = polygons(mask_outline(np.ones((20, 30), bool), (0, 0)))
    assert area(polygon) == pytest.approx(10 * 15, rel=0.02)


def test_both_sides_and_holes_are_drawn() -> None:
    mask = np.zeros((60, 60), bool)
    mask[4:20, 10:40] = mask[36:56, 10:40] = True
    mask[42:50, 20:30] = False
    assert len(polygons(mask_outline(mask, (0, 0)))) == 3


def test_nothing_has_no_outline() -> None:
    assert mask_outline(np.zeros((10, 10), bool), (0, 0)) == ""


def test_regions_are_told_apart() -> None:
    labels = np.zeros((40, 40), np.uint8)
    labels[4:16, 4:16] = Region.M4
    labels[20:36, 4:16] = Region.M5
    found = region_outlines(labels, (Region.M4, Region.M5, Region.M6), (0, 0))
    assert list(found) == ["M4", "M5", "M6"]
    assert polygons(found["M4"])[0][:, 0].max() < polygons(found["M5"])[0][:, 0].min()
    assert found["M6"] == ""


@settings(max_examples=40)
@given(st.floats(25, 35), st.floats(20, 40), st.floats(8, 18), st.floats(8, 18))
def test_closed_borders_enclose_the_mask_without_its_steps(
    x: float, y: float, a: float, b: float
) -> None:
    i, j = np.indices((60, 60))
    (border,) = closed_borders(((i - x) / a) ** 2 + ((j - y) / b) ** 2 <= 1, (0.9, 0.6))
    assert area(border) == pytest.approx(np.pi * a * b, rel=0.06)
    # Nowhere further from the ellipse than a pixel.
    radius = np.hypot((border[:, 0] - x) / a, (border[:, 1] - y) / b)
    assert np.abs(radius - 1).max() * min(a, b) < 0.9


def test_closed_borders_reach_over_the_border_of_the_slice() -> None:
    mask = np.zeros((30, 20), bool)
    mask[:12] = True
    (border,) = closed_borders(mask, (0.5, 0.5))
    assert border.min(axis=0) == pytest.approx([-0.5, -0.5], abs=0.1)
    assert border.max(axis=0) == pytest.approx([11.5, 19.5], abs=0.1)


def test_specks_and_nothing_have_no_border() -> None:
    mask = np.zeros((20, 20), bool)
    assert closed_borders(mask, (0.9, 0.9)) == ()
    mask[10, 10] = True
    assert closed_borders(mask, (0.9, 0.9)) == ()


def test_lines_stay_open_and_polygons_close() -> None:
    points = np.array([[0.0, 1.0], [2.04, 3.0], [4.0, -5.0]])
    assert svg_line(points) == "M0.0 1.0L2.0 3.0 4.0 -5.0"
    assert svg_path([points, points]) == f"{svg_line(points)}Z" * 2
