"""Names: deep inside, small regions first, clear of each other where there is room."""

from __future__ import annotations

import numpy as np
import pytest

from atlas_builder.reporting.base.name_places import Candidates, deep_pixels, name_box, place_names


def strip(name: str, x: float, width: float) -> Candidates:
    """A region 40 mm high whose middle is at y = 0, with places all along it."""
    y = np.arange(-19.0, 20.0)
    depths = np.minimum(width / 2, 20 - np.abs(y))
    order = np.argsort(np.abs(y))
    return Candidates(name, np.stack([np.full(len(y), x), y], axis=1)[order], depths[order])


def test_the_deepest_pixel_comes_first() -> None:
    mask = np.zeros((40, 30), bool)
    mask[:21, 4:25] = True  # reaches the border of the slice
    pixels, depths = deep_pixels(mask, (1.0, 1.0))
    assert pixels[0].tolist() == [10, 14]
    assert depths[0] == pytest.approx(11)
    assert (np.diff(depths) <= 0).all()
    assert mask[tuple(pixels.T)].all()


def test_depth_is_in_mm() -> None:
    mask = np.zeros((40, 40), bool)
    mask[5:36, 15:26] = True
    _, depths = deep_pixels(mask, (0.5, 2.0))
    assert depths[0] == pytest.approx(8.0)  # 16 pixels of 0.5 mm, not 6 of 2 mm


def test_a_name_alone_takes_the_deepest_place() -> None:
    assert place_names({"a": strip("M1", 3.0, 10.0)}) == {"a": (3.0, 0.0)}


def test_the_wider_region_makes_way() -> None:
    regions = {"wide": strip("M2", 4.0, 8.0), "narrow": strip("IC", 0.0, 4.0)}
    places = place_names(regions)
    assert places["narrow"] == (0.0, 0.0)
    apart = np.abs(np.subtract(places["wide"], places["narrow"]))
    assert (apart >= np.add(name_box("M2"), name_box("IC")) / 2).any()
    assert abs(places["wide"][1]) < 6  # no further off than needed


def test_names_that_must_overlap_are_still_placed() -> None:
    spot = Candidates("C", np.array([[1.0, 2.0]]), np.array([1.0]))
    assert place_names({"one": spot, "two": spot}) == {"one": (1.0, 2.0), "two": (1.0, 2.0)}


def test_no_regions_have_no_names() -> None:
    assert place_names({}) == {}
