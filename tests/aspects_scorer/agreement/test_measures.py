"""What is measured of a scorer: a tiny table by hand, other implementations, invariants."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_scores import affected_of, made_probabilities, made_truth
from matched_scores import matched_of
from scipy import stats
from sklearn.metrics import accuracy_score, recall_score, roc_auc_score

from aspects_scorer.agreement.evaluation import evaluate
from aspects_scorer.agreement.outcome_measures import measure_outcomes, measure_volumes
from aspects_scorer.agreement.region_measures import (
    SCOPES,
    affected_side,
    both_sides,
    measure_scopes,
    scope_of,
)
from aspects_scorer.agreement.score_measures import measure_scores
from aspects_scorer.agreement.scorer import match
from aspects_scorer.agreement.summary import by_parts, compare_scorers, summarise
from atlas_builder.metrics.reliability import icc_agreement

C, M1 = 0, 4  # places on the left; on the right ten more


def made(participants: int = 40, noise: float = 2.0, **known):
    _, shares = made_truth(participants)
    probability = made_probabilities(shares, noise, 5)
    return matched_of(affected_of(shares), probability >= 0.5, probability, **known)


def by_hand():
    """Four participants: C truly ill in the first two, on the left; M1 on the right in one."""
    true, said = np.zeros((4, 20)), np.zeros((4, 20))
    true[0, C] = true[1, C] = true[2, 10 + M1] = 1
    said[0, C] = said[1, 10 + C] = said[2, 10 + M1] = said[3, M1] = 1
    probability = np.full((4, 20), 0.1)
    probability[0, C], probability[1, C], probability[1, 10 + C] = 0.9, 0.3, 0.6
    return matched_of(true, said, probability)


def test_a_tiny_table_by_hand():
    found = {one.scope: one for one in measure_scopes(both_sides(by_hand()), 1)}
    c = found["C"]
    assert (c.regions, c.positive) == (8, 2)
    assert (c.sensitivity.value, c.specificity.value) == (1 / 2, 5 / 6)
    assert c.accuracy.value == 6 / 8
    assert c.balanced_accuracy.value == pytest.approx((1 / 2 + 5 / 6) / 2)
    assert c.area.value == pytest.approx((6 + 5) / 12)  # 0.9 above all six, 0.3 above five
    assert (found["all"].regions, found["all"].positive) == (80, 3)
    assert found["all"].sensitivity.value == pytest.approx(2 / 3)
    assert found["all"].specificity.value == pytest.approx(75 / 77)
    assert found["cortical"].sensitivity.value == 1
    assert found["subcortical"].sensitivity.value == 1 / 2
    assert np.isnan(found["M6"].sensitivity.value)
    assert np.isnan(found["M6"].area.value)


def test_the_worse_side_counts_each_region_once():
    arrays = affected_side(by_hand())
    assert arrays.true.shape == (3, 10)
    found = {one.scope: one for one in measure_scopes(arrays, 1)}
    assert (found["C"].regions, found["C"].positive) == (3, 2)
    assert found["C"].specificity.value == 1
    assert found["M1"].sensitivity.value == 1
    assert (found["all"].regions, found["all"].specificity.value) == (30, 1)


def test_scores_side_and_bins_by_hand():
    found = measure_scores(by_hand(), 1)
    assert found.true.tolist() == [9, 9, 9, 10]
    assert found.scored.tolist() == [9, 9, 9, 9]
    assert (found.agreement.bias, found.agreement.identical) == (-0.25, 0.75)
    assert found.mean_absolute == 0.25
    assert (found.side.right.count, found.side.right.total) == (2, 3)
    assert (found.side.wrong, found.side.neither) == (1, 0)
    assert [share.value for share in found.healthy] == [0, 1]
    nine, ten = found.each[9], found.each[10]
    assert (nine.sensitivity.value, nine.specificity.value) == (1, 0)
    assert (ten.sensitivity.value, ten.specificity.value) == (0, 1)
    assert [one.name for one in found.bins] == ["0–3", "4–7", "8–10"]
    assert found.bins[2].sensitivity.total == 4
    assert np.isnan(found.bins[0].sensitivity.value)


def test_regions_against_scikit_learn():
    matched = made()
    found = {one.scope: one for one in measure_scopes(both_sides(matched), 1)}
    for scope in SCOPES:
        arrays = scope_of(both_sides(matched), scope)
        true, said = arrays.true.ravel(), arrays.said.ravel()
        assert found[scope].sensitivity.value == pytest.approx(recall_score(true, said))
        assert found[scope].specificity.value == pytest.approx(recall_score(1 - true, 1 - said))
        assert found[scope].accuracy.value == pytest.approx(accuracy_score(true, said))
        assert found[scope].area.value == pytest.approx(roc_auc_score(true, arrays.marker.ravel()))
        # What DA-Net's paper prints as AUC: the area under the curve of yes and no.
        assert found[scope].balanced_accuracy.value == pytest.approx(roc_auc_score(true, said))


def test_score_above_six():
    matched = made()
    found = evaluate(matched, 1).over_six
    true, scored = matched.truth.aspects > 6, matched.scorer.aspects
    assert (found.regions, found.positive) == (40, true.sum())
    assert found.sensitivity.value == pytest.approx(recall_score(true, scored > 6))
    assert found.area.value == pytest.approx(roc_auc_score(true, scored))


def test_what_is_not_known_counts_nowhere():
    matched = made()
    affected, said = matched.truth.affected.copy(), matched.scorer.affected.copy()
    affected[:, C], said[3:5, 10 + C] = np.nan, np.nan
    partly = replace(
        matched,
        truth=replace(matched.truth, affected=affected),
        scorer=replace(matched.scorer, affected=said),
    )
    found = measure_scopes(both_sides(partly), 1)
    assert [one.regions for one in found[:2]] == [38, 80]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_a_perfect_scorer_is_perfect(seed):
    _, shares = made_truth(24, seed)
    true = affected_of(shares)
    found = evaluate(matched_of(true, true, np.where(true, 0.9, 0.1)), 1)
    for one in found.regions:
        assert one.area.value == 1 or one.positive in (0, one.regions)
        assert one.accuracy.value == 1
    assert found.scores.agreement.icc.value == pytest.approx(1)
    assert found.scores.side.right.value == 1
    assert (found.scores.agreement.bias, found.scores.agreement.within_two) == (0, 1)
    assert found.brier.value == pytest.approx(0.01)


@settings(max_examples=10, deadline=None)
@given(st.permutations(range(12)))
def test_names_of_participants_change_nothing(order):
    matched = made(12)
    names = tuple(f"sub-{number}" for number in order)
    renamed = replace(
        matched,
        truth=replace(matched.truth, participants=names),
        scorer=replace(matched.scorer, participants=names),
    )
    assert summarise(renamed, 1) == summarise(matched, 1)
    # Scores come in any order; they are brought into that of the truth.
    turned = renamed.scorer.taking(np.arange(12)[::-1])
    again, refusals = match(renamed.truth, turned)
    assert not refusals
    assert again.scorer.participants == names
    assert summarise(again, 1) == summarise(matched, 1)


def test_the_order_of_participants_changes_no_value():
    matched = made()
    turned = matched.taking(np.random.default_rng(1).permutation(40))
    one, other = summarise(matched, 1), summarise(turned, 1)
    assert one.regions.area.value == pytest.approx(other.regions.area.value)
    assert one.regions.area.low == pytest.approx(other.regions.area.low, abs=0.01)
    assert one.agreement.icc.value == pytest.approx(other.agreement.icc.value)


def test_match_names_whom_only_one_knows():
    matched = made(6)
    truth, scorer = matched.truth.taking(np.arange(1, 6)), matched.scorer.taking(np.arange(4))
    both, refusals = match(truth, scorer)
    assert both.truth.participants == both.scorer.participants == ("sub-1", "sub-2", "sub-3")
    assert (both.truth.aspects == matched.truth.aspects[1:4]).all()
    assert {(one.participant_id, one.reason) for one in refusals} == {
        ("sub-4", "not in the scores"),
        ("sub-5", "not in the scores"),
        ("sub-0", "no truth in the truth table"),
    }


def test_outcomes_are_correlated_with_both_scores():
    generator = np.random.default_rng(2)
    aspects = made().truth.aspects
    nihss = np.clip(24 - 2 * aspects + generator.integers(-3, 4, 40), 0, 42)
    mrs = np.full(40, np.nan)
    mrs[:3] = 1, 4, 5
    matched = made(nihss=nihss, mrs=mrs)
    of_nihss, of_mrs = measure_outcomes(matched)
    assert of_nihss.n == 40
    assert of_nihss.of_truth.value == pytest.approx(stats.spearmanr(aspects, nihss).statistic)
    scored = matched.scorer.aspects
    assert of_nihss.of_scorer.value == pytest.approx(stats.spearmanr(scored, nihss).statistic)
    assert of_nihss.area_of_scorer is not None
    assert of_nihss.area_of_scorer.value == pytest.approx(roc_auc_score(nihss >= 8, -scored))
    assert (of_mrs.n, of_mrs.area_of_scorer) == (3, None)
    assert np.isnan(of_mrs.of_truth.value)


def test_core_volumes_beside_the_true_ones():
    core = np.arange(8.0)
    matched = made(8, core_ml=core)
    assert measure_volumes(matched) is None
    found = measure_volumes(
        replace(matched, scorer=replace(matched.scorer, core_ml=core + [1, 3] * 4))
    )
    assert found is not None
    assert (found.n, found.bias) == (8, 2)
    reach = 1.96 * np.std([1, 3] * 4, ddof=1)
    assert (found.low, found.high) == pytest.approx((2 - reach, 2 + reach))


def test_parts_by_hours_and_group():
    hours = np.array([0, 1.4, 1.5, 3, 5.9, 6, 12, 24, np.nan, np.nan])
    matched = made(10, hours=hours, group=("b", "a", "", "a", "a", "b", "", "", "", ""))
    found = [(part.kind, part.name, part.summary.n) for part in by_parts(matched, 1)]
    assert found == [
        ("hours", "0–1.5", 2),
        ("hours", "1.5–3", 1),
        ("hours", "3–6", 2),
        ("hours", "6–12", 1),
        ("hours", "≥ 12", 2),
        ("group", "a", 3),
        ("group", "b", 2),
    ]
    assert by_parts(made(10), 1) == ()


def test_differences_of_scorers_are_paired():
    good, poor = made(80, noise=1.0), made(80, noise=2.5)
    first, second, same = compare_scorers([good, poor, good], 1)
    assert np.isnan(first.area.value)
    areas = [
        roc_auc_score(one.truth.affected.ravel(), one.scorer.probability.ravel())
        for one in (good, poor)
    ]
    assert second.area.value == pytest.approx(areas[1] - areas[0])
    assert second.area.low < second.area.value < second.area.high < 0
    iccs = [
        icc_agreement(np.stack([one.scorer.aspects, one.truth.aspects], axis=1)).value
        for one in (good, poor)
    ]
    assert second.icc.value == pytest.approx(iccs[1] - iccs[0])
    assert second.icc.high < 0
    assert (same.area.value, same.area.low, same.area.high) == (0, 0, 0)
    assert (same.icc.value, same.icc.low, same.icc.high) == (0, 0, 0)


def test_a_scorer_of_scores_alone_has_no_figures_of_regions():
    matched = made()
    nothing = np.full((40, 20), np.nan)
    bare = replace(matched.scorer, affected=nothing, probability=nothing)
    found = evaluate(replace(matched, scorer=bare), 1)
    assert (found.regions, found.regions_of_side, found.calibration) == ((), (), None)
    assert np.isnan(found.summary.regions.area.value)
    assert np.isfinite(found.scores.agreement.icc.value)
