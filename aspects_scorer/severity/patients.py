"""Who the patients of a cohort are: severity on admission, age, sex, and readers' scores.

Two tables in tab-separated form: ``participants.tsv`` and, where readers' scores are kept apart,
a second one with a column a reader.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aspects_scorer.severity.groups import HIGHEST_NIHSS
from atlas_builder.cohorts.sheets import NOT_GIVEN, Sheet, read_sheet
from atlas_builder.core.errors import InputError
from atlas_builder.runtime.tsv import read_number


@dataclass(frozen=True)
class Patient:
    """A row of the participants' table.

    Attributes
    ----------
    participant_id : str
        With ``sub-`` before it.
    nihss : float
        Score on the National Institutes of Health Stroke Scale, 0-42; NaN where it is not known.
    age : float
        Years; NaN where it is not known.
    sex : str
        As the table gives it, ``n/a`` where it does not.
    """

    participant_id: str
    nihss: float = math.nan
    age: float = math.nan
    sex: str = "n/a"


@dataclass(frozen=True)
class Patients:
    """The participants' table.

    Attributes
    ----------
    rows : tuple of Patient
        In the table's order, each identifier once.
    nihss_column : str or None
        The column the severity comes from; None where there is none.
    readers : mapping of str to mapping of str to float
        By reader, each patient's ASPECTS, 0-10; those not read are missing.
    implausible_nihss : tuple of str
        Patients whose NIHSS is given and is no number from 0 to 42; it counts as unknown.
    """

    rows: tuple[Patient, ...] = ()
    nihss_column: str | None = None
    readers: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    implausible_nihss: tuple[str, ...] = ()


def read_patients(
    table: Path | None, readers: Path | None = None, nihss_column: str | None = None
) -> Patients:
    """Read the participants' table and the readers' scores.

    Parameters
    ----------
    table : Path or None
        Tab-separated, with ``participant_id`` (with or without ``sub-``) and optionally the NIHSS,
        ``age`` and ``sex``, in upper or lower case. Columns whose name holds ``aspects`` and whose
        values are all from 0 to 10 are readers' scores. Missing values are empty or ``n/a``.
    readers : Path, optional
        A second table: ``participant_id`` and a column a reader.
    nihss_column : str, optional
        The column with the NIHSS. Otherwise the one called ``nihss`` or, failing that, the only
        one with that word in its name, such as ``gs_nihss`` or ``NIHSS admission``.

    Raises
    ------
    InputError
        A table is missing, unreadable or malformed or names a participant twice; no or several
        columns could be the NIHSS that was asked for; a reader's score is not one of ASPECTS.
    """
    if table is None and nihss_column is not None:
        raise InputError(f"--nihss-column {nihss_column}: give its table with --participants")
    sheet = Sheet() if table is None else read_sheet(table)
    column = _nihss_column(sheet, nihss_column)
    rows, implausible = [], []
    for participant_id, row in sheet.rows.items():
        nihss = read_number(row[column]) if column else math.nan
        if column and not 0 <= nihss <= HIGHEST_NIHSS:
            if row[column].lower() not in NOT_GIVEN:
                implausible.append(participant_id)
            nihss = math.nan
        age = read_number(_value(sheet, row, "age"))
        sex = _value(sheet, row, "sex")
        sex = "n/a" if sex.lower() in NOT_GIVEN else sex
        rows.append(Patient(participant_id, nihss, age, sex))
    scores = {name: of for name in sheet.columns if (of := _scores_beside(sheet, name))}
    if readers is not None:
        apart = read_sheet(readers)
        scores |= {name: _scores_of_reader(apart, name) for name in apart.columns}
    return Patients(tuple(rows), column, scores, tuple(implausible))


def _nihss_column(sheet: Sheet, asked_for: str | None) -> str | None:
    if asked_for is not None:
        same = [name for name in sheet.columns if name.lower() == asked_for.strip().lower()]
        if len(same) != 1:
            raise InputError(
                f"{sheet.path}: no column {asked_for!r}; --nihss-column is one of "
                f"{', '.join(sheet.columns)}"
            )
        return same[0]
    named = [name for name in sheet.columns if name.lower() == "nihss"]
    if not named:
        named = [name for name in sheet.columns if re.search("nihss", name, re.IGNORECASE)]
    if len(named) > 1:
        raise InputError(
            f"{sheet.path}: {', '.join(named)} could all be the NIHSS on admission; choose one "
            "with --nihss-column"
        )
    return named[0] if named else None


def _scores_beside(sheet: Sheet, column: str) -> dict[str, float]:
    """Return a column of the participants' table if it holds a reader's scores, else nothing."""
    if "aspects" not in column.lower():
        return {}
    try:
        return _scores_of_reader(sheet, column)
    except InputError:
        return {}  # something else about ASPECTS, such as its side


def _scores_of_reader(sheet: Sheet, column: str) -> dict[str, float]:
    scores = {}
    for participant_id, row in sheet.rows.items():
        if row[column].lower() in NOT_GIVEN:
            continue
        score = read_number(row[column])
        if not 0 <= score <= 10:
            raise InputError(
                f"{sheet.path}: column {column!r}: {participant_id} has {row[column]!r}; a "
                "reader's ASPECTS is a number from 0 to 10, or n/a"
            )
        scores[participant_id] = score
    return scores


def _value(sheet: Sheet, row: Mapping[str, str], name: str) -> str:
    return next((row[column] for column in sheet.columns if column.lower() == name), "")
