"""Tables, and the forms they are written in: CSV for programs, Markdown and LaTeX for papers."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from atlas_builder.runtime.files import replacing
from atlas_builder.runtime.tsv import NOT_AVAILABLE, number_cell


@dataclass(frozen=True)
class MeanSd:
    """A mean with its standard deviation; two columns in CSV."""

    mean: float
    sd: float

    def text(self, digits: int) -> str:
        """Return both, or the mean alone where there is no deviation."""
        mean = number_text(self.mean, digits)
        return mean if math.isnan(self.sd) else f"{mean} ± {number_text(self.sd, digits)}"


@dataclass(frozen=True)
class Interval:
    """An interval; two columns in CSV."""

    low: float
    high: float

    def text(self, digits: int) -> str:
        """Return both ends."""
        if math.isnan(self.low):
            return NO_NUMBER
        return f"{number_text(self.low, digits)} to {number_text(self.high, digits)}"


@dataclass(frozen=True)
class PValue:
    """A probability, shown with three decimals, below that as ``<0.001``."""

    value: float

    def text(self, digits: int) -> str:
        """Return the probability; its decimals do not follow those of the table."""
        return "<0.001" if self.value < 0.001 else number_text(self.value, 3)


Cell: TypeAlias = str | int | float | MeanSd | Interval | PValue

NO_NUMBER = "–"


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes
    ----------
    name : str
        Of its files, without suffix.
    title : str
        What it shows, in one sentence.
    columns : tuple of str
        Headings.
    rows : tuple of tuple of Cell
        As long as `columns`.
    note : str
        How the numbers came about: definitions, families of tests, what was left out.
    digits : int
        Decimals of numbers for people; CSV has six significant digits.
    strong : frozenset of tuple of int
        Cells that stand out, by row and column.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    digits: int = 3
    strong: frozenset[tuple[int, int]] = frozenset()

    def text(self, row: int, column: int) -> str:
        """Return a cell as people read it."""
        return text_of(self.rows[row][column], self.digits)

    def is_number(self, column: int) -> bool:
        """Tell whether a column holds anything but words."""
        return any(not isinstance(row[column], str) for row in self.rows)


def text_of(cell: Cell, digits: int) -> str:
    """Return a cell as people read it; an en dash where there is no number."""
    if isinstance(cell, MeanSd | Interval | PValue):
        return cell.text(digits)
    return number_text(cell, digits) if isinstance(cell, float) else str(cell)


def number_text(value: float, digits: int) -> str:
    """Return a number with so many decimals, with a minus sign and none before a zero."""
    if math.isnan(value):
        return NO_NUMBER
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "−")


def to_csv(table: Table) -> str:
    """Return a table as CSV; what has two numbers takes two columns, ``n/a`` is no number."""
    headings: list[str] = []
    parts: list[int] = []
    for place, column in enumerate(table.columns):
        kinds = {type(row[place]) for row in table.rows}
        if MeanSd in kinds:
            headings += [f"{column} mean", f"{column} SD"]
        elif Interval in kinds:
            headings += [f"{column} low", f"{column} high"]
        else:
            headings.append(column)
        parts.append(2 if kinds & {MeanSd, Interval} else 1)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(headings)
    for row in table.rows:
        values: list[str] = []
        for cell, count in zip(row, parts, strict=True):
            plain = _plain(cell)
            values += plain + [NOT_AVAILABLE] * (count - len(plain))
        writer.writerow(values)
    return buffer.getvalue()


def _plain(cell: Cell) -> list[str]:
    if isinstance(cell, MeanSd):
        return [_six_digits(cell.mean), _six_digits(cell.sd)]
    if isinstance(cell, Interval):
        return [_six_digits(cell.low), _six_digits(cell.high)]
    if isinstance(cell, PValue):
        return [_six_digits(cell.value)]
    return [_six_digits(cell) if isinstance(cell, float) else str(cell)]


def _six_digits(value: float) -> str:
    return number_cell(value, ".6g")


def to_markdown(table: Table) -> str:
    """Return a table as Markdown, with its title and its note."""
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
    """Return a table as a LaTeX ``table`` for the package ``booktabs``."""
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
    """Write a table in all three forms into an existing folder and return the files."""
    forms = {".csv": to_csv, ".md": to_markdown, ".tex": to_latex}
    files = []
    for suffix, form in forms.items():
        files.append(folder / f"{table.name}{suffix}")
        with replacing(files[-1]) as partial:
            partial.write_text(form(table), "utf-8")
    return files
