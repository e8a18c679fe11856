"""Registration against transforms that are known, and against ANTs' own resampling."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager

import ants
import numpy as np
import pytest

from atlas_builder.construction.fitting import extent_affine
from atlas_builder.core.transform import PlaneGrid, apply_affine, sample
from atlas_builder.registration import ants_library
from atlas_builder.registration import slices as registration
from atlas_builder.registration.ants_library import SEED, RegistrationError, read_affine
from atlas_builder.registration.slices import (
    FINE,
    FIRST,
    ONLY,
    Metric,
    Schedule,
    register,
)

GRID = PlaneGrid((112, 132), 1.0, (-55.5, -65.5))
POINTS = GRID.points()
INSIDE = np.hypot(POINTS[0] / 44, POINTS[1] / 54) < 1

AFFINE_ONLY = Schedule(FINE.affine_iterations, (0,))
NOTHING = Schedule((0, 0), (0,))


def brain(points):
    """HU of a brain whose tissue varies smoothly, so that it can be drawn under any transform."""
    x, y = points
    depth = (1 - np.hypot(x / 46, y / 56)) * 46
    rng = np.random.default_rng(0)
    tissue = np.full(x.shape, 32.0)
    for _ in range(60):
        direction, phase = rng.uniform(0, 2 * np.pi, 2)
        waves = 2 * np.pi / rng.uniform(9, 25) * (x * np.cos(direction) + y * np.sin(direction))
        tissue += 1.2 * np.sin(waves + phase)
    return np.where(depth > 0, tissue * np.clip(depth / 1.5, 0, 1), 0)


def rotation_scale_shift(degrees, scale, shift):
    turn = np.radians(degrees)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    affine = np.eye(3)
    affine[:2, :2] = matrix * scale
    affine[:2, 2] = shift
    return affine


AFFINE = rotation_scale_shift(7, (1.06, 0.95), (3, -4))


def bent(points):
    """Where the fixed brain shows what the bent one shows at `points`: up to 3 mm away."""
    x, y = points
    return np.stack([x + 2.0 * np.sin(y / 18) * np.cos(x / 30), y + 1.7 * np.cos(x / 15)])


@pytest.fixture(scope="module")
def fixed():
    return brain(POINTS)


@pytest.fixture(scope="module")
def affinely_moved():
    return brain(apply_affine(np.linalg.inv(AFFINE), POINTS))


def run(fixed, moving, metric=Metric.MI, schedule=FINE, initial_affine=None):
    start = np.eye(3) if initial_affine is None else initial_affine
    return register(fixed, moving, GRID, metric=metric, schedule=schedule, initial_affine=start)


def distance(first, second):
    """Distance in mm between two maps of the brain's pixels."""
    return np.hypot(*(first - second))[INSIDE]


@pytest.mark.parametrize("schedule", [FIRST, ONLY, FINE], ids=["first", "only", "fine"])
def test_a_known_affine_is_recovered(fixed, affinely_moved, schedule):
    truth = apply_affine(AFFINE, POINTS)
    assert distance(POINTS, truth).mean() > 4

    transform = run(fixed, affinely_moved, schedule=schedule)

    assert distance(apply_affine(transform.affine, POINTS), truth).max() < 0.25
    assert distance(transform.to_participant(POINTS), truth).max() < 0.5


def plain_brain(points):
    """A brain with a few nuclei and ventricles, as on CT: most of it is the same grey."""
    x, y = points
    depth = (1 - np.hypot(x / 46, y / 56)) * 46
    hu = 28.0 + 9 * (depth < 5)
    for cx, cy, a, b, change in ((20, -2, 5, 11, 10), (5, -16, 3, 8, -23), (7, 12, 4, 9, -20)):
        hu[np.hypot((np.abs(x) - cx) / a, (y - cy) / b) < 1] += change
    return np.where(depth > 0, hu, 0)


def test_recovering_an_affine_does_not_depend_on_luck(monkeypatch):
    """ITK samples pixels at random; from a start as builds have it any sample must do."""
    truth = rotation_scale_shift(2, (1.06, 0.95), (3, -4))
    rng = np.random.default_rng(1)
    images = plain_brain(POINTS), plain_brain(apply_affine(np.linalg.inv(truth), POINTS))
    noisy = [image + rng.normal(0, 2, GRID.shape) * (image != 0) for image in images]
    start = extent_affine(*noisy, GRID)
    errors = []
    for seed in range(SEED, SEED + 15):
        monkeypatch.setattr(ants_library, "SEED", seed)
        affine = run(*noisy, schedule=AFFINE_ONLY, initial_affine=start).affine
        error = distance(apply_affine(affine, POINTS), apply_affine(truth, POINTS))
        errors.append(error.max())
    assert len(set(errors)) > 1
    assert max(errors) < 1


@pytest.mark.parametrize("metric", list(Metric))
def test_a_known_deformation_is_recovered_by_each_metric(fixed, metric):
    assert distance(bent(POINTS), POINTS).mean() > 1.4

    transform = run(fixed, brain(bent(POINTS)), metric)

    # What the bent brain shows at T(p) is what the fixed one shows at bent(T(p)).
    error = distance(bent(transform.to_participant(POINTS)), POINTS)
    assert error.mean() < 0.25
    assert np.percentile(error, 95) < 0.5
    back = distance(transform.to_template(transform.to_participant(POINTS)), POINTS)
    assert np.percentile(back, 99) < 0.1


