"""``truth.tsv``: written, read again, refused where it cannot be right."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas_builder.cohorts.stroke_truth import (
    StrokeTruth,
    no_stroke,
    read_truth,
    write_truth,
)
from atlas_builder.core.anatomy import SIDES, Region
from atlas_builder.core.aspects import BARBER, CTP
from atlas_builder.core.errors import InputError


def stroke(name, **shares):
    known = dict(no_stroke(name).shares)
    for key, share in shares.items():
        side, region = key.split("_")
        known[side, Region[region]] = share
    return StrokeTruth(name, "left", 3.25, 41.5, known)


def test_what_is_written_is_read(tmp_path):
    truths = [stroke("sub-1", left_L=0.4, right_M6=0.05), no_stroke("sub-2")]
    write_truth(tmp_path / "truth.tsv", truths)
    assert read_truth(tmp_path / "truth.tsv") == {one.participant_id: one for one in truths}
    header = (tmp_path / "truth.tsv").read_text().split("\n", 1)[0].split("\t")
    assert header[:5] == ["participant_id", "side", "hours", "core_ml", "left_C"]
    assert header[-1] == "right_M6"
    assert len(header) == 24


def test_any_rule_applies():
    truth = stroke("sub-1", left_L=0.05, left_M2=0.2, left_M3=0.5)
    assert truth.score(BARBER).left == 8  # any share of L, a third of M3
    assert truth.score(CTP).left == 8  # a tenth of M2 and of M3
    assert truth.score(CTP).right == 10


@given(st.lists(st.floats(0, 1), min_size=20, max_size=20))
def test_shares_survive_to_four_digits(tmp_path_factory, values):
    shares = dict(zip(product(SIDES, Region), values, strict=True))
    path = tmp_path_factory.mktemp("t") / "truth.tsv"
    write_truth(path, [StrokeTruth("sub-1", "right", None, 1.0, shares)])
    read = read_truth(path)["sub-1"].shares
    assert all(abs(read[key] - shares[key]) <= 0.5001e-4 for key in shares)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("\t0.4\t", "\t1.4\t", "left_L '1.4' is no number from 0 to 1"),
        ("\tleft\t", "\tL\t", "side 'L'; write left, right or n/a"),
        ("left_L", "left_X", "needs one column 'left_L'"),
        ("sub-2", "sub-1", "sub-1 again"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path, old, new, complaint):
    path = tmp_path / "truth.tsv"
    write_truth(path, [stroke("sub-1", left_L=0.4), no_stroke("sub-2")])
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(InputError, match=complaint):
        read_truth(path)
