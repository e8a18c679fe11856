"""The forms that tables are written in: CSV and TSV for programs, Markdown and LaTeX for papers."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from atlas_builder.metrics.tables import (
    Cell,
    Estimate,
    Interval,
    MeanSd,
    PValue,
    Table,
)
from atlas_builder.runtime.files import replacing
from atlas_builder.runtime.tsv import NOT_AVAILABLE, number_cell, tsv_text


def to_csv(table: Table) -> str:
    """Return a table as CSV; what has several numbers takes several columns.

    Parameters
    ----------
    table : Table
        Numbers are written with six significant digits, ``n/a`` where there is none.

    Returns
    -------
    str
        A heading line and a line a row, each ended by a line feed.
    """
    headings, rows = _apart(table)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(headings)
    writer.writerows(rows)
    return buffer.getvalue()


def to_tsv(table: Table) -> str:
    """Return a table as tab-separated text, otherwise as `to_csv` does.

    Parameters
    ----------
    table : Table
        Numbers are written with six significant digits, ``n/a`` where there is none.

    Returns
    -------
    str
        A heading line and a line a row, each ended by a line feed.
    """
    return tsv_text(*_apart(table))


def _apart(table: Table) -> tuple[list[str], list[list[str]]]:
    """Return headings and rows with every number in a column of its own."""
    headings: list[str] = []
    parts: list[int] = []
    for place, column in enumerate(table.columns):
        kinds = {type(row[place]) for row in table.rows}
        if MeanSd in kinds:
            own = [f"{column} mean", f"{column} SD"]
        elif Estimate in kinds:
            own = [column, f"{column} low", f"{column} high"]
        elif Interval in kinds:
            own = [f"{column} low", f"{column} high"]
        else:
            own = [column]
        headings += own
        parts.append(len(own))
    rows = []
    for row in table.rows:
        values: list[str] = []
        for cell, count in zip(row, parts, strict=True):
            plain = _plain(cell)
            values += plain + [NOT_AVAILABLE] * (count - len(plain))
        rows.append(values)
    return headings, rows


def _plain(cell: Cell) -> list[str]:
    if isinstance(cell, MeanSd):
        return [_six_digits(cell.mean), _six_digits(cell.sd)]
    if isinstance(cell, Estimate):
        return [_six_digits(cell.value), _six_digits(cell.low), _six_digits(cell.high)]
    if isinstance(cell, Interval):
        return [_six_digits(cell.low), _six_digits(cell.high)]
    if isinstance(cell, PValue):
        return [_six_digits(cell.value)]
    return [_six_digits(cell) if isinstance(cell, float) else str(cell)]


def _six_digits(value: float) -> str:
    return number_cell(value, ".6g")


def to_markdown(table: Table) -> str:
    """Return a table as Markdown, with its title and its note.

    Parameters
    ----------
    table : Table
        Cells in `Table.strong` are set in bold.

    Returns
    -------
    str
    """
    marks = ["---:" if table.is_number(place) else "---" for place in range(len(table.columns))]
    lines = [f"**{table.title}**", "", _markdown_row(table.columns), _markdown_row(marks)]
    for number, row in enumerate(table.rows):
        texts = []
        for place in range(len(row)):
            text = table.text(number, place).replace("|", "\\|")
            texts.append(f"**{text}**" if (number, place) in table.strong else text)
        lines.append(_markdown_row(texts))
    if table.note:
        lines += ["", table.note]
    return "\n".join(lines) + "\n"


def _markdown_row(texts: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(texts)} |"


_LATEX: Mapping[str, str] = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "±": r"$\pm$",
    "−": "$-$",
    "∞": r"$\infty$",
    "–": "--",
    "²": r"\textsuperscript{2}",
}


def to_latex(table: Table) -> str:
    """Return a table as a LaTeX ``table`` for the package ``booktabs``.

    Parameters
    ----------
    table : Table
        Cells in `Table.strong` are set in bold.

    Returns
    -------
    str
    """
    columns = "".join("r" if table.is_number(place) else "l" for place in range(len(table.columns)))
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_latex(table.title)}}}",
        rf"\label{{tab:{table.name}}}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        _latex_row([_latex(column) for column in table.columns]),
        r"\midrule",
    ]
    for number, row in enumerate(table.rows):
        texts = []
        for place in range(len(row)):
            text = _latex(table.text(number, place))
            texts.append(rf"\textbf{{{text}}}" if (number, place) in table.strong else text)
        lines.append(_latex_row(texts))
    lines += [r"\bottomrule", r"\end{tabular}"]
    if table.note:
        lines += ["", rf"\smallskip\parbox{{\linewidth}}{{\footnotesize {_latex(table.note)}}}"]
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def _latex_row(texts: list[str]) -> str:
    return rf"{' & '.join(texts)} \\"


def _latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)


def write_table(table: Table, folder: Path) -> list[Path]:
    """Write a table in all three forms into an existing folder and return the files.

    Parameters
    ----------
    table : Table
        Its name is that of the files.
    folder : Path
        Must exist; files of the same names are replaced.

    Returns
    -------
    list of Path
        The ``.csv``, ``.md`` and ``.tex`` files.

    Raises
    ------
    OSError
        A file cannot be written.
    """
    forms = {".csv": to_csv, ".md": to_markdown, ".tex": to_latex}
    files = []
    for suffix, form in forms.items():
        files.append(folder / f"{table.name}{suffix}")
        with replacing(files[-1]) as partial:
            partial.write_text(form(table), "utf-8")
    return files
