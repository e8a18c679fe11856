"""Tables with a row a participant: read as they are saved, or refused in one line."""

from __future__ import annotations

import pytest

from atlas_builder.cohorts.sheets import read_sheet, with_prefix
from atlas_builder.core.errors import InputError


def test_rows_go_by_the_participants_name(tmp_path):
    path = tmp_path / "table.tsv"
    path.write_text("Participant_ID\tNIHSS\tage\n1\t 4 \n\nsub-2\t\t60\n", "utf-8")
    sheet = read_sheet(path)
    assert sheet.columns == ("NIHSS", "age")
    assert {name: (row["NIHSS"], row["age"]) for name, row in sheet.rows.items()} == {
        "sub-1": ("4", ""),
        "sub-2": ("", "60"),
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("id\n1\n", "participant_id"),
        ("participant_id\tage\tAGE\n1\t2\t3\n", "several columns"),
        ("participant_id\tage\n\t3\n", "line 2: no participant_id"),
        ("participant_id\n1\nsub-1\n", "line 3: sub-1 again"),
    ],
)
def test_malformed_tables_are_refused(tmp_path, text, says):
    path = tmp_path / "table.tsv"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError, match=says):
        read_sheet(path)


def test_a_missing_table_says_what_it_is_for(tmp_path):
    with pytest.raises(InputError, match="give the truth"):
        read_sheet(tmp_path / "none.tsv", "give the truth")


def test_prefix():
    assert with_prefix("7") == with_prefix("sub-7") == "sub-7"
