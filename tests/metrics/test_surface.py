"""Surface distances by hand, on degenerate masks, and against SimpleITK and brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import cdist

from atlas_builder.metrics.surface import border_points, surface_distance

masks = arrays(np.bool_, (7, 9))
spacings = st.tuples(st.sampled_from([0.4, 0.5, 1.0, 2.5]), st.sampled_from([0.4, 0.7, 3.0]))


def itk_border(mask: np.ndarray) -> np.ndarray:
    """The contour SimpleITK finds, the image framed so that its edge is a border too."""
    image = sitk.GetImageFromArray(np.pad(mask, 1).astype(np.uint8))
    # "Fully connected" background lets diagonal contact make a contour; ours needs an edge.
    contour = sitk.LabelContour(image, fullyConnected=False)
    return sitk.GetArrayFromImage(contour)[1:-1, 1:-1].astype(bool)


def itk_distances(of: np.ndarray, to: np.ndarray, spacing: tuple[float, float]) -> np.ndarray:
    """Distances from each border pixel of one mask to the other's, by SimpleITK."""
    image = sitk.GetImageFromArray(np.pad(itk_border(to), 1).astype(np.uint8))
    image.SetSpacing(spacing[::-1])
    far = sitk.SignedMaurerDistanceMap(image, squaredDistance=False, useImageSpacing=True)
    return np.abs(sitk.GetArrayFromImage(far)[1:-1, 1:-1])[itk_border(of)]


def test_two_pixels_by_hand():
    first, second = np.zeros((2, 6, 6), bool)
    first[1, 1] = second[4, 3] = True
    found = surface_distance(first, second, (2.0, 0.5))
    assert found.hausdorff95_mm == found.mean_mm == pytest.approx(math.hypot(6.0, 1.0))


def test_a_square_in_a_square_by_hand():
    outer, inner = np.zeros((2, 9, 9), bool)
    outer[1:8, 1:8] = inner[2:7, 2:7] = True
    found = surface_distance(outer, inner, (1.0, 1.0))
    # 24 pixels outside, of which 4 corners see the inner square diagonally; 16 inside.
    assert found.mean_mm == pytest.approx((20 + 4 * math.sqrt(2) + 16) / 40)
    assert found.hausdorff95_mm == pytest.approx(math.sqrt(2))


def test_empty_masks():
    empty, full = np.zeros((4, 5), bool), np.ones((4, 5), bool)
    for first, second in ((empty, full), (full, empty)):
        found = surface_distance(first, second, (1.0, 1.0))
        assert found.hausdorff95_mm == found.mean_mm == math.inf
    nothing = surface_distance(empty, empty, (1.0, 1.0))
    assert math.isnan(nothing.hausdorff95_mm)
    assert math.isnan(nothing.mean_mm)


def test_a_mask_that_touches_the_edge_has_a_border_there():
    full = np.ones((4, 5), bool)
    assert len(border_points(full, (1.0, 1.0))) == 20 - 2 * 3
    framed = np.pad(full, 3)
    shifted = border_points(framed, (1.0, 1.0)) - 3
    np.testing.assert_array_equal(shifted, border_points(full, (1.0, 1.0)))


@given(masks, masks, spacings)
def test_distances_are_those_of_simpleitk(first, second, spacing):
    assume(first.any() and second.any())
    there, back = itk_distances(first, second, spacing), itk_distances(second, first, spacing)
    found = surface_distance(first, second, spacing)
    assert found.mean_mm == pytest.approx(np.concatenate([there, back]).mean(), abs=1e-5)
    largest = max(np.percentile(there, 95), np.percentile(back, 95))
    assert found.hausdorff95_mm == pytest.approx(largest, abs=1e-5)


@given(masks, masks, spacings)
def test_distances_are_those_between_all_points(first, second, spacing):
    assume(first.any() and second.any())
    between = cdist(border_points(first, spacing), border_points(second, spacing))
    nearest = np.concatenate([between.min(axis=1), between.min(axis=0)])
    assert surface_distance(first, second, spacing).mean_mm == pytest.approx(nearest.mean())


@given(masks, masks, spacings)
def test_distances_are_symmetric_and_zero_for_the_same_mask(first, second, spacing):
    there, back = surface_distance(first, second, spacing), surface_distance(second, first, spacing)
    np.testing.assert_allclose(
        [there.hausdorff95_mm, there.mean_mm], [back.hausdorff95_mm, back.mean_mm]
    )
    if first.any():
        assert surface_distance(first, first, spacing).mean_mm == 0
        assert surface_distance(first, first, spacing).hausdorff95_mm == 0


@given(masks, st.integers(1, 4), st.integers(0, 3), spacings)
def test_a_shift_is_at_most_its_length(mask, across, down, spacing):
    assume(mask.any())
    framed = np.pad(mask, 5)
    shifted = np.roll(framed, (across, down), (0, 1))
    length = math.hypot(across * spacing[0], down * spacing[1])
    found = surface_distance(framed, shifted, spacing)
    assert found.mean_mm <= length + 1e-9
    assert found.hausdorff95_mm <= length + 1e-9
