"""Table 4: groups, the best atlas of each, and the tests of the diagonal."""

from __future__ import annotations

import numpy as np
import pytest

from atlas_builder.validation.age_tables import (
    age_matrix,
    age_region_table,
    age_table,
    age_test_table,
)

GROUPS = ("10-29", "30-49", "50-69")


def matrix_of(make_scores, means, size=7):
    """Scores whose means are those of a matrix, a row a group; the last group may be empty."""
    generator = np.random.default_rng(2)
    noise = generator.normal(0, 0.004, (size * len(means), 10))
    by_atlas = {
        (atlas, "expert"): np.repeat([row[place] for row in means], size)[:, np.newaxis] + noise
        for place, atlas in enumerate(GROUPS)
    }
    # Atlases differ by more than a constant, or differences would not vary.
    waves = 0.002 * np.sin(np.outer(np.arange(1, 4), np.arange(noise.size)))
    by_atlas = {
        pair: values + wave.reshape(values.shape)
        for (pair, values), wave in zip(by_atlas.items(), waves, strict=True)
    }
    scores = make_scores(by_atlas)
    group_of = {name: GROUPS[place // size] for place, name in enumerate(scores.participants)}
    return scores, age_matrix(scores, GROUPS, group_of, "expert")


MEANS = [[0.95, 0.90, 0.85], [0.90, 0.96, 0.91], [0.84, 0.90, 0.97]]


def test_the_matching_atlas_is_found_best(make_scores):
    _, matrix = matrix_of(make_scores, MEANS)
    for row, group in enumerate(GROUPS):
        assert matrix.best_atlas(group) == group
        for place, atlas in enumerate(GROUPS):
            assert matrix.cell(group, atlas).mean == pytest.approx(MEANS[row][place], abs=0.003)
    table = age_table(matrix, "expert")
    assert table.strong == {(0, 2), (1, 3), (2, 4)}
    assert [row[1] for row in table.rows] == [7, 7, 7]
    assert "best in every group" in table.note


def test_where_it_is_not_best_is_said(make_scores):
    _, matrix = matrix_of(make_scores, [MEANS[0], [0.90, 0.91, 0.96], MEANS[2]])
    table = age_table(matrix, "expert")
    assert (1, 4) in table.strong
    assert "not the best in 30-49 (best: the atlas of 50-69)" in table.note


def test_every_other_atlas_is_tested_against_the_matching_one(make_scores):
    _, matrix = matrix_of(make_scores, MEANS)
    table = age_test_table(matrix, 1)
    assert [row[:2] for row in table.rows] == [
        (group, other) for group in GROUPS for other in GROUPS if other != group
    ]
    place = table.columns.index("difference")
    assert table.rows[0][place] == pytest.approx(0.05, abs=0.003)
    holm = table.columns.index("p (W), Holm")
    # Seven participants who all agree: 2/128 for each of six rows.
    assert table.rows[0][holm].value == pytest.approx(6 * 2 / 128)


def test_a_group_without_participants_has_a_row_and_no_tests(make_scores):
    scores, matrix = matrix_of(make_scores, MEANS[:2])
    assert matrix.best_atlas("50-69") is None
    assert age_table(matrix, "expert").text(2, 2) == "–"
    assert {row[0] for row in age_test_table(matrix, 1).rows} == {"10-29", "30-49"}
    regions = age_region_table(scores, matrix, "expert")
    assert regions.text(8, 2) == "–"


def test_regions_by_group_and_atlas(make_scores):
    scores, matrix = matrix_of(make_scores, MEANS)
    table = age_region_table(scores, matrix, "expert")
    assert len(table.rows) == 9
    of_group = scores.of(("30-49", "expert"))[14:21]
    np.testing.assert_allclose(table.rows[7][2:], of_group.mean(axis=0))
