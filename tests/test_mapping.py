"""An atlas mapped onto a slice whose true regions are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from atlas_builder.errors import InputError
from atlas_builder.io.atlas import AtlasLevel
from atlas_builder.mapping import map_level, regions_on_slice
from atlas_builder.preprocessing.key_slice import KEY_SLICE_SHAPE, KeySlice, key_slice_affine
from atlas_builder.preprocessing.symmetry import Alignment
from atlas_builder.validation.overlap import dice


def brain_and_regions() -> tuple[np.ndarray, np.ndarray]:
    """A brain with ventricles and grey nuclei, and two regions a side that follow them."""
    x, y = (np.indices(KEY_SLICE_SHAPE) - 229.5) / 2
    brain = (x / 65) ** 2 + (y / 82) ** 2 < 1
    image = np.where(brain, 28.0, 0)
    cortex = brain & ((x / 58) ** 2 + (y / 75) ** 2 > 1)
    nucleus = ((np.abs(x) - 22) / 8) ** 2 + (y / 16) ** 2 < 1
    ventricle = ((np.abs(x) - 6) / 4) ** 2 + ((y + 10) / 22) ** 2 < 1
    image[cortex | nucleus] = 37
    image[ventricle] = 8
    labels = np.zeros(KEY_SLICE_SHAPE, np.uint8)
    labels[nucleus] = 2
    labels[brain & (np.abs(x) > 42) & (np.abs(y) < 30)] = 6
    return ndimage.gaussian_filter(image, 1.5).astype(np.float32) * brain, labels


def atlas() -> AtlasLevel:
    image, labels = brain_and_regions()
    return AtlasLevel(image, labels, key_slice_affine())


@pytest.fixture(scope="module")
def scan() -> tuple[KeySlice, np.ndarray]:
    """A larger, noisy, bent brain, and its true regions on a slice of 0.7 x 0.8 mm, turned by 9."""
    image, labels = brain_and_regions()
    i, j = np.indices(KEY_SLICE_SHAPE, dtype=float)
    bent_i = 229.5 + (i - 229.5) / 1.06 + 4 * np.sin(j / 60)
    bent_j = 229.5 + (j - 229.5) / 1.1 + 4 * np.cos(i / 70)
    bent = ndimage.map_coordinates(image, [bent_i, bent_j], order=1)
    true = ndimage.map_coordinates(labels, [bent_i, bent_j], order=0)
    brain = bent > 14
    noise = np.random.default_rng(0).normal(0, 3, KEY_SLICE_SHAPE)
    turn = np.deg2rad(9)
    to_slice = np.eye(3)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    to_slice[:2, :2] = np.diag([0.5 / 0.7, 0.5 / 0.8]) @ rotation
    to_slice[:2, 2] = np.array([170, 150]) - to_slice[:2, :2] @ [229.5, 229.5]
    key = KeySlice(
        np.where(brain, bent + noise, 0).astype(np.float32),
        brain,
        to_slice,
        Alignment(9.0, 0.0, 0.1),
    )
    pixels = np.einsum(
        "ij,jkl->ikl",
        np.linalg.inv(to_slice),
        np.stack([*np.indices((340, 300)), np.ones((340, 300))]),
    )
    return key, ndimage.map_coordinates(true, pixels[:2], order=0)


def test_regions_land_on_the_true_ones_on_the_slice_s_own_pixels(scan) -> None:
    key, true = scan
    mapped = regions_on_slice(atlas(), map_level(atlas(), key), key, true.shape)
    assert mapped.shape == true.shape
    assert set(np.unique(mapped)) == {0, 2, 6}
    assert dice(mapped == 2, true == 2) > 0.95
    assert dice(mapped == 6, true == 6) > 0.95


def test_mapping_repeats_bit_for_bit(scan) -> None:
    key, _ = scan
    first, second = (map_level(atlas(), key) for _ in range(2))
    np.testing.assert_array_equal(first.affine, second.affine)
    np.testing.assert_array_equal(first.displacement, second.displacement)


def test_an_atlas_on_another_grid_is_refused(scan) -> None:
    key, _ = scan
    small = AtlasLevel(np.ones((9, 9), np.float32), np.ones((9, 9), np.uint8), np.eye(4))
    with pytest.raises(InputError, match="9 x 9 pixels"):
        map_level(small, key)
