"""Averages of shapes and images: by hand, against ITK, and in a small cohort."""

from __future__ import annotations

import ants
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage as ndi

from atlas_builder.construction.fitting import FitTask, fit
from atlas_builder.construction.template import (
    GRADIENT_STEP,
    RunningMean,
    ShapeUpdate,
    average_brain,
    sharpen,
    update_template,
)
from atlas_builder.core.transform import PlaneGrid, Transform, apply_affine, sample
from atlas_builder.registration.slices import ONLY, Metric

GRID = PlaneGrid((208, 248), 0.5, (-51.75, -61.75))
POINTS = GRID.points()


def rotation(degrees):
    turn = np.radians(degrees)
    return np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])


def shift(x, y):
    affine = np.eye(3)
    affine[:2, 2] = x, y
    return affine


def transform_of(affine=None, displacement=(0.0, 0.0)):
    """A transform whose displacement is the same everywhere."""
    grid = GRID.halved()
    field = np.ones((2, *grid.shape), np.float32) * np.reshape(displacement, (2, 1, 1))
    field = field.astype(np.float32)
    return Transform(np.eye(3) if affine is None else affine, field, -field, grid)


def update_of(*transforms):
    mean = RunningMean.empty(GRID)
    for transform in transforms:
        mean.add(np.zeros(GRID.shape), np.zeros(GRID.shape), transform)
    return ShapeUpdate.from_mean(mean, GRID, GRADIENT_STEP)


def mean_of(images, transform=None):
    mean = RunningMean.empty(GRID)
    for image in images:
        mean.add(image, image != 0, transform or transform_of())
    return mean


@pytest.fixture(scope="module")
def noise_brain():
    image = ndi.gaussian_filter(np.random.default_rng(0).normal(30, 40, GRID.shape), 2)
    return np.where(np.hypot(POINTS[0] / 40, POINTS[1] / 50) < 1, image, 0)


# Sharpening


def test_sharpening_a_whole_image_is_itks(noise_brain):
    """To the border: ITK's filter too goes on with the nearest pixel outside the image."""
    rng = np.random.default_rng(1)
    for image in (noise_brain, ndi.gaussian_filter(rng.normal(0, 100, (61, 84)), 3)):
        itk = ants.iMath(ants.from_numpy(image.astype(np.float32)), "Sharpen").numpy()
        ours = sharpen(image, np.ones(image.shape, bool))
        np.testing.assert_allclose(ours, itk, atol=2e-5 * np.ptp(image))
        assert np.abs(ours - image).max() > 0.05 * np.ptp(image)


def test_inside_a_brain_sharpening_differs_from_itks_by_a_constant(noise_brain):
    """The strength is the same; the mean is that of the brain, not of the background."""
    brain = noise_brain != 0
    itk = ants.iMath(ants.from_numpy(noise_brain.astype(np.float32)), "Sharpen").numpy()
    ours = sharpen(noise_brain, brain)
    # Each is clipped to its own range.
    inner = ndi.binary_erosion(brain, iterations=3) & (ours > ours[brain].min()) & (itk > itk.min())
    inner &= (ours < ours.max()) & (itk < itk.max())
    assert np.count_nonzero(inner) > 0.9 * np.count_nonzero(brain)
    difference = (ours - itk)[inner]
    assert np.ptp(difference) < 1e-3
    assert abs(difference.mean()) < 0.1


def test_sharpening_steepens_edges_and_leaves_the_rim_alone():
    brain = np.hypot(POINTS[0] / 40, POINTS[1] / 50) < 1
    nucleus = np.hypot(POINTS[0], POINTS[1]) < 15
    image = ndi.gaussian_filter(np.where(nucleus, 40.0, 30.0), 2) * brain
    sharpened = sharpen(image, brain)

    def steepest(values):
        return np.abs(np.diff(values[:, 124])[60:150]).max()

    assert steepest(sharpened) > 1.02 * steepest(image)
    rim = brain & ~ndi.binary_erosion(brain, iterations=4)
    np.testing.assert_allclose(sharpened[rim], 30, atol=0.05)


