"""Features that tell affected regions are kept, in the order of what they tell."""

from __future__ import annotations

import numpy as np
import pytest

from aspects_scorer.cta.radiomics_svm.training.selection import select_features
from atlas_builder.core.errors import InputError

NAMES = tuple("abcdefgh")


def regions(seed=1, count=400):
    rng = np.random.default_rng(seed)
    ill = rng.random(count) < 0.3
    values = rng.normal(0, 1, (count, len(NAMES)))
    values[:, 2] += 2.0 * ill
    values[:, 5] = 100 * (values[:, 5] - 1.0 * ill)
    values[:, 7] = values[:, 2] + rng.normal(0, 0.05, count)  # nearly the same as c
    values[:, 0] = 3.0
    return values, ill


def test_the_features_that_tell_most_come_first():
    values, ill = regions()
    chosen = select_features(NAMES, values, ill, 2)
    assert set(chosen.names) <= {"c", "h", "f"}
    assert chosen.names[0] in {"c", "h"}
    assert 3 <= chosen.differing <= 5


def test_the_scale_of_a_feature_does_not_matter():
    values, ill = regions()
    scaled = values * np.logspace(-3, 4, len(NAMES))
    assert select_features(NAMES, scaled, ill, 3) == select_features(NAMES, values, ill, 3)


def test_too_few_regions_or_features_are_refused():
    values, ill = regions()
    with pytest.raises(InputError, match="two of each"):
        select_features(NAMES, values, np.zeros_like(ill), 3)
    with pytest.raises(InputError, match="features differ"):
        select_features(NAMES[:2], values[:, :2] * 0, ill, 1)
