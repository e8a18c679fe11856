"""Tables in their three forms: numbers that can be read back, text that cannot break the form."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas_builder.metrics.table_files import to_csv, to_latex, to_markdown, to_tsv, write_table
from atlas_builder.metrics.tables import Estimate, Interval, MeanSd, PValue, Table

NAN, INF = float("nan"), float("inf")

TABLE = Table(
    "numbers",
    "A & B_1",
    ("region", "n", "DSC", "95% interval", "p"),
    (
        ("C", 8, MeanSd(0.9612345, 0.0071), Interval(-0.02, 0.5), PValue(0.0004)),
        ("M1|x", 7, MeanSd(0.5, NAN), Interval(NAN, NAN), PValue(0.0426)),
    ),
    "Less than 100% ± 1.",
    strong=frozenset({(0, 2)}),
)


def test_text_for_people():
    texts = [[TABLE.text(row, column) for column in range(5)] for row in range(2)]
    assert texts == [
        ["C", "8", "0.961 ± 0.007", "−0.020 to 0.500", "<0.001"],
        ["M1|x", "7", "0.500", "–", "0.043"],
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [(-0.0004, "0.000"), (-1.5, "−1.500"), (NAN, "–"), (INF, "∞"), (-INF, "−∞"), (2, "2")],
)
def test_numbers_for_people(value, text):
    assert Table("t", "t", ("a",), ((value,),)).text(0, 0) == text


def test_csv_splits_pairs_of_numbers():
    header, first, second = csv.reader(io.StringIO(to_csv(TABLE)))
    assert header == [
        "region",
        "n",
        "DSC mean",
        "DSC SD",
        "95% interval low",
        "95% interval high",
        "p",
    ]
    assert first == ["C", "8", "0.961234", "0.0071", "-0.02", "0.5", "0.0004"]
    assert second == ["M1|x", "7", "0.5", "n/a", "n/a", "n/a", "0.0426"]


def test_markdown_escapes_and_marks():
    lines = to_markdown(TABLE).splitlines()
    assert lines[0] == "**A & B_1**"
    assert lines[3] == "| --- | ---: | ---: | ---: | ---: |"
    assert "**0.961 ± 0.007**" in lines[4]
    assert "M1\\|x" in lines[5]
    assert lines[-1] == TABLE.note


def test_latex_escapes_and_marks():
    text = to_latex(TABLE)
    assert r"\caption{A \& B\_1}" in text
    assert r"\textbf{0.961 $\pm$ 0.007}" in text
    assert r"95\% interval" in text
    assert r"$<$0.001" in text
    assert r"$-$0.020 to 0.500" in text
    assert r"\begin{tabular}{lrrrr}" in text


@given(st.text(alphabet="aB1 &%$#_{}~^<>±−–²\\|\"',", min_size=1, max_size=12))
def test_any_heading_keeps_the_columns(heading):
    table = Table("t", heading, (heading, "n"), ((heading, 1), ("x", 2)), heading)
    assert [len(row) for row in csv.reader(io.StringIO(to_csv(table)))] == [2, 2, 2]
    latex = [line for line in to_latex(table).splitlines() if line.endswith(r" \\")]
    assert len(latex) == 3
    for line in latex:
        unescaped = line.replace(r"\&", "").replace(r"\\", "")
        assert unescaped.count("&") == 1


def test_files(tmp_path):
    files = write_table(TABLE, tmp_path)
    assert [path.name for path in files] == ["numbers.csv", "numbers.md", "numbers.tex"]
    assert [path.read_text("utf-8") for path in files] == [
        to_csv(TABLE),
        to_markdown(TABLE),
        to_latex(TABLE),
    ]
    assert len(list(tmp_path.iterdir())) == 3


def test_estimates_have_three_columns_for_programs_and_one_for_people():
    rows = ((Estimate(0.8123456, 0.7, 0.9),), (Estimate(-0.5),), ("–",))
    table = Table("t", "t", ("AUC",), rows, digits=2)
    assert [table.text(row, 0) for row in range(3)] == ["0.81 (0.70 to 0.90)", "−0.50", "–"]
    assert list(csv.reader(io.StringIO(to_csv(table)))) == [
        ["AUC", "AUC low", "AUC high"],
        ["0.812346", "0.7", "0.9"],
        ["-0.5", "n/a", "n/a"],
        ["–", "n/a", "n/a"],
    ]
    assert to_tsv(table) == to_csv(table).replace(",", "\t")
