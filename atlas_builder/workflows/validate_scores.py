"""Scorers held against the truth: read, measure, report."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from aspects_scorer.agreement.evaluation import Evaluation, evaluate
from aspects_scorer.agreement.scorer import Matched, match
from aspects_scorer.agreement.scorer_files import ScorerFiles, read_scorer
from aspects_scorer.agreement.summary import Rival, compare_scorers
from aspects_scorer.agreement.truth_table import TruthTable, read_truth
from atlas_builder.cohorts.participants import Refusal, first_reasons
from atlas_builder.core.aspects import TRUTH_RULES
from atlas_builder.core.errors import InputError
from atlas_builder.metrics.table_files import to_tsv
from atlas_builder.reporting.agreement.report import TITLE, facts_of, sections_of
from atlas_builder.reporting.base.sections import Section, write_validation_report
from atlas_builder.runtime.files import replacing, sha256_of, write_json
from atlas_builder.runtime.result_folder import check_result_folder, replacing_result
from atlas_builder.runtime.versions import software_versions

RECORD = "validation.json"
"""Tells a folder of this kind from others."""

DEFAULT_RULE = "barber"

_KIND = "validation of scores"
_FILES = {RECORD, "report.html", "tables", "figures"}
_PACKAGES = ("numpy", "scipy", "scikit-learn")


@dataclass(frozen=True)
class ScoresFolder:
    """A folder of scores, and what to call the scorer.

    Attributes
    ----------
    folder : Path
        See `read_scorer`.
    name : str or None
        None for its method or the folder's name.
    """

    folder: Path
    name: str | None = None

    @classmethod
    def parse(cls, text: str) -> ScoresFolder:
        """Read ``DIR`` or ``NAME=DIR``.

        Parameters
        ----------
        text : str
            What stands before the first ``=`` is the name, unless the whole is a folder.
        """
        name, given, folder = text.partition("=")
        if not given or Path(text).is_dir():
            return cls(Path(text))
        if not name.strip() or not folder:
            raise InputError(f"--scores {text}: give NAME=DIR or DIR")
        return cls(Path(folder), name.strip())


def validate_scores(
    folders: Sequence[ScoresFolder],
    truth: Path,
    out: Path,
    *,
    rule: str = DEFAULT_RULE,
    seed: int = 1,
) -> dict[str, Any]:
    """Hold one or several scorers against the truth.

    Parameters
    ----------
    folders : sequence of ScoresFolder
        One a scorer; differences are taken from the first.
    truth : Path
        The truth table, see `read_truth`.
    out : Path
        Where tables, figures and the report go; made if need be, an earlier validation of scores
        in it is replaced.
    rule : str
        From which share on a region is affected: a key of `TRUTH_RULES`.
    seed : int
        Of the bootstraps.

    Returns
    -------
    dict
        What ``validation.json`` holds.

    Raises
    ------
    InputError
        A folder or the table cannot be used, two scorers have the same name, or a scorer shares no
        participant with the table. Participants who cannot be used do not end the run; they are
        named with the reason.
    """
    started = time.monotonic()
    check_result_folder(out, _KIND, RECORD, _FILES)
    table = read_truth(truth, TRUTH_RULES[rule])
    read = [read_scorer(one.folder, one.name) for one in folders]
    _check_names(read)
    matched, refusals = _match_all(table, read, folders)
    evaluations = [evaluate(one, seed) for one in matched]
    rivals = _compare(matched, seed)
    remarks = [*table.remarks, *(remark for files in read for remark in files.remarks)]
    if not table.truth.knows_regions:
        remarks.append("The truth table tells no regions: figures of regions are left out.")
    inputs = {
        "settings": {"rule": rule, "seed": seed, "scorers": [one.name for one in evaluations]},
        "versions": software_versions(*_PACKAGES),
        "files": _checksums(truth, read, folders),
    }
    sections = sections_of(evaluations, rivals, remarks)
    record: dict[str, Any] = {
        "scorers": {one.name: _numbers(one) for one in evaluations},
        "compared": [_plain(rival) for rival in rivals],
        "left_out": [asdict(refusal) for refusal in refusals],
        "remarks": remarks,
        "inputs": inputs,
    }
    with replacing_result(out) as folder:
        files = write_validation_report(
            folder,
            TITLE,
            facts_of(evaluations, len(refusals)),
            sections,
            refusals,
            inputs,
            subtitle=f"Report of a validation of scores; rule of the truth: {rule}.",
        )
        files += _write_tsv(folder, sections)
        record |= {
            "sha256": {path.relative_to(folder).as_posix(): sha256_of(path) for path in files},
            "finished": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - started, 1),
        }
        write_json(folder / RECORD, record)
    return record


def _check_names(read: Sequence[ScorerFiles]) -> None:
    names = [files.scorer.name for files in read]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"two scorers are called {twice!r}; tell them apart by --scores NAME=DIR")


def _match_all(
    table: TruthTable, read: Sequence[ScorerFiles], folders: Sequence[ScoresFolder]
) -> tuple[list[Matched], list[Refusal]]:
    """Bring every scorer together with the truth; of several, reasons name the scorer."""
    matched = []
    refusals = list(table.refusals)
    without_truth = {refusal.participant_id for refusal in table.refusals}
    for files, given in zip(read, folders, strict=True):
        one, unmatched = match(table.truth, files.scorer)
        known = {refusal.participant_id for refusal in files.refusals} | without_truth
        own = [*files.refusals, *(r for r in unmatched if r.participant_id not in known)]
        if not len(one):
            raise InputError(
                f"{given.folder}: no participant with a score has a truth ({first_reasons(own)}); "
                "name participants alike in both"
            )
        matched.append(one)
        before = f"{files.scorer.name}: " if len(read) > 1 else ""
        refusals += [Refusal(r.participant_id, f"{before}{r.reason}") for r in own]
    return matched, refusals


def _compare(matched: Sequence[Matched], seed: int) -> tuple[Rival, ...]:
    """Compare several scorers on the participants that all have, if there are any."""
    common = set.intersection(*(set(one.truth.participants) for one in matched))
    if len(matched) < 2 or not common:
        return ()
    return compare_scorers([one.among(common) for one in matched], seed)


def _checksums(
    truth: Path, read: Sequence[ScorerFiles], folders: Sequence[ScoresFolder]
) -> dict[str, object]:
    return {
        "truth": sha256_of(truth),
        "scores": {
            files.scorer.name: {
                path.relative_to(given.folder).as_posix(): sha256_of(path) for path in files.files
            }
            for files, given in zip(read, folders, strict=True)
        },
    }


def _write_tsv(folder: Path, sections: Sequence[Section]) -> list[Path]:
    """Write every table of the report as tab-separated text beside its other forms."""
    written = []
    for section in sections:
        for table in section.tables:
            written.append(folder / "tables" / f"{table.name}.tsv")
            with replacing(written[-1]) as partial:
                partial.write_text(to_tsv(table), "utf-8", newline="")
    return written


def _numbers(evaluation: Evaluation) -> dict[str, object]:
    """Return all that is measured of a scorer, but for the participants' own values."""
    left_out = {"matched"}
    found = {
        field.name: _plain(getattr(evaluation, field.name))
        for field in fields(evaluation)
        if field.name not in left_out
    }
    return {"participants": list(evaluation.matched.truth.participants), **found}


def _plain(value: Any) -> Any:
    """Return a result as JSON can hold it: mappings, lists, text, numbers; null for NaN."""
    if is_dataclass(value):
        return {
            field.name: _plain(getattr(value, field.name))
            for field in fields(value)
            if not hasattr(getattr(value, field.name), "dtype")
        }
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return round(value, 9) if math.isfinite(value) else None
    return value
