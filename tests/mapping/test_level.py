"""An atlas mapped onto a slice whose true regions are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from atlas_builder.catalogue.atlas import AtlasLevel
from atlas_builder.core.anatomy import Region, map_value
from atlas_builder.core.errors import InputError
from atlas_builder.core.transform import Transform
from atlas_builder.mapping.level import carry_regions, map_level, probabilities_of, sided
from atlas_builder.preprocessing.key_slice import KEY_SLICE_SHAPE, KeySlice, key_slice_grid
from atlas_builder.preprocessing.symmetry import Alignment

GRID = key_slice_grid()


def unmoved(shift: tuple[float, float] = (0.0, 0.0)) -> Transform:
    """A transform that moves everything by so many mm."""
    affine = np.eye(3)
    affine[:2, 2] = shift
    field = np.zeros((2, *KEY_SLICE_SHAPE), np.float32)
    return Transform(affine, field, field, GRID)


def key_of(atlas: AtlasLevel) -> KeySlice:
    """The key slice of a scan that shows the atlas on its own pixels."""
    return KeySlice(atlas.image, atlas.image != 0, np.eye(3), Alignment(0.0, 0.0, 0.0))


@pytest.fixture(scope="module")
def bgl(atlas) -> AtlasLevel:
    return atlas.levels["BGL"]


def carried(bgl: AtlasLevel, transform: Transform, key: KeySlice | None = None):
    return carry_regions(bgl, "BGL", transform, key or key_of(bgl), KEY_SLICE_SHAPE)


def test_unmoved_regions_stay_and_get_their_sides(bgl) -> None:
    found = carried(bgl, unmoved())
    on_left = GRID.points()[0] > 0
    inside = found.brain
    expected = np.where(on_left | (bgl.labels == 0), bgl.labels, bgl.labels + 10)
    np.testing.assert_array_equal(found.regions[inside], expected[inside])
    np.testing.assert_array_equal(found.brain, bgl.image != 0)


def test_a_region_carried_over_the_midline_keeps_its_side(bgl) -> None:
    """Swelling moves the right caudate to the left of the straight line."""
    found = carried(bgl, unmoved(shift=(25.0, 0.0)))
    caudate = found.regions == map_value(Region.C, "right")
    assert caudate.any()
    assert (GRID.points()[0][caudate] > 0).all()


def test_sides_keep_what_is_no_region_of_the_level(bgl) -> None:
    np.testing.assert_array_equal(sided(bgl.labels, "SGL", GRID), bgl.labels)


def test_regions_end_at_the_brain_and_leave_no_islands(bgl) -> None:
    key = key_of(bgl)
    brain = key.brain.copy()
    x, y = GRID.points()
    brain[(np.abs(y + 2) < 2) & (x > 48)] = False  # a sulcus that opens to the outside at M2
    brain[(np.abs(y + 2) < 2) & (x > 40) & (x < 50)] = False
    found = carried(bgl, unmoved(), replace(key, brain=brain))
    assert not found.regions[~brain].any()
    for value in np.unique(found.regions[found.regions > 0]):
        assert ndimage.label(found.regions == value)[1] == 1
    removed = brain & (bgl.labels > 0) & (found.regions == 0)
    assert removed.any()
    assert not found.probability[removed].any()


def test_specks_of_background_in_a_region_are_filled_and_other_regions_are_not(bgl) -> None:
    labels = bgl.labels.copy()
    x, y = GRID.points()
    labels[np.hypot(x - 33, y - 37) < 1.5] = 0
    labels[np.hypot(x + 33, y - 37) < 1.5] = Region.M2
    found = carried(replace(bgl, labels=labels), unmoved()).regions
    assert set(found[np.hypot(x - 33, y - 37) < 1.5]) == {map_value(Region.M3, "left")}
    assert not (found[np.hypot(x + 33, y - 37) < 1] == map_value(Region.M3, "right")).any()


def test_without_probabilities_borders_are_uncertain_and_middles_are_not(bgl) -> None:
    found = carried(bgl, unmoved())
    assert not found.probability[found.regions == 0].any()
    region = found.regions == map_value(Region.M3, "left")
    depth = ndimage.distance_transform_edt(region) * GRID.spacing
    assert found.probability[region & (depth > 4)].min() > 0.99
    at_border = found.probability[region & (depth <= 0.5)]
    assert 0.5 < at_border.mean() < 0.7


def test_an_atlas_s_own_probabilities_are_carried(bgl) -> None:
    probabilities = probabilities_of(bgl, "BGL") * 0.5
    found = carried(replace(bgl, probabilities=probabilities), unmoved())
    plain = carried(bgl, unmoved())
    np.testing.assert_allclose(found.probability, plain.probability * 0.5, atol=1e-6)


def test_mapping_repeats_bit_for_bit(bgl) -> None:
    first, second = (map_level(bgl, key_of(bgl)) for _ in range(2))
    np.testing.assert_array_equal(first.affine, second.affine)
    np.testing.assert_array_equal(first.displacement, second.displacement)


@pytest.mark.parametrize(("row", "column", "value"), [(0, 0, 0.5), (1, 1, -0.6), (0, 3, 0.0)])
def test_an_atlas_with_another_affine_is_refused(bgl, row, column, value) -> None:
    affine = bgl.affine.copy()
    affine[row, column] = value
    with pytest.raises(InputError, match="the atlas's affine"):
        map_level(replace(bgl, affine=affine), key_of(bgl))


def test_the_height_of_an_atlas_does_not_matter(bgl) -> None:
    affine = bgl.affine.copy()
    affine[2] = [0, 0, 5, 12]
    found = map_level(replace(bgl, affine=affine), key_of(bgl))
    np.testing.assert_array_equal(found.affine, map_level(bgl, key_of(bgl)).affine)


def test_an_atlas_on_another_grid_is_refused(bgl) -> None:
    small = AtlasLevel(np.ones((9, 9), np.float32), np.ones((9, 9), np.uint8), np.eye(4))
    with pytest.raises(InputError, match="9 x 9 pixels"):
        map_level(small, key_of(bgl))
