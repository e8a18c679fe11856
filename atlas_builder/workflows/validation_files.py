"""What a validation leaves behind for programs: tidy tables and the parameters of the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path

from atlas_builder.cohorts.labelled_scans import Participant, Refusal
from atlas_builder.runtime.files import sha256_of, write_json
from atlas_builder.runtime.tsv import NOT_AVAILABLE, number_cell, write_tsv
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
_SPEC = ".6g"


def write_agreement(scores: Scores, path: Path) -> Path:
    """Write ``dsc.tsv``: a row a participant, region, side and pair of sources.

    Parameters
    ----------
    scores : Scores
        Distances in mm, areas in mm2.
    path : Path
        The file; one that is there is replaced.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    header = ["participant_id", "level", "region", "side", "first", "second", *_MEASURES]
    rows = (
        [
            row.participant_id,
            row.region.level,
            row.region.name,
            row.side,
            row.first,
            row.second,
            *(number_cell(getattr(row, measure), _SPEC) for measure in _MEASURES),
        ]
        for row in scores.rows
    )
    return write_tsv(path, header, rows)


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
        More columns: the text of each by participant.
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
        known = [values.get(name, NOT_AVAILABLE) for values in extra.values()]
        numbers = [number_cell(float(means[pair][place]), _SPEC) for pair in pairs]
        sex = person.sex or NOT_AVAILABLE
        rows.append([name, f"{person.age:g}", sex, *known, "yes", NOT_AVAILABLE, *numbers])
    for refusal in refusals:
        unknown = [NOT_AVAILABLE] * (2 + len(extra))
        unmeasured = [NOT_AVAILABLE] * len(pairs)
        rows.append([refusal.participant_id, *unknown, "no", refusal.reason, *unmeasured])
    return write_tsv(path, header, rows)


def write_record(
    out: Path,
    inputs: Mapping[str, object],
    scores: Scores,
    refusals: Sequence[Refusal],
    files: Iterable[Path],
    seconds: float,
) -> None:
    """Write ``validation.json``: parameters, versions, participants, checksums.

    Parameters
    ----------
    out : Path
        The validation's folder.
    inputs : mapping
        What the validation was made from, as JSON can hold it.
    scores : Scores
        Of those used.
    refusals : sequence of Refusal
        Those left out.
    files : iterable of Path
        All other files of the validation, inside `out`.
    seconds : float
        How long the run took.

    Raises
    ------
    OSError
        A file cannot be read, or the record cannot be written.
    """
    record = {
        "participants": list(scores.participants),
        "left_out": [asdict(refusal) for refusal in refusals],
        "inputs": inputs,
        "sha256": {path.relative_to(out).as_posix(): sha256_of(path) for path in files},
        "finished": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
    }
    write_json(out / RECORD, record)
