"""Headers whose qform and sform differ: the sform is followed, and that is remarked on."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from atlas_builder.io.source import open_scan

SHAPE = (40, 48, 12)


def placed(
    zooms: tuple[float, float, float] = (1.0, 1.0, 5.0),
    turn: float = 0.0,
    moved: float = 0.0,
    tilt: float = 0.0,
) -> NDArray[np.float64]:
    """A grid turned about z about its first voxel, and sheared by a gantry."""
    a, b = np.radians([turn, tilt])
    affine = np.eye(4)
    affine[:3, :3] = (
        np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), np.tan(b)], [0, 0, 1]]) * zooms
    )
    affine[:3, 3] = [-20 + moved, -24, -30]
    return affine


def saved(path: Path, made: ModuleType, qform: NDArray, sform: NDArray) -> Path:
    data = made.field_at(made.positions_of(sform, SHAPE)).astype(np.float32)
    image = nib.Nifti1Image(data, sform)
    image.set_sform(sform, 1)
    image.set_qform(qform, 1)
    nib.save(image, path)
    return path


@pytest.mark.parametrize(
    ("qform", "says"),
    [
        (placed((1.0, 1.0, 5.2)), "voxels of 1 x 1 x 5.2 mm by the qform, 1 x 1 x 5 mm by the sf"),
        (placed((0.96, 0.96, 5.0)), "voxels of 0.96 x 0.96 x 5 mm by the qform"),
        (placed(turn=3.0), "turned by 3.0 degrees"),
        (placed(moved=8.0), "8.0 mm apart or more"),
    ],
)
def test_forms_that_differ_are_remarked_on_and_the_sform_is_followed(
    made: ModuleType, tmp_path: Path, qform: NDArray, says: str
) -> None:
    path = saved(tmp_path / "ct.nii", made, qform, placed())
    with open_scan(path) as source:
        (flag,) = source.remarks
        scan = source.read()
    assert flag.code == "forms-disagree"
    assert says in flag.reason
    assert "the sform is followed" in flag.reason
    np.testing.assert_allclose(scan.data, made.field_on(scan), atol=0.01)


@pytest.mark.parametrize(
    ("qform", "sform"),
    [
        (placed(), placed()),
        (placed((1.0, 1.0, 5.05)), placed()),
        (placed(turn=1.5), placed()),
        (placed(moved=3.0), placed()),
        (placed(), placed(tilt=20.0)),  # no qform can hold a shear
        (placed(tilt=20.0), placed(tilt=20.0)),  # what is nearest to it
    ],
)
def test_a_little_difference_is_not(
    made: ModuleType, tmp_path: Path, qform: NDArray, sform: NDArray
) -> None:
    path = saved(tmp_path / "ct.nii", made, qform, sform)
    with open_scan(path) as source:
        assert "forms-disagree" not in [flag.code for flag in source.remarks]


@pytest.mark.parametrize("missing", ["qform", "sform"])
def test_one_form_has_nothing_to_differ_from(
    made: ModuleType, tmp_path: Path, missing: str
) -> None:
    image = nib.load(saved(tmp_path / "ct.nii", made, placed(turn=3.0), placed()))
    getattr(image, f"set_{missing}")(None, 0)
    nib.save(image, tmp_path / "one.nii")
    with open_scan(tmp_path / "one.nii") as source:
        assert source.remarks == ()
