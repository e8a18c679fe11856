"""``segment-infarct`` from the shell to the files."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest
from click.testing import CliRunner

from atlas_builder.commands.segment_infarct import segment_infarct_command
from atlas_builder.core.anatomy import AgeGroup
from atlas_builder.core.errors import InputError
from atlas_builder.workflows.simulate import CohortPlan, simulate_cohort


def run(*arguments):
    return CliRunner().invoke(
        segment_infarct_command, [str(one) for one in arguments], catch_exceptions=False
    )


@pytest.fixture(scope="module")
def dark(tmp_path_factory):
    """A simulated head whose left M2, M5 and insula are darker by 8 HU, and where that is."""
    folder = tmp_path_factory.mktemp("infarct")
    plan = CohortPlan((AgeGroup(50, 69),), 1, seed=5, thickness_mm=5.0, matrix=192)
    simulate_cohort(folder / "cohort", plan)
    (stem,) = (folder / "cohort").glob("sub-5069*")
    image = nib.load(stem / f"{stem.name}_ct.nii.gz")
    labels = np.asarray(nib.load(stem / f"{stem.name}_desc-regions_labels.nii.gz").dataobj)
    hu = np.asarray(image.dataobj, np.float32)
    dark = np.isin(labels, (4, 6, 9)) & (hu > 15) & (hu < 60)
    path = folder / "MUSTERMANN_ct.nii.gz"
    nib.save(nib.Nifti1Image((hu - 8 * dark).astype(np.int16), image.affine), path)
    return path, dark


@pytest.mark.slow
def test_a_dark_territory_is_drawn_on_the_scans_own_voxels(dark, tmp_path):
    path, truth = dark
    out = tmp_path / "out"
    result = run("--ncct", path, "--out", out)
    assert result.exit_code == 0
    mask = nib.load(out / "infarct.nii.gz")
    assert np.allclose(mask.affine, nib.load(path).affine)
    found = np.asarray(mask.dataobj) > 0
    assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.6
    content = json.loads((out / "infarct.json").read_text())
    voxel_ml = abs(np.linalg.det(mask.affine[:3, :3])) / 1000
    assert content["volume_ml"] == pytest.approx(found.sum() * voxel_ml, rel=0.02)
    assert "MUSTERMANN" not in (out / "infarct.json").read_text()
    assert (out / "infarct.png").stat().st_size > 10_000


def test_what_is_no_scan_is_refused_and_nothing_written(tmp_path):
    path = tmp_path / "a.nii.gz"
    path.write_bytes(b"no image")
    with pytest.raises(InputError, match=r"a\.nii\.gz"):
        run("--ncct", path, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()
