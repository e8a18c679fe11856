"""Folders that a result is written to: new, empty, or with an earlier result of the same kind."""

from __future__ import annotations

from collections.abc import Iterator, Set
from contextlib import contextmanager
from pathlib import Path

from atlas_builder.core.errors import InputError
from atlas_builder.runtime.files import replacing_folder


def check_result_folder(out: Path, kind: str, record: str, files: Set[str]) -> None:
    """Make sure that a result may be written to a folder, before any work is done.

    Parameters
    ----------
    out : Path
        The folder; it need not exist.
    kind : str
        What is written to it, in a word.
    record : str
        The file that tells an earlier result from a user's other files.
    files : set of str
        All files that an earlier result may hold.

    Raises
    ------
    InputError
        It is a file, or holds anything but an earlier result.
    """
    inside = names_inside(out, kind)
    if inside and (record not in inside or inside - files):
        other = sorted(inside - files) or sorted(inside)
        raise InputError(
            f"{out}: holds other files than a {kind} ({other[0]}); give a new or an empty folder"
        )


@contextmanager
def replacing_result(out: Path) -> Iterator[Path]:
    """Fill a folder with a result so that its name only ever holds a complete one.

    Parameters
    ----------
    out : Path
        The folder, from `check_result_folder`; an earlier result in it is replaced.

    Yields
    ------
    Path
        An empty folder to fill.

    Raises
    ------
    InputError
        The folder cannot be written.
    """
    try:
        with replacing_folder(out.absolute()) as folder:
            yield folder
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror}); check access") from None


def refuse_file(out: Path, kind: str) -> None:
    """Make sure that what is to be a folder of results is no file.

    Parameters
    ----------
    out : Path
        The folder; it need not exist.
    kind : str
        What is written to it, in a word.

    Raises
    ------
    InputError
        It is a file.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; give a folder for the {kind}")


def names_inside(out: Path, kind: str) -> set[str]:
    """Return what a folder for a result holds; nothing where it is yet to be made.

    Parameters
    ----------
    out : Path
        The folder.
    kind : str
        What is written to it, in a word.

    Raises
    ------
    InputError
        It is a file, or cannot be looked into.
    """
    try:
        if not out.exists():
            return set()
        refuse_file(out, kind)
        return {path.name for path in out.iterdir()}
    except OSError as error:
        raise InputError(f"{out}: cannot be used ({error.strerror}); check the path") from None
