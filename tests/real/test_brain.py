"""Brain extraction on anatomy of real people and on a real scan."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pydicom
import pytest
from scipy import ndimage as ndi

from atlas_builder.core.errors import InputError
from atlas_builder.preprocessing.brain import brain_of_stripped, extract_brain
from atlas_builder.preprocessing.plausibility import find_brain


def axial(path):
    """Return a slice that is stored with axes towards the patient's left and back."""
    image = nib.load(path)
    assert nib.aff2axcodes(image.affine)[:2] == ("L", "P")
    data = np.asarray(image.dataobj, dtype=np.float32).reshape(image.shape[:2])
    return data, tuple(float(size) for size in image.header.get_zooms()[:2])


def ge_slice(data, number):
    stored = pydicom.dcmread(data / "ge-head-ct" / f"{number:02d}.dcm")
    hu = stored.pixel_array.T * float(stored.RescaleSlope) + float(stored.RescaleIntercept)
    rows, columns = stored.PixelSpacing
    return hu.astype(np.float32), (float(columns), float(rows))


@pytest.mark.slow
@pytest.mark.parametrize("group", ["10_29", "30_49", "50_69", "70_89"])
def test_semireal_brains(data, group):
    overlaps = []
    for path in sorted((data / "semireal" / group).glob("sub-*/*_ct.nii.gz")):
        image, spacing = axial(path)
        truth, _ = axial(path.with_name(path.name.replace("_ct", "_desc-brain_mask")))
        assert brain_of_stripped(image, spacing) is None
        brain = find_brain(image, spacing)
        overlaps.append(2 * np.sum(brain & (truth > 0)) / (np.sum(brain) + np.sum(truth > 0)))
    assert len(overlaps) >= 16
    assert np.mean(overlaps) >= 0.990
    assert np.min(overlaps) >= 0.980


def test_aspects_281_is_stripped(data):
    paths = sorted((data / "aspects-281").glob("*_image_*.nii.gz"))
    assert len(paths) == 8
    for path in paths:
        image, spacing = axial(path)
        brain = find_brain(image, spacing)
        assert np.all(brain[image > 0])
        assert np.mean(brain[image == 0]) < 0.01


@pytest.mark.parametrize("number", range(14, 26))
def test_real_scan_above_the_skull_base(data, number):
    image, spacing = ge_slice(data, number)
    brain = find_brain(image, spacing)
    # The vault is closed on these slices: what cannot be reached from outside without crossing
    # bone is brain, up to the bone's blurred edge.
    wall = ndi.binary_closing(image > 250, np.ones((5, 5)))
    labels, _ = ndi.label(~wall)
    inside = ndi.binary_fill_holes(labels == np.bincount(labels[brain]).argmax())
    assert not brain[~ndi.binary_dilation(inside, iterations=2)].any()
    deep = ndi.distance_transform_edt(inside, sampling=spacing) > 4
    assert np.mean(brain[deep]) > 0.995
    # Values of bone, fat and air hardly occur.
    assert np.mean((image[brain] < -30) | (image[brain] > 150)) < 0.01


def test_real_scan_through_the_skull_base(data):
    for number in range(8, 14):
        image, spacing = ge_slice(data, number)
        brain = extract_brain(image, spacing)
        assert 25 <= np.median(image[brain]) <= 45
        assert np.mean((image[brain] < -30) | (image[brain] > 200)) < 0.02


def test_eyes_are_left_out(data):
    image, spacing = ge_slice(data, 8)
    brain = extract_brain(image, spacing)
    column, row = np.ogrid[: image.shape[0], : image.shape[1]]
    for eye in ((144, 127), (293, 97)):
        globe = np.hypot(column - eye[0], row - eye[1]) < 15
        assert 0 < np.median(image[globe]) < 30
        assert not brain[globe].any()


def test_vertex_without_brain_is_refused(data):
    image, spacing = ge_slice(data, 28)
    with pytest.raises(InputError, match="no brain found"):
        extract_brain(image, spacing)


@pytest.mark.parametrize("turn", [-20, 20])
@pytest.mark.parametrize("number", [17, 21])
def test_real_scan_turned(data, number, turn):
    image, spacing = ge_slice(data, number)
    brain = ndi.rotate(extract_brain(image, spacing).astype(float), turn, reshape=False, order=1)
    turned = ndi.rotate(image, turn, reshape=False, order=1, cval=-1000)
    again = extract_brain(turned, spacing)
    assert 2 * np.sum(again & (brain > 0.5)) / (np.sum(again) + np.sum(brain > 0.5)) > 0.99
