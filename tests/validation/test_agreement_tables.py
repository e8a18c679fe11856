"""The tables of one atlas: the numbers in the right places, tests that say what they tested."""

from __future__ import annotations

import math

import numpy as np
import pytest

from atlas_builder.core.anatomy import Region
from atlas_builder.metrics.statistics import compare_paired
from atlas_builder.metrics.tables import MeanSd, PValue
from atlas_builder.validation.agreement_tables import (
    ROWS,
    Sources,
    agreement_table,
    distance_tables,
    reference_table,
    sides_table,
)
from atlas_builder.validation.comparison_tables import (
    family_table,
    ischaemia_table,
    rater_families,
)

SOURCES = Sources("atlas", ("expert", "rater1", "rater2"))


@pytest.fixture
def scores(make_scores):
    generator = np.random.default_rng(0)
    levels = dict(zip(SOURCES.pairs, (0.95, 0.85, 0.84, 0.86, 0.83, 0.80), strict=True))
    return make_scores(
        {pair: level + generator.normal(0, 0.02, (9, 10)) for pair, level in levels.items()}
    )


def column(table, heading):
    place = table.columns.index(heading)
    return [row[place] for row in table.rows]


def test_sources_are_paired_as_the_paper_does():
    assert SOURCES.with_atlas == (("atlas", "expert"), ("atlas", "rater1"), ("atlas", "rater2"))
    assert SOURCES.of_raters == (("expert", "rater1"), ("expert", "rater2"), ("rater1", "rater2"))
    assert SOURCES.against_reference == (
        ("atlas", "expert"),
        ("rater1", "expert"),
        ("rater2", "expert"),
    )
    assert Sources("atlas", ("expert",)).of_raters == ()


def test_table_3_has_the_mean_of_every_pair(scores):
    table = agreement_table(scores, SOURCES)
    assert [row[0] for row in table.rows] == [*(region.name for region in Region), "mean"]
    for pair in SOURCES.pairs:
        values = scores.of(pair)
        found = column(table, f"{pair[0]}–{pair[1]}")
        np.testing.assert_allclose(found[:-1], values.mean(axis=0))
        assert found[-1] == pytest.approx(values.mean())
    of_raters = np.mean([scores.of(pair) for pair in SOURCES.of_raters], axis=0)
    np.testing.assert_allclose(column(table, "rater–rater mean")[:-1], of_raters.mean(axis=0))


def test_one_rater_has_a_table_but_no_tests(make_scores):
    sources = Sources("atlas", ("expert",))
    scores = make_scores({("atlas", "expert"): np.full((7, 10), 0.9)})
    assert agreement_table(scores, sources).columns == ("region", "atlas–expert")
    assert rater_families(scores, sources, 1) == []


def test_summary_against_the_reference(scores):
    found = column(reference_table(scores, SOURCES), "rater1–expert")
    values = scores.of(("expert", "rater1"))
    assert found[3] == MeanSd(
        pytest.approx(values[:, 3].mean()), pytest.approx(values[:, 3].std(ddof=1))
    )
    assert found[-1].sd == pytest.approx(values.mean(axis=1).std(ddof=1))


def test_missing_regions_are_left_out_of_distances_and_said_so(make_scores):
    pair = ("atlas", "expert")
    dsc = np.full((7, 10), 0.9)
    dsc[2, 4] = -math.inf  # the distance made from it is infinite
    hausdorff, _, _ = distance_tables(make_scores({pair: dsc}), Sources("atlas", ("expert",)))
    assert column(hausdorff, "atlas–expert")[4] == MeanSd(pytest.approx(1.0), pytest.approx(0.0))
    assert "1 comparisons in which one source lacks the region" in hausdorff.note


def test_sides_are_told_apart(scores):
    table = sides_table(scores, SOURCES)
    assert table.columns == ("region", "left", "right", "pooled")
    assert column(table, "left") == column(table, "pooled")  # as these scores were made


def test_tests_are_those_of_the_scores_and_corrected_over_all_rows(scores):
    first, second, both = rater_families(scores, SOURCES, 5)
    assert [family.name for family in (first, second, both)] == [
        "table_test_rater1",
        "table_test_rater2",
        "table_test_all",
    ]
    direct = compare_paired(
        scores.of(("atlas", "expert"))[:, 6], scores.of(("rater2", "expert"))[:, 6], 5
    )
    found = second.comparisons[6]
    assert (found.p_t, found.p_rank, found.low) == (direct.p_t, direct.p_rank, direct.low)
    assert found.p_t <= found.p_t_holm <= len(ROWS) * found.p_t + 1e-15
    table = family_table(second)
    assert column(table, "p (t)")[6] == PValue(direct.p_t)
    assert "Holm over the 11 rows" in table.note
    assert "withheld" not in table.note


def test_few_participants_get_a_note_instead_of_tests(scores):
    few = scores.keeping(scores.participants[:4])
    table = family_table(rater_families(few, SOURCES, 1)[0])
    assert "Tests withheld: 4 participants, fewer than 6." in table.note
    assert all(math.isnan(p.value) for p in column(table, "p (t)"))
    assert table.text(0, table.columns.index("p (W)")) == "–"
    assert all(math.isfinite(difference) for difference in column(table, "difference"))


def test_healthy_and_ischaemic_participants_are_compared(make_scores):
    generator = np.random.default_rng(1)
    dsc = generator.normal(0.9, 0.01, (14, 10))
    dsc[7:] -= 0.1
    scores = make_scores({("atlas", "expert"): dsc})
    ischaemic = {f"sub-{place:02d}": place >= 7 for place in range(14)}
    table = ischaemia_table(scores, Sources("atlas", ("expert",)), ischaemic, 1)
    assert table is not None
    assert "7 healthy and 7 ischaemic" in table.title
    assert column(table, "healthy")[0].mean == pytest.approx(dsc[:7, 0].mean())
    assert column(table, "ischaemic")[0].mean == pytest.approx(dsc[7:, 0].mean())
    assert max(p.value for p in column(table, "p (t), Holm")) < 1e-3


def test_without_both_kinds_there_is_nothing_to_compare(scores):
    everyone_healthy = dict.fromkeys(scores.participants, False)
    assert ischaemia_table(scores, SOURCES, everyone_healthy, 1) is None
    assert ischaemia_table(scores, SOURCES, {}, 1) is None
