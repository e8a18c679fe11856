"""Tables for programs: their bytes, and that they are whole or absent."""

from __future__ import annotations

import math

import pytest

from atlas_builder.runtime.tsv import number_cell, read_number, tsv_text, write_tsv, yes_or_no


def test_a_table_is_tabs_and_line_feeds(tmp_path):
    path = write_tsv(tmp_path / "table.tsv", ["name", "age"], [["Å", 3], ["a\tb", "n/a"]])
    assert path.read_bytes() == 'name\tage\nÅ\t3\n"a\tb"\tn/a\n'.encode()
    assert path.read_text("utf-8") == tsv_text(["name", "age"], [["Å", 3], ["a\tb", "n/a"]])


def test_an_interrupted_table_leaves_the_old_one(tmp_path):
    def rows():
        yield ["new"]
        raise KeyboardInterrupt

    path = write_tsv(tmp_path / "table.tsv", ["name"], [["old"]])
    with pytest.raises(KeyboardInterrupt):
        write_tsv(path, ["name"], rows())
    assert path.read_text("utf-8") == "name\nold\n"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("value", "spec", "text"),
    [(1.5, ".3f", "1.500"), (63.0, "g", "63"), (1 / 3, ".6g", "0.333333"), (math.nan, "g", "n/a")],
)
def test_numbers_have_the_form_asked_for(value, spec, text):
    assert number_cell(value, spec) == text


def test_truth_is_in_words():
    assert [yes_or_no(True), yes_or_no(False)] == ["yes", "no"]


@pytest.mark.parametrize(
    ("text", "number"), [("14", 14.0), ("14.5", 14.5), ("14,5", 14.5), (" 7 ", 7.0), ("-1", -1.0)]
)
def test_numbers_with_point_or_comma(text, number):
    assert read_number(text) == number


@pytest.mark.parametrize("text", ["", "n/a", "1,000,5", "1.000,5", "seven"])
def test_what_is_no_number(text):
    assert math.isnan(read_number(text))
