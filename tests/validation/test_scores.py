"""Scores looked up by pair and side, and means that leave out what is missing."""

from __future__ import annotations

import numpy as np
import pytest

from atlas_builder.core.anatomy import Region
from atlas_builder.validation.scores import Scores, mean_of_finite, mean_of_pairs, with_mean

DSC = np.linspace(0.5, 0.99, 30).reshape(3, 10)


def test_scores_come_back_by_participant_and_region(make_scores):
    scores = make_scores({("atlas", "expert"): DSC, ("expert", "rater1"): DSC / 2})
    assert scores.participants == ("sub-00", "sub-01", "sub-02")
    np.testing.assert_array_equal(scores.of(("atlas", "expert")), DSC)
    np.testing.assert_array_equal(scores.of(("rater1", "expert"), side="left"), DSC / 2)
    assert np.isnan(scores.of(("atlas", "rater1"))).all()


def test_the_difference_of_areas_has_a_sign_and_distances_have_none(make_scores):
    scores = make_scores({("atlas", "expert"): DSC})
    areas = scores.of(("atlas", "expert"), "area_difference_mm2")
    np.testing.assert_array_equal(areas[:, 0], [0.0, 1.0, 2.0])
    np.testing.assert_array_equal(scores.of(("expert", "atlas"), "area_difference_mm2"), -areas)
    np.testing.assert_array_equal(
        scores.of(("expert", "atlas"), "mean_surface_mm"),
        scores.of(("atlas", "expert"), "mean_surface_mm"),
    )


def test_some_participants_can_be_kept(make_scores):
    kept = make_scores({("atlas", "expert"): DSC}).keeping(["sub-02", "sub-00"])
    assert kept.participants == ("sub-00", "sub-02")
    np.testing.assert_array_equal(kept.of(("atlas", "expert")), DSC[[0, 2]])


def test_means_leave_out_what_is_not_finite():
    values = np.array([[1.0, 3.0, np.nan], [np.inf, 5.0, np.nan]])
    np.testing.assert_array_equal(mean_of_finite(values, axis=0), [1.0, 4.0, np.nan])
    np.testing.assert_array_equal(with_mean(values)[:, -1], [2.0, 5.0])


def test_the_mean_of_pairs_is_by_participant(make_scores):
    scores = make_scores({("a", "b"): DSC, ("b", "c"): DSC + 0.01})
    np.testing.assert_allclose(mean_of_pairs(scores, [("a", "b"), ("c", "b")]), DSC + 0.005)


def test_nobody_has_no_scores():
    assert Scores(()).of(("a", "b")).shape == (0, len(Region))
    assert Scores(()).participants == ()


def test_a_pair_that_was_compared_both_ways_keeps_its_own_order(make_scores):
    scores = make_scores({("a", "b"): DSC, ("b", "a"): DSC / 2})
    assert scores.of(("b", "a"))[0, 0] == pytest.approx(DSC[0, 0] / 2)
