from __future__ import annotations

import numpy as np
import pytest

from atlas_builder.catalogue.entries import load_atlas
from atlas_builder.core.anatomy import AgeGroup, Region
from atlas_builder.mapping.pipeline import map_regions
from head_phantom.cohort.subject import Recipe, Subject, simulate_subject
from slice_localizer.alignment.deformation import BrainPlace
from slice_localizer.alignment.level import align_level
from slice_localizer.whole_head.whole_map import WholeMap, map_all_slices

NOWHERE = BrainPlace(
    np.eye(4), *np.zeros((2, 3, 2, 2, 2), np.float32), origin=np.zeros(3), spacing=1.0
)


def test_a_slice_stands_for_half_the_way_to_its_neighbours() -> None:
    affines = np.tile(np.diag([-0.5, -2.0, 1.0, 1.0]), (3, 1, 1))
    affines[:, 2, 3] = [10.0, 0.0, 5.0]  # not in order
    labels = np.zeros((10, 10, 3), np.uint8)
    labels[:, :, 2] = 7
    labels[0, :5, 0] = 20
    volumes = WholeMap(labels, labels > 0, affines, NOWHERE, 0.0).volumes_ml()
    assert volumes[7] == pytest.approx(100 * 5.0 / 1000)
    assert volumes[20] == pytest.approx(5 * 5.0 / 1000)
    assert volumes.sum() == pytest.approx(volumes[7] + volumes[20])


@pytest.fixture(scope="module")
def subject() -> Subject:
    return simulate_subject(Recipe(77, AgeGroup(50, 69), 0, thickness_mm=5.0, matrix=192))


@pytest.mark.slow
def test_regions_of_a_simulated_head_lie_where_they_are(subject: Subject) -> None:
    acquired = subject.acquired
    scan, bgl, sgl = acquired.scan, acquired.bgl_index, acquired.sgl_index
    region_map = map_regions(scan, load_atlas("simulated", age=subject.person.age), bgl, sgl)
    whole = map_all_slices(scan, region_map, align_level(scan))

    for level_map in region_map.levels:  # kept exactly
        np.testing.assert_array_equal(whole.labels[:, :, level_map.index], level_map.regions)
    assert not (whole.labels[~whole.brain] > 0).any()
    both = np.count_nonzero(whole.brain & acquired.brain)
    total = np.count_nonzero(whole.brain) + np.count_nonzero(acquired.brain)
    assert 2 * both / total > 0.88

    cortical = [[Region.M1, Region.M4], [Region.M2, Region.M5], [Region.M3, Region.M6]]
    for group in ([Region.C], [Region.L], [Region.IC], [Region.I], *cortical):
        for side in (0, 10):
            values = [int(region) + side for region in group]
            found, true = np.isin(whole.labels, values), np.isin(acquired.regions, values)
            overlap = 2 * np.count_nonzero(found & true)
            assert overlap / (np.count_nonzero(found) + np.count_nonzero(true)) > 0.55, values
    # Sides are never mixed up.
    left, right = whole.labels % 21 > 10, (acquired.regions > 0) & (acquired.regions <= 10)
    assert np.count_nonzero(left & right) < 0.005 * np.count_nonzero(whole.labels)