@given(arrays(np.float64, (7, 8), elements=st.floats(-20, 80)), arrays(np.bool_, (7, 8)))
def test_sharpening_stays_in_the_range_and_in_the_brain(image, brain):
    assume(brain.any())
    image = np.where(brain, image, 0)
    sharpened = sharpen(image, brain)
    assert (sharpened[~brain] == 0).all()
    assert sharpened[brain].min() >= image[brain].min()
    assert sharpened[brain].max() <= image[brain].max()


def test_a_constant_brain_stays_as_it_is():
    brain = np.zeros((20, 20), bool)
    brain[5:15, 4:12] = True
    np.testing.assert_allclose(sharpen(np.where(brain, 33.0, 0), brain), np.where(brain, 33.0, 0))


# Averages


def test_the_average_is_over_those_with_brain_where_half_of_them_have():
    total = np.array([[40.0, 40.0, 30.0, 10.0]])
    brain = np.array([[4.0, 2.0, 1.5, 0.0]])
    np.testing.assert_array_equal(average_brain(total, brain, 4), [[10.0, 20.0, 0.0, 0.0]])


def test_the_template_of_like_participants_is_one_of_them(noise_brain):
    mean = mean_of([noise_brain] * 3)
    template = update_template(
        mean, ShapeUpdate.from_mean(mean, GRID, GRADIENT_STEP), GRID, sharpening=0
    )
    np.testing.assert_allclose(template, noise_brain, rtol=1e-6)


def test_the_template_is_0_outside_the_brain_and_as_bright_at_its_rim():
    """After moves by parts of a pixel and sharpening, too."""
    brain = np.where(np.hypot(POINTS[0] / 40, POINTS[1] / 50) < 1, 30.0, 0)
    mean = mean_of([brain] * 3, transform_of(shift(0.2, -0.1), (0.13, 0.11)))
    template = update_template(
        mean, ShapeUpdate.from_mean(mean, GRID, GRADIENT_STEP), GRID, sharpening=0.25
    )
    assert set(np.unique(np.rint(template))) == {0, 30}
    np.testing.assert_allclose(template[template != 0], 30, atol=1e-3)
    assert np.count_nonzero(template) == pytest.approx(np.count_nonzero(brain), rel=0.005)


def test_sharpening_is_weighed_against_the_mean(noise_brain):
    mean = mean_of([noise_brain] * 3)
    update = ShapeUpdate.from_mean(mean, GRID, GRADIENT_STEP)
    none, quarter, full = (update_template(mean, update, GRID, s) for s in (0, 0.25, 1))
    assert np.abs(full - none).max() > 1
    inside = (none != 0) & (full != 0) & (quarter != 0)
    np.testing.assert_allclose(quarter[inside], (0.75 * none + 0.25 * full)[inside], atol=1e-4)


def test_sums_do_not_grow_with_participants(noise_brain):
    """A cohort of hundreds takes the memory of one."""
    mean = mean_of([noise_brain])
    before = [mean.image.nbytes, mean.brain.nbytes, mean.displacement.nbytes]
    for _ in range(20):
        mean.add(noise_brain, noise_brain != 0, transform_of())
    assert [mean.image.nbytes, mean.brain.nbytes, mean.displacement.nbytes] == before
    assert mean.count == 21
    np.testing.assert_allclose(mean.image, 21 * noise_brain)


# Shapes


@pytest.mark.parametrize(
    "affines",
    [
        [rotation(12), rotation(-12)],
        [np.diag([1.2, 0.9, 1]), np.diag([1 / 1.2, 1 / 0.9, 1])],
        [shift(5, -3), shift(-5, 3)],
        [rotation(9), rotation(3), rotation(-12)],
    ],
    ids=["rotations", "scales", "shifts", "three rotations"],
)
def test_opposite_affines_average_to_none(affines):
    update = update_of(*map(transform_of, affines))
    np.testing.assert_allclose(update.affine, np.eye(3), atol=1e-9)


def test_the_mean_of_rotations_is_a_rotation():
    update = update_of(transform_of(rotation(0)), transform_of(rotation(40)))
    np.testing.assert_allclose(update.affine, rotation(20), atol=1e-9)


