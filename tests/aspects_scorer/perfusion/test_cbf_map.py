"""CBF maps are read with what was not measured as NaN; pictures and CTs are refused."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from aspects_scorer.perfusion.cbf_map import read_cbf
from atlas_builder.core.errors import InputError

_AFFINE = np.diag([1.0, 1.0, 5.0, 1.0])


def saved(path: Path, data: NDArray[np.generic]) -> Path:
    nib.save(nib.Nifti1Image(data, _AFFINE), path)
    return path


@pytest.fixture
def flow() -> NDArray[np.float32]:
    return np.random.default_rng(1).uniform(5, 80, (12, 14, 6)).astype(np.float32)


def test_points_have_the_flow_of_the_file(tmp_path: Path, flow: NDArray[np.float32]) -> None:
    cbf = read_cbf(saved(tmp_path / "cbf.nii.gz", flow))
    points = np.array([[3.0, 4.0, 10.0], [3.0, 4.0, 12.5], [3.0, 4.0, -2.4], [3.0, 4.0, -2.6]]).T
    seen = cbf.at(points)
    assert seen[0] == pytest.approx(flow[3, 4, 2], rel=1e-5)
    assert seen[1] == pytest.approx(flow[3, 4, 2:4].mean(), rel=1e-5)
    assert seen[2] == pytest.approx(flow[3, 4, 0], rel=1e-5)
    assert np.isnan(seen[3])
    assert cbf.coverage_mm == 30


def test_padding_and_empty_slices_are_not_measured(
    tmp_path: Path, flow: NDArray[np.float32]
) -> None:
    flow[:2], flow[2], flow[:, :, 5] = -1, np.nan, 0
    cbf = read_cbf(saved(tmp_path / "cbf.nii.gz", flow))
    assert cbf.coverage_mm == 25
    assert np.isnan(cbf.at(np.array([[1.0], [5.0], [10.0]])))[0]
    assert np.isfinite(cbf.at(np.array([[6.0], [5.0], [10.0]])))[0]


def test_pictures_and_cts_are_refused(tmp_path: Path, flow: NDArray[np.float32]) -> None:
    picture = np.rint(flow)
    picture[0, 0, 0] = 255
    with pytest.raises(InputError, match="0 to 255"):
        read_cbf(saved(tmp_path / "picture.nii.gz", picture))
    with pytest.raises(InputError, match="negative"):
        read_cbf(saved(tmp_path / "ct.nii.gz", flow - 40))
    with pytest.raises(InputError, match="holds no flow"):
        read_cbf(saved(tmp_path / "none.nii.gz", np.zeros_like(flow)))


def test_the_name_of_another_map_is_flagged(tmp_path: Path, flow: NDArray[np.float32]) -> None:
    assert [flag.code for flag in read_cbf(saved(tmp_path / "a_CBV.nii.gz", flow)).flags] == [
        "map-name"
    ]
    assert not read_cbf(saved(tmp_path / "a_CBF.nii.gz", flow)).flags
