"""Ischaemia and splits of a cohort's participants, from its table.

A cohort tells healthy from ischaemic participants by one of these columns of ``participants.tsv``:

- ``ischaemic`` (or ``ischemic``): ``yes`` or ``no``, also ``1``/``0`` and ``true``/``false``;
- ``group``: ``healthy`` or ``control``, and ``ischaemic``, ``ischemic``, ``stroke`` or ``patient``.

Anything else, such as ``n/a``, leaves a participant out of that comparison only.
"""

from __future__ import annotations

import csv
from pathlib import Path

from atlas_builder.core.errors import InputError

_ISCHAEMIC = {"yes", "1", "true", "ischaemic", "ischemic", "stroke", "patient"}
_HEALTHY = {"no", "0", "false", "healthy", "control"}
_COLUMNS = ("ischaemic", "ischemic", "group")


def read_ischaemia(cohort: Path) -> dict[str, bool]:
    """Return which participants of a cohort are ischaemic; empty without such a column.

    Parameters
    ----------
    cohort : Path
        The cohort's folder with ``participants.tsv``.

    Returns
    -------
    dict of str to bool
        By participant, with the prefix ``sub-``; True for ischaemic.

    Raises
    ------
    InputError
        The table has several of the columns.
    """
    rows = _rows(cohort)
    present = [column for column in _COLUMNS if rows and column in rows[0]]
    if len(present) > 1:
        raise InputError(
            f"{cohort / 'participants.tsv'}: has the columns {' and '.join(present)}; keep one"
        )
    known: dict[str, bool] = {}
    for row in rows:
        said = row[present[0]].lower() if present else ""
        if said in _ISCHAEMIC | _HEALTHY:
            known[f"sub-{row['participant_id'].removeprefix('sub-')}"] = said in _ISCHAEMIC
    return known


def read_splits(cohort: Path) -> tuple[str, ...]:
    """Return the splits that a cohort's table names; empty where it has no such column.

    Parameters
    ----------
    cohort : Path
        The cohort's folder with ``participants.tsv``, which `read_participants` has checked.

    Returns
    -------
    tuple of str
        In small letters, each once, in the order of the table.
    """
    rows = _rows(cohort)
    if not rows or "split" not in rows[0]:
        return ()
    return tuple(dict.fromkeys(row["split"].lower() for row in rows))


def _rows(cohort: Path) -> list[dict[str, str]]:
    """Return the table's rows with headings in small letters; read_participants checks it."""
    with (cohort / "participants.tsv").open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, delimiter="\t", restval="")
        return [
            {str(key).strip().lower(): str(value).strip() for key, value in row.items()}
            for row in reader
        ]
