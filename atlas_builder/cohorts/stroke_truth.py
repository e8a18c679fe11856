"""The truth about the strokes of a cohort: the share of each region that is infarcted.

``truth.tsv`` beside ``participants.tsv`` has a row a participant: side, hours since onset, volume
of the core, and the share of each of the twenty regions, so that any rule of ASPECTS can be
applied. Participants without a stroke are rows of zeros. Where CT angiographies show the arteries,
two columns more say which one is occluded and what its collaterals are worth.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from atlas_builder.core.anatomy import SIDES, Region, Side
from atlas_builder.core.aspects import AspectsRule, AspectsScore, score_involvement
from atlas_builder.core.errors import InputError
from atlas_builder.runtime.tsv import (
    NOT_AVAILABLE,
    read_number,
    read_tsv,
    require_column,
    write_tsv,
)

TRUTH = "truth.tsv"
"""The table's name in a cohort's folder."""

_SHARES = [f"{side}_{region.name}" for side, region in product(SIDES, Region)]
_COLUMNS = ["participant_id", "side", "hours", "core_ml", *_SHARES]
_ARTERY_COLUMNS = ["occlusion", "collaterals"]


@dataclass(frozen=True)
class StrokeTruth:
    """What is true of one participant's stroke.

    Attributes
    ----------
    participant_id : str
        With the prefix ``sub-``.
    side : {'left', 'right'} or None
        The side affected most; None without a stroke.
    hours : float or None
        Since onset; None where that is not known, or there is no stroke.
    core_ml : float
        Volume of the infarct, inside and outside the regions.
    shares : mapping of (Side, Region) to float
        How much of each of the twenty regions is infarcted, 0-1.
    occlusion : str or None
        The occluded artery, such as ``M1``, where one is known.
    collaterals : int or None
        Their grade, 0 to 3, where an artery is occluded.
    """

    participant_id: str
    side: Side | None
    hours: float | None
    core_ml: float
    shares: Mapping[tuple[Side, Region], float]
    occlusion: str | None = None
    collaterals: int | None = None

    def score(self, rule: AspectsRule) -> AspectsScore:
        """Apply a rule of ASPECTS.

        Parameters
        ----------
        rule : AspectsRule
            One that asks for shares alone, not for volumes.

        Returns
        -------
        AspectsScore
            Volumes count each region as 1 mL.
        """
        return score_involvement(dict.fromkeys(self.shares, 1.0), self.shares, rule)


def no_stroke(participant_id: str) -> StrokeTruth:
    """Return the truth about a participant without a stroke.

    Parameters
    ----------
    participant_id : str
        With the prefix ``sub-``.

    Returns
    -------
    StrokeTruth
        No side, no share.
    """
    return StrokeTruth(participant_id, None, None, 0.0, dict.fromkeys(product(SIDES, Region), 0.0))


def write_truth(path: Path, truths: list[StrokeTruth]) -> None:
    """Write ``truth.tsv``.

    Parameters
    ----------
    path : Path
        The file.
    truths : list of StrokeTruth
        In the order of the rows. The arteries' columns are left out where none is occluded.
    """
    arteries = any(truth.occlusion is not None for truth in truths)
    rows: list[list[object]] = [
        [
            truth.participant_id,
            truth.side or NOT_AVAILABLE,
            NOT_AVAILABLE if truth.hours is None else round(truth.hours, 3),
            round(truth.core_ml, 2),
            *(round(truth.shares[key], 4) for key in product(SIDES, Region)),
            *(_artery_cells(truth) if arteries else ()),
        ]
        for truth in truths
    ]
    write_tsv(path, [*_COLUMNS, *(_ARTERY_COLUMNS if arteries else ())], rows)


def _artery_cells(truth: StrokeTruth) -> tuple[object, object]:
    known = truth.occlusion, truth.collaterals
    return known if truth.occlusion is not None else (NOT_AVAILABLE, NOT_AVAILABLE)


def read_truth(path: Path) -> dict[str, StrokeTruth]:
    """Read ``truth.tsv``.

    Parameters
    ----------
    path : Path
        The table.

    Returns
    -------
    dict of str to StrokeTruth
        By participant.

    Raises
    ------
    InputError
        The table is missing or malformed, names a participant twice, or holds a share that is no
        number from 0 to 1.
    """
    header, rows = read_tsv(path, "simulate the cohort with --infarcts, or add this table")
    for column in _COLUMNS:
        require_column(path, header, column)
    truths: dict[str, StrokeTruth] = {}
    for line, cells in rows:
        row = dict(zip(header, cells, strict=False))
        name = row["participant_id"]
        if name in truths:
            raise InputError(f"{path}: line {line}: {name} again; keep one row each")
        side: Side | None = "left" if row["side"] == "left" else "right"
        if row["side"] not in SIDES:
            if row["side"] != NOT_AVAILABLE:
                raise InputError(
                    f"{path}: line {line}: side {row['side']!r}; write left, right or n/a"
                )
            side = None
        shares = {
            key: _within(path, line, column, row[column], 1.0)
            for key, column in zip(product(SIDES, Region), _SHARES, strict=True)
        }
        hours = (
            None
            if row["hours"] == NOT_AVAILABLE
            else _within(path, line, "hours", row["hours"], math.inf)
        )
        core_ml = _within(path, line, "core_ml", row["core_ml"], math.inf)
        artery, grade = (row.get(column, NOT_AVAILABLE) for column in _ARTERY_COLUMNS)
        truths[name] = StrokeTruth(
            name,
            side,
            hours,
            core_ml,
            shares,
            None if artery == NOT_AVAILABLE else artery,
            None if grade == NOT_AVAILABLE else int(_within(path, line, "collaterals", grade, 3.0)),
        )
    return truths


def _within(path: Path, line: int, column: str, text: str, most: float) -> float:
    number = read_number(text)
    if not 0 <= number <= most or math.isinf(number):
        raise InputError(
            f"{path}: line {line}: {column} {text!r} is no number from 0"
            + (f" to {most:g}" if math.isfinite(most) else " on")
        )
    return number
