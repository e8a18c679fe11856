"""A scan mapped as a whole, against its true regions."""

from __future__ import annotations

import numpy as np
import pytest

from atlas_builder.core.anatomy import SIDES, Region, map_value, regions_of
from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Scan
from atlas_builder.mapping.pipeline import map_regions
from atlas_builder.metrics.overlap import dice
from atlas_builder.workflows.map_processes import registration_processes


def test_every_region_of_a_turned_head_lies_on_the_true_one_of_its_side(region_map, drawn) -> None:
    for level_map in region_map.levels:
        truth = drawn.truth[level_map.level]
        assert level_map.regions.shape == truth.shape
        for region in regions_of(level_map.level):
            for side in SIDES:
                value = map_value(region, side)
                # IC is 5 mm wide on pixels of 0.9 mm.
                least = 0.85 if region == Region.IC else 0.9
                assert dice(level_map.regions == value, truth == value) > least, (region, side)


def test_the_midline_runs_from_front_to_back_through_the_middle(region_map, drawn) -> None:
    middle = (np.array(drawn.scan.data.shape[:2]) - 1) / 2
    for level_map in region_map.levels:
        front, back = level_map.midline
        assert front[1] < back[1]
        along = (back - front) / np.linalg.norm(back - front)
        assert np.degrees(np.arctan2(-along[0], along[1])) == pytest.approx(15, abs=1.0)
        off = (middle - front) @ np.array([along[1], -along[0]])
        assert abs(off) * 0.9 < 1.0


def test_the_map_says_what_it_was_made_of(region_map, atlas) -> None:
    assert [level_map.level for level_map in region_map.levels] == ["BGL", "SGL"]
    assert [level_map.index for level_map in region_map.levels] == [0, 2]
    assert region_map.slice_count == 3
    assert region_map.atlas_name == "drawn"
    assert region_map.atlas_provenance == atlas.provenance
    assert not region_map.atlas_is_simulated
    assert [(m.side, m.region) for m in region_map.measures] == [
        (side, region) for side in SIDES for region in Region
    ]
    assert set(region_map.timings) == {"key_slices", "registration", "measures"}


def test_only_the_dark_region_stands_out(region_map) -> None:
    outstanding = [(m.region, m.side) for m in region_map.measures if m.stands_out]
    assert outstanding == [(Region.M5, "left")]


def test_a_plain_head_raises_no_flag(region_map) -> None:
    assert region_map.flags == ()


def test_the_volume_holds_the_regions_on_their_slices(region_map, drawn) -> None:
    volume = region_map.volume(drawn.scan.data.shape)
    assert volume.shape == drawn.scan.data.shape
    np.testing.assert_array_equal(volume[:, :, 0], region_map.levels[0].regions)
    np.testing.assert_array_equal(volume[:, :, 2], region_map.levels[1].regions)
    assert not volume[:, :, 1].any()


def test_processes_give_the_same_bits(region_map, drawn, atlas) -> None:
    with registration_processes(2) as executor:
        parallel = map_regions(drawn.scan, atlas, 0, 2, age=60, executor=executor)
    for one, other in zip(region_map.levels, parallel.levels, strict=True):
        np.testing.assert_array_equal(one.regions, other.regions)
        np.testing.assert_array_equal(one.transform.displacement, other.transform.displacement)
    assert parallel.measures == region_map.measures


@pytest.mark.parametrize(
    ("bgl", "sgl", "message"),
    [(0, 3, "no slice 3 for the SGL"), (-1, 2, "no slice -1"), (2, 0, "above"), (1, 1, "above")],
)
def test_impossible_key_slices_are_refused(drawn, atlas, bgl, sgl, message) -> None:
    with pytest.raises(InputError, match=message):
        map_regions(drawn.scan, atlas, bgl, sgl)


def test_a_scan_of_one_slice_is_told_that_two_are_needed(drawn, atlas) -> None:
    single = Scan(drawn.scan.data[:, :, :1], drawn.scan.affines[:1])
    with pytest.raises(InputError, match="one slice, but BGL and SGL are two"):
        map_regions(single, atlas, 0, 1)


@pytest.mark.parametrize("noise_hu", [0, 2])
def test_a_disc_in_a_ring_of_bone_is_no_head(drawn, atlas, noise_hu) -> None:
    x, y = (np.indices(drawn.scan.data.shape[:2]) - 104.5) * 0.9
    radius = np.hypot(x / 60, y / 76)
    disc = np.select([radius < 1, radius < 1.1], [32.0, 1000.0], -1000.0)
    noise = (
        np.random.default_rng(0).normal(0, noise_hu, drawn.scan.data.shape) * (disc > 0)[..., None]
    )
    data = (disc[..., None] + noise).astype(np.float32)
    with pytest.raises(InputError, match="nothing in the brain resembles the atlas"):
        map_regions(Scan(data, drawn.scan.affines), atlas, 0, 2, age=60)


def test_a_head_upside_down_is_refused_and_one_such_slice_flagged(drawn, atlas) -> None:
    turned = drawn.scan.data[::-1, ::-1]
    with pytest.raises(InputError, match="turned front to back on both key slices"):
        map_regions(Scan(turned, drawn.scan.affines), atlas, 0, 2, age=60)
    one = drawn.scan.data.copy()
    one[:, :, 0] = turned[:, :, 0]
    flags = map_regions(Scan(one, drawn.scan.affines), atlas, 0, 2, age=60).flags
    (flag,) = [flag for flag in flags if flag.code == "orientation-doubtful"]
    assert flag.level == "BGL"
    assert "left and right may be wrong" in flag.reason


def test_what_is_no_head_is_refused_by_level(drawn, atlas) -> None:
    data = drawn.scan.data.copy()
    data[:, :, 2] = np.random.default_rng(0).normal(40, 5, data.shape[:2])
    with pytest.raises(InputError, match="SGL slice 2: "):
        map_regions(Scan(data, drawn.scan.affines), atlas, 0, 2)


def rounded_otherwise(affines: np.ndarray, pixel_size: float, cosines: float) -> np.ndarray:
    """Affines with pixels larger by a share, and other last digits of their orientations."""
    changed = affines.copy()
    sizes = np.linalg.norm(affines[:, :3, :2], axis=1, keepdims=True)
    changed[:, :3, :2] *= 1 + pixel_size
    changed[:, :3, :2] += sizes * np.random.default_rng(3).uniform(-cosines, cosines, (3, 2))
    normals = np.cross(changed[:, :3, 0], changed[:, :3, 1])
    changed[:, :3, 2] = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    return changed


@pytest.mark.slow
@pytest.mark.parametrize(("pixel_size", "cosines"), [(1e-8, 0), (-3e-8, 0), (1e-6, 0), (0, 1e-5)])
def test_other_roundings_of_a_header_give_the_same_regions(
    region_map, drawn, atlas, pixel_size, cosines
) -> None:
    affines = rounded_otherwise(drawn.scan.affines, pixel_size, cosines)
    assert not np.array_equal(affines, drawn.scan.affines)
    again = map_regions(Scan(drawn.scan.data, affines), atlas, 0, 2, age=60)
    for one, other in zip(region_map.levels, again.levels, strict=True):
        for value in np.unique(one.regions[one.regions > 0]):
            assert dice(one.regions == value, other.regions == value) >= 0.99
