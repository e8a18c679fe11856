"""What a participants' table says beyond the age."""

from __future__ import annotations

import pytest

from atlas_builder.cohorts.conditions import read_ischaemia, read_splits
from atlas_builder.core.errors import InputError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "participant_id age ischaemic\n01 5 yes\nsub-02 6 NO\n03 7 n/a\n04 8 1\n05 9 false\n",
            {"sub-01": True, "sub-02": False, "sub-04": True, "sub-05": False},
        ),
        ("participant_id age Ischemic\n01 5 True\n02 6 0\n", {"sub-01": True, "sub-02": False}),
        (
            "participant_id group age\n01 Healthy 5\n02 stroke 6\n03 control 7\n04 tumour 8\n",
            {"sub-01": False, "sub-02": True, "sub-03": False},
        ),
        ("participant_id age\n01 5\n", {}),
        ("participant_id age ischaemic\n", {}),
        ("participant_id age ischaemic\n01 5\n", {}),
    ],
)
def test_who_is_ischaemic(text, expected, tmp_path, writing):
    writing.table(tmp_path, text)
    assert read_ischaemia(tmp_path) == expected


def test_two_columns_are_refused(tmp_path, writing):
    writing.table(tmp_path, "participant_id age group ischaemic\n01 5 healthy yes\n")
    with pytest.raises(InputError, match=r"participants.tsv.*ischaemic and group; keep one"):
        read_ischaemia(tmp_path)


def test_splits(tmp_path, writing):
    writing.table(tmp_path, "participant_id age split\n01 5 Build\n02 6 validation\n03 7 build\n")
    assert read_splits(tmp_path) == ("build", "validation")
    writing.table(tmp_path, "participant_id age\n01 5\n")
    assert read_splits(tmp_path) == ()
