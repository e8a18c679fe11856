"""A scored lesion as the viewer shows it: where it lies, on which side, and where rows lead."""

from __future__ import annotations

import numpy as np
import pytest

from aspects_scorer.dwi.case import Case
from aspects_scorer.dwi.mni_brain import mni_brain
from aspects_scorer.dwi.scored_lesion import score_lesion, standard_atlas
from atlas_builder.core.anatomy import Region, map_value
from atlas_builder.core.lesion import Lesion
from atlas_builder.core.volume import Volume
from atlas_builder.reporting.scoring.lesion_slices import view_lesion
from atlas_builder.reporting.viewer.viewed_slices import LESION, MOST_PIXELS, ViewedSlices

VALUE = map_value(Region.M5, "left")


@pytest.fixture(scope="module")
def viewed() -> ViewedSlices:
    """A lesion that is the whole left M5, over the average brain."""
    atlas, brain = standard_atlas(), mni_brain()
    lesion = Lesion(atlas.labels == VALUE, atlas.affine)
    image = Volume(brain.mixed(0.6, 0.9, 0.1), brain.affine)
    return view_lesion(Case(score_lesion(lesion), "mask-in-mni152", lesion, lesion, image, {}, {}))


def test_the_lesion_is_where_its_region_is(viewed: ViewedSlices) -> None:
    np.testing.assert_array_equal(viewed.labels == VALUE + LESION, viewed.labels >= LESION)
    assert not (viewed.labels == VALUE).any()
    assert viewed.has_lesion


def test_the_left_is_at_the_right(viewed: ViewedSlices) -> None:
    middle = viewed.values.shape[2] // 2
    _, _, columns = np.nonzero(viewed.labels >= LESION)
    assert columns.min() > middle


def test_volumes_are_those_of_the_atlas(viewed: ViewedSlices) -> None:
    shown_ml = (viewed.labels >= LESION).sum() * 2 / 1000
    assert shown_ml == pytest.approx((standard_atlas().labels == VALUE).sum() / 1000, rel=0.03)


def test_it_starts_at_the_largest_part_of_the_lesion(viewed: ViewedSlices) -> None:
    areas = (viewed.labels >= LESION).sum(axis=(1, 2))
    assert next(iter(viewed.marks)) == "largest lesion"
    assert areas[viewed.marks["largest lesion"]] == areas.max()
    assert viewed.homes[VALUE] == viewed.marks["largest lesion"]
    assert viewed.names[viewed.marks["BGL"]] == "z = 4 mm"
    assert viewed.standing_out == {(Region.M5, "left")}


def test_the_whole_brain_is_shown_within_the_bound(viewed: ViewedSlices) -> None:
    assert viewed.values.size <= MOST_PIXELS
    assert (viewed.values > 0).any(axis=(1, 2)).all()
    shown_ml = (viewed.values > 0).sum() * 2 / 1000
    assert shown_ml == pytest.approx(mni_brain().mask.sum() / 1000, rel=0.1)
