"""The truth that scorers are held against: a table with a row a participant.

Regions come either as twenty columns ``left_C`` ... ``right_M6``, each the share of the region that
is affected, or as one column ``affected`` that lists those that are. A rule of ASPECTS turns shares
into affected regions, and these into scores.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aspects_scorer.agreement.cells import (
    PLACES,
    read_amount,
    read_region,
    read_score,
    read_share,
    read_side,
)
from aspects_scorer.severity.groups import HIGHEST_NIHSS
from atlas_builder.cohorts.participants import Refusal
from atlas_builder.cohorts.sheets import NOT_GIVEN, Sheet, read_sheet
from atlas_builder.core.anatomy import SIDES, Side
from atlas_builder.core.aspects import POINTS, AspectsRule
from atlas_builder.core.errors import InputError

REGION_COLUMNS = tuple(f"{side}_{region.name}" for side, region in PLACES)
AFFECTED = "affected"
HIGHEST_MRS = 6
_AMOUNTS: Mapping[str, float] = {
    "core_ml": math.inf,
    "nihss": HIGHEST_NIHSS,
    "mrs": HIGHEST_MRS,
    "hours": math.inf,
}


@dataclass(frozen=True)
class Truth:
    """What is true of participants, as arrays in one order.

    Attributes
    ----------
    participants : tuple of str
        With ``sub-`` before each.
    affected : ndarray, shape (participants, 20)
        1 or 0 of every region, in the order of `PLACES`; NaN where it is not known.
    left, right : ndarray, shape (participants,)
        ASPECTS of each side; NaN where not all ten regions of it are known.
    aspects : ndarray, shape (participants,)
        The lower of them, or as the table gives it; NaN where it is not known.
    side : ndarray of int, shape (participants,)
        Which side is worse: a place in `SIDES`, -1 where neither is or it is not known.
    core_ml, nihss, mrs, hours : ndarray, shape (participants,)
        Core volume in mL, scores, hours since onset; NaN where they are not known.
    group : tuple of str
        What the table calls the participant's group; empty where it does not.
    """

    participants: tuple[str, ...]
    affected: NDArray[np.float64]
    left: NDArray[np.float64]
    right: NDArray[np.float64]
    aspects: NDArray[np.float64]
    side: NDArray[np.intp]
    core_ml: NDArray[np.float64]
    nihss: NDArray[np.float64]
    mrs: NDArray[np.float64]
    hours: NDArray[np.float64]
    group: tuple[str, ...]

    @property
    def knows_regions(self) -> bool:
        """Whether any region of anyone is known."""
        return bool(np.isfinite(self.affected).any())

    def taking(self, places: NDArray[np.intp]) -> Truth:
        """Return some of the participants.

        Parameters
        ----------
        places : ndarray of int
            Which, in the order wanted.

        Returns
        -------
        Truth
        """
        return Truth(
            tuple(self.participants[place] for place in places),
            self.affected[places],
            self.left[places],
            self.right[places],
            self.aspects[places],
            self.side[places],
            self.core_ml[places],
            self.nihss[places],
            self.mrs[places],
            self.hours[places],
            tuple(self.group[place] for place in places),
        )


@dataclass(frozen=True)
class TruthTable:
    """A truth table as it was read.

    Attributes
    ----------
    truth : Truth
        Of the participants who can be used, in the table's order.
    refusals : tuple of Refusal
        The others.
    remarks : tuple of str
        What to know of it, in a sentence each.
    """

    truth: Truth
    refusals: tuple[Refusal, ...]
    remarks: tuple[str, ...]


def read_truth(path: Path, rule: AspectsRule) -> TruthTable:
    """Read a truth table and apply a rule of ASPECTS to it.

    Parameters
    ----------
    path : Path
        Tab-separated; its columns, in upper or lower case, are those of ``docs/validate-scores.md``
        and others are ignored.
    rule : AspectsRule
        From which share on a region is affected.

    Returns
    -------
    TruthTable

    Raises
    ------
    InputError
        The table is missing or malformed, or says nothing of regions or scores.
    """
    sheet = read_sheet(path, "give the table of the truth with --truth")
    columns = {name.lower() for name in sheet.columns}
    _check_columns(sheet, columns)
    names = list(sheet.rows)
    cells = [{column.lower(): cell for column, cell in row.items()} for row in sheet.rows.values()]
    rows = [(f"{path}: {name}: ", row) for name, row in zip(names, cells, strict=True)]
    given_sides = [read_side(row.get("side", ""), f"{at}side") for at, row in rows]
    affected = np.array(
        [_affected(row, at, side, rule) for (at, row), side in zip(rows, given_sides, strict=True)]
    ).reshape(-1, len(PLACES))
    left, right = (POINTS - affected[:, of].sum(axis=1) for of in (slice(0, 10), slice(10, 20)))
    given = np.array([read_score(row.get("aspects", ""), f"{at}aspects") for at, row in rows])
    by_rule = np.minimum(left, right)
    amounts = {
        column: np.array(
            [read_amount(row.get(column, ""), f"{at}{column}", 0, most) for at, row in rows]
        )
        for column, most in _AMOUNTS.items()
    }
    groups = [row.get("group", "") for row in cells]
    truth = Truth(
        tuple(names),
        affected,
        left,
        right,
        np.where(np.isfinite(by_rule), by_rule, given),
        np.array([_side(*of) for of in zip(left, right, given_sides, strict=True)], np.intp),
        **amounts,
        group=tuple("" if group.lower() in NOT_GIVEN else group for group in groups),
    )
    usable = np.isfinite(truth.aspects) | np.isfinite(affected).any(axis=1)
    if not usable.any():
        raise InputError(f"{path}: no participant has regions or an ASPECTS; fill in the columns")
    refusals = tuple(
        Refusal(name, "no region and no ASPECTS in the truth table")
        for name, kept in zip(names, usable, strict=True)
        if not kept
    )
    return TruthTable(
        truth.taking(np.flatnonzero(usable)), refusals, tuple(_remarks(names, by_rule, given))
    )


def _check_columns(sheet: Sheet, columns: set[str]) -> None:
    missing = [name for name in REGION_COLUMNS if name.lower() not in columns]
    if 0 < len(missing) < len(REGION_COLUMNS):
        raise InputError(
            f"{sheet.path}: no column {missing[0]}; give all twenty from left_C to right_M6 "
            "(n/a where a region is not known), or none"
        )
    if not missing and AFFECTED in columns:
        raise InputError(
            f"{sheet.path}: has both region columns and a column {AFFECTED!r}; keep one of them"
        )
    if missing and AFFECTED not in columns and "aspects" not in columns:
        raise InputError(
            f"{sheet.path}: says nothing of the truth; give columns left_C ... right_M6, or "
            f"{AFFECTED!r}, or 'aspects'"
        )


def _affected(
    row: Mapping[str, str], at: str, side: Side | None, rule: AspectsRule
) -> NDArray[np.float64]:
    """Return which regions of a participant are affected."""
    if AFFECTED in row:
        return _listed(row[AFFECTED], f"{at}{AFFECTED}", side)
    found = np.full(len(PLACES), np.nan)
    for place, ((_, region), column) in enumerate(zip(PLACES, REGION_COLUMNS, strict=True)):
        share = read_share(row.get(column.lower(), ""), f"{at}{column}")
        if math.isfinite(share):
            found[place] = rule.loses_point(region, share)
    return found


def _listed(text: str, where: str, side: Side | None) -> NDArray[np.float64]:
    if text.lower() == "none":
        return np.zeros(len(PLACES))
    if text.lower() in NOT_GIVEN:
        return np.full(len(PLACES), np.nan)
    found = np.zeros(len(PLACES))
    for word in filter(None, re.split(r"[\s,;]+", text)):
        named, _, region = word.rpartition("_")
        of = read_side(named, f"{where}: the side of {word}") if named else side
        if of is None:
            raise InputError(
                f"{where}: {word!r} has no side; write left_{word} or right_{word}, or give the "
                "column 'side'"
            )
        found[PLACES.index((of, read_region(region, where)))] = 1
    return found


def _side(left: float, right: float, given: Side | None) -> int:
    if math.isfinite(left) and math.isfinite(right):
        return -1 if left == right else int(right < left)
    return -1 if given is None else SIDES.index(given)


def _remarks(
    names: list[str], by_rule: NDArray[np.float64], given: NDArray[np.float64]
) -> list[str]:
    differing = np.flatnonzero(np.isfinite(by_rule) & np.isfinite(given) & (by_rule != given))
    if not differing.size:
        return []
    first = ", ".join(names[place] for place in differing[:3])
    more = f" and {differing.size - 3} more" if differing.size > 3 else ""
    return [
        f"The truth table's column aspects differs from what the rule gives for {first}{more}: "
        "the rule's score is used wherever all regions are known."
    ]
