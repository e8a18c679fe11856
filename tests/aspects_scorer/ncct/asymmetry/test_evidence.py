"""Signs change sides with the patient, and regions speak for those they share a branch with."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mapped_blocks import mapped_blocks, mirrored

from aspects_scorer.ncct.asymmetry.evidence import (
    NEIGHBOURS,
    TOGETHER,
    context_evidence,
    own_evidence,
)
from aspects_scorer.ncct.measures import measure_densities
from atlas_builder.core.anatomy import SIDES, Region

M2, M5 = (list(Region).index(region) for region in (Region.M2, Region.M5))


def sign(evidence, name):
    names, values = evidence
    return values[..., names.index(name)]


@settings(max_examples=10, deadline=None)
@given(side=st.sampled_from(SIDES), region=st.sampled_from(list(Region)), hu=st.floats(-9.0, 9.0))
def test_a_mirrored_patient_has_the_signs_of_the_other_side(side, region, hu):
    scan = mapped_blocks({(side, region): hu})
    names, values = own_evidence(measure_densities(scan))
    again, exchanged = own_evidence(measure_densities(mirrored(scan)))
    assert names == again
    np.testing.assert_allclose(exchanged, values[::-1], atol=1e-2)


def test_a_darker_region_is_a_sign_there_and_a_weaker_one_for_its_neighbours():
    evidence = own_evidence(measure_densities(mapped_blocks({("left", Region.M2): -4.0})))
    assert sign(evidence, "mean")[0, M2] == pytest.approx(-4.0, abs=0.5)
    assert sign(evidence, "mean")[1, M2] == pytest.approx(4.0, abs=0.5)
    assert sign(evidence, "darker than 2 HU")[0, M2] == pytest.approx(2.0, abs=0.5)
    assert sign(evidence, "darker than 2 HU")[1].max() == 0
    beside = [list(Region).index(region) for region in NEIGHBOURS[Region.M2]]
    assert (sign(evidence, "neighbours, darkest")[0, beside] < -3).all()


def test_a_region_that_cannot_be_measured_gives_no_sign():
    scan = mapped_blocks()
    labels = np.where(scan.labels == M2 + 1, 0, scan.labels).astype(np.uint8)
    densities = measure_densities(type(scan)(scan.hu, labels, scan.brain, scan.affines))
    names, values = own_evidence(densities)
    assert np.isfinite(values).all()
    assert values[0, M2, names.index("mean")] == 0


def test_context_is_what_the_others_of_a_branch_say():
    log_odds = np.full((2, 10), -6.0)
    log_odds[0, M2] = 6.0
    evidence = context_evidence(log_odds)
    greatest = sign(evidence, "same branch, greatest")
    for column, region in enumerate(Region):
        assert (greatest[0, column] > 0.9) == (Region.M2 in TOGETHER[region])
    assert greatest[1].max() < 0.01
    assert sign(evidence, "other side")[1] == pytest.approx(sign(evidence, "other side")[1, 0])
    assert sign(evidence, "other side")[1, 0] > 0.9
    assert sign(evidence, "others of the side")[0, M2] < 0.05


def test_branches_join_regions_both_ways_or_lie_at_their_border():
    for table in (TOGETHER, NEIGHBOURS):
        for region, others in table.items():
            assert region not in others
    assert all(a in NEIGHBOURS[b] for a in Region for b in NEIGHBOURS[a])
