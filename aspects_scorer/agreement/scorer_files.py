"""The files of a scorer: a cohort's ``scores.tsv`` and ``regions.tsv``, or a folder a scan."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aspects_scorer.agreement.cells import (
    PLACES,
    read_amount,
    read_decision,
    read_region,
    read_score,
    read_share,
    read_side,
)
from aspects_scorer.agreement.remarks import remarks_on
from aspects_scorer.agreement.scorer import Scorer
from atlas_builder.cohorts.participants import Refusal
from atlas_builder.cohorts.sheets import NOT_GIVEN, read_sheet, with_prefix
from atlas_builder.core.errors import InputError
from atlas_builder.runtime.tsv import read_tsv, require_column

SCORES = "scores.tsv"
REGIONS = "regions.tsv"
SUBJECTS = "subjects.tsv"
RESULT = "aspects.json"

_SCORED = {"scored", "ok", "done", "yes"}
_DECISIONS = ("affected", "loses_point")
_NOWHERE = np.full(len(PLACES), np.nan)


@dataclass(frozen=True)
class ScorerFiles:
    """A scorer's folder as it was read.

    Attributes
    ----------
    scorer : Scorer
        Who was scored.
    refusals : tuple of Refusal
        Who was not, and why.
    files : tuple of Path
        What was read.
    remarks : tuple of str
        What to know of it, in a sentence each.
    """

    scorer: Scorer
    refusals: tuple[Refusal, ...]
    files: tuple[Path, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class _Regions:
    """The twenty regions of a participant, NaN where nothing is said."""

    affected: NDArray[np.float64] = field(default_factory=_NOWHERE.copy)
    probability: NDArray[np.float64] = field(default_factory=_NOWHERE.copy)
    fraction: NDArray[np.float64] = field(default_factory=_NOWHERE.copy)


@dataclass(frozen=True)
class _Scored:
    """The scores of a participant."""

    name: str
    left: float
    right: float
    aspects: float
    core_ml: float
    method: str
    regions: _Regions = field(default_factory=_Regions)


def read_scorer(folder: Path, name: str | None = None) -> ScorerFiles:
    """Read the scores of one scorer.

    Parameters
    ----------
    folder : Path
        With ``scores.tsv`` and, where the scorer tells regions, ``regions.tsv``; or with a folder a
        scan, named by the participant, of ``aspects.json`` and ``regions.tsv``.
    name : str, optional
        What to call the scorer; by default its method, where that is the same for all, or the
        folder's name.

    Returns
    -------
    ScorerFiles

    Raises
    ------
    InputError
        There are no scores, or a table is malformed. Participants without a score, and scans whose
        files cannot be used, are among the refusals.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give one of scores with --scores")
    if (folder / SCORES).exists():
        scored, refusals, files = _read_cohort(folder)
    else:
        scored, refusals, files = _read_scans(folder)
    if not scored:
        why = f" ({refusals[0].participant_id}: {refusals[0].reason})" if refusals else ""
        raise InputError(f"{folder}: no participant has a score{why}; score them first")
    methods = {one.method for one in scored} - {""}
    method = methods.pop() if len(methods) == 1 else ""
    scorer = Scorer(
        name or method or folder.resolve().name,
        tuple(one.name for one in scored),
        *(
            np.array([getattr(one, column) for one in scored], np.float64)
            for column in ("left", "right", "aspects", "core_ml")
        ),
        *(
            np.array([getattr(one.regions, column) for one in scored], np.float64)
            for column in ("affected", "probability", "fraction")
        ),
    )
    return ScorerFiles(scorer, tuple(refusals), tuple(files), tuple(remarks_on(scorer)))


def _read_cohort(folder: Path) -> tuple[list[_Scored], list[Refusal], list[Path]]:
    path = folder / SCORES
    sheet = read_sheet(path, "score the cohort first")
    columns = {column.lower() for column in sheet.columns}
    if "aspects" not in columns and not {"aspects_left", "aspects_right"} <= columns:
        raise InputError(f"{path}: no column 'aspects', nor aspects_left and aspects_right")
    files = [path]
    regions: dict[str, _Regions] = {}
    if (folder / REGIONS).exists():
        files.append(folder / REGIONS)
        regions = _read_regions(files[-1])
    scored, refusals = [], []
    for name, cells in sheet.rows.items():
        row = {column.lower(): cell for column, cell in cells.items()}
        why = _why_not(row)
        one = _scores(name, row, f"{path}: {name}: ", regions.get(name, _Regions()))
        if why is None and math.isnan(one.aspects):
            why = _with_reason("no score", row)
        if why is None:
            scored.append(one)
        else:
            refusals.append(Refusal(name, why))
    refusals += [
        Refusal(name, f"in {REGIONS} but not in {SCORES}")
        for name in regions
        if name not in sheet.rows
    ]
    if (folder / SUBJECTS).exists():
        files.append(folder / SUBJECTS)
        refusals += _not_scored(files[-1], sheet.rows)
    return scored, refusals, files


