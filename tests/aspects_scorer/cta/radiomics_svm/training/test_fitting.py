"""Machines tell what can be told, and no more; whoever is judged took no part in the fit."""

from __future__ import annotations

import numpy as np
import pytest

from aspects_scorer.cta.radiomics_svm.training.fitting import fit_machine

SUBJECTS = np.repeat(np.arange(12), 20)


def regions(effect, seed=1):
    rng = np.random.default_rng(seed)
    ill = rng.random(len(SUBJECTS)) < 0.3
    values = rng.normal(0, 1, (len(SUBJECTS), 3))
    values[:, 0] -= effect * ill
    return values, ill


@pytest.mark.slow
def test_a_clear_difference_is_told_and_probabilities_fit():
    values, ill = regions(4.0)
    fitted = fit_machine(("a", "b", "c"), values, ill, SUBJECTS)
    assert np.mean(fitted.aucs) > 0.97
    p = fitted.machine.probabilities(values)
    assert ((p > 0.5) == ill).mean() > 0.94
    assert p.mean() == pytest.approx(ill.mean(), abs=0.05)
    again = fit_machine(("a", "b", "c"), values, ill, SUBJECTS)
    assert again.machine.stored() == fitted.machine.stored()


@pytest.mark.slow
def test_where_there_is_nothing_to_tell_nothing_is():
    values, ill = regions(0.0)
    fitted = fit_machine(("a", "b", "c"), values, ill, SUBJECTS)
    assert np.mean(fitted.aucs) == pytest.approx(0.5, abs=0.12)
