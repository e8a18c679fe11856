from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slice_localizer.network.calibration import (
    Calibration,
    SlicePredictions,
    fit_calibration,
    probabilities,
)
from slice_localizer.network.level import Level


@given(
    seed=st.integers(0, 10_000),
    count=st.integers(2, 40),
    level=st.floats(-400, 400),
    spread=st.floats(0, 50),
)
def test_probabilities_add_up_to_one(seed, count, level, spread):
    rng = np.random.default_rng(seed)
    positions = rng.permutation(np.cumsum(rng.uniform(1.0, 10.0, count)))
    said = SlicePredictions(positions, rng.normal(0.0, 8.0, count), Level(level, spread))
    found = probabilities(said, Calibration(1.5, 0.5, 0.5))
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert found.sum() == pytest.approx(1.0)


def test_scores_that_say_nothing_leave_the_level_to_decide():
    positions = np.array([30.0, 0.0, 5.0, 10.0])  # in no order
    said = SlicePredictions(positions, np.zeros(4), Level(5.4, 0.0))
    found = probabilities(said, Calibration(1.0, 2.0, 0.0))
    # The normal distribution's share from 2.5 to 7.5 mm, 5.4 mm the middle, 2 mm the width.
    assert found[2] == pytest.approx(0.7794, abs=1e-3)
    assert found[3] > found[1] > found[0]


def test_slices_that_disagree_are_believed_less():
    said = [
        SlicePredictions(np.arange(6) * 5.0, np.zeros(6), Level(10.0, spread))
        for spread in (0.0, 6.0)
    ]
    sure, unsure = (probabilities(one, Calibration(1.0, 1.0, 1.0))[2] for one in said)
    assert sure > 0.98
    assert unsure < 0.5


def test_a_high_temperature_silences_the_scores():
    said = SlicePredictions(np.arange(3) * 5.0, np.array([6.0, 0.0, 0.0]), Level(5.0, 0.0))
    believed = probabilities(said, Calibration(0.5, 3.0, 0.0))
    silenced = probabilities(said, Calibration(100.0, 3.0, 0.0))
    assert believed.argmax() == 0
    assert silenced.argmax() == 1


def simulated(rng, sd, spread_share, scale=1.0):
    """SlicePredictions of scans whose level errs by a known width, and the true slice."""
    positions = np.arange(20) * 5.0 - rng.uniform(45.0, 50.0)
    spread = float(rng.uniform(0.0, 4.0))
    level = rng.normal(0.0, np.hypot(sd, spread_share * spread))
    logits = scale * -((positions / 5.0) ** 2) + rng.gumbel(size=20)
    return SlicePredictions(positions, logits, Level(float(level), spread)), int(
        np.abs(positions).argmin()
    )


def test_the_fit_recovers_how_far_the_level_errs():
    rng = np.random.default_rng(2)
    said, true = zip(*(simulated(rng, 1.6, 0.0, scale=0.0) for _ in range(500)), strict=True)
    found = fit_calibration(said, true)
    assert found.level_sd(Level(0.0, 2.0)) == pytest.approx(1.6, rel=0.2)
    assert found.temperature > 3  # the scores were noise


def test_what_is_fitted_is_right_as_often_as_it_says():
    rng = np.random.default_rng(3)
    said, true = zip(*(simulated(rng, 1.0, 0.8) for _ in range(300)), strict=True)
    calibration = fit_calibration(said, true)
    said, true = zip(*(simulated(rng, 1.0, 0.8) for _ in range(1000)), strict=True)
    sure = [probabilities(one, calibration) for one in said]
    right = np.mean([one.argmax() == place for one, place in zip(sure, true, strict=True)])
    assert np.mean([one.max() for one in sure]) == pytest.approx(right, abs=0.03)
