"""The participants' table of a cohort: who takes part in an age group and who is left out."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from atlas_builder.core.anatomy import AgeGroup
from atlas_builder.core.errors import InputError
from atlas_builder.runtime.tsv import read_number, read_tsv, require_column

_EVERY_AGE = AgeGroup(0, 120)
_NOT_GIVEN = {"", "n/a", "na", "nan", "none"}


@dataclass(frozen=True)
class Participant:
    """A participant of a cohort.

    Attributes
    ----------
    participant_id : str
        With the prefix ``sub-``.
    age : float
        In years; NaN where it is not known, which only those who need none let pass.
    folder : Path
        The participant's folder.
    sex, split : str or None
        As the table gives them; None where it does not.
    """

    participant_id: str
    age: float
    folder: Path
    sex: str | None
    split: str | None


@dataclass(frozen=True)
class Refusal:
    """A participant who is left out.

    Attributes
    ----------
    participant_id : str
        With the prefix ``sub-`` where it can be one.
    reason : str
        One line: the file relative to the cohort, what is wrong, what to do.
    """

    participant_id: str
    reason: str


def first_reasons(refusals: Sequence[Refusal]) -> str:
    """Return why the first three are left out, and how many more there are, for a message.

    Parameters
    ----------
    refusals : sequence of Refusal
        Those left out.

    Returns
    -------
    str
        In one line; empty where there are none.
    """
    reasons = "; ".join(f"{one.participant_id}: {one.reason}" for one in refusals[:3])
    return reasons + (f" (and {len(refusals) - 3} more)" if len(refusals) > 3 else "")


def read_everyone(
    cohort: Path, split: str | None = None
) -> tuple[list[Participant], list[Refusal]]:
    """Read who takes part in a cohort, whatever the age. See `read_participants`."""
    return read_participants(cohort, _EVERY_AGE, split)


def read_participants(
    cohort: Path, age_group: AgeGroup | None, split: str | None
) -> tuple[list[Participant], list[Refusal]]:
    """Read who of a cohort takes part.

    Parameters
    ----------
    cohort : Path
        The cohort's folder with ``participants.tsv``: tab-separated, ``participant_id`` (with or
        without ``sub-``) and ``age``, optionally ``sex`` and ``split``; other columns are ignored.
    age_group : AgeGroup or None
        The ages that take part. With None every age does, and so do those whose age is not known;
        the column ``age`` may be missing then.
    split : str or None
        Where the column ``split`` exists, rows of another split are not part of it; with None all
        are.

    Returns
    -------
    participants : list of Participant
        In the table's order.
    refusals : list of Refusal
        Those whose age is missing or outside the group, or whose folder is missing.

    Raises
    ------
    InputError
        The table is missing, unreadable or malformed, or names a participant twice.
    """
    table = Path(cohort) / "participants.tsv"
    participants: list[Participant] = []
    refusals: list[Refusal] = []
    seen: set[str] = set()
    needed = ("participant_id",) if age_group is None else ("participant_id", "age")
    for line, row in _rows(table, needed):
        name = row["participant_id"].removeprefix("sub-")
        participant_id = f"sub-{name}"
        if participant_id in seen:
            raise InputError(f"{table}: line {line}: {participant_id} again; keep one row each")
        seen.add(participant_id)
        if split is not None and "split" in row and row["split"].lower() != split.lower():
            continue
        try:
            if not can_name_files(name):
                participant_id = row["participant_id"]
                raise InputError(
                    f"{participant_id!r} cannot name a folder; use letters, digits, '-' and '_'"
                )
            age = _age(row.get("age", ""), age_group)
        except InputError as error:
            refusals.append(Refusal(participant_id, f"{table.name}: line {line}: {error}"))
            continue
        folder = table.parent / participant_id
        if not folder.is_dir():
            refusals.append(
                Refusal(participant_id, f"{participant_id}/: no such folder; add it or the scan")
            )
            continue
        sex = row.get("sex", "")
        participants.append(
            Participant(
                participant_id,
                age,
                folder,
                sex=None if sex.lower() in _NOT_GIVEN else sex,
                split=row.get("split"),
            )
        )
    return participants, refusals


def can_name_files(name: str) -> bool:
    """Tell whether a name can be part of a file's without leading out of the cohort's folder.

    Parameters
    ----------
    name : str
        A participant's id without ``sub-``, or a rater's name.

    Returns
    -------
    bool
        Whether it begins with a letter, a digit or ``_`` and goes on with these, a dot, ``+`` or
        ``-``.
    """
    return re.fullmatch(r"\w[\w.+-]*", name) is not None


def _rows(table: Path, needed: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the line number and the stripped cells of each row of the participants' table."""
    header, rows = read_tsv(table, "a cohort needs this table")
    header = [name.lower() for name in header]
    for column in needed:
        require_column(table, header, column)
    for number, cells in rows:
        yield number, dict(zip(header, cells, strict=False))


def _age(text: str, age_group: AgeGroup | None) -> float:
    if text.lower() in _NOT_GIVEN:
        if age_group is None:
            return math.nan
        raise InputError("no age; add it in years")
    age = read_number(text)
    if not math.isfinite(age):
        raise InputError(f"age {text!r} is not a number; write it in years, such as 63")
    if age_group is not None and age not in age_group:
        raise InputError(f"age {text} is outside {age_group}; build the age group it belongs to")
    return age
