"""The participants' table of strangers: spellings, missing values, what must be refused."""

from __future__ import annotations

import math

import pytest

from aspects_scorer.severity.patients import read_patients
from atlas_builder.core.errors import InputError


def table(tmp_path, text: str, name: str = "participants.tsv"):
    path = tmp_path / name
    path.write_text(text.replace(" ", "\t"), "utf-8")
    return path


def test_missing_values_and_identifiers_without_prefix(tmp_path):
    path = table(
        tmp_path,
        "participant_id nihss age sex\nsub-1 17.0 78 M\n2 n/a n/a n/a\nsub-03   F\nsub-4 0 40 F\n",
    )
    found = read_patients(path)
    assert [patient.participant_id for patient in found.rows] == [
        "sub-1",
        "sub-2",
        "sub-03",
        "sub-4",
    ]
    assert [patient.nihss for patient in found.rows[::3]] == [17, 0]
    assert all(math.isnan(patient.nihss) for patient in found.rows[1:3])
    assert found.rows[0].age == 78
    assert [patient.sex for patient in found.rows] == ["M", "n/a", "F", "F"]
    assert found.implausible_nihss == ()


@pytest.mark.parametrize("name", ["NIHSS", "gs_nihss", "nihss_admission", "NihssBaseline"])
def test_spellings_of_the_nihss(tmp_path, name):
    found = read_patients(table(tmp_path, f"Participant_ID {name}\na 5\n"))
    assert found.nihss_column == name
    assert found.rows[0].nihss == 5


def test_the_plain_name_comes_before_others(tmp_path):
    found = read_patients(table(tmp_path, "participant_id nihss_24h NIHSS\na 5 9\n"))
    assert found.rows[0].nihss == 9


def test_several_columns_are_refused_until_one_is_chosen(tmp_path):
    path = table(tmp_path, "participant_id nihss_in nihss_out\na 5 9\n")
    with pytest.raises(InputError, match=r"nihss_in, nihss_out.*--nihss-column"):
        read_patients(path)
    assert read_patients(path, nihss_column="NIHSS_out").rows[0].nihss == 9
    with pytest.raises(InputError, match=r"no column 'score'.*nihss_in, nihss_out"):
        read_patients(path, nihss_column="score")


def test_without_a_column_nothing_is_known(tmp_path):
    found = read_patients(table(tmp_path, "participant_id age\na 63\n"))
    assert found.nihss_column is None
    assert math.isnan(found.rows[0].nihss)
    assert read_patients(None).rows == ()
    with pytest.raises(InputError, match="--participants"):
        read_patients(None, nihss_column="nihss")


def test_decimal_commas_are_read(tmp_path):
    found = read_patients(table(tmp_path, "participant_id nihss age\na 14,0 63,5\n"))
    assert (found.rows[0].nihss, found.rows[0].age) == (14.0, 63.5)
    assert found.implausible_nihss == ()


@pytest.mark.parametrize("value", ["99", "-1", "inf", "nine", "43"])
def test_what_cannot_be_an_nihss_is_unknown_and_named(tmp_path, value):
    found = read_patients(table(tmp_path, f"participant_id nihss\na {value}\nb 4\n"))
    assert math.isnan(found.rows[0].nihss)
    assert found.implausible_nihss == ("sub-a",)


def test_readers_in_both_tables(tmp_path):
    path = table(
        tmp_path,
        "participant_id nihss ASPECTS_one aspects_side aspects_ml\na 5 7 left 70\nb 4 n/a - 3\n",
    )
    apart = table(tmp_path, "participant_id second third\nsub-b 6 10\nc 0 \n", "readers.tsv")
    found = read_patients(path, apart)
    assert found.readers == {
        "ASPECTS_one": {"sub-a": 7},
        "second": {"sub-b": 6, "sub-c": 0},
        "third": {"sub-b": 10},
    }


def test_a_readers_score_beyond_the_scale_is_refused(tmp_path):
    path = table(tmp_path, "participant_id nihss\na 5\n")
    apart = table(tmp_path, "participant_id second\na 11\n", "readers.tsv")
    with pytest.raises(InputError, match=r"readers.tsv: column 'second': sub-a has '11'"):
        read_patients(path, apart)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("subject nihss\na 5\n", "needs one column 'participant_id', has 0"),
        ("participant_id nihss\na 5\nsub-a 6\n", "line 3: sub-a again"),
        ("participant_id nihss NIHSS\na 5 6\n", "several columns"),
        ("participant_id nihss\n 6\n", "line 2: no participant_id"),
        ("", "needs one column"),
    ],
)
def test_malformed_tables(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_patients(table(tmp_path, text))


def test_unreadable_tables(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_patients(tmp_path / "participants.tsv")
    (tmp_path / "participants.tsv").write_bytes(b"participant_id\xff\x00\n")
    with pytest.raises(InputError, match="not a tab-separated table"):
        read_patients(tmp_path / "participants.tsv")
