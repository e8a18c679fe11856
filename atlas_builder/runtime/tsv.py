"""Tab-separated tables for programs, with ``n/a`` where there is no number."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from atlas_builder.runtime.files import replacing

NOT_AVAILABLE = "n/a"
"""What stands in a table where there is nothing to say, as BIDS has it."""


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
