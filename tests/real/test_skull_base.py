"""A real brain without an infarct has no core, though its cerebellum is bright."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from atlas_builder.core.volume import Volume
from atlas_builder.io.nifti.images import write_volume
from atlas_builder.workflows.score import score_scan

pytestmark = pytest.mark.slow


def test_the_bright_cerebellum_is_set_aside_and_named(image: Volume, tmp_path: Path) -> None:
    dwi, out = tmp_path / "b1000.nii.gz", tmp_path / "out"
    write_volume(dwi, image.data, image.affine)
    score_scan(dwi, out)
    result = json.loads((out / "aspects.json").read_text())
    assert result["aspects"] == 10
    assert result["core_volume_ml"] < 1
    assert result["set_aside_ml"] > 1
    assert "set-aside-without-adc" in [flag["code"] for flag in result["flags"]]
    counted, aside = (
        np.asarray(nib.load(out / name).dataobj) > 0
        for name in ("lesion.nii.gz", "set_aside.nii.gz")
    )
    assert not (counted & aside).any()
    assert (out / "set_aside.png").exists()