def _read_scans(folder: Path) -> tuple[list[_Scored], list[Refusal], list[Path]]:
    inside = sorted(
        path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")
    )
    if not any((path / RESULT).exists() for path in inside):
        raise InputError(
            f"{folder}: neither {SCORES} nor folders with {RESULT}; give a folder of scores"
        )
    scored, refusals, files = [], [], []
    for scan in inside:
        name = with_prefix(scan.name)
        try:
            result = _result(scan / RESULT)
            own = [scan / RESULT]
            regions = _Regions()
            if (scan / REGIONS).exists():
                own.append(scan / REGIONS)
                regions = _read_regions(own[-1], name)[name]
            row = {
                key: "" if value is None else str(value)
                for key, value in result.items()
                if not isinstance(value, dict | list)
            }
            why = _why_not(row)
            one = _scores(name, row, f"{RESULT}: ", regions)
        except InputError as error:
            refusals.append(Refusal(name, str(error).removeprefix(f"{scan}/")))
            continue
        if why is None and math.isnan(one.aspects):
            why = _with_reason("no score", row)
        if why is None:
            scored.append(one)
            files += own
        else:
            refusals.append(Refusal(name, why))
    return scored, refusals, files


def _result(path: Path) -> Mapping[str, object]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise InputError(f"no {RESULT}; score the scan") from None
    except (OSError, ValueError):
        raise InputError(f"{RESULT} cannot be read; score the scan again") from None
    if not isinstance(found, dict):
        raise InputError(f"{RESULT} holds no score; score the scan again")
    return found


def _why_not(row: Mapping[str, str]) -> str | None:
    """Return why a row counts as not scored; None where it does not."""
    status = row.get("status", "")
    if status.lower() in _SCORED | NOT_GIVEN - {"missing"}:
        return None
    return _with_reason(status, row)


def _with_reason(what: str, row: Mapping[str, str]) -> str:
    reason = row.get("reason", "")
    return what if reason.lower() in NOT_GIVEN else f"{what}: {reason}"


def _scores(name: str, row: Mapping[str, str], at: str, regions: _Regions) -> _Scored:
    left, right, aspects = (
        read_score(row.get(column, ""), f"{at}{column}")
        for column in ("aspects_left", "aspects_right", "aspects")
    )
    lower = min(left, right) if math.isfinite(left + right) else math.nan
    if math.isfinite(lower + aspects) and lower != aspects:
        raise InputError(
            f"{at}aspects is {aspects:g}, the lower of its sides {lower:g}; mend the scores"
        )
    core = read_amount(row.get("core_volume_ml", ""), f"{at}core_volume_ml")
    method = row.get("method", "")
    method = "" if method.lower() in NOT_GIVEN else method
    score = aspects if math.isfinite(aspects) else lower
    return _Scored(name, left, right, score, core, method, regions)


def _read_regions(path: Path, only: str | None = None) -> dict[str, _Regions]:
    """Read the regions of a cohort, or of one participant whom the table does not name."""
    header, rows = read_tsv(path, "score the scan first")
    columns = [name.lower() for name in header]
    for column in ("side", "region", *(() if only else ("participant_id",))):
        require_column(path, columns, column)
    decision = next((column for column in _DECISIONS if column in columns), None)
    if decision is None:
        raise InputError(f"{path}: no column 'affected' of yes and no; add it")
    found: dict[str, _Regions] = {} if only is None else {only: _Regions()}
    seen = set()
    for number, cells in rows:
        row = dict(zip(columns, cells, strict=False))
        at = f"{path}: line {number}: "
        name = only or with_prefix(row["participant_id"])
        side = read_side(row["side"], f"{at}side")
        if side is None:
            raise InputError(f"{at}side is {row['side']!r}; give left or right")
        place = PLACES.index((side, read_region(row["region"], f"{at}region")))
        if (name, place) in seen:
            raise InputError(f"{at}{name} {side} {row['region']} again; keep one row each")
        seen.add((name, place))
        regions = found.setdefault(name, _Regions())
        regions.affected[place] = read_decision(row[decision], f"{at}{decision}")
        for column in ("probability", "fraction"):
            values = getattr(regions, column)
            values[place] = read_share(row.get(column, ""), f"{at}{column}")
    return found


def _not_scored(path: Path, known: Mapping[str, object]) -> list[Refusal]:
    """Return whom a cohort's table of subjects names as not scored."""
    refusals = []
    for name, cells in read_sheet(path, "score the cohort first").rows.items():
        row = {column.lower(): cell for column, cell in cells.items()}
        if name not in known and row.get("scored", "").lower() == "no":
            refusals.append(Refusal(name, _with_reason("not scored", row)))
    return refusals
