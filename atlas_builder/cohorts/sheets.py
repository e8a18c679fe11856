"""Tables with a row a participant, as text: who is in them and what stands in their columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from atlas_builder.core.errors import InputError
from atlas_builder.runtime.tsv import read_tsv, require_column

NOT_GIVEN = frozenset({"", "n/a", "na", "nan", "none", ".", "-", "null", "missing"})
"""How tables write, in small letters, that a value is not known."""

_ID = "participant_id"


@dataclass(frozen=True)
class Sheet:
    """A table as text.

    Attributes
    ----------
    path : Path
        Its file.
    columns : tuple of str
        As they are spelled, without the identifier's.
    rows : mapping of str to mapping of str to str
        By identifier with ``sub-`` before it: each column's cell.
    """

    path: Path = Path()
    columns: tuple[str, ...] = ()
    rows: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def read_sheet(path: Path, purpose: str = "give a table of the participants") -> Sheet:
    """Read a table with a row a participant.

    Parameters
    ----------
    path : Path
        Tab-separated, with ``participant_id``, with or without ``sub-``.
    purpose : str
        What to say where there is no such file.

    Returns
    -------
    Sheet

    Raises
    ------
    InputError
        The table is missing, unreadable or malformed, or names a participant twice.
    """
    header, lines = read_tsv(path, purpose)
    own = [name.lower() for name in header]
    require_column(path, own, _ID)
    twice = next((name for name in header if own.count(name.lower()) > 1), None)
    if twice is not None:
        raise InputError(f"{path}: several columns {twice!r}; give each a name of its own")
    rows: dict[str, dict[str, str]] = {}
    for number, cells in lines:
        row = dict(zip(header, cells, strict=False))
        participant_id = with_prefix(cells[own.index(_ID)])
        if participant_id == "sub-":
            raise InputError(f"{path}: line {number}: no {_ID}; name the participant")
        if participant_id in rows:
            raise InputError(f"{path}: line {number}: {participant_id} again; keep one row each")
        rows[participant_id] = row
    columns = tuple(name for name in header if name and name.lower() != _ID)
    return Sheet(path, columns, rows)


def with_prefix(participant_id: str) -> str:
    """Return an identifier with ``sub-`` before it.

    Parameters
    ----------
    participant_id : str
        With ``sub-`` or without.

    Returns
    -------
    str
    """
    return f"sub-{participant_id.removeprefix('sub-')}"
