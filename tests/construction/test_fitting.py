"""One participant registered to a template."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from atlas_builder.construction.fitting import (
    FitTask,
    correlation,
    extent_affine,
    fit,
    load_fit,
    save_fit,
)
from atlas_builder.core.transform import PlaneGrid, apply_affine, sample
from atlas_builder.registration.slices import COARSE, Metric

GRID = PlaneGrid((200, 232), 0.5, (-49.75, -57.75))
POINTS = GRID.points()


def brain(points):
    x, y = points
    inside = np.hypot(x / 34, y / 44) < 1
    tissue = 32 + 5 * np.sin(x / 3) * np.cos(y / 4) + 4 * np.sin((x + 2 * y) / 7)
    return np.where(inside, tissue, 0).astype(np.float32)


STRETCH = np.array([[1.15, 0, 4.0], [0, 0.9, -3.0], [0, 0, 1]])


def stretched():
    return brain(apply_affine(np.linalg.inv(STRETCH), POINTS))


@pytest.fixture(scope="module")
def task():
    return FitTask(brain(POINTS), stretched(), GRID, Metric.MI, COARSE, None)


@pytest.fixture(scope="module")
def fitted(task):
    return fit(task)


def test_equal_extents_are_found_without_registration():
    affine = extent_affine(brain(POINTS), stretched(), GRID)
    np.testing.assert_allclose(affine, STRETCH, atol=0.02)


def test_without_a_start_the_extents_are_aligned_first(fitted):
    inside = brain(POINTS) != 0
    error = fitted.transform.to_participant(POINTS) - apply_affine(STRETCH, POINTS)
    assert np.hypot(*error)[inside].max() < 1
    assert fitted.correlation > 0.9


def test_a_given_start_is_used(task):
    """From a start that is off by 60 degrees the fit is lost."""
    turn = np.radians(60)
    start = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    assert fit(dataclasses.replace(task, initial_affine=start)).correlation < 0.7


def test_image_and_brain_are_carried_at_full_resolution(task, fitted):
    points = fitted.transform.to_participant(POINTS)
    np.testing.assert_array_equal(fitted.warped, sample(task.image, GRID, points))
    assert fitted.transform.grid == GRID.halved()
    assert fitted.brain.min() == 0
    assert fitted.brain.max() == 1
    # The image fades by the brain's share, so their quotient is tissue up to the rim.
    rim = (fitted.brain > 0.05) & (fitted.brain < 0.95)
    assert np.count_nonzero(rim) > 100
    assert np.median(fitted.warped[rim] / fitted.brain[rim]) == pytest.approx(32, abs=2)


def test_values_beyond_tissue_do_not_steer_the_fit(task):
    """Calcification and metal are the same as clotted blood, air the same as fluid."""
    plain, odd = task.image.copy(), task.image.copy()
    for place, (clipped, value) in {(90, 70): (80, 1500), (110, 150): (0, -900)}.items():
        spot = tuple(slice(start, start + 6) for start in place)
        plain[spot], odd[spot] = clipped, value
    first, second = (
        fit(dataclasses.replace(task, image=image, initial_affine=STRETCH))
        for image in (plain, odd)
    )
    np.testing.assert_array_equal(first.transform.affine, second.transform.affine)
    np.testing.assert_array_equal(first.transform.displacement, second.transform.displacement)
    # The image that is averaged keeps them.
    assert (first.warped.min(), first.warped.max()) == (0, pytest.approx(80))
    assert second.warped.max() > 1000
    assert second.warped.min() < -600


def test_correlation_is_over_the_pixels_where_either_has_brain():
    first = np.zeros((10, 10))
    second = first.copy()
    first[2:5, 2:5] = np.arange(30, 39).reshape(3, 3)
    second[3:6, 2:5] = np.arange(50, 41, -1).reshape(3, 3)
    union = np.s_[2:6, 2:5]
    expected = np.corrcoef(first[union].ravel(), second[union].ravel())[0, 1]
    assert correlation(first, second) == pytest.approx(expected)
    assert correlation(first, first * 3) == pytest.approx(1)
    # The background, were it counted, would make any two brains alike.
    assert correlation(first, np.pad(second, 50)[50:60, 50:60]) < 0.5


def test_a_fit_is_the_same_bits_after_the_disk(fitted, tmp_path):
    path = tmp_path / "sub-01.npz"
    save_fit(path, fitted)
    again = load_fit(path)
    for name in ("warped", "brain", "correlation"):
        np.testing.assert_array_equal(getattr(again, name), getattr(fitted, name))
        assert np.asarray(getattr(again, name)).dtype == np.asarray(getattr(fitted, name)).dtype
    for name in ("affine", "displacement", "inverse_displacement"):
        first, second = (getattr(result.transform, name) for result in (again, fitted))
        np.testing.assert_array_equal(first, second)
        assert first.dtype == second.dtype
    assert again.transform.grid == fitted.transform.grid
    assert [file.name for file in tmp_path.iterdir()] == ["sub-01.npz"]
