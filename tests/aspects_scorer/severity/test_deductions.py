"""How often regions lose their point by severity: counts, tests, families."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from statsmodels.stats.contingency_tables import Table, Table2x2
from statsmodels.stats.multitest import multipletests

from aspects_scorer.severity.deductions import deductions_by_side, deductions_of_either_side
from aspects_scorer.severity.groups import Severity, severity_of
from atlas_builder.core.anatomy import Region

deducted = arrays(np.bool_, (40, 10), elements=st.booleans())
groups = arrays(np.intp, 40, elements=st.integers(0, 2))


def test_bounds_of_severity():
    found = severity_of(np.array([0, 7, 8, 16, 17, 42]))
    assert found.tolist() == [0, 0, 1, 1, 2, 2]
    assert [group.words for group in Severity] == [
        "mild (0–7)",
        "moderate (8–16)",
        "severe (≥ 17)",
    ]


def lost(patients: list[int], region: Region, total: int) -> np.ndarray:
    mask = np.zeros((total, 10), bool)
    mask[patients, region - 1] = True
    return mask


def test_counts_and_chi_square_by_hand():
    severity = np.repeat([0, 1, 2], 10)
    # 1 of 10, 3 of 10, 8 of 10.
    left = lost([0, 10, 11, 12, *range(20, 28)], Region.M2, 30)
    found = deductions_by_side({"left": left, "right": ~left & False}, severity)
    assert [(d.where, d.region) for d in found[:2]] == [("left", Region.C), ("left", Region.L)]
    m2 = found[Region.M2 - 1]
    assert [m2.frequency[group].count for group in Severity] == [1, 3, 8]
    assert [m2.frequency[group].total for group in Severity] == [10, 10, 10]
    # Expected 4 and 6 in each group.
    assert m2.chi_square == pytest.approx((9 + 1 + 16) / 4 + (9 + 1 + 16) / 6)
    assert m2.freedom == 2
    assert m2.p == pytest.approx(np.exp(-m2.chi_square / 2))
    assert m2.cramer_v == pytest.approx(np.sqrt(m2.chi_square / 30))
    assert m2.least_expected == 4
    assert m2.p_holm == pytest.approx(m2.p)  # no other test can be made
    # 11 of 20 against 1 of 10, half a patient added to each.
    assert m2.odds_ratio == pytest.approx((11.5 * 9.5) / (9.5 * 1.5))


@settings(max_examples=8)
@given(deducted, deducted, groups)
def test_tests_are_those_of_statsmodels(left, right, severity):
    found = deductions_by_side({"left": left, "right": right}, severity)
    assert len(found) == 20
    for deduction in found:
        of_region = (left if deduction.where == "left" else right)[:, deduction.region - 1]
        counts = np.array([np.bincount(of_region[severity == g], minlength=2) for g in Severity])
        present = counts[counts.sum(axis=1) > 0]
        if (counts.sum(axis=0) == 0).any() or len(present) < 2:
            assert np.isnan(deduction.p)
            continue
        assert deduction.freedom == len(present) - 1
        expected = Table(present, shift_zeros=False).test_nominal_association()
        assert deduction.chi_square == pytest.approx(expected.statistic)
        assert deduction.p == pytest.approx(expected.pvalue)
        if counts[0].sum() == 0 or counts[1:].sum() == 0:
            assert np.isnan(deduction.odds_ratio)
            continue
        shifted = np.array([counts[1:].sum(axis=0), counts[0]])[:, ::-1] + 0.5
        odds = Table2x2(shifted, shift_zeros=False)
        assert deduction.odds_ratio == pytest.approx(odds.oddsratio)
        interval = deduction.odds_low, deduction.odds_high
        assert interval == pytest.approx(odds.oddsratio_confint())
    p = np.array([d.p for d in found])
    made = np.isfinite(p)
    if made.any():
        expected_holm = multipletests(p[made], method="holm")[1]
        np.testing.assert_allclose(np.array([d.p_holm for d in found])[made], expected_holm)


def test_a_region_counts_once_whichever_side_loses():
    severity = np.repeat([0, 1, 2], 4)
    left, right = lost([0, 4], Region.I, 12), lost([4, 9], Region.I, 12)
    insula = deductions_of_either_side({"left": left, "right": right}, severity)[Region.I - 1]
    assert [insula.frequency[group].count for group in Severity] == [1, 1, 1]
    assert insula.p == pytest.approx(1)


def test_tests_that_cannot_be_made_are_withheld():
    severity = np.array([0, 0, 1, 1, 1])
    everyone, nobody = np.ones((5, 10), bool), np.zeros((5, 10), bool)
    found = deductions_by_side({"left": everyone, "right": nobody}, severity)
    assert all(np.isnan(d.p) and np.isnan(d.p_holm) and np.isnan(d.cramer_v) for d in found)
    assert np.isnan(found[0].frequency[Severity.SEVERE].value)


def test_a_real_association_stands_out_among_twenty():
    generator = np.random.default_rng(4)
    severity = generator.integers(0, 3, 300)
    left = generator.random((300, 10)) < 0.3
    left[:, Region.M5 - 1] = generator.random(300) < 0.05 + 0.25 * severity
    right = generator.random((300, 10)) < 0.3
    found = deductions_by_side({"left": left, "right": right}, severity)
    strong = [(d.region, d.where) for d in found if d.p_holm < 0.05]
    assert strong == [(Region.M5, "left")]
