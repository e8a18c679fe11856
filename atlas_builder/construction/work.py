"""Unfinished work on the disk: whose it is, and what of it is done."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from atlas_builder.io.files import replacing

Result = TypeVar("Result")


def describe_files(cohort: Path) -> list[list[object]]:
    """Return name, size and time of change of a cohort's files, so that a change is noticed."""
    # Not everything in the folder: an atlas may be built inside it.
    places = [cohort / "participants.tsv", *cohort.glob("sub-*/**/*")]
    return [
        [path.relative_to(cohort).as_posix(), path.stat().st_size, path.stat().st_mtime_ns]
        for path in sorted(path for path in places if path.is_file())
    ]


def claim(work: Path, inputs: Mapping[str, object]) -> None:
    """Make the work folder one of these inputs, emptied if it was of others."""
    record = work / "inputs.json"
    text = json.dumps(inputs)
    if not record.exists() or record.read_text("utf-8") != text:
        # First the record: a half-emptied folder must not pass for one of the earlier inputs.
        record.unlink(missing_ok=True)
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True, exist_ok=True)
        with replacing(record) as partial:
            partial.write_text(text, "utf-8")


def resume(
    paths: Mapping[str, Path],
    compute: Callable[[list[str]], Iterator[Result]],
    save: Callable[[Path, Result], None],
    load: Callable[[Path], Result],
) -> Iterator[tuple[str, Result]]:
    """Yield everyone's name and result in order; what is on the disk is not computed again.

    Parameters
    ----------
    paths : mapping of str to Path
        Each one's file, in order.
    compute : callable
        Given the names without a file, yields their results in that order.
    save, load : callable
        Write a result, before it is handed on, and read it back.
    """
    missing = [name for name, path in paths.items() if not path.exists()]
    computed = compute(missing)
    for name, path in paths.items():
        if name in missing:
            result = next(computed)
            save(path, result)
        else:
            result = load(path)
        yield name, result
