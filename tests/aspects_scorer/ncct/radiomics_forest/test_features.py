"""Features are those of each region, in voxels that do not depend on the scan's."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
from mapped_blocks import mapped_blocks, mirrored

from aspects_scorer.ncct.radiomics_forest.features import (
    RegionRadiomics,
    _feature_classes,
    measure_radiomics,
)
from atlas_builder.core.anatomy import Region
from atlas_builder.core.errors import InputError


@pytest.fixture(scope="module")
def _pyradiomics():
    pytest.importorskip("radiomics", reason="the extra radiomics is not installed")


def feature(measured: RegionRadiomics, name: str) -> np.ndarray:
    return measured.values[:, :, measured.names.index(name)]


@pytest.mark.usefixtures("_pyradiomics")
def test_all_features_of_a_block_are_what_is_known_of_it():
    measured = measure_radiomics(mapped_blocks({("left", Region.M3): -6.0}, noise_hu=0.0))
    assert len(measured.names) == len(set(measured.names)) == 107
    assert np.isfinite(measured.values).all()
    mean = feature(measured, "firstorder_Mean")
    assert mean[0, 6] == pytest.approx(28)
    assert np.delete(mean.ravel(), 6) == pytest.approx(34)
    # 24 x 16 x 6 voxels of 5 mm³
    assert feature(measured, "shape_VoxelVolume") == pytest.approx(24 * 16 * 6 * 5)
    assert feature(measured, "firstorder_Variance") == pytest.approx(0, abs=1e-9)


@pytest.mark.usefixtures("_pyradiomics")
def test_noise_makes_texture():
    calm, noisy = (
        feature(measure_radiomics(mapped_blocks(noise_hu=noise)), "glcm_Contrast")
        for noise in (1.0, 5.0)
    )
    assert (noisy > calm + 1).all()


@pytest.mark.usefixtures("_pyradiomics")
def test_a_mirrored_patient_has_the_mirrored_features():
    scan = mapped_blocks({("left", Region.M1): -4.0})
    one, other = measure_radiomics(scan).values, measure_radiomics(mirrored(scan)).values
    assert one == pytest.approx(other[::-1], rel=1e-6, abs=1e-6)


@pytest.mark.usefixtures("_pyradiomics")
def test_smaller_pixels_and_thinner_slices_of_the_same_head_change_little():
    scan = mapped_blocks({("right", Region.M5): -5.0}, noise_hu=0.0)
    fine = replace(
        scan,
        **{
            name: getattr(scan, name).repeat(2, 0).repeat(2, 1).repeat(2, 2)
            for name in ("hu", "labels", "brain")
        },
        affines=np.repeat(np.diag([0.5, 0.5, 2.5, 1.0])[np.newaxis], 12, axis=0),
    )
    fine.affines[:, 2, 3] = 2.5 * np.arange(12)
    coarse, same = measure_radiomics(scan), measure_radiomics(fine)
    assert feature(same, "shape_VoxelVolume") == pytest.approx(
        feature(coarse, "shape_VoxelVolume"), rel=0.01
    )
    # At its border a block is half a pixel of its neighbours.
    assert feature(same, "firstorder_Median") == pytest.approx(feature(coarse, "firstorder_Median"))
    assert feature(same, "firstorder_Mean") == pytest.approx(
        feature(coarse, "firstorder_Mean"), abs=0.2
    )


@pytest.mark.usefixtures("_pyradiomics")
def test_a_region_without_brain_has_no_features_and_its_counterpart_no_difference():
    scan = mapped_blocks()
    labels = np.where(scan.labels == 5, 0, scan.labels).astype(np.uint8)
    measured = measure_radiomics(replace(scan, labels=labels))
    assert np.isnan(measured.values[0, 4]).all()
    assert np.isfinite(measured.values[1, 4]).all()
    _, values = measured.beside_counterparts()
    assert np.isnan(values[:, 4]).all()
    assert np.isfinite(np.delete(values, 4, axis=1)).all()


@pytest.mark.usefixtures("_pyradiomics")
def test_a_scan_without_regions_has_no_features():
    scan = mapped_blocks()
    assert np.isnan(
        measure_radiomics(replace(scan, labels=np.zeros_like(scan.labels))).values
    ).all()


def test_differences_follow_the_features_and_change_sign_with_the_side():
    values = np.arange(40.0).reshape(2, 10, 2)
    names, both = RegionRadiomics(("a", "b"), values).beside_counterparts()
    assert names == ("a", "b", "a, difference", "b, difference")
    assert (both[..., :2] == values).all()
    assert (both[0, :, 2:] == -20).all()
    assert (both[1, :, 2:] == 20).all()


def test_without_pyradiomics_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "radiomics", None)
    _feature_classes.cache_clear()
    with pytest.raises(InputError, match=r"run pip install aspects-atlas\[radiomics\]$"):
        measure_radiomics(mapped_blocks())
