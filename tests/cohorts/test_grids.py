from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from atlas_builder.cohorts.grids import Grid, match_slices
from atlas_builder.core.errors import InputError

PATH = Path("labels.nii.gz")
SHAPE = (512, 512)
UNEVEN = (0.0, 4.0, 8.0, 12.0, 13.2, 20.0, 27.0)
EVEN = tuple(5.0 * k for k in range(7))


def grid(heights: tuple[float, ...], tilt: float = 18.5) -> Grid:
    """Slices of a gantry tilted by some degrees, stacked along the table (RAS mm)."""
    angle = np.radians(tilt)
    affine = np.eye(4)
    affine[:3, 0] = [-0.5, 0, 0]
    affine[:3, 1] = [0, -0.5 * np.cos(angle), -0.5 * np.sin(angle)]
    affine[:3, 2] = [0, -np.sin(angle), np.cos(angle)]
    affines = np.repeat(affine[np.newaxis], len(heights), axis=0)
    affines[:, 2, 3] = heights
    return Grid(SHAPE, affines)


def moved(place: Grid, shift: NDArray[np.float64] | tuple[float, float, float]) -> Grid:
    affines = place.affines.copy()
    affines[:, :3, 3] += shift
    return Grid(place.slice_shape, affines)


@given(heights=st.sampled_from([EVEN, UNEVEN]), order=st.permutations(range(7)))
def test_slices_are_matched_by_position_in_any_order(
    heights: tuple[float, ...], order: list[int]
) -> None:
    scan = grid(heights)
    labels = Grid(SHAPE, scan.affines[order])
    assert match_slices(PATH, labels, scan, range(7)) == dict(enumerate(order))


@pytest.mark.parametrize("heights", [EVEN, UNEVEN])
@pytest.mark.parametrize("shift", [(0.04, 0, 0), (0, 0.03, 0.03)])
def test_rounding_of_positions_is_tolerated(
    heights: tuple[float, ...], shift: tuple[float, float, float]
) -> None:
    scan = grid(heights)
    assert match_slices(PATH, moved(scan, shift), scan, [2]) == {2: 2}


@pytest.mark.parametrize("shift", [(0.1, 0, 0), (0, 0.1, 0), (0, 0, 0.5), (0, 0, 5)])
def test_shifted_labels_are_refused(shift: tuple[float, float, float]) -> None:
    scan = grid(EVEN)
    with pytest.raises(InputError, match=r"on another grid than the scan .*mm away"):
        match_slices(PATH, moved(scan, shift), scan, [2])


def test_other_shapes_and_counts_are_refused() -> None:
    scan = grid(EVEN)
    with pytest.raises(InputError, match=r"\(512, 500\) columns and rows, the scan \(512, 512\)"):
        match_slices(PATH, Grid((512, 500), scan.affines), scan, [2])
    with pytest.raises(InputError, match="6 slices, the scan 7"):
        match_slices(PATH, Grid(SHAPE, scan.affines[1:]), scan, [2])


def test_a_turned_or_rescaled_grid_is_refused() -> None:
    scan = grid(UNEVEN)
    turned = scan.affines.copy()
    turned[:, 1, 0] = 0.005  # 0.6 degrees
    with pytest.raises(InputError):
        match_slices(PATH, Grid(SHAPE, turned), scan, [0])


def test_labels_of_an_uneven_scan_may_be_off_by_less_than_half_a_step_along_the_table() -> None:
    scan = grid((0.0, 4.0, 8.0, 12.0, 19.0, 26.0, 33.0))
    evenly = grid(tuple(4.0 * k for k in range(7)))  # as dcm2niix repeats the first step
    assert match_slices(PATH, evenly, scan, [0, 3, 4]) == {0: 0, 3: 3, 4: 4}
    # Those above lie nearer to the scan's fifth and sixth slice than to their counterparts.
    for index in (5, 6):
        with pytest.raises(InputError, match=f"slice {index} lies .* uneven spacing .*level-BGL"):
            match_slices(PATH, evenly, scan, [0, index])


@pytest.mark.parametrize(("share", "accepted"), [(-0.45, True), (0.45, True), (0.55, False)])
def test_half_the_local_spacing_decides(share: float, accepted: bool) -> None:
    scan = grid(UNEVEN)
    step = 1.2 if share > 0 else 4.0  # to the next slice up or down from the fourth
    labels = grid(tuple(h + share * step * (k == 3) for k, h in enumerate(UNEVEN)))
    if accepted:
        assert match_slices(PATH, labels, scan, [3]) == {3: 3}
    else:
        with pytest.raises(InputError, match=r"slice 3 lies 0.66 mm"):
            match_slices(PATH, labels, scan, [3])


def test_being_off_across_the_table_is_refused_for_uneven_scans_too() -> None:
    scan = grid(UNEVEN)
    with pytest.raises(InputError, match=r"slice 1 lies 0.1 mm"):
        match_slices(PATH, moved(scan, (0.1, 0, 0)), scan, [1])
    normal = scan.affines[0, :3, 2]  # of a tilted gantry, not the way the table moves
    with pytest.raises(InputError, match="slice 1 lies 1 mm"):
        match_slices(PATH, moved(scan, normal), scan, [1])
