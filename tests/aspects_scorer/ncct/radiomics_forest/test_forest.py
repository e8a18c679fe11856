"""Stored forests say what scikit-learn's say, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from forest_growing import as_arrays
from sklearn.ensemble import RandomForestClassifier

from aspects_scorer.ncct.radiomics_forest.forest import (
    FILE,
    LEAF,
    Forest,
    ForestModel,
    load_forests,
    store_forests,
)
from atlas_builder.core.aspects import RULES
from atlas_builder.core.errors import InputError

# Two trees: one asks the first feature, then the second; one is a leaf alone.
SMALL = Forest(
    np.array([0, LEAF, 1, LEAF, LEAF, LEAF], np.int16),
    np.array([0.5, 0.0, 2.0, 0.4, 1.0, 0.2]),
    np.array([2, 0, 4, 0, 0, 0], np.int32),
    np.array([0, 5], np.int32),
)


@pytest.mark.parametrize(
    ("values", "first_tree"), [((0.5, 9.0), 0.0), ((0.6, 2.0), 0.4), ((0.6, 2.1), 1.0)]
)
def test_the_left_branch_is_followed_up_to_the_number(values, first_tree):
    assert SMALL.probability(np.array(values)) == (first_tree + 0.2) / 2


def test_probabilities_of_the_arrays_are_those_of_scikit_learn_bit_for_bit():
    rng = np.random.default_rng(3)
    values = rng.normal(30, 5, (120, 7)) * 10.0 ** np.arange(-3, 4)
    ill = values[:, 2] + rng.normal(0, 0.3, 120) < 3
    grown = RandomForestClassifier(40, min_samples_leaf=3, random_state=2).fit(values, ill)
    forest = as_arrays(grown)
    asked = rng.normal(30, 5, (200, 7)) * 10.0 ** np.arange(-3, 4)
    expected = grown.predict_proba(asked)[:, 1]
    assert 0.05 < expected.min() + expected.std() < expected.max()
    assert [forest.probability(one) for one in asked] == expected.tolist()


def test_every_published_rule_has_forests_that_ship_in_two_megabytes():
    models = load_forests()
    assert models.keys() == RULES.keys()
    assert FILE.stat().st_size <= 2_000_000
    for model in models.values():
        assert len(model.names) == 214
        assert 0 < model.threshold < 1
        for forest in model.forests:
            leaves = forest.features == LEAF
            assert len(forest.roots) == 100
            assert ((forest.numbers[leaves] >= 0) & (forest.numbers[leaves] <= 1)).all()
            assert forest.features.max() < len(model.names)
            assert (forest.rights[~leaves] > np.flatnonzero(~leaves)).all()


def test_stored_forests_are_read_as_they_were(tmp_path):
    other = Forest(*(getattr(SMALL, name)[-1:] for name in ("features", "numbers", "rights")),
                   np.zeros(1, np.int32))  # fmt: skip
    models = {
        "barber": ForestModel(("a", "b"), (SMALL, *[other] * 9), 0.3),
        "ctp": ForestModel(("a", "b"), (*[other] * 9, SMALL), 0.4),
    }
    np.savez(tmp_path / "f.npz", **store_forests(models))
    found = load_forests(tmp_path / "f.npz")
    values = np.tile([0.6, 2.1], (2, 10, 1))
    for rule, model in models.items():
        assert (found[rule].names, found[rule].threshold) == (model.names, model.threshold)
        probability = found[rule].probabilities(model.names, values)
        assert probability.tolist() == model.probabilities(model.names, values).tolist()
    assert found["ctp"].probabilities(("a", "b"), values)[0].tolist() == [0.2] * 9 + [0.6]


def test_a_region_without_features_has_no_probability():
    model = ForestModel(("a", "b"), (SMALL,) * 10, 0.5)
    values = np.zeros((2, 10, 2))
    values[1, 3, 0] = np.nan
    assert np.argwhere(np.isnan(model.probabilities(("a", "b"), values))).tolist() == [[1, 3]]


def test_other_features_are_not_taken():
    with pytest.raises(ValueError, match="other features"):
        ForestModel(("a", "b"), (SMALL,) * 10, 0.5).probabilities(("b", "a"), np.zeros((2, 10, 2)))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no archive"])
def test_damaged_forests_are_refused(tmp_path, content):
    (tmp_path / "f.npz").write_bytes(content)
    with pytest.raises(InputError, match="the forests cannot be read"):
        load_forests(tmp_path / "f.npz")
