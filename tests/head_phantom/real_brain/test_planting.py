"""An infarct planted in a brain takes density where it lies and leaves the rest as it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_brain import small_head

from atlas_builder.catalogue.tissues import Tissue
from head_phantom.head.coarse_head import coarse_head
from head_phantom.infarct.infarct import Infarct, LesionMask, net_water_uptake
from head_phantom.infarct.old_lesions import OldInfarct
from head_phantom.infarct.patients import Findings
from head_phantom.infarct.truth import infarct_truth
from head_phantom.person.person import draw_person
from head_phantom.person.unevenness import Unevenness
from head_phantom.real_brain.alignment import RealBrain
from head_phantom.real_brain.planting import plant


@pytest.fixture(scope="module")
def head():
    return small_head()


@pytest.fixture(scope="module")
def planted(head):
    """Return heads from findings; the brain is the small one itself, half grey, half white."""
    brain = sum(
        head.tissues[t].astype(np.float32) / 255 for t in (Tissue.GREY, Tissue.WHITE, Tissue.CSF)
    )
    hu = 32.0 * brain - 23.0 * (head.tissues[Tissue.CSF] > 127)
    coarse = coarse_head(head)
    still = np.zeros((3, *coarse.lattice.shape), np.float32)
    real = RealBrain(hu.astype(np.float32), brain, coarse.lattice, still, float(brain.sum()) / 1000)
    person = replace(draw_person(70, "F", np.random.default_rng(2)), intracranial_ml=real.volume_ml)

    def make(**findings):
        rng = np.random.default_rng(5)
        return plant(head, coarse, real, person, Findings(**findings), rng)

    return make


def lesion_at(head, x):
    """A ball of 9 mm around a place on the left-right axis."""
    places = np.indices(head.regions.shape) + head.affine[:3, 3].reshape(3, 1, 1, 1)
    distance = np.sqrt((places[0] - x) ** 2 + places[1] ** 2 + places[2] ** 2)
    return LesionMask((distance < 9).astype(np.uint8), head.affine)


def test_density_falls_by_the_water_uptake_of_the_hours(head, planted):
    healthy = planted()
    ill = planted(infarct=Infarct(lesion_at(head, -20.0), hours=4.5, seed=3))
    core = ill.lesion & (healthy.hu > 31) & (healthy.grey.astype(int) + healthy.white > 250)
    ratio = ill.hu[core] / healthy.hu[core]
    assert ratio.mean() == pytest.approx(1 - net_water_uptake(4.5), abs=0.03)
    far = np.abs(np.indices(ill.hu.shape)[0] + ill.affine[0, 3] - 20) < 10
    np.testing.assert_array_equal(ill.hu[far], healthy.hu[far])
    truth = infarct_truth(ill)
    left = {r.name: share for (side, r), share in truth.involvement.items() if side == "left"}
    assert left["L"] > 0.1
    assert truth.lesion_ml > 1
    assert not healthy.lesion.any()


def test_regions_lie_in_the_brain_on_their_sides(planted):
    anatomy = planted()
    across = np.indices(anatomy.hu.shape)[0] + anatomy.affine[0, 3]
    assert across[anatomy.regions == 2].max() < 0 < across[anatomy.regions == 16].min()
    assert set(np.unique(anatomy.regions)) == {0, 2, 16}
    tissue = anatomy.grey.astype(int) + anatomy.white + anatomy.csf
    assert (tissue[anatomy.regions > 0] > 120).all()
    assert (anatomy.hu > 700).any()  # the skull


def test_an_old_infarct_is_fluid_and_the_sides_differ(head, planted):
    healthy = planted()
    old = planted(old_infarcts=(OldInfarct(lesion_at(head, 20.0), seed=4),))
    assert old.cavity.any()
    assert np.median(old.hu[old.cavity]) < 15 < np.median(healthy.hu[old.cavity])
    uneven = planted(unevenness=Unevenness(0.0, (0.8, 0.0), 1))
    across = np.indices(uneven.hu.shape)[0] + uneven.affine[0, 3]
    changed = (uneven.hu - healthy.hu)[healthy.regions > 0]
    assert np.corrcoef(changed, across[healthy.regions > 0])[0, 1] > 0.9
