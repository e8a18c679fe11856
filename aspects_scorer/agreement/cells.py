"""What stands in the cells of tables of scores and of truth, read or refused in one line."""

from __future__ import annotations

import math
from itertools import product

from atlas_builder.cohorts.sheets import NOT_GIVEN
from atlas_builder.core.anatomy import SIDES, Region, Side
from atlas_builder.core.aspects import POINTS
from atlas_builder.core.errors import InputError
from atlas_builder.runtime.tsv import read_number

PLACES: tuple[tuple[Side, Region], ...] = tuple(product(SIDES, Region))
"""The twenty regions in the order of every array here: left before right, in label order."""

_YES = {"yes", "true"}
_NO = {"no", "false"}


def read_amount(
    text: str, where: str, lowest: float = 0.0, highest: float = math.inf, *, whole: bool = False
) -> float:
    """Read a cell that holds a number within bounds, or none.

    Parameters
    ----------
    text : str
        The cell.
    where : str
        Which cell it is, for the message.
    lowest, highest : float
        The bounds; both belong to it.
    whole : bool
        Whether only whole numbers do.

    Returns
    -------
    float
        NaN where the value is not given.

    Raises
    ------
    InputError
        It is another number, or none.
    """
    if text.lower() in NOT_GIVEN:
        return math.nan
    number = read_number(text)
    if lowest <= number <= highest and math.isfinite(number) and (not whole or number % 1 == 0):
        return number
    bounds = f"from {lowest:g} to {highest:g}" if math.isfinite(highest) else f"from {lowest:g} on"
    kind = "a whole number" if whole else "a number"
    raise InputError(f"{where} is {text!r}; give {kind} {bounds}, or n/a")


def read_score(text: str, where: str) -> float:
    """Read a cell that holds an ASPECTS, or none; see `read_amount`.

    Parameters
    ----------
    text, where
        The cell, and which it is.

    Returns
    -------
    float
        A whole number from 0 to 10; NaN where it is not given.
    """
    return read_amount(text, where, highest=POINTS, whole=True)


def read_share(text: str, where: str) -> float:
    """Read a cell that holds a share from 0 to 1, yes or no; see `read_amount`.

    Parameters
    ----------
    text, where
        The cell, and which it is.

    Returns
    -------
    float
        Yes is 1, no is 0; NaN where it is not given.
    """
    word = text.lower()
    if word in _YES | _NO:
        return float(word in _YES)
    return read_amount(text, where, highest=1.0)


def read_decision(text: str, where: str) -> float:
    """Read a cell that holds yes or no, 1 or 0.

    Parameters
    ----------
    text, where
        The cell, and which it is.

    Returns
    -------
    float
        1 or 0; NaN where it is not given.

    Raises
    ------
    InputError
        It is neither.
    """
    try:
        return read_amount(str(read_share(text, where)), where, highest=1.0, whole=True)
    except InputError:
        raise InputError(f"{where} is {text!r}; give yes, no or n/a") from None


def read_side(text: str, where: str) -> Side | None:
    """Read a cell that names a side of the patient, or none.

    Parameters
    ----------
    text, where
        The cell, and which it is.

    Returns
    -------
    {'left', 'right'} or None
        None where no side is given.

    Raises
    ------
    InputError
        It is something else.
    """
    word = text.lower()
    if word in NOT_GIVEN:
        return None
    for side in SIDES:
        if word in (side, side[0]):
            return side
    raise InputError(f"{where} is {text!r}; give left, right or n/a")


def read_region(text: str, where: str) -> Region:
    """Read a cell that names a region.

    Parameters
    ----------
    text, where
        The cell, and which it is.

    Returns
    -------
    Region

    Raises
    ------
    InputError
        There is no such region.
    """
    try:
        return Region[text.upper()]
    except KeyError:
        names = ", ".join(region.name for region in Region)
        raise InputError(f"{where} is {text!r}; the regions are {names}") from None
