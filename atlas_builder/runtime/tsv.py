"""Tab-separated tables: read as users save them, written with ``n/a`` where there is no number."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from atlas_builder.core.errors import InputError
from atlas_builder.runtime.files import replacing

NOT_AVAILABLE = "n/a"
"""What stands in a table where there is no value, as BIDS has it."""


def read_tsv(path: Path, purpose: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Read a user's tab-separated table.

    Parameters
    ----------
    path : Path
        The file, in UTF-8 with or without a byte order mark.
    purpose : str
        What to say about a file that is not there.

    Returns
    -------
    header : list of str
        The first line's cells, without spaces around them; empty for an empty file.
    rows : list of tuple
        The number of each line that holds anything, and its cells without spaces around them, at
        least as many as there are in the header.

    Raises
    ------
    InputError
        It is missing, unreadable or no such table.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.reader(file, delimiter="\t", strict=True))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; {purpose}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check access") from None
    except (UnicodeDecodeError, csv.Error):
        raise InputError(f"{path}: not a tab-separated table in UTF-8; save it as one") from None
    stripped = [[cell.strip() for cell in cells] for cells in lines]
    header = stripped[0] if stripped else []
    rows = [
        (number, cells + [""] * (len(header) - len(cells)))
        for number, cells in enumerate(stripped[1:], start=2)
        if any(cells)
    ]
    return header, rows


def read_number(text: str) -> float:
    """Read a cell that should hold a number.

    Parameters
    ----------
    text : str
        With a decimal point, or the decimal comma of spreadsheets in many countries.

    Returns
    -------
    float
        NaN where the text is no number.
    """
    try:
        return float(text.replace(",", ".") if text.count(",") == 1 else text)
    except ValueError:
        return math.nan


def require_column(path: Path, header: Sequence[str], column: str) -> None:
    """Refuse a table that has not exactly one column of a name.

    Parameters
    ----------
    path : Path
        Its file.
    header : sequence of str
        Its columns.
    column : str
        The name.

    Raises
    ------
    InputError
        There is none, or there are several.
    """
    if header.count(column) != 1:
        raise InputError(
            f"{path}: needs one column {column!r}, has {header.count(column)}; name it in the "
            "first line, columns separated by tabs"
        )


def tsv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table as tab-separated text, a line a row, each ended by a line feed.

    Parameters
    ----------
    header : sequence of str
        The columns' names.
    rows : iterable of sequence
        Cells as they are to be read, as many as there are columns.

    Returns
    -------
    str
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def write_tsv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    """Write a tab-separated table in UTF-8, whole or not at all.

    Parameters
    ----------
    path : Path
        The file; a table that it holds is replaced. Its folder must exist.
    header, rows
        As `tsv_text` takes them.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    text = tsv_text(header, rows)
    with replacing(path) as partial:
        partial.write_text(text, "utf-8", newline="")
    return path


def number_cell(value: float, spec: str) -> str:
    """Return a number as a cell of a table.

    Parameters
    ----------
    value : float
        NaN where it is not known.
    spec : str
        How `format` is to write it, such as ``.3f``.

    Returns
    -------
    str
        The number, or ``n/a`` for NaN.
    """
    return NOT_AVAILABLE if math.isnan(value) else format(value, spec)


def yes_or_no(value: bool) -> str:
    """Return a truth value as a cell of a table.

    Parameters
    ----------
    value : bool
        Whether it holds.

    Returns
    -------
    {'yes', 'no'}
    """
    return "yes" if value else "no"
