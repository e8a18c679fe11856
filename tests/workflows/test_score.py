"""Scoring from files: what is wrong is refused before the network takes its time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage as ndi

from aspects_scorer.dwi.mni_brain import mni_brain
from atlas_builder.core.errors import InputError
from atlas_builder.io.nifti.images import write_volume
from atlas_builder.workflows import score as run
from atlas_builder.workflows.score import score_scan


def average_image(path: Path, fluid: float) -> Path:
    """Write the average brain at 3 mm, its fluid so many times as bright as its tissue."""
    brain = mni_brain()
    data = ndi.zoom(brain.mixed(1.0, 1.0, fluid), 1 / 3, order=1)
    affine = brain.affine @ np.diag([3.0, 3.0, 3.0, 1.0])
    noise = np.random.default_rng(1).normal(0, 10.0, data.shape)
    write_volume(path, np.abs(500 * data + noise).astype(np.float32), affine)
    return path


class NetworkAskedError(AssertionError):
    """The network was asked."""


@pytest.fixture
def without_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_: object) -> None:
        raise NetworkAskedError

    monkeypatch.setattr(run, "_segmented", asked)


@pytest.mark.usefixtures("without_network")
def test_b_0_is_refused_before_the_network_is_asked(tmp_path: Path) -> None:
    path = average_image(tmp_path / "dwi.nii.gz", fluid=2.5)
    with pytest.raises(InputError, match=r"dwi\.nii\.gz: looks like b 0, T2 or an ADC map"):
        score_scan(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("without_network")
def test_exchanged_images_are_refused_before_the_network_is_asked(tmp_path: Path) -> None:
    dwi = average_image(tmp_path / "dwi.nii.gz", fluid=0.35)
    adc = average_image(tmp_path / "adc.nii.gz", fluid=3.0)
    with pytest.raises(InputError, match="exchange --dwi and --adc"):
        score_scan(adc, tmp_path / "out", adc=dwi)
    with pytest.raises(NetworkAskedError):
        score_scan(dwi, tmp_path / "out", adc=adc)
