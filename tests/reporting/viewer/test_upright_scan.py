"""A whole scan turned upright: sides, heights and regions lie where they are in the head."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from viewed_head import labels_of, scan_about

from atlas_builder.core.anatomy import SIDES, Region, map_value
from atlas_builder.core.scan import Scan
from atlas_builder.mapping.region_map import RegionMap
from atlas_builder.reporting.viewer.upright_scan import view_scan
from atlas_builder.reporting.viewer.viewed_slices import MOST_PIXELS, ViewedSlices

MakeMap = Callable[..., RegionMap]
DARK = {(Region.M2, "right")}
MARKER_MM = (30.0, 45.0)  # of the heads that `make_map` makes: to the left and to the back


def view(region_map: RegionMap, scan: Scan) -> ViewedSlices:
    return view_scan(scan, labels_of(region_map, scan), region_map)


def placed(region_map: RegionMap, *indices: int) -> RegionMap:
    levels = tuple(
        replace(level, index=index) for level, index in zip(region_map.levels, indices, strict=True)
    )
    return replace(region_map, levels=levels)


@pytest.fixture(params=[0.0, 10.0, -25.0])
def viewed(request: pytest.FixtureRequest, make_map: MakeMap) -> ViewedSlices:
    region_map = placed(make_map(angle=request.param, dark=DARK, spacing=(0.8, 0.7)), 3, 4)
    return view(region_map, scan_about(region_map))


def in_mm(viewed: ViewedSlices, mask: np.ndarray) -> tuple[float, float]:
    """Where the middle of what is marked lies from the middle column, and from the brain's."""
    rows, columns = np.nonzero(mask)
    _, height, width = viewed.values.shape
    x = (columns.mean() + 0.5 - width / 2) * viewed.pixel_mm
    return x, (rows.mean() + 0.5 - height / 2) * viewed.pixel_mm


def test_a_mark_on_the_left_lies_right_of_the_middle_on_every_slice(viewed: ViewedSlices) -> None:
    for values in viewed.values:
        # 75 HU; the skull is brighter, and its edge lies elsewhere.
        x, y = in_mm(viewed, (values > 40 + 65) & (values < 40 + 85) & inner(viewed))
        assert (x, y) == pytest.approx(MARKER_MM, abs=0.5)


def inner(viewed: ViewedSlices) -> np.ndarray:
    _, height, width = viewed.values.shape
    y, x = np.indices((height, width))
    x = (x + 0.5 - width / 2) * viewed.pixel_mm
    y = (y + 0.5 - height / 2) * viewed.pixel_mm
    return np.hypot(x / 50, y / 66) < 1


def test_densities_are_the_scan_s_own(viewed: ViewedSlices) -> None:
    assert np.median(viewed.values[0][inner(viewed)]) == 40 + 30


def test_regions_lie_on_their_side_and_are_mirror_images(viewed: ViewedSlices) -> None:
    for region in Region:
        labels = viewed.labels[viewed.marks[region.level]]
        (right, y), (left, other_y) = (
            in_mm(viewed, labels == map_value(region, side)) for side in ("right", "left")
        )
        assert left == pytest.approx(-right, abs=0.5)
        assert left > 20
        assert y == pytest.approx(other_y, abs=0.5)


def test_rows_lead_to_the_key_slices(viewed: ViewedSlices) -> None:
    assert viewed.marks == {"BGL": 3, "SGL": 4}
    assert viewed.homes == {
        map_value(region, side): viewed.marks[region.level] for region in Region for side in SIDES
    }
    assert viewed.standing_out == DARK
    assert [name for name, labels in zip(viewed.names, viewed.labels, strict=True) if labels.any()]


def test_slices_run_from_the_feet_to_the_head_in_whatever_order_they_are(make_map: MakeMap) -> None:
    region_map = placed(make_map(), 3, 4)
    scan = scan_about(region_map)
    upwards = view(region_map, scan)
    turned = placed(region_map, 5, 4)
    downwards = view(turned, Scan(scan.data[..., ::-1], scan.affines[::-1]))
    assert upwards.names == [f"slice {k}" for k in range(9)]
    assert downwards.names == [f"slice {k}" for k in range(8, -1, -1)]
    np.testing.assert_array_equal(upwards.values, downwards.values)
    np.testing.assert_array_equal(upwards.labels, downwards.labels)


def test_what_lies_far_from_the_head_is_left_out(make_map: MakeMap) -> None:
    region_map = placed(make_map(), 10, 11)
    names = view(region_map, scan_about(region_map, count=20, below=10)).names
    assert names == [f"slice {k}" for k in range(6, 16)]  # 80 mm below to 100 mm above


def thin(region_map: RegionMap, step_mm: float, count: int) -> tuple[RegionMap, Scan]:
    """The same head in thin slices, each 1 HU brighter than the one below."""
    bgl, sgl = region_map.levels
    affines = np.repeat(bgl.slice.affine[np.newaxis], count, axis=0)
    affines[:, 2, 3] += step_mm * np.arange(count)
    data = np.asarray(bgl.slice.data, np.float32)[..., np.newaxis] + np.arange(count)
    keys = (10, 10 + round(20 / step_mm))
    levels = tuple(
        replace(level, index=key, slice=replace(level.slice, affine=affines[key]))
        for level, key in zip((bgl, sgl), keys, strict=True)
    )
    return replace(region_map, levels=levels), Scan(data, affines)


def test_thin_slices_are_averaged_about_the_key_slices(make_map: MakeMap) -> None:
    region_map, scan = thin(make_map(), 1.0, 41)
    viewed = view(region_map, scan)
    shown = [int(name.split()[1]) for name in viewed.names]
    assert {10, 30} <= set(shown)
    assert len(shown) == 14
    assert set(np.diff(shown)) <= {2, 3, 4}
    for place, values in zip(shown, viewed.values, strict=True):
        if 2 < place < 38:  # the mean of slices that rise evenly is the middle one
            assert np.median(values[inner(viewed)]) == 40 + 30 + place
    assert viewed.labels[viewed.marks["BGL"]].any()


def test_many_slices_have_coarser_pixels(make_map: MakeMap) -> None:
    few = view(*thin(make_map(), 3.0, 20))
    many = view(*thin(make_map(), 3.0, 60))
    assert few.pixel_mm < many.pixel_mm
    assert many.values.size <= MOST_PIXELS
    assert many.values.size > 0.9 * MOST_PIXELS


def test_a_head_tilted_to_a_side_has_its_midline_in_the_middle_column(make_map: MakeMap) -> None:
    """Of the upper slices the head lies further to the left: 5 mm every 20 mm."""
    made = placed(make_map(), 3, 4)
    scan = scan_about(made)
    scan.affines[:, 0, 3] -= 5.0 * np.arange(len(scan))
    levels = tuple(
        replace(level, slice=replace(level.slice, affine=scan.affines[level.index]))
        for level in made.levels
    )
    viewed = view(replace(made, levels=levels), scan)
    for values in viewed.values:
        x, _ = in_mm(viewed, (values > 40 + 65) & (values < 40 + 85) & inner(viewed))
        assert x == pytest.approx(MARKER_MM[0], abs=0.5)
