"""What a validation leaves behind for programs: tidy tables and the parameters of the run."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from atlas_builder.errors import InputError
from atlas_builder.io.cohort import Participant, Refusal
from atlas_builder.io.files import replacing, sha256_of
from atlas_builder.validation.scores import Scores, mean_of_finite

RECORD = "validation.json"
"""Written last: a folder without it holds no finished validation."""

_MEASURES = (
    "dsc",
    "hausdorff95_mm",
    "mean_surface_mm",
    "area_first_mm2",
    "area_second_mm2",
    "area_difference_mm2",
)


def write_agreement(scores: Scores, path: Path) -> Path:
    """Write ``dsc.tsv``: a row a participant, region, side and pair of sources."""
    header = ["participant_id", "level", "region", "side", "first", "second", *_MEASURES]
    rows = (
        [
            row.participant_id,
            row.region.level,
            row.region.name,
            row.side,
            row.first,
            row.second,
            *(_number(getattr(row, measure)) for measure in _MEASURES),
        ]
        for row in scores.rows
    )
    return _write_tsv(path, header, rows)


def write_subjects(
    scores: Scores,
    participants: Mapping[str, Participant],
    refusals: Sequence[Refusal],
    extra: Mapping[str, Mapping[str, str]],
    path: Path,
) -> Path:
    """Write ``subjects.tsv``: who was used, who was left out and why, each one's mean DSC.

    Parameters
    ----------
    scores : Scores
        Of those used.
    participants : mapping of str to Participant
        By the names in the scores.
    refusals : sequence of Refusal
        Those left out.
    extra : mapping of str to mapping of str to str
        More columns: what each says of a participant.
    path : Path
        The file.
    """
    pairs = tuple(dict.fromkeys((row.first, row.second) for row in scores.rows))
    means = {pair: mean_of_finite(scores.of(pair), axis=1) for pair in pairs}
    columns = [f"mean_dsc_{first}_{second}" for first, second in pairs]
    header = ["participant_id", "age", "sex", *extra, "used", "reason", *columns]
    rows = []
    for place, name in enumerate(scores.participants):
        person = participants[name]
        known = [values.get(name, "n/a") for values in extra.values()]
        numbers = [_number(float(means[pair][place])) for pair in pairs]
        rows.append([name, f"{person.age:g}", person.sex or "n/a", *known, "yes", "n/a", *numbers])
    for refusal in refusals:
        unknown = ["n/a"] * (2 + len(extra))
        rows.append([refusal.participant_id, *unknown, "no", refusal.reason, *["n/a"] * len(pairs)])
    return _write_tsv(path, header, rows)


def write_record(
    out: Path,
    inputs: Mapping[str, object],
    scores: Scores,
    refusals: Sequence[Refusal],
    files: Iterable[Path],
    seconds: float,
) -> None:
    """Write ``validation.json``: parameters, versions, participants, checksums."""
    record = {
        "participants": list(scores.participants),
        "left_out": [asdict(refusal) for refusal in refusals],
        "inputs": inputs,
        "sha256": {path.relative_to(out).as_posix(): sha256_of(path) for path in files},
        "finished": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
    }
    with replacing(out / RECORD) as partial:
        partial.write_text(json.dumps(record, indent=2) + "\n", "utf-8")


def read_record(out: Path) -> dict[str, Any]:
    """Return what ``validation.json`` says of a finished validation."""
    record: dict[str, Any] = json.loads((out / RECORD).read_text("utf-8"))
    return record


def is_finished(out: Path, inputs: Mapping[str, object]) -> bool:
    """Tell whether a folder holds the validation of these very inputs.

    Raises
    ------
    InputError
        It holds another one, or `out` is a file.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; give a folder for the validation")
    if not (out / RECORD).exists():
        return False
    try:
        found = read_record(out)["inputs"]
    except (OSError, ValueError, KeyError, TypeError):
        found = None
    if found == inputs:
        return True
    raise InputError(
        f"{out}: holds a validation of other inputs or settings; give another folder, "
        "or --restart to replace it"
    )


def _write_tsv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Path:
    with replacing(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    return path


def _number(value: float) -> str:
    return "n/a" if math.isnan(value) else f"{value:.6g}"
