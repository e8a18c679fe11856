"""White matter lesions have the volume asked for and begin at the ventricles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from atlas_builder.catalogue.mni_head import load_head
from head_phantom.head.coarse_head import coarse_head
from head_phantom.person.leukoaraiosis import white_matter_lesions
from head_phantom.person.person import draw_person

PERSON = draw_person(70, "M", np.random.default_rng(0))


@pytest.fixture(scope="module")
def coarse():
    return coarse_head(load_head())


def affected(coarse, volume_ml):
    person = replace(PERSON, white_matter_lesion_ml=volume_ml)
    return white_matter_lesions(coarse, person, np.random.default_rng(1))


@pytest.mark.parametrize("volume_ml", [0.5, 5.0, 25.0])
def test_the_volume_is_the_one_asked_for(coarse, volume_ml):
    lesions = affected(coarse, volume_ml)
    assert lesions.sum() * coarse.cell_ml == pytest.approx(volume_ml, rel=0.05)
    assert (lesions > 0.5).sum() * coarse.cell_ml == pytest.approx(volume_ml, rel=0.35)
    assert lesions.max() <= 1 + 1e-5


def test_lesions_lie_in_white_matter_and_grow_outwards_from_the_ventricles(coarse):
    from_wall = ndimage.distance_transform_edt(coarse.ventricles < 0.5, sampling=2.0)
    few, many = affected(coarse, 4.0) > 0.5, affected(coarse, 40.0) > 0.5
    assert coarse.white[many].mean() > 0.85
    assert from_wall[few].mean() < from_wall[many].mean() < 15
    assert (many & few).sum() > 0.95 * few.sum()
