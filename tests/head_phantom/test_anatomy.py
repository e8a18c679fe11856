"""A person: age shows, labels stay on their tissue, an infarct is what it was meant to be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from atlas_builder.catalogue.mni_head import load_head
from atlas_builder.catalogue.tissues import Tissue, mean_hu
from atlas_builder.core.anatomy import Region
from head_phantom.anatomy import make_anatomy
from head_phantom.infarct.infarct import Infarct, Territory, net_water_uptake
from head_phantom.infarct.old_lesions import OldInfarct
from head_phantom.infarct.truth import infarct_truth
from head_phantom.person.person import draw_person

pytestmark = pytest.mark.slow

YOUNG = replace(draw_person(22, "F", np.random.default_rng(1)), lacunes=0, calcified_pineal=False)
# The same head grown old: what ages differs, the rest does not.
OLD = replace(YOUNG, age=84, ventricle_ml=55.0, sulcal_csf_gain=0.12, white_matter_lesion_ml=12.0)
STROKE = Infarct(Territory("right", (Region.L, Region.I, Region.M2)), hours=6.0, seed=2)


@pytest.fixture(scope="module")
def head():
    return load_head()


@pytest.fixture(scope="module")
def young(head):
    return make_anatomy(head, YOUNG)


@pytest.fixture(scope="module")
def old(head):
    return make_anatomy(head, OLD)


@pytest.fixture(scope="module")
def stroke(head):
    past = OldInfarct(Territory("left", (Region.M5,)), seed=3)
    return make_anatomy(head, OLD, STROKE, [past])


def slab(anatomy, volume, above_bgl_mm):
    middle = round(anatomy.bgl_point[2] - anatomy.affine[2, 3]) + above_bgl_mm
    return volume[:, :, middle - 2 : middle + 3].mean(axis=2)


def fluid_mm2(anatomy, above_bgl_mm):
    brain = anatomy.grey.astype(int) + anatomy.white + anatomy.csf
    inner = ndimage.binary_erosion(slab(anatomy, brain, above_bgl_mm) > 127, iterations=4)
    return int((inner & (slab(anatomy, anatomy.csf, above_bgl_mm) > 127)).sum())


def test_glands_are_calcified_in_those_who_have_it(head, young):
    """The standard head shows them as far as they ever are; a person only as its traits say."""

    def densest_gland(anatomy):
        middle = np.linalg.inv(anatomy.affine)[:3] @ np.append(anatomy.bgl_point, 1.0)
        x, y, z = np.round(middle + np.array([0, -24, 0])).astype(int)
        return anatomy.hu[x - 8 : x + 9, y - 12 : y + 13, z - 8 : z + 13].max()

    assert not YOUNG.calcified_pineal
    assert densest_gland(young) < 75
    calcified = replace(YOUNG, calcified_pineal=True)
    assert densest_gland(make_anatomy(head, calcified)) > 100


def test_age_opens_ventricles_and_sulci_at_both_levels(young, old):
    for above in (0, 20):
        assert fluid_mm2(old, above) > 1.8 * fluid_mm2(young, above)


def test_the_fluid_gained_is_what_the_person_asks_for(young, old):
    wanted = OLD.ventricle_ml - YOUNG.ventricle_ml
    wanted += (OLD.sulcal_csf_gain - YOUNG.sulcal_csf_gain) * YOUNG.intracranial_ml
    gained = (old.csf.sum(dtype=np.int64) - young.csf.sum(dtype=np.int64)) / 255e3
    assert gained == pytest.approx(wanted, rel=0.3)


def test_the_skull_does_not_age(young, old):
    bone_young, bone_old = young.hu > 300, old.hu > 300
    assert (bone_young != bone_old).sum() < 0.02 * bone_young.sum()


def test_fractions_fill_the_brain_and_give_the_hu(young):
    total = young.grey.astype(int) + young.white + young.csf
    assert total.max() <= 257
    pure = young.grey > 250
    expected = mean_hu(Tissue.GREY, YOUNG.age) + YOUNG.brain_hu + YOUNG.contrast_hu / 2
    assert np.median(young.hu[pure]) == pytest.approx(expected, abs=0.7)


def test_labels_stay_inside_the_brain_and_keep_their_sides(young, old):
    for anatomy in (young, old):
        labels = anatomy.regions
        assert set(np.unique(labels)) == set(range(21))
        brain = anatomy.grey.astype(int) + anatomy.white + anatomy.csf > 127
        assert brain[labels > 0].mean() > 0.995
        x = anatomy.affine[0, 3] + np.arange(labels.shape[0])
        for label in range(1, 21):
            mean = x[np.nonzero(labels == label)[0]].mean()
            assert mean < -5 if label <= 10 else mean > 5


def test_the_caudate_stays_on_the_ventricle_and_grey(young, old):
    for anatomy in (young, old):
        caudate = np.isin(anatomy.regions, (1, 11))
        assert anatomy.grey[caudate].mean() > 0.6 * 255
        beside = ndimage.binary_dilation(caudate, iterations=2) & ~caudate
        assert (anatomy.csf[beside] > 127).mean() > 0.1


def test_the_level_of_the_basal_ganglia_follows(young):
    # The point between the deep nuclei lies between this person's.
    nuclei = np.nonzero(np.isin(young.regions, (2, 12)))
    centre = young.affine[:3, 3] + np.array([axis.mean() for axis in nuclei])
    assert np.abs(centre - young.bgl_point)[[0, 2]].max() < 8


def test_the_same_person_is_made_of_the_same_bits(head, young):
    again = make_anatomy(head, YOUNG)
    np.testing.assert_array_equal(again.hu, young.hu)
    np.testing.assert_array_equal(again.regions, young.regions)


def test_white_matter_lesions_darken_white_matter(young, old):
    def dark_ml(anatomy, person):
        white_hu = mean_hu(Tissue.WHITE, person.age) + person.brain_hu - person.contrast_hu / 2
        return ((anatomy.white > 240) & (anatomy.hu < white_hu - 4)).sum() / 1000

    assert dark_ml(old, OLD) > 2
    assert dark_ml(young, YOUNG) < 0.2


def test_an_infarct_lies_where_it_was_put_and_lowers_hu_as_set(old, stroke):
    truth = infarct_truth(stroke)
    assert truth.involvement["right", Region.M2] > 0.6
    assert truth.is_involved("right", Region.L)
    assert truth.is_involved("right", Region.I)
    assert truth.aspects("left") == 10
    assert truth.aspects("right") <= 7
    assert max(truth.involvement["left", region] for region in Region) == 0
    # Relative to the other side of the same head, as net water uptake is measured.
    mirrored = {Region.L: (2, 12), Region.M2: (6, 16)}
    drops = []
    for left, right in mirrored.values():
        tissue = stroke.grey.astype(int) + stroke.white > 250
        ill = tissue & (stroke.regions == right) & ndimage.binary_erosion(stroke.lesion)
        well = tissue & (stroke.regions == left)
        drops.append(1 - stroke.hu[ill].mean() / stroke.hu[well].mean())
    assert np.mean(drops) == pytest.approx(net_water_uptake(6.0), abs=0.04)


def test_swelling_closes_the_sulci_beside_it(old, stroke):
    near = ndimage.binary_dilation(stroke.lesion, iterations=8) & (old.regions != 9)
    assert stroke.csf[near].sum(dtype=int) < 0.9 * old.csf[near].sum(dtype=int)


def test_an_old_infarct_is_a_cavity(old, stroke):
    cortex = (old.regions == 9) & (old.csf < 25)
    assert np.median(stroke.csf[cortex]) > 150
    assert not stroke.lesion[cortex].any()
