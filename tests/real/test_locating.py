"""The basal ganglia level of a real head and of atlases of real heads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from atlas_builder.core.scan import Scan
from atlas_builder.io.dicom.scans import read_dicom_scan
from atlas_builder.io.nifti.images import read_scan
from atlas_builder.validation.intensities import to_hounsfield
from slice_localizer.alignment.level import align_level
from slice_localizer.locating import locate_slices
from slice_localizer.positions import heights_of, nearest, sgl_of

BGL, SGL = 16, 19  # of the GE scan, chosen by looking


def test_the_alignment_finds_the_slices_a_reader_picks_on_the_real_scan(data: Path) -> None:
    scan = read_dicom_scan(data / "ge-head-ct")
    alignment = align_level(scan)
    heights = heights_of(scan.affines)
    bgl = nearest(heights, alignment.height_mm)
    assert abs(bgl - BGL) <= 1
    assert abs(sgl_of(heights, bgl, alignment.height_mm) - SGL) <= 1
    assert alignment.correlation > 0.8


def test_network_and_alignment_together_pick_them_too(data: Path) -> None:
    pytest.importorskip("torch")
    located = locate_slices(read_dicom_scan(data / "ge-head-ct"))
    assert abs(located.bgl_slice - BGL) <= 1
    assert abs(located.sgl_slice - SGL) <= 1
    assert located.alignment_difference_mm is not None
    assert abs(located.alignment_difference_mm) < 5.0
    assert located.flags == ()


# Millimetres of each volume's own axis, read off by eye: the planes through the heads of the
# caudate nuclei, the lentiform nuclei and the insulae.
@pytest.mark.parametrize(
    ("name", "height"),
    [("miplab-ncct_sym_brain", 14.0), ("miplab-ncct_asym_brain", 14.0), ("scct_stripped", 2.0)],
)
def test_atlases_without_skull_are_aligned_at_5_mm(data: Path, name: str, height: float) -> None:
    scan = read_scan(data / f"reference-atlases/{name}.nii.gz")
    step = round(5.0 / float(np.diff(heights_of(scan.affines)[:2])[0]))
    hu, _ = to_hounsfield(np.asarray(scan.data, np.float32))
    alignment = align_level(Scan(hu[:, :, ::step], scan.affines[::step]))
    assert alignment.height_mm == pytest.approx(height, abs=5.0)
    assert alignment.correlation > 0.8
