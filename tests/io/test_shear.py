"""Volumes with a small shear, stored without it, and those with a large one, which are not."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import ModuleType
from typing import Any

import ants
import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - its usual name
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from atlas_builder.core.scan import Scan
from atlas_builder.io.nifti.images import write_like, write_volume
from atlas_builder.io.nifti.storage import examine
from atlas_builder.io.nifti.volumes import write_scan
from atlas_builder.io.shear import MOST_VOXELS_OFF, straightened
from atlas_builder.io.source import open_scan

Array = NDArray[np.float64]
SHAPE = (512, 512, 32)
LPS = np.array([-1.0, -1.0, 1.0])


def tilted(degrees: float, turn: float = 0.0) -> Array:
    """Slices of 0.45 mm pixels, 5 mm apart along z, each turned about the x axis."""
    tilt, a = np.radians([degrees, turn])
    affine = np.eye(4)
    affine[:3, 0] = -0.45 * np.array([np.cos(a), np.sin(a), 0])
    affine[:3, 1] = -0.45 * np.array(
        [-np.sin(a) * np.cos(tilt), np.cos(a) * np.cos(tilt), np.sin(tilt)]
    )
    affine[:3, 2] = [0, 0, 5]
    affine[:3, 3] = [115, 120, -60]
    return affine


def corners(affine: Array, shape: tuple[int, ...] = SHAPE) -> Array:
    ends = list(itertools.product(*((0, length - 1) for length in shape)))
    return nib.affines.apply_affine(affine, ends)


@pytest.mark.parametrize("degrees", [0.0, 1e-5, 0.01, 0.05, -0.08])
def test_a_small_shear_is_left_out(degrees: float) -> None:
    affine = tilted(degrees)
    straight = straightened(affine, SHAPE)
    assert straight is not None
    axes = straight[:3, :3] / np.linalg.norm(straight[:3, :3], axis=0)
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-6)
    off = np.linalg.norm(corners(straight) - corners(affine), axis=1).max()
    # The outer slices, 77.5 mm from the middle, move along themselves.
    assert off == pytest.approx(77.5 * abs(np.sin(np.radians(degrees))), abs=1e-3)
    assert off <= MOST_VOXELS_OFF * 0.45


def test_an_affine_without_shear_stays_as_it_is() -> None:
    affine = np.diag([-0.5, -0.5, 5, 1.0])
    assert straightened(affine, SHAPE) is affine


@pytest.mark.parametrize("degrees", [0.2, 1.0, 18.5, -29.0])
def test_a_large_shear_is_not(degrees: float) -> None:
    assert straightened(tilted(degrees), SHAPE) is None


@given(
    noise=st.lists(st.floats(-3e-4, 3e-4), min_size=9, max_size=9),
    axis=st.integers(0, 2),
)
def test_no_voxel_is_ever_farther_off_than_said(noise: list[float], axis: int) -> None:
    affine, shape = tilted(0.0), SHAPE
    affine[:3, :3] = affine[:3, :3] * (1 + np.reshape(noise, (3, 3)))
    affine[:3, :3] += np.reshape(noise, (3, 3)) * 0.45
    order = [[2, 0, 1], [0, 2, 1], [0, 1, 2]][axis]
    affine[:3, :3], shape = affine[:3, order], tuple(np.array(SHAPE)[order])
    straight = straightened(affine, shape, order.index(2))
    if straight is not None:
        off = np.linalg.norm(corners(straight, shape) - corners(affine, shape), axis=1)
        assert off.max() <= MOST_VOXELS_OFF * 0.45 * 1.001
        axes = straight[:3, :3] / np.linalg.norm(straight[:3, :3], axis=0)
        np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-6)


def seen_by_itk(path: Path, index: tuple[int, int, int]) -> tuple[float, Array]:
    """The value and RAS position of a voxel, by SimpleITK, which ANTs confirms."""
    image = sitk.ReadImage(str(path))
    position = np.array(image.TransformIndexToPhysicalPoint(index)) * LPS
    seen = ants.image_read(str(path), dimension=3)
    again = np.array(ants.transform_index_to_physical_point(seen, index)) * LPS
    np.testing.assert_allclose(again, position, atol=1e-3)
    assert seen[index] == image.GetPixel(*index)
    return image.GetPixel(*index), position


@pytest.mark.parametrize("degrees", [0.0, 0.02, 0.05, -0.08])
def test_itk_opens_a_stack_that_is_slightly_off(tmp_path: Path, degrees: float) -> None:
    affine = tilted(degrees, turn=7.0)
    data = np.zeros(SHAPE, np.uint8)
    marked = [(100, 80, 3), (400, 300, 30)]
    for value, index in enumerate(marked, start=1):
        data[index] = value
    affines = np.repeat(np.c_[affine[:, :2], [0, 0, 1, 0], affine[:, 3]][np.newaxis], 32, axis=0)
    affines[:, :3, 3] += np.arange(32)[:, np.newaxis] * affine[:3, 2]
    affines[:, :3, 2] = np.cross(affine[:3, 0], affine[:3, 1]) / 0.45**2
    write_scan(tmp_path / "a.nii.gz", Scan(data, affines))
    written = nib.load(tmp_path / "a.nii.gz")
    np.testing.assert_allclose(written.get_qform(), written.get_sform(), atol=1e-4)
    for value, index in enumerate(marked, start=1):
        found, position = seen_by_itk(tmp_path / "a.nii.gz", index)
        assert found == value
        expected = nib.affines.apply_affine(affine, index)
        assert np.linalg.norm(position - expected) <= MOST_VOXELS_OFF * 0.45


def test_itk_opens_regions_over_a_file_that_it_does_not(made: ModuleType, tmp_path: Path) -> None:
    affine = tilted(0.05)
    data = np.zeros((64, 64, 32), np.int16)
    image = nib.Nifti1Image(data, affine)
    image.set_qform(None, 0)
    image.set_sform(affine, 1)
    nib.save(image, tmp_path / "ct.nii.gz")
    with pytest.raises(RuntimeError, match="orthonormal"):
        sitk.ReadImage(str(tmp_path / "ct.nii.gz"))
    storage = examine(tmp_path / "ct.nii.gz")
    labels = np.zeros((64, 64, 32), np.uint8)
    labels[10, 50, 29] = 13
    write_like(tmp_path / "r.nii.gz", labels, storage)
    np.testing.assert_allclose(nib.load(tmp_path / "r.nii.gz").affine, affine, atol=1e-5)
    value, position = seen_by_itk(tmp_path / "r.nii.gz", (10, 50, 29))
    assert value == 13
    expected = nib.affines.apply_affine(affine, (10, 50, 29))
    assert np.linalg.norm(position - expected) <= MOST_VOXELS_OFF * 0.45


def test_itk_opens_the_regions_of_a_series_whose_table_is_not_level(
    made: ModuleType, tmp_path: Path
) -> None:
    for place in range(8):
        dataset: Any = made.ct_slice(made.Geometry(0.05), 5.0 * place)
        made.save_dicom(dataset, tmp_path / "dicom" / f"{place}.dcm")
    with open_scan(tmp_path / "dicom") as source:
        labels = np.zeros(source.shape, np.uint8)
        labels[2, 6, 1], labels[5, 1, 7] = 7, 18
        assert source.write_labels(tmp_path / "r.nii.gz", labels, (1, 7)) is None
        for index in ((2, 6, 1), (5, 1, 7)):
            value, position = seen_by_itk(tmp_path / "r.nii.gz", index)
            assert value == labels[index]
            expected = source.affines[index[2]] @ (*index[:2], 0, 1)
            assert np.linalg.norm(position - expected[:3]) < 0.02


def test_a_large_shear_is_kept_where_it_is(tmp_path: Path) -> None:
    affine = tilted(12.0)
    write_volume(tmp_path / "a.nii", np.zeros((*SHAPE[:2], 4), np.uint8), affine)
    written = nib.load(tmp_path / "a.nii")
    np.testing.assert_allclose(written.affine, affine, atol=1e-5)
    assert int(written.header["qform_code"]) == 0
