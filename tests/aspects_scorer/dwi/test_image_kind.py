"""What an image shows decides whether it is what it is called, whatever the age and the infarct."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from aspects_scorer.dwi.image_kind import check_kinds
from aspects_scorer.dwi.landmarks import Landmarks, find_landmarks
from aspects_scorer.dwi.segmentation.brain import extract_brain
from aspects_scorer.dwi.template_space import place_coarsely, register_to_template
from atlas_builder.catalogue.mni_head import load_head
from atlas_builder.core.anatomy import Region
from atlas_builder.core.errors import InputError
from atlas_builder.core.volume import Volume
from head_phantom.anatomy import make_anatomy
from head_phantom.infarct.infarct import Infarct, Territory
from head_phantom.person.person import draw_person
from head_phantom.scanner.dwi import simulate_dwi

DWI, ADC = Path("b1000.nii.gz"), Path("adc.nii.gz")
HEMISPHERE = Territory("left", tuple(Region))
SUBJECTS = {"14, no infarct": (14, None), "50, MCA": (50, HEMISPHERE), "86, no infarct": (86, None)}


def simulated(age, place):
    person = draw_person(age, "F", np.random.default_rng(60 + age))
    infarct = None if place is None else Infarct(place, hours=12, seed=4)
    anatomy = make_anatomy(load_head(), person, infarct)
    return anatomy, simulate_dwi(anatomy, np.random.default_rng(61 + age))


def flair(anatomy, scan):
    """Return FLAIR on the grid of a diffusion scan: it shows scalp."""
    grey, white, fluid = (
        part.astype(np.float32) / 255 for part in (anatomy.grey, anatomy.white, anatomy.csf)
    )
    solid = (anatomy.grey | anatomy.white | anatomy.csf) == 0
    fat = solid & (anatomy.hu > -150) & (anatomy.hu < -40)
    flesh = solid & (anatomy.hu > -20) & (anatomy.hu < 110)
    signal = grey + 0.8 * white + 0.12 * fluid + 1.3 * fat + 0.7 * flesh
    to_voxel = np.linalg.inv(anatomy.affine) @ scan.affine
    blur = np.linalg.norm(scan.affine[:3, :3], axis=0) / np.sqrt(12)
    seen = ndimage.affine_transform(
        ndimage.gaussian_filter(signal, blur),
        to_voxel[:3, :3],
        to_voxel[:3, 3],
        scan.b0.shape,
        np.float32,
        order=1,
    )
    real, imaginary = np.random.default_rng(3).normal(0, 0.03, (2, *seen.shape))
    return (500 * np.hypot(seen + real, imaginary)).astype(np.float32)


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=pytest.mark.slow) for name in SUBJECTS]
)
def images(request):
    """Return every kind of image of a subject on one grid, and the affine."""
    anatomy, scan = simulated(*SUBJECTS[request.param])
    return {
        "b 1000": scan.b1000,
        "b 0": scan.b1000 * np.exp(scan.adc),
        "ADC": scan.adc,
        "exponential ADC": np.exp(-scan.adc) * (scan.adc > 0),
        "FLAIR": flair(anatomy, scan),
    }, scan.affine


def place_wholly(image, brain):
    return register_to_template(image, brain, np.zeros(brain.shape, bool))


@pytest.fixture(scope="module", params=[place_wholly, place_coarsely])
def judged(images, request):
    """Return a function that checks images given as b 1000 and as ADC map, however placed."""
    kinds, affine = images
    found = {}

    def landmarks_of(kind):
        if kind not in found:
            image = Volume(kinds[kind], affine)
            brain = extract_brain(image.data, affine)
            transform = request.param(image, brain)
            found[kind] = find_landmarks(image, brain, transform)
        return found[kind]

    def judge(dwi, adc=None):
        diffusion = None if adc is None else kinds[adc]
        return check_kinds(DWI, kinds[dwi], ADC, diffusion, landmarks_of(dwi))

    return judge


def test_the_right_images_are_neither_refused_nor_doubted(judged):
    assert judged("b 1000") == ()
    assert judged("b 1000", "ADC") == ()


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("b 0", r"b1000\.nii\.gz: looks like b 0, T2 or an ADC map"),
        ("ADC", r"b1000\.nii\.gz: looks like b 0, T2 or an ADC map"),
        ("FLAIR", r"b1000\.nii\.gz: looks like FLAIR, T1 or T2"),
    ],
)
def test_another_image_than_b_1000_is_refused(judged, kind, words):
    for adc in (None, "ADC"):
        with pytest.raises(InputError, match=words) as refused:
            judged(kind, adc)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("exponential ADC", r"adc\.nii\.gz: looks like an exponential ADC map"),
        ("FLAIR", r"adc\.nii\.gz: looks like an exponential ADC map or"),
        ("b 1000", r"adc\.nii\.gz: the same picture as b1000\.nii\.gz"),
    ],
)
def test_another_image_than_the_map_is_refused(judged, kind, words):
    with pytest.raises(InputError, match=words) as refused:
        judged("b 1000", kind)
    assert "\n" not in str(refused.value)


def test_exchanged_images_are_named(judged):
    with pytest.raises(InputError, match="exchange --dwi and --adc"):
        judged("ADC", "b 1000")


def test_b_0_in_place_of_the_map_is_doubted(judged):
    (flag,) = judged("b 1000", "b 0")
    assert flag.code == "adc-doubtful"
    assert "may be b 0 or T2" in flag.reason


def of_parts(fluid, scalp=0.1):
    """Return an image of a few voxels whose parts have a given brightness against the brain."""
    rng = np.random.default_rng(5)
    brain = rng.normal(1, 0.05, 50)
    return (300 * np.r_[np.full(9, fluid), brain, np.full(30, scalp)]).astype(np.float32)


@pytest.fixture
def parts():
    """Landmarks on such an image."""
    places = np.arange(89)
    fluid, brain, scalp = places < 9, (places >= 9) & (places < 59), places >= 59
    return Landmarks(fluid, fluid, brain, scalp)


@pytest.mark.parametrize(
    ("fluid", "scalp", "sign"), [(1.1, 0.1, "its fluid is 1.1"), (0.4, 0.6, "its scalp is 0.6")]
)
def test_an_image_between_two_kinds_is_doubted(parts, fluid, scalp, sign):
    (flag,) = check_kinds(DWI, of_parts(fluid, scalp), None, None, parts)
    assert flag.code == "dwi-doubtful"
    assert sign in flag.reason


def test_a_map_whose_fluid_hardly_differs_is_doubted(parts):
    unlike = 600 - of_parts(0.9)
    (flag,) = check_kinds(DWI, of_parts(0.4), ADC, unlike, parts)
    assert flag.code == "adc-doubtful"
    assert "its fluid is 1.1" in flag.reason


def test_where_no_ventricle_is_seen_nothing_is_said(parts):
    nowhere = np.zeros_like(parts.brain)
    unseen = Landmarks(nowhere, nowhere, parts.brain, nowhere)
    assert check_kinds(DWI, of_parts(2.0), None, None, unseen) == ()
    assert check_kinds(DWI, 0 * of_parts(2.0), ADC, of_parts(2.0), unseen) == ()