def test_the_mean_shift_and_deformation_are_taken_back():
    """Each participant shows the template's point p at p + 3 mm on average."""
    update = update_of(
        transform_of(shift(1, 0), (1.0, 0.5)), transform_of(shift(3, 0), (1.0, -0.5))
    )
    # So what the new template shows at p lay 3 mm before it.
    np.testing.assert_allclose(update.points(POINTS), POINTS - np.reshape([3, 0], (2, 1, 1)))


def test_a_smooth_deformation_is_undone_nearly():
    """Four quarter steps against the field invert it but for the second order."""
    grid = GRID.halved()
    x, y = grid.points()
    field = np.stack([2 * np.sin(y / 20), 1.5 * np.cos(x / 18)]).astype(np.float32)
    transform = Transform(rotation(5), field, -field, grid)
    update = update_of(transform)
    inner = POINTS[:, 20:-20, 20:-20]
    back = transform.to_participant(update.points(inner))
    error = np.hypot(*(back - inner))
    assert error.max() < 0.2
    assert np.hypot(*field).max() > 2


def test_a_participants_affine_follows_the_template():
    """To the new template each starts where its affine to the old one leads."""
    affines = [rotation(10) @ shift(2, 1), np.diag([1.1, 1.0, 1]) @ rotation(-4)]
    update = update_of(*map(transform_of, affines))
    for affine in affines:
        expected = apply_affine(affine, update.points(POINTS))
        np.testing.assert_allclose(
            apply_affine(update.initial_affine(affine), POINTS), expected, atol=1e-9
        )
    logs = update_of(*[transform_of(update.initial_affine(a)) for a in affines]).affine
    np.testing.assert_allclose(logs, np.eye(3), atol=5e-3)


def drawn(points):
    x, y = points
    depth = (1 - np.hypot(x / 42, y / 52)) * 42
    rng = np.random.default_rng(2)
    tissue = np.full(x.shape, 32.0)
    for _ in range(60):
        direction, phase = rng.uniform(0, 2 * np.pi, 2)
        waves = 2 * np.pi / rng.uniform(9, 25) * (x * np.cos(direction) + y * np.sin(direction))
        tissue += 1.2 * np.sin(waves + phase)
    return np.where(depth > 0, tissue, 0).astype(np.float32)


def bent(sign):
    x, y = POINTS
    away = np.stack([2.2 * np.sin(y / 17), 1.5 * np.sin(x / 14 + 1)])
    return drawn(POINTS + sign * away)


@pytest.mark.slow
def test_the_template_drifts_to_the_middle_of_the_shapes():
    """From one of two shapes bent in opposite ways to the straight one between them."""
    participants = [bent(1), bent(-1)]
    straight = drawn(POINTS)
    template, affines = participants[0], [None, None]
    deformations, likeness = [], [np.corrcoef(template.ravel(), straight.ravel())[0, 1]]
    for _ in range(4):
        mean = RunningMean.empty(GRID)
        fits = [
            fit(FitTask(template, image, GRID, Metric.MI, ONLY, affine))
            for image, affine in zip(participants, affines, strict=True)
        ]
        for result in fits:
            mean.add(result.warped, result.brain, result.transform)
        update = ShapeUpdate.from_mean(mean, GRID, GRADIENT_STEP)
        template = update_template(mean, update, GRID, sharpening=0)
        affines = [update.initial_affine(result.transform.affine) for result in fits]
        deformations.append(np.hypot(*update.displacement).mean())
        likeness.append(np.corrcoef(template.ravel(), straight.ravel())[0, 1])

    assert deformations[0] > 0.5
    assert deformations[1] < 0.3 * deformations[0]
    assert deformations[-1] < 0.3 * deformations[0]
    assert likeness[0] < 0.95
    assert likeness[-1] > 0.99


def test_what_is_sampled_through_the_update_is_what_the_template_shows(noise_brain):
    mean = mean_of([noise_brain], transform_of(rotation(8), (1.0, 2.0)))
    update = ShapeUpdate.from_mean(mean, GRID, GRADIENT_STEP)
    template = update_template(mean, update, GRID, sharpening=0)
    inner = ndi.binary_erosion(template != 0, iterations=3)
    np.testing.assert_allclose(
        template[inner], sample(noise_brain, GRID, update.points(POINTS))[inner], rtol=1e-5
    )
