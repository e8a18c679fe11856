"""Upright views: heads come out upright however they lay, outlines lie where the regions are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.path import Path as Polygon
from numpy.typing import NDArray

from atlas_builder.core.anatomy import Region, map_value
from atlas_builder.core.transform import apply_affine
from atlas_builder.mapping.region_map import RegionMap
from atlas_builder.reporting.base.name_places import name_box
from atlas_builder.reporting.mapping.upright import UprightView, upright_views

MakeMap = Callable[..., RegionMap]
MARKER_MM = (30.0, 45.0)
"""Of the disc on the patient's left, towards the back."""


def area_and_middle(polygons: tuple[NDArray[Any], ...]) -> tuple[float, NDArray[Any]]:
    """Area and centroid of the polygon that encloses most."""
    best = 0.0, np.zeros(2)
    for points in polygons:
        (x, y), (x1, y1) = points.T, np.roll(points, -1, axis=0).T
        cross = x * y1 - x1 * y
        area = cross.sum() / 2
        middle = np.array([((x + x1) * cross).sum(), ((y + y1) * cross).sum()]) / (6 * area)
        best = max(best, (abs(area), middle), key=lambda found: found[0])
    return best


def marker_of(view: UprightView) -> NDArray[Any]:
    points = view.grid.points()
    brain = (points[0] / 48) ** 2 + (points[1] / 64) ** 2 < 1
    return points[:, brain & (view.hu > 55)].mean(axis=1)


@settings(max_examples=6, deadline=None)
@given(st.floats(-40, 40), st.floats(0.4, 1.1), st.floats(0.4, 1.1))
def test_a_head_is_upright_however_it_lay(
    make_map: MakeMap, angle: float, across: float, down: float
) -> None:
    region_map = make_map(angle=angle, spacing=(across, down))
    for view in upright_views(region_map):
        assert marker_of(view) == pytest.approx(MARKER_MM, abs=0.25)
        assert view.midline == pytest.approx(np.array([[0.0, -72.0], [0.0, 72.0]]), abs=1e-6)


@pytest.mark.parametrize(("angle", "spacing"), [(0.0, (0.8, 0.8)), (-17.0, (0.6, 0.9))])
def test_outlines_enclose_the_regions(
    make_map: MakeMap, angle: float, spacing: tuple[float, float]
) -> None:
    region_map = make_map(angle=angle, spacing=spacing)
    for level_map, view in zip(region_map.levels, upright_views(region_map), strict=True):
        points = apply_affine(
            np.linalg.inv(view_to_pixels(level_map)), np.argwhere(level_map.regions >= 0).T
        )
        for outlined in view.regions:
            mask = level_map.regions == map_value(outlined.region, outlined.side)
            area, middle = area_and_middle(outlined.borders)
            assert area == pytest.approx(mask.sum() * spacing[0] * spacing[1], rel=0.04)
            assert middle == pytest.approx(points[:, mask.ravel()].mean(axis=1), abs=0.15)
            assert (middle[0] > 0) == (outlined.side == "left")


def view_to_pixels(level_map: Any) -> NDArray[Any]:
    """From mm in the upright head to pixels of the slice."""
    middle = (np.array(level_map.key.brain.shape) - 1) / 2
    return level_map.key.to_slice @ np.array([[2, 0, middle[0]], [0, 2, middle[1]], [0, 0, 1]])


def test_names_lie_inside_their_regions_and_clear_of_each_other(make_map: MakeMap) -> None:
    for view in upright_views(make_map(angle=9.0)):
        for outlined in view.regions:
            assert any(Polygon(b).contains_point(outlined.name_place) for b in outlined.borders)
        for n, one in enumerate(view.regions):
            for other in view.regions[:n]:
                apart = np.abs(np.subtract(one.name_place, other.name_place))
                boxes = np.add(name_box(one.region.name), name_box(other.region.name)) / 2
                assert (apart >= boxes).any(), (one.region, other.region)


def test_both_levels_have_one_size_and_show_the_skull(make_map: MakeMap) -> None:
    views = upright_views(make_map())
    assert len({view.grid.shape for view in views}) == 1
    for view in views:
        left, right, top, bottom = view.extent
        assert left == pytest.approx(-right)
        assert right > 63
        assert top < -80
        assert bottom > 80
        # Bone reaches neither border of the picture.
        edges = (view.hu[0], view.hu[-1], view.hu[:, 0], view.hu[:, -1])
        assert max(edge.max() for edge in edges) < -500


def test_what_stands_out_is_told_apart(make_map: MakeMap) -> None:
    dark = {(Region.M2, "right"), (Region.M5, "left")}
    views = upright_views(make_map(dark=dark))
    found = {(r.region, r.side) for view in views for r in view.regions if r.stands_out}
    assert found == dark


def test_a_region_that_is_not_on_the_slice_is_left_out(make_map: MakeMap) -> None:
    region_map = make_map()
    level_map = region_map.levels[0]
    regions = np.where(level_map.regions == map_value(Region.C, "left"), 0, level_map.regions)
    cut = replace(level_map, regions=regions.astype(np.uint8))
    view, _ = upright_views(replace(region_map, levels=(cut, region_map.levels[1])))
    assert len(view.regions) == 13
    assert (Region.C, "left") not in {(r.region, r.side) for r in view.regions}


def test_missing_values_and_metal_do_not_spread(make_map: MakeMap) -> None:
    region_map = make_map(angle=5.0)
    level_map = region_map.levels[0]
    hu = level_map.slice.data.copy()
    hu[:4] = np.nan
    hu[20:24, 20:24] = 30000.0  # a clip on the scalp
    marred = replace(level_map, slice=replace(level_map.slice, data=hu))
    views = upright_views(replace(region_map, levels=(marred, region_map.levels[1])))
    clean = upright_views(region_map)
    x, y = clean[0].grid.points()
    brain = (x / 55) ** 2 + (y / 72) ** 2 < 1
    assert np.isfinite(views[0].hu).all()
    assert np.abs(views[0].hu - clean[0].hu)[brain].max() < 0.5
