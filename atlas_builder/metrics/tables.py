"""Tables, and the forms they are written in: CSV for programs, Markdown and LaTeX for papers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class MeanSd:
    """A mean with its standard deviation; two columns in CSV."""

    mean: float
    sd: float

    def text(self, digits: int) -> str:
        """Return both, or the mean alone where there is no deviation.

        Parameters
        ----------
        digits : int
            Decimals.

        Returns
        -------
        str
            Such as ``0.812 ± 0.034``.
        """
        mean = number_text(self.mean, digits)
        return mean if math.isnan(self.sd) else f"{mean} ± {number_text(self.sd, digits)}"


@dataclass(frozen=True)
class Interval:
    """An interval; two columns in CSV."""

    low: float
    high: float

    def text(self, digits: int) -> str:
        """Return both ends.

        Parameters
        ----------
        digits : int
            Decimals.

        Returns
        -------
        str
            Such as ``0.78 to 0.84``; an en dash where there is no interval.
        """
        if math.isnan(self.low):
            return NO_NUMBER
        return f"{number_text(self.low, digits)} to {number_text(self.high, digits)}"


@dataclass(frozen=True)
class Estimate:
    """A number with its 95% interval; three columns in CSV."""

    value: float
    low: float = math.nan
    high: float = math.nan

    def text(self, digits: int) -> str:
        """Return the number and its interval, or the number alone where there is none.

        Parameters
        ----------
        digits : int
            Decimals.

        Returns
        -------
        str
            Such as ``0.81 (0.78 to 0.84)``.
        """
        value = number_text(self.value, digits)
        if math.isnan(self.low):
            return value
        return f"{value} ({Interval(self.low, self.high).text(digits)})"


@dataclass(frozen=True)
class PValue:
    """A probability, shown with three decimals, below that as ``<0.001``."""

    value: float

    def text(self, digits: int) -> str:
        """Return the probability; its decimals do not follow those of the table.

        Parameters
        ----------
        digits : int
            Ignored.

        Returns
        -------
        str
            With three decimals, or ``<0.001``.
        """
        return "<0.001" if self.value < 0.001 else number_text(self.value, 3)


Cell: TypeAlias = str | int | float | MeanSd | Interval | Estimate | PValue

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
        Decimals in Markdown and LaTeX; CSV has six significant digits.
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
        """Return a cell as text for the Markdown and LaTeX forms.

        Parameters
        ----------
        row, column : int
            0-based.

        Returns
        -------
        str
        """
        return text_of(self.rows[row][column], self.digits)

    def is_number(self, column: int) -> bool:
        """Tell whether a column holds any cell that is not text.

        Parameters
        ----------
        column : int
            0-based.

        Returns
        -------
        bool
        """
        return any(not isinstance(row[column], str) for row in self.rows)


def text_of(cell: Cell, digits: int) -> str:
    """Return a cell as text for the Markdown and LaTeX forms; an en dash where there is no number.

    Parameters
    ----------
    cell : Cell
        Text, a number, or a mean, an interval, an estimate or a probability.
    digits : int
        Decimals of floats; whole numbers (int) have none.

    Returns
    -------
    str
    """
    if isinstance(cell, MeanSd | Interval | Estimate | PValue):
        return cell.text(digits)
    return number_text(cell, digits) if isinstance(cell, float) else str(cell)


def number_text(value: float, digits: int) -> str:
    """Return a number with so many decimals, with a minus sign and none before a zero.

    Parameters
    ----------
    value : float
        NaN gives an en dash, an infinite value its sign and ``∞``.
    digits : int
        Decimals.

    Returns
    -------
    str
    """
    if math.isnan(value):
        return NO_NUMBER
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return with_true_minus(f"{value:.{digits}f}")


def with_true_minus(number: str) -> str:
    """Return a written number with a minus sign for a hyphen, and no sign before a zero.

    Parameters
    ----------
    number : str
        As `format` writes it, finite.

    Returns
    -------
    str
    """
    return number.lstrip("+-") if float(number) == 0 else number.replace("-", "−")
