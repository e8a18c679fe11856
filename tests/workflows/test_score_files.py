"""What was found and is not counted is written beside the score, and told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
from PIL import Image

from aspects_scorer.dwi.case import Case
from aspects_scorer.dwi.mni_brain import mni_brain
from aspects_scorer.dwi.scored_lesion import score_lesion
from atlas_builder.core.lesion import Lesion
from atlas_builder.core.volume import Volume
from atlas_builder.workflows.score_files import write_case


def case_with_a_part_set_aside() -> Case:
    """Return an empty core, and 8 mL of the left cerebellum set aside."""
    brain = mni_brain()
    image = Volume(brain.mixed(0.6, 0.8, 0.1), brain.affine)
    none = np.zeros(image.data.shape, bool)
    part = none.copy()
    x, y, z = np.rint(np.linalg.inv(brain.affine) @ (-24, -60, -30, 1))[:3].astype(int)
    part[x - 10 : x + 10, y - 10 : y + 10, z - 10 : z + 10] = True
    lesion, aside = Lesion(none, brain.affine), Lesion(part, brain.affine)
    parameters = {"rule": "segmented", "least_ml": 0.5, "deep_share": 0, "cortical_share": 0.3}
    scored = score_lesion(lesion)
    return Case(scored, "segmented-from-dwi", lesion, lesion, image, parameters, {}, aside, aside)


def test_what_is_set_aside_is_drawn_and_its_volume_told(tmp_path: Path) -> None:
    case = case_with_a_part_set_aside()
    write_case(tmp_path / "out", case)
    result = json.loads((tmp_path / "out" / "aspects.json").read_text())
    assert (result["core_volume_ml"], result["set_aside_ml"]) == (0, 8)
    assert not np.asarray(nib.load(tmp_path / "out" / "lesion.nii.gz").dataobj).any()
    written = nib.load(tmp_path / "out" / "set_aside.nii.gz")
    assert np.array_equal(np.asarray(written.dataobj) > 0, case.set_aside.mask)
    page = (tmp_path / "out" / "report.html").read_text()
    assert "8.0 mL<small>found, not counted" in page
    assert page.count("data:image/png;base64,") == 3
    picture = np.asarray(Image.open(tmp_path / "out" / "set_aside.png"), float)
    orange = picture[..., 0] - picture[..., 2] > 60
    panel = orange[:, : picture.shape[1] // 3]
    assert 1500 < orange.sum() < 60_000
    # The patient's left is at the right of a picture.
    assert panel[:, panel.shape[1] // 2 :].sum() > 10 * panel[:, : panel.shape[1] // 2].sum()


def test_an_earlier_part_set_aside_does_not_stay(tmp_path: Path) -> None:
    case = case_with_a_part_set_aside()
    write_case(tmp_path / "out", case)
    write_case(tmp_path / "out", replace(case, set_aside=None, set_aside_in_mni=None))
    assert not list((tmp_path / "out").glob("set_aside*"))
    assert json.loads((tmp_path / "out" / "aspects.json").read_text())["set_aside_ml"] == 0
