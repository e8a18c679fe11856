from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from region_drawing.contours import signed_distance, smooth_curve, solid, surface
from region_drawing.regions import brain_mask
from scipy import ndimage

from atlas_builder.catalogue.mni_regions import MniAspects, load_mni_aspects
from atlas_builder.core.anatomy import Region

SCRIPTS = Path(__file__).parents[3] / "scripts" / "authoring"
AXIS = np.arange(-20.0, 21.0)


def circle(radius: float, points: int = 12) -> list[tuple[float, float]]:
    angles = np.linspace(0, 2 * np.pi, points, endpoint=False)
    return [(radius * np.cos(angle), radius * np.sin(angle)) for angle in angles]


def test_curve_passes_through_the_drawn_points() -> None:
    drawn = [(0.0, 0.0), (10.0, 1.0), (12.0, 6.0), (3.0, 9.0)]
    curve = smooth_curve(drawn)
    for point in drawn:
        assert np.linalg.norm(curve - point, axis=1).min() < 1e-9


@given(radius=st.floats(4, 15), points=st.integers(8, 20))
def test_distance_to_a_circle(radius: float, points: int) -> None:
    distance = signed_distance(circle(radius, points), AXIS, AXIS)
    expected = np.hypot(*np.meshgrid(AXIS, AXIS, indexing="ij")) - radius
    np.testing.assert_allclose(np.minimum(distance, 6), np.minimum(expected, 6), atol=0.12)


def test_distance_does_not_depend_on_the_drawing_direction() -> None:
    contour = circle(8, 9)
    np.testing.assert_allclose(
        signed_distance(contour, AXIS, AXIS), signed_distance(contour[::-1], AXIS, AXIS), atol=1e-9
    )


def test_solid_between_two_circles_is_a_cone_with_caps() -> None:
    z = np.arange(-8.0, 19.0)
    distance = solid({0.0: circle(10), 10.0: circle(5)}, AXIS, AXIS, z)
    radius = {height: np.sqrt((distance[..., k] < 0).sum() / np.pi) for k, height in enumerate(z)}
    for height in (0.0, 2.0, 5.0, 8.0, 10.0):
        assert radius[height] == pytest.approx(10 - height / 2, abs=0.5)
    assert radius[12.0] < radius[10.0]
    assert radius[-8.0] == radius[15.0] == 0


def test_surface_meets_what_was_drawn_and_is_constant_beyond() -> None:
    rows = {0.0: {-10.0: 30.0, 0.0: 40.0, 10.0: 30.0}, 10.0: {-5.0: 20.0, 5.0: 30.0}}
    drawn = surface(rows, AXIS, np.array([-5.0, 0.0, 10.0, 15.0]), smoothing=0.0)
    at = {place: k for k, place in enumerate(AXIS)}
    assert [drawn[at[y], 1] for y in (-10.0, 0.0, 10.0)] == [30, 40, 30]
    assert [drawn[at[y], 2] for y in (-20.0, -5.0, 5.0, 20.0)] == [20, 20, 30, 30]
    np.testing.assert_array_equal(drawn[:, 0], drawn[:, 1])
    np.testing.assert_array_equal(drawn[:, 3], drawn[:, 2])


@pytest.fixture(scope="module")
def shipped() -> MniAspects:
    return load_mni_aspects()


@pytest.fixture(scope="module")
def t1() -> NDArray[np.float32]:
    datasets = pytest.importorskip("nilearn.datasets")
    return datasets.load_mni152_template(resolution=1).get_fdata(dtype=np.float32)


def test_generator_reproduces_the_file_that_ships(shipped: MniAspects) -> None:
    pytest.importorskip("nilearn")
    spec = importlib.util.spec_from_file_location("make", SCRIPTS / "make_mni_aspects.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = module.make()
    np.testing.assert_array_equal(made.labels, shipped.labels)
    assert made.table == shipped.table


def test_no_region_lies_outside_the_brain(shipped: MniAspects, t1: NDArray[np.float32]) -> None:
    assert not (shipped.labels[~brain_mask(t1)] > 0).any()


def test_no_region_reaches_into_the_lateral_ventricles(
    shipped: MniAspects, t1: NDArray[np.float32]
) -> None:
    fluid, _ = ndimage.label(t1 < 0.45)
    frontal_horn = np.linalg.inv(shipped.affine) @ [5, 18, 8, 1]
    ventricles = fluid == fluid[tuple(frontal_horn[:3].astype(int))]
    assert 5e3 < np.count_nonzero(ventricles) < 5e4
    assert not (shipped.labels[ventricles] > 0).any()


def test_deep_regions_follow_the_tissue(shipped: MniAspects, t1: NDArray[np.float32]) -> None:
    inside = {region: t1[shipped.labels == region] for region in Region}
    for region in (Region.C, Region.L, Region.IC):
        # Fluid is below 0.54, see `mni_deep`.
        assert np.mean(inside[region] < 0.5) < 0.02
    assert np.mean(inside[Region.C] < 0.8) > 0.93
    assert np.mean(inside[Region.L] < 0.81) > 0.93
    assert np.median(inside[Region.IC]) > np.percentile(inside[Region.L], 80)
    assert np.mean(inside[Region.I] < 0.8) > 0.9


def test_volumes_are_those_of_the_literature(shipped: MniAspects, t1: NDArray[np.float32]) -> None:
    # MNI space enlarges a brain, so volumes are scaled to an intracranial volume of 1.45 L.
    scale = 1450 / (np.count_nonzero(brain_mask(t1)) / 1000)
    volume = {row.region: row.volume_ml * scale for row in shipped.table if row.side == "left"}
    assert 3 < volume[Region.C] < 5
    assert 5 < volume[Region.L] < 8
    assert 3 < volume[Region.IC] < 7
    assert 5 < volume[Region.I] < 9
    # The territory of one middle cerebral artery is about half of a hemisphere.
    assert 0.35 < sum(volume.values()) / (1450 / 2 * 0.8) < 0.6
