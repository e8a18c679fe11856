"""Scans of known densities, turned: what lies on the reformatted slices, and the way back."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from atlas_builder.catalogue.mni_regions import BGL_PITCH
from atlas_builder.core.scan import Scan
from slice_localizer.alignment.level import LevelAlignment
from slice_localizer.whole_head.reformatting import Reformatted, level_scan, remark_on_levelling
from slice_localizer.whole_head.standard_plane import (
    pitch_of,
    remarks_on_pitch,
    standard_plane,
    to_be_levelled,
)

POINT = np.array([3.0, -4.0, 12.0])
SLOPE = np.array([0.7, -1.1, 0.9])  # HU a mm


def aligned(pitch: float, roll: float = 0.0, correlation: float = 0.9) -> LevelAlignment:
    """The standard head turned about its level's point, so that slices across z are pitched."""
    turn = Rotation.from_euler("xy", [pitch, roll], degrees=True).as_matrix()
    affine = np.eye(4)
    affine[:3, :3] = np.linalg.inv(turn)
    affine[:3, 3] = POINT - affine[:3, :3] @ (0.0, -5.0, 4.0)
    return LevelAlignment(float(POINT[2]), POINT, correlation, False, affine)


def scanned(
    heights: NDArray[np.float64], *, tilt: float = 0.0, size: int = 64, pixel: float = 4.0
) -> Scan:
    """A scan of a field that rises evenly, so that linear interpolation is exact."""
    affines = np.tile(np.diag([-pixel, -pixel, 1.0, 1.0]), (len(heights), 1, 1))
    affines[:, 0, 3] = pixel * (size - 1) / 2
    affines[:, 1, 3] = pixel * (size - 1) / 2 - tilt * heights
    affines[:, 2, 3] = heights
    columns, rows = np.indices((size, size))
    data = np.empty((size, size, len(heights)), np.float32)
    for index, affine in enumerate(affines):
        points = affine[:3, :2] @ (columns.ravel(), rows.ravel()) + affine[:3, 3:]
        data[:, :, index] = (SLOPE @ points + 40.0).reshape(size, size)
    return Scan(data, affines)


EVEN = np.arange(-110.0, 140.0, 2.0)


@pytest.mark.parametrize("pitch", [-21.0, -7.5, 0.0, 4.0, 15.0])
def test_the_pitch_is_that_of_the_slices(pitch: float) -> None:
    # The standard head's own level is pitched against its axes.
    assert pitch_of(scanned(EVEN).affines, aligned(pitch)) == pytest.approx(
        pitch - BGL_PITCH, abs=1e-6
    )


@pytest.mark.parametrize(
    ("heights", "tilt"),
    [
        (EVEN, 0.0),
        (EVEN[::-1], 0.0),
        (EVEN, 0.3),
        (np.sort(np.concatenate([EVEN[:60], EVEN[62:]])), 0.0),  # two slices are missing
    ],
    ids=["even", "from the vertex down", "tilted", "uneven"],
)
def test_slices_lie_in_the_plane_and_hold_what_is_there(
    heights: NDArray[np.float64], tilt: float
) -> None:
    scan, alignment = scanned(heights, tilt=tilt), aligned(15.0, roll=4.0)
    found = level_scan(scan, alignment)
    affines = found.scan.affines
    assert pitch_of(affines, alignment) == pytest.approx(0.0, abs=1e-6)
    np.testing.assert_allclose(
        np.diff(affines[:, :3, 3], axis=0),
        np.outer(np.ones(len(affines) - 1), 5 * affines[0, :3, 2]),
    )
    np.testing.assert_allclose(
        affines[0, :3, :3].T @ affines[0, :3, :3], np.diag([16, 16, 1]), atol=1e-9
    )
    assert affines[0, 0, 0] < 0  # columns run to the left, rows to the back, slices upwards
    assert affines[0, 1, 1] < 0
    assert affines[0, 2, 2] > 0
    # One crosses the level's point.
    assert np.abs((affines[:, :3, 3] - POINT) @ affines[0, :3, 2]).min() < 1e-6
    checked = 0
    for index in range(len(found.scan)):
        one = found.scan[index]
        columns, rows = np.indices(one.data.shape).reshape(2, -1)
        points = one.affine[:3, :2] @ (columns, rows) + one.affine[:3, 3:]
        # Well within the scan: at its edges air is mixed in.
        inside = (np.abs(points[:2]) < 85).all(axis=0)
        inside &= (points[2] > EVEN[0] + 8) & (points[2] < EVEN[-1] - 8)
        expected = SLOPE @ points + 40.0
        np.testing.assert_allclose(one.data.ravel()[inside], expected[inside], atol=0.02)
        checked += np.count_nonzero(inside)
    assert checked > 20_000