def test_metrics_differ(fixed):
    moving = brain(bent(POINTS))
    fields = [run(fixed, moving, metric, ONLY).displacement for metric in Metric]
    for first, second in zip(fields, fields[1:] + fields[:1], strict=True):
        assert np.abs(first - second).max() > 0.05


@pytest.fixture
def kept_files(tmp_path, monkeypatch):
    """The folder of a registration's files, kept after it."""

    @contextmanager
    def keep(prefix):
        yield str(tmp_path)

    monkeypatch.setattr(registration.tempfile, "TemporaryDirectory", keep)
    return tmp_path


def test_transforms_are_those_that_ants_applies(fixed, kept_files):
    """Both directions, with an affine and a deformation that are far from nothing."""
    moving = brain(bent(apply_affine(np.linalg.inv(AFFINE), POINTS)))
    transform = run(fixed, moving)
    assert np.abs(transform.affine - np.eye(3)).max() > 1
    assert np.hypot(*transform.displacement).max() > 1

    affine, warp, unwarp = (
        str(kept_files / name)
        for name in ("affine0GenericAffine.mat", "syn1Warp.nii.gz", "syn1InverseWarp.nii.gz")
    )
    images = [
        ants.from_numpy(image.astype(np.float32), origin=GRID.origin, spacing=(1.0, 1.0))
        for image in (fixed, moving)
    ]
    on_template = ants.apply_transforms(*images, [warp, affine], interpolator="linear").numpy()
    ours = sample(moving, GRID, transform.to_participant(POINTS))
    assert np.abs(ours - on_template).max() < 0.1

    on_participant = ants.apply_transforms(
        *reversed(images), [affine, unwarp], whichtoinvert=[True, False], interpolator="linear"
    ).numpy()
    ours = sample(fixed, GRID, transform.to_template(POINTS))
    assert np.abs(ours - on_participant).max() < 0.1


def test_pixel_size_and_origin_are_taken_from_the_grid(fixed):
    """The same pixels twice as large make a transform twice as far."""
    large = PlaneGrid(GRID.shape, 2.0, (-100.0, 30.0))
    shift = rotation_scale_shift(0, (1, 1), (4, -6))
    moving = brain(apply_affine(np.linalg.inv(shift), POINTS))
    affine = register(
        fixed, moving, large, metric=Metric.MI, schedule=AFFINE_ONLY, initial_affine=np.eye(3)
    ).affine
    middle = large.points()[:, 56, 66]
    np.testing.assert_allclose(apply_affine(affine, middle) - middle, [8, -12], atol=0.3)


def test_affines_about_another_centre_are_read_as_matrices(tmp_path):
    """ITK's translation is about a centre of rotation, which a file may put anywhere."""
    path = tmp_path / "affine.mat"
    itk = ants.create_ants_transform(
        "AffineTransform",
        dimension=2,
        parameters=np.array([1.1, -0.2, 0.3, 0.9, 4.0, -7.0]),
        fixed_parameters=np.array([15.0, -20.0]),
    )
    ants.write_transform(itk, str(path))
    affine = read_affine(path)
    for point in ((0.0, 0.0), (30.0, 5.0), (-12.0, 44.0)):
        expected = ants.apply_ants_transform_to_point(itk, point)
        np.testing.assert_allclose(apply_affine(affine, np.array(point)), expected, atol=1e-5)


def test_the_initial_affine_is_where_the_affine_stage_starts(fixed, affinely_moved):
    # With no iterations the start is the end.
    transform = run(fixed, affinely_moved, schedule=NOTHING, initial_affine=AFFINE)
    np.testing.assert_allclose(transform.affine, AFFINE, atol=1e-6)
    assert np.abs(transform.displacement).max() == 0

    turned = rotation_scale_shift(120, (1, 1), (0, 0))
    moving = brain(apply_affine(np.linalg.inv(turned), POINTS))
    near = rotation_scale_shift(112, (1, 1), (2, 0))
    truth = apply_affine(turned, POINTS)
    found = run(fixed, moving, schedule=AFFINE_ONLY, initial_affine=near).affine
    assert distance(apply_affine(found, POINTS), truth).max() < 0.25
    lost = run(fixed, moving, schedule=AFFINE_ONLY).affine
    assert distance(apply_affine(lost, POINTS), truth).max() > 5


def test_registrations_repeat_bit_for_bit_in_any_order(fixed, affinely_moved):
    first = run(fixed, affinely_moved, schedule=ONLY)
    run(affinely_moved, fixed, schedule=FIRST)
    np.random.default_rng().normal()
    again = run(fixed, affinely_moved, schedule=ONLY)
    for name in ("affine", "displacement", "inverse_displacement"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_what_ants_cannot_register_is_one_kind_of_error_of_one_line(fixed, value):
    nothing = np.full(fixed.shape, value, np.float32)
    with pytest.raises(RegistrationError) as caught:
        register(fixed, nothing, GRID, metric=Metric.MI, schedule=FIRST, initial_affine=np.eye(3))
    assert str(caught.value)
    assert "\n" not in str(caught.value)


def test_building_loads_ants_only_when_it_registers():
    """Importing ANTs takes seconds; commands that do not register must not pay for it."""
    code = (
        "import sys, atlas_builder.construction.build; "
        "print(*sorted({'ants', 'torch', 'matplotlib', 'distributed', 'pandas'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
