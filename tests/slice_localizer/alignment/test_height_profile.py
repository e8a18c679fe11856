"""The cross-sections above a known basal ganglia slice show whether a head is as high as heads."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage as ndi

from atlas_builder.core.scan import Scan
from slice_localizer.alignment.height_profile import (
    HEIGHTS,
    SHARES,
    remarks_on_height,
    slices_above,
)
from slice_localizer.alignment.standard_head import load_standard_head
from slice_localizer.positions import heights_of


def standard_scan(
    step_mm: float = 4.0, *, up_to_mm: float = 120.0, stripped: bool = False, air: float = -1000.0
) -> Scan:
    """The standard head with slices 4 mm apart, which the file may state otherwise; its BGL is 0.

    It begins at its basal ganglia level.
    """
    head = load_standard_head()
    heights = np.arange(0.0, up_to_mm + 0.1, 4.0)
    place = (heights + head.bgl_point[2] - head.grid.origin[2]) / head.grid.spacing
    columns, rows = head.grid.shape[:2]
    hu = head.stripped_hu if stripped else head.hu
    grid = np.meshgrid(np.arange(columns), np.arange(rows), place, indexing="ij")
    data = ndi.map_coordinates(hu, grid, order=1, mode="constant", cval=-1000.0)
    affines = np.tile(
        np.diag([-head.grid.spacing, -head.grid.spacing, 1.0, 1.0]), (len(place), 1, 1)
    )
    affines[:, 2, 3] = np.arange(len(place)) * step_mm
    return Scan(np.maximum(data, air).astype(np.float32), affines)


def codes(scan: Scan, sgl_mm: float = 20.0) -> list[str]:
    return [flag.code for flag in remarks_on_height(scan, sgl_mm)]


def test_profile_is_that_of_the_standard_head() -> None:
    scan = standard_scan()
    dense = np.asarray(scan.data) > 10.0
    areas = [
        ndi.binary_fill_holes(ndi.binary_opening(dense[:, :, k], np.ones((3, 3)))).sum() * 16.0
        for k in range(dense.shape[2])
    ]
    shares = np.interp(HEIGHTS * np.sqrt(areas[0]), heights_of(scan.affines), areas) / areas[0]
    np.testing.assert_allclose(SHARES, shares, atol=0.03)


@pytest.mark.parametrize("stripped", [False, True])
@pytest.mark.parametrize("air", [-1000.0, 0.0])
def test_head_as_it_is_has_no_remark(stripped: bool, air: float) -> None:
    assert codes(standard_scan(stripped=stripped, air=air)) == []


@pytest.mark.parametrize(
    ("stated", "says"), [(2.4, "flatter"), (3.0, "flatter"), (5.4, "taller"), (6.7, "taller")]
)
def test_wrong_distance_between_slices_is_remarked_on(stated: float, says: str) -> None:
    (flag,) = remarks_on_height(standard_scan(stated), 20.0)
    assert flag.code == "head-proportions"
    expected = f"{abs(stated / 4.0 - 1):.0%}"
    share = int(flag.reason.split("%")[0].split()[-1])
    assert says in flag.reason
    assert share == pytest.approx(int(expected.rstrip("%")), abs=6)


def test_scan_that_ends_in_the_head_is_remarked_on() -> None:
    assert codes(standard_scan(up_to_mm=56.0)) == ["head-cut-short"]
    assert codes(standard_scan(up_to_mm=80.0)) == []


def test_scan_cut_off_far_below_the_vertex_says_nothing_of_proportions() -> None:
    assert codes(standard_scan(2.4, up_to_mm=32.0), 12.0) == ["head-cut-short"]


def test_two_slices_cut_out_of_a_scan_are_no_fault() -> None:
    scan = standard_scan(up_to_mm=20.0)
    assert codes(Scan(scan.data[:, :, [0, 5]], scan.affines[[0, 5]])) == []


def test_empty_pictures_have_no_remark() -> None:
    scan = standard_scan()
    assert codes(Scan(np.full(scan.data.shape, -1000.0, np.float32), scan.affines)) == []


@pytest.mark.parametrize("downwards", [False, True])
def test_slices_8_mm_apart_are_chosen_in_any_order(downwards: bool) -> None:
    affines = np.tile(np.eye(4), (31, 1, 1))
    affines[:, 2, 3] = 2.5 * np.arange(31)
    if downwards:
        affines = affines[::-1]
    chosen = slices_above(affines, 20 if downwards else 10)
    assert chosen[0] == (20 if downwards else 10)
    np.testing.assert_allclose(affines[chosen, 2, 3], [25.0, 35.0, 45.0, 55.0, 65.0, 75.0])
