"""Results and unfinished work on the disk: whose they are, and what of them is done.

A result's folder holds a record of what the result was made from. Run again with the same
inputs, what is finished is left alone and what is not goes on; a result of other inputs is
refused, unless its command was told to restart, which forgets record and work first.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from atlas_builder.core.errors import InputError
from atlas_builder.runtime.files import replacing
from atlas_builder.runtime.result_folder import refuse_file

Result = TypeVar("Result")

OR_RESTART = "give another folder, or --restart to replace it"
"""What to do about another's result where the command can restart."""


def read_record(path: Path) -> dict[str, Any]:
    """Return the content of a record.

    Parameters
    ----------
    path : Path
        A JSON file.

    Returns
    -------
    dict

    Raises
    ------
    OSError, ValueError
        It cannot be read, or is not JSON.
    """
    record: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return record


def recorded_inputs(path: Path) -> object:
    """Return the inputs that a record names for its result.

    Parameters
    ----------
    path : Path
        A JSON file with the key ``inputs``.

    Returns
    -------
    object
        None where the file cannot be read or has no such key.
    """
    try:
        return read_record(path)["inputs"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


@dataclass(frozen=True)
class ResultRecord:
    """The record in a folder of results, by which a run knows whether there is anything to do.

    Attributes
    ----------
    path : Path
        The record; the folder that it is in is the result's.
    kind : str
        What the folder is for, in a word.
    others : str or None
        What to call a result of other inputs and what to do about it, for the message that refuses
        it. None where such a result is brought up to date.
    work : Path or None
        The folder of unfinished work, where it is apart.
    inputs_of : callable
        Given the path of a record that exists, returns what the result was made from.
    """

    path: Path
    kind: str
    others: str | None
    work: Path | None = None
    inputs_of: Callable[[Path], object] = recorded_inputs

    def begin(self, inputs: Mapping[str, object], *, restart: bool) -> bool:
        """Tell whether a result is yet to be made, before any work is done.

        Parameters
        ----------
        inputs : mapping
            What it is made from, as a file will give it back; see `as_read_back`.
        restart : bool
            Forget what the folder holds, finished or not.

        Returns
        -------
        bool
            False when the record is there and names these very inputs.

        Raises
        ------
        InputError
            The folder is a file, or holds a result of other inputs.
        """
        folder = self.path.parent
        refuse_file(folder, self.kind)
        if restart:
            self._forget()
        elif self.path.exists():
            if self.inputs_of(self.path) == inputs:
                return False
            if self.others is not None:
                raise InputError(f"{folder}: holds {self.others}")
        return True

    def _forget(self) -> None:
        # First the record: what is half removed must not pass for a result.
        self.path.unlink(missing_ok=True)
        if self.work is not None:
            shutil.rmtree(self.work, ignore_errors=True)


def as_read_back(inputs: Mapping[str, object]) -> dict[str, object]:
    """Return inputs as a JSON file will give them back, where lists and tuples are the same.

    Parameters
    ----------
    inputs : mapping
        As JSON can hold it.

    Returns
    -------
    dict
    """
    read_back: dict[str, object] = json.loads(json.dumps(inputs))
    return read_back


def describe_files(cohort: Path) -> list[list[object]]:
    """Return name, size and time of change of a cohort's files, so that a change is noticed.

    Parameters
    ----------
    cohort : Path
        The cohort's folder with ``participants.tsv`` and the folders ``sub-*``.

    Returns
    -------
    list of list
        One ``[name, size, time]`` a file, in the order of the names: the path relative to the
        cohort, with forward slashes; bytes; nanoseconds since 1970.
    """
    # Not everything in the folder: an atlas may be built inside it.
    places = [cohort / "participants.tsv", *cohort.glob("sub-*/**/*")]
    return [
        [path.relative_to(cohort).as_posix(), path.stat().st_size, path.stat().st_mtime_ns]
        for path in sorted(path for path in places if path.is_file())
    ]


def claim(work: Path, inputs: Mapping[str, object]) -> None:
    """Assign the work folder to these inputs; empty it first where it belongs to other inputs.

    Parameters
    ----------
    work : Path
        The folder of unfinished work; made if need be.
    inputs : mapping
        What the work is made from, as JSON can hold it. They are written to ``inputs.json``.

    Raises
    ------
    OSError
        The folder cannot be read or written.
    """
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
    is_kept: Callable[[Path], bool] = Path.exists,
) -> Iterator[tuple[str, Result]]:
    """Yield each name and its result in order; what is on the disk is not computed again.

    Parameters
    ----------
    paths : mapping of str to Path
        Each one's file, in order.
    compute : callable
        Given the names without a file, yields their results in that order.
    save, load : callable
        Write a result, before it is handed on, and read it back.
    is_kept : callable
        Tells whether a file holds a result to load; by default, whether it is there.
    """
    missing = [name for name, path in paths.items() if not is_kept(path)]
    computed = compute(missing)
    for name, path in paths.items():
        if name in missing:
            result = next(computed)
            save(path, result)
        else:
            result = load(path)
        yield name, result
