"""Truth tables: rules applied, lists read, what is malformed refused in one line."""

from __future__ import annotations

import numpy as np
import pytest
from made_scores import COLUMNS, write_truth

from aspects_scorer.agreement.truth_table import read_truth
from atlas_builder.core.aspects import RULES
from atlas_builder.core.errors import InputError

BARBER = RULES["barber"]


def table(tmp_path, *lines: str):
    path = tmp_path / "truth.tsv"
    path.write_text("\n".join(line.replace("|", "\t") for line in lines) + "\n", "utf-8")
    return path


@pytest.mark.parametrize(
    ("rule", "left", "right"), [("barber", 8, 10), ("ctp", 8, 9), ("overlap", 7, 9)]
)
def test_each_rule_takes_its_own_points(tmp_path, rule, left, right):
    shares = np.zeros((1, 20))
    shares[0, [COLUMNS.index(name) for name in ("left_C", "left_M1", "left_M4", "right_M6")]] = (
        0.09,
        0.34,
        0.2,
        0.3,
    )
    truth = read_truth(write_truth(tmp_path / "t.tsv", ["1"], shares), RULES[rule]).truth
    assert truth.participants == ("sub-1",)
    assert (truth.left[0], truth.right[0], truth.aspects[0]) == (left, right, min(left, right))
    assert truth.side[0] == 0


def test_shares_may_be_yes_and_no_and_unknown_ones_leave_the_score_open(tmp_path):
    cells = dict.fromkeys(COLUMNS, "no") | {"right_L": "yes", "left_M2": "n/a"}
    path = table(
        tmp_path,
        "participant_id|" + "|".join(COLUMNS) + "|aspects",
        "sub-1|" + "|".join(cells.values()) + "|9",
    )
    truth = read_truth(path, BARBER).truth
    assert truth.affected[0, COLUMNS.index("right_L")] == 1
    assert np.isnan(truth.affected[0, COLUMNS.index("left_M2")])
    assert np.isnan(truth.left[0])
    assert (truth.right[0], truth.aspects[0], truth.side[0]) == (9, 9, -1)


def test_lists_of_affected_regions(tmp_path):
    path = table(
        tmp_path,
        "participant_id|side|Affected|hours|group",
        "1|left|C, L m4|2,5|GE",
        "sub-2||right_I;left_M1|n/a|",
        "3|right|none|3|GE",
        "4|n/a|n/a|4|GE",
    )
    found = read_truth(path, BARBER)
    truth = found.truth
    assert truth.participants == ("sub-1", "sub-2", "sub-3")
    assert truth.aspects.tolist() == [7, 9, 10]
    assert truth.side.tolist() == [0, -1, -1]
    assert truth.hours[0] == 2.5
    assert truth.group == ("GE", "", "GE")
    (refusal,) = found.refusals
    assert refusal.participant_id == "sub-4"
    assert "no ASPECTS" in refusal.reason


def test_scores_alone_are_enough_with_a_side(tmp_path):
    path = table(tmp_path, "participant_id|aspects|side", "1|4|R", "2|10|none", "3|n/a|left")
    found = read_truth(path, BARBER)
    assert not found.truth.knows_regions
    assert found.truth.aspects.tolist() == [4, 10]
    assert found.truth.side.tolist() == [1, -1]
    assert [refusal.participant_id for refusal in found.refusals] == ["sub-3"]


def test_a_score_that_differs_from_the_rule_is_named(tmp_path):
    shares = np.zeros((2, 20))
    shares[0, 0] = 0.5
    path = write_truth(tmp_path / "t.tsv", ["1", "2"], shares, aspects=[8, 10])
    found = read_truth(path, BARBER)
    assert found.truth.aspects.tolist() == [9, 10]
    (remark,) = found.remarks
    assert "sub-1" in remark
    assert "sub-2" not in remark


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (("participant_id|left_C", "1|0"), "no column left_L"),
        (("participant_id|age", "1|60"), "says nothing of the truth"),
        (("participant_id|aspects", "1|11"), "sub-1: aspects is '11'"),
        (("participant_id|aspects", "1|7.5"), "a whole number from 0 to 10"),
        (("participant_id|aspects|mrs", "1|7|9"), "sub-1: mrs is '9'"),
        (("participant_id|aspects|nihss", "1|7|inf"), "sub-1: nihss is 'inf'"),
        (("participant_id|aspects|side", "1|7|up"), "side is 'up'"),
        (("participant_id|affected", "1|C"), "has no side"),
        (("participant_id|affected", "1|left_M7"), "left_M7|the regions are"),
        (("participant_id|aspects", "1|7", "sub-1|8"), "sub-1 again"),
        (("participant_id|aspects", "1|n/a"), "no participant has"),
        (("participant_id|affected|" + "|".join(COLUMNS), "1|none"), "keep one of them"),
        (("participant_id|" + "|".join(COLUMNS), "1|35"), "left_C is '35'"),
    ],
)
def test_what_is_malformed_is_refused_in_one_line(tmp_path, lines, says):
    with pytest.raises(InputError, match=says) as error:
        read_truth(table(tmp_path, *lines), BARBER)
    assert "truth.tsv" in str(error.value)
    assert "\n" not in str(error.value)
