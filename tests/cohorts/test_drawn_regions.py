from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from atlas_builder.cohorts.drawn_regions import check_complete, find_key_slices, level_of
from atlas_builder.core.anatomy import LEVELS, Level, Region, regions_of
from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Slice

PATH = Path("labels.nii.gz")

# Centre and half axes in mm of each region on the patient's left, from the middle of the head:
# towards the left and towards the back, about as large as in an adult.
ELLIPSES = {
    Region.C: (9, -22, 4, 7),
    Region.L: (20, -8, 5, 12),
    Region.IC: (13, -6, 2, 14),
    Region.I: (31, -6, 4, 14),
    Region.M1: (32, -36, 9, 14),
    Region.M2: (48, -6, 11, 20),
    Region.M3: (43, 30, 10, 15),
    Region.M4: (30, -34, 9, 12),
    Region.M5: (40, 0, 9, 22),
    Region.M6: (34, 36, 9, 13),
}


def drawn(
    level: Level,
    turn: float = 0.0,
    shift: tuple[float, float] = (0.0, 0.0),
    spacing: float = 1.0,
    left_out: frozenset[tuple[Region, str]] = frozenset(),
) -> Slice:
    """Regions of a level on both sides of a head turned (degrees) and shifted (mm) in the plane."""
    size = round(260 / spacing)
    column, row = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    x, y = column * spacing - 130 - shift[0], row * spacing - 130 - shift[1]
    angle = np.radians(turn)
    left = np.cos(angle) * x + np.sin(angle) * y
    back = -np.sin(angle) * x + np.cos(angle) * y
    data = np.zeros((size, size), np.uint8)
    for region in regions_of(level):
        a, b, width, length = ELLIPSES[region]
        for side, sign in (("left", 1), ("right", -1)):
            if (region, side) not in left_out:
                inside = ((left - sign * a) / width) ** 2 + ((back - b) / length) ** 2 <= 1
                data[inside] = region
    return Slice(data, np.diag([-spacing, -spacing, 1.0, 1.0]))


poses = {
    "turn": st.floats(-35, 35),
    "shift": st.tuples(st.floats(-40, 40), st.floats(-40, 40)),
    "spacing": st.sampled_from([0.45, 1.0, 1.2]),
}


@settings(max_examples=30)
@given(level=st.sampled_from(LEVELS), **poses)
def test_complete_levels_pass_wherever_the_head_lies(level: Level, **pose: Any) -> None:
    check_complete(PATH, level, drawn(level, **pose))


@settings(max_examples=30)
@given(region=st.sampled_from(Region), side=st.sampled_from(["left", "right"]), **poses)
def test_a_region_missing_on_one_side_is_named(region: Region, side: str, **pose: Any) -> None:
    labels = drawn(region.level, **pose, left_out=frozenset({(region, side)}))
    says = rf"{region.level} lacks {region.name} on the {side}; draw"
    with pytest.raises(InputError, match=says):
        check_complete(PATH, region.level, labels)


@settings(max_examples=30)
@given(level=st.sampled_from(LEVELS), side=st.sampled_from(["left", "right"]), **poses)
def test_one_hemisphere_alone_is_refused(level: Level, side: str, **pose: Any) -> None:
    labels = drawn(level, **pose, left_out=frozenset((r, side) for r in regions_of(level)))
    with pytest.raises(InputError, match=f"{level} lacks"):
        check_complete(PATH, level, labels)


@settings(max_examples=30)
@given(**poses)
def test_several_missing_regions_are_all_named(**pose: Any) -> None:
    left_out = {(Region.C, "left"), (Region.C, "right"), (Region.M3, "right")}
    labels = drawn("BGL", **pose, left_out=frozenset(left_out))
    says = "BGL lacks C on the left and the right, M3 on the right; draw every"
    with pytest.raises(InputError, match=says):
        check_complete(PATH, "BGL", labels)


def test_stray_pixels_neither_hide_nor_replace_a_region() -> None:
    labels = drawn("BGL", turn=20, left_out=frozenset({(Region.M1, "left")}))
    labels.data[180, 90:93] = Region.M1  # a slip of the pen in the left hemisphere
    labels.data[130, 130] = Region.L  # and one on the midline
    with pytest.raises(InputError, match="BGL lacks M1 on the left;"):
        check_complete(PATH, "BGL", labels)


def volume(**at: NDArray[Any]) -> NDArray[Any]:
    data = np.zeros((260, 260, 6), np.uint8)
    for place, labels in at.items():
        data[:, :, int(place[1:])] = labels
    return data


BGL, SGL = drawn("BGL").data, drawn("SGL").data


def test_key_slices_are_found_by_their_regions() -> None:
    assert find_key_slices(PATH, volume(k4=BGL, k1=SGL)) == {"BGL": 4, "SGL": 1}


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (volume(k4=SGL), r"no slice carries BGL labels \(C, L, IC, I, M1, M2, M3\)"),
        (volume(k2=BGL), r"no slice carries SGL labels \(M4, M5, M6\)"),
        (volume(), "no slice carries BGL labels"),
        (volume(k2=BGL, k3=BGL, k5=SGL), r"BGL labels on 2 slices \(2 to 3\)"),
        (
            volume(k2=BGL, k5=np.where(BGL == Region.M1, BGL, SGL)),
            r"slice 5 carries regions of both levels \(M1, M4, M5, M6\)",
        ),
    ],
)
def test_levels_that_are_not_on_one_slice_each_are_refused(labels: Any, says: str) -> None:
    with pytest.raises(InputError, match=f"^labels.nii.gz: {says}"):
        find_key_slices(PATH, labels)


def test_the_level_of_a_slice() -> None:
    assert level_of(PATH, SGL, "its slice") == "SGL"
    with pytest.raises(InputError, match="its slice carries no label"):
        level_of(PATH, np.zeros_like(SGL), "its slice")
