"""The volumes of a diffusion series that are scored, by the b values beside it."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from aspects_scorer.dwi.b_values import read_weighted
from atlas_builder.core.errors import InputError

AFFINE = np.diag([2.0, 2, 5, 1])
SHAPE = (12, 14, 6)
S0, ADC = 800.0, 0.7


def signal(b_value, adc=ADC):
    return np.full(SHAPE, S0 * np.exp(-b_value / 1000 * adc), np.float32)


def save(folder, volumes, b_values=None, name="dwi.nii.gz"):
    path = folder / name
    nib.save(nib.Nifti1Image(np.stack(volumes, axis=-1).squeeze(), AFFINE), path)
    if b_values is not None:
        (folder / "dwi.bval").write_text(b_values)
    return path


def codes(weighted):
    return [flag.code for flag in weighted.flags]


@pytest.mark.parametrize("name", ["dwi.nii", "dwi.nii.gz"])
def test_one_volume_needs_no_b_value(tmp_path, name):
    weighted = read_weighted(save(tmp_path, [signal(1000)], name=name))
    np.testing.assert_array_equal(weighted.image.data, signal(1000))
    assert weighted.adc is None
    assert weighted.flags == ()


@pytest.mark.parametrize(
    ("b_value", "flags"), [(700, ["b-value"]), (1000, []), (800, []), (2500, ["b-value"])]
)
def test_an_unusual_weighting_is_remarked_on(tmp_path, b_value, flags):
    weighted = read_weighted(save(tmp_path, [signal(b_value)], f"{b_value}\n"))
    assert codes(weighted) == flags
    assert not flags or f"b {b_value};" in weighted.flags[0].reason


def test_an_image_of_b_0_is_refused_unless_it_only_places_a_mask(tmp_path):
    path = save(tmp_path, [signal(0)], "0")
    with pytest.raises(InputError, match=r"dwi\.nii\.gz: .* states b 0; give the image of b 1000"):
        read_weighted(path)
    assert read_weighted(path, least_b=0).flags == ()


def test_the_directions_nearest_b_1000_are_averaged_and_the_map_follows(tmp_path):
    adcs = (0.6, 0.7, 0.8)
    volumes = [signal(0), *(signal(995, adc) for adc in adcs), signal(2000)]
    weighted = read_weighted(save(tmp_path, volumes, "0 995 995 1005\t2000\n"))
    np.testing.assert_allclose(weighted.image.data, signal(995), rtol=1e-5)
    np.testing.assert_allclose(weighted.adc, 0.7, rtol=0.01)
    assert codes(weighted) == ["volumes-chosen"]
    assert "5 volumes: the mean of the 3 of b 995" in weighted.flags[0].reason


def test_without_b_0_there_is_no_map(tmp_path):
    weighted = read_weighted(save(tmp_path, [signal(500), signal(700)], "500\n700"))
    np.testing.assert_allclose(weighted.image.data, signal(700))
    assert weighted.adc is None
    assert codes(weighted) == ["volumes-chosen", "b-value"]


def test_air_without_signal_has_no_diffusion(tmp_path):
    volumes = [signal(0), signal(1000)]
    volumes[0][0], volumes[1][:2] = 0, 0
    weighted = read_weighted(save(tmp_path, volumes, "0 1000"))
    assert np.isfinite(weighted.adc).all()
    assert (weighted.adc[:2] == 0).all()


@pytest.mark.parametrize(
    ("b_values", "reason"),
    [
        (None, r"dwi\.nii\.gz: holds 2 volumes, and no dwi\.bval"),
        ("0 1000 1000", r"dwi\.bval: states 3 b values for 2 volumes"),
        ("0 high", r"dwi\.bval: not a list of b values"),
        ("0 nan", r"dwi\.bval: not a list of b values"),
        ("0 5", "give the image of b 1000"),
    ],
)
def test_volumes_that_nothing_tells_apart_are_refused(tmp_path, b_values, reason):
    with pytest.raises(InputError, match=reason):
        read_weighted(save(tmp_path, [signal(0), signal(1000)], b_values))


def test_the_b_values_of_a_whole_series_say_nothing_about_one_of_its_volumes(tmp_path):
    assert read_weighted(save(tmp_path, [signal(1000)], "0 1000 1000")).flags == ()
