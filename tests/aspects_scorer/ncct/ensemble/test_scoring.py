"""Two scorers count as they were found to, and one stands in where the other says nothing."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from striped_head import mni_head

from aspects_scorer.ncct.asymmetry.model import load_models
from aspects_scorer.ncct.da_net.scoring import judge_by_da_net
from aspects_scorer.ncct.ensemble.scoring import (
    PoolingWeights,
    load_weights,
    log_odds_of,
    score_by_ensemble,
)
from aspects_scorer.ncct.measures import measure_densities
from atlas_builder.core.anatomy import Region
from atlas_builder.core.aspects import RULES
from atlas_builder.core.errors import InputError

PROBABILITY = st.floats(0.0, 1.0)


@given(PROBABILITY, PROBABILITY)
def test_pooled_odds_rise_with_either(one, other):
    weights = PoolingWeights(0.6, 0.5, -0.1)
    lower, higher = sorted((one, other))
    fixed = np.zeros((2, 10))
    for pool in (
        lambda p: weights.pooled(log_odds_of(np.full((2, 10), p)), fixed),
        lambda p: weights.pooled(fixed, log_odds_of(np.full((2, 10), p))),
    ):
        assert (pool(lower) <= pool(higher)).all()
        assert np.isfinite(pool(lower)).all()


def test_where_one_is_silent_the_other_counts_alone():
    weights = PoolingWeights(0.6, 0.5, -0.1)
    known, silent = np.full((2, 10), 1.5), np.full((2, 10), np.nan)
    assert np.array_equal(weights.pooled(known, silent), known)
    assert np.array_equal(weights.pooled(silent, known), known)
    assert np.isnan(weights.pooled(silent, silent)).all()


def test_there_are_weights_for_every_rule_and_neither_counts_against():
    weights = load_weights()
    assert set(weights) == set(RULES)
    assert all(one.asymmetry >= 0 and one.da_net >= 0 for one in weights.values())


def test_the_score_is_that_of_the_pooled_odds_and_says_what_each_thought():
    scan = mni_head({("left", region): -7.0 for region in (Region.M2, Region.M3, Region.M6)})
    densities = measure_densities(scan)
    scored = score_by_ensemble(scan, densities, "barber")
    asymmetry = log_odds_of(load_models()["barber"].probabilities(densities))
    pooled = load_weights()["barber"].pooled(asymmetry, judge_by_da_net(scan, "barber").log_odds)
    found = np.array([f.probability for f in scored.findings]).reshape(2, 10)
    assert found == pytest.approx(1 / (1 + np.exp(-pooled)))
    lost = [f for f in scored.findings if f.affected]
    assert scored.left < scored.right
    pattern = re.compile(r"; asymmetry [01]\.\d\d, network [01]\.\d\d")
    assert all(pattern.search(f.reason) for f in lost)
    assert scored.attention is not None


def test_a_damaged_file_is_refused(tmp_path):
    file = tmp_path / "weights.json"
    file.write_text('{"rules": {"barber": {"asymmetry": "much"}}}')
    with pytest.raises(InputError, match="install aspects-atlas again"):
        load_weights(file)
