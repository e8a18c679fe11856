"""The level is found by alignment in scans cut from the phantom's own head, however they lie."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.transform import Rotation

from atlas_builder.catalogue.mni_regions import BGL_POINT
from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Scan
from slice_localizer.alignment.correction import Correction
from slice_localizer.alignment.level import align_level
from slice_localizer.alignment.standard_head import (
    FILE,
    load_standard_head,
    read_standard_head,
    write_standard_head,
)
from slice_localizer.positions import heights_of

_PIXELS, _PIXEL_MM = 88, 2.8


def cut(
    *,
    turn: tuple[float, float, float] = (0.0, 0.0, 0.0),
    tilt: float = 0.0,
    lowest: float = -55.0,
    count: int = 30,
    spacing: float = 5.0,
    stripped: bool = False,
) -> tuple[Scan, float]:
    """Cut the standard head; return the scan and where its level truly lies.

    Angles in degrees, about x, y and z through the BGL point, which lies at (4, -6, 100) mm.
    """
    head = load_standard_head()
    angle = np.radians(tilt)
    normal = np.array([0.0, -np.sin(angle), np.cos(angle)])
    place = np.array([4.0, -6.0, 100.0])
    affines = np.repeat(np.eye(4)[np.newaxis], count, axis=0)
    affines[:, :3, 0] = (-_PIXEL_MM, 0, 0)
    affines[:, :3, 1] = np.array([0, -np.cos(angle), -np.sin(angle)]) * _PIXEL_MM
    affines[:, :3, 2] = normal
    corner = -(affines[0, :3, 0] + affines[0, :3, 1]) * (_PIXELS - 1) / 2
    affines[:, :3, 3] = corner + np.array([0.0, -18.0, 0.0])
    level = float(normal @ place)
    wanted = level + lowest + spacing * np.arange(count)
    affines[:, 2, 3] += (wanted - affines[0, :3, 3] @ normal) / normal[2]
    indices = np.indices((_PIXELS, _PIXELS)).reshape(2, -1)
    hu = head.stripped_hu if stripped else head.hu
    back = 1.06 * Rotation.from_euler("xyz", turn, degrees=True).as_matrix().T
    data = np.empty((_PIXELS, _PIXELS, count), np.float32)
    for k, affine in enumerate(affines):
        points = affine[:3, :2] @ indices + affine[:3, 3:]
        in_head = back @ (points - place[:, np.newaxis]) + np.array(BGL_POINT)[:, np.newaxis]
        voxels = (in_head - head.grid.origin[:, np.newaxis]) / head.grid.spacing
        data[:, :, k] = ndimage.map_coordinates(hu, voxels, order=1, cval=-1000.0).reshape(
            _PIXELS, _PIXELS
        )
    data += np.random.default_rng(0).normal(0, 3, data.shape).astype(np.float32)
    if stripped:
        data[data < -500] = 0.0
    return Scan(data, affines), level


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"turn": (15.0, -10.0, 25.0)},
        {"tilt": 22.0},
        {"lowest": -22.0, "count": 14},
        {"spacing": 10.0, "count": 15},
        {"stripped": True},
    ],
    ids=["straight", "turned", "tilted", "short", "thick", "stripped"],
)
def test_the_level_of_the_standard_head_is_found(how) -> None:
    scan, level = cut(**how)
    alignment = align_level(scan)
    assert alignment.height_mm == pytest.approx(level, abs=2.0)
    assert alignment.correlation > 0.8
    assert not alignment.upside_down


def test_the_order_in_which_slices_are_stored_changes_nothing() -> None:
    scan, _ = cut()
    reverse = Scan(scan.data[:, :, ::-1], scan.affines[::-1])
    first, second = align_level(scan), align_level(reverse)
    assert first.height_mm == second.height_mm
    assert first.correlation == second.correlation


def test_a_picture_against_its_positions_is_noticed() -> None:
    scan, level = cut()
    alignment = align_level(Scan(scan.data[:, :, ::-1], scan.affines))
    heights = heights_of(scan.affines)
    assert alignment.upside_down
    assert alignment.height_mm == pytest.approx(heights[0] + heights[-1] - level, abs=2.0)


def test_noise_is_no_brain() -> None:
    scan, _ = cut()
    noise = np.random.default_rng(1).normal(30, 20, scan.data.shape).astype(np.float32)
    assert align_level(Scan(noise, scan.affines)).correlation < 0.6


def test_a_head_with_the_correction_of_another_is_refused(tmp_path) -> None:
    head = load_standard_head()
    path = tmp_path / "head.safetensors"
    for weights in (head.correction.weights[:, 1:], np.full_like(head.correction.weights, np.nan)):
        write_standard_head(path, replace(head, correction=Correction(weights, np.zeros(3))))
        with pytest.raises(InputError, match=r"head\.safetensors: the standard head"):
            read_standard_head(path)


def test_the_standard_head_is_written_as_it_was_read(tmp_path) -> None:
    head = load_standard_head()
    write_standard_head(tmp_path / "head.safetensors", head)
    again = read_standard_head(tmp_path / "head.safetensors")
    assert (tmp_path / "head.safetensors").read_bytes() == FILE.read_bytes()
    np.testing.assert_array_equal(again.mean, head.mean)
    # The level as people have it lies where the phantom's standard head has it.
    np.testing.assert_allclose(head.bgl_point, BGL_POINT, atol=1.5)