@pytest.mark.parametrize("heights", [EVEN, EVEN[::-1]], ids=["upwards", "downwards"])
def test_labels_come_back_to_where_they_lie(heights: NDArray[np.float64]) -> None:
    scan = scanned(heights)
    found = level_scan(scan, aligned(-18.0, roll=3.0))

    def ball(one: Scan) -> NDArray[np.uint8]:
        labels = np.zeros(one.data.shape, np.uint8)
        for index, affine in enumerate(one.affines):
            columns, rows = np.indices(labels.shape[:2]).reshape(2, -1)
            points = affine[:3, :2] @ (columns, rows) + affine[:3, 3:]
            for value, middle in ((8, (-30, 0, 20)), (18, (30, 0, 20))):
                near = np.linalg.norm(points - np.reshape(middle, (3, 1)), axis=0) < 22
                labels[:, :, index][near.reshape(labels.shape[:2])] = value
        return labels

    back, true = found.carry_back(ball(found.scan)), ball(scan)
    assert back.shape == scan.data.shape
    for value in (8, 18):
        both = np.count_nonzero((back == value) & (true == value))
        assert 2 * both / ((back == value).sum() + (true == value).sum()) > 0.9  # of pixels of 4 mm
    assert not found.carry_back(np.zeros(found.scan.data.shape, np.uint8)).any()


def test_a_slice_is_named_by_the_one_of_the_scan_that_it_crosses() -> None:
    scan = scanned(EVEN)
    found = level_scan(scan, aligned(12.0))
    heights = (found.scan.affines[:, :3, 3] - POINT) @ found.scan.affines[0, :3, 2]
    level = int(np.abs(heights).argmin())
    assert EVEN[found.own_slice(level)] == pytest.approx(POINT[2], abs=1.0)
    above = found.own_slice(level + 4)
    assert EVEN[above] == pytest.approx(POINT[2] + 20 * np.cos(np.radians(12 + BGL_PITCH)), abs=1.0)


def test_pitched_thin_scans_alone_are_levelled() -> None:
    thin, thick = scanned(EVEN), scanned(EVEN[::2])
    assert to_be_levelled(thin, aligned(15.0))
    assert to_be_levelled(thin, aligned(-15.0))
    assert not to_be_levelled(thin, aligned(3.0))
    assert not to_be_levelled(thick, aligned(15.0))
    assert not to_be_levelled(thin, aligned(15.0, correlation=0.4))
    # The key slices of a scan that is short leave it at the front or the back.
    short = scanned(np.arange(-12.0, 44.0, 2.0))
    assert not to_be_levelled(short, aligned(15.0))


def test_what_is_said_of_a_pitched_head_has_the_angle() -> None:
    thick = scanned(EVEN[::2])
    (flag,) = remarks_on_pitch(thick, aligned(15.0))
    assert flag.code == "pitched-head"
    assert "17 degrees" in flag.reason
    assert "front above" in flag.reason
    (other,) = remarks_on_pitch(thick, aligned(-15.0))
    assert "13 degrees" in other.reason
    assert "front below" in other.reason
    assert remarks_on_pitch(thick, aligned(3.0)) == ()
    assert remarks_on_pitch(thick, aligned(15.0, correlation=0.3)) == ()
    levelled = Reformatted(thick, thick, POINT, -13.0)
    assert "13 degrees" in remark_on_levelling(levelled).reason


def test_the_plane_is_at_right_angles() -> None:
    plane = standard_plane(scanned(EVEN), aligned(-19.0, roll=6.0))
    np.testing.assert_allclose(plane.T @ plane, np.eye(3), atol=1e-12)
    assert np.linalg.det(plane) == pytest.approx(1.0)
