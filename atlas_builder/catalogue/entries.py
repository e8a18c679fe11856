"""Atlases known by name, where they are, and which one is for whom.

``atlases/catalogue.json`` names them. One ships with the software; published ones are fetched
(see `atlas_builder.catalogue.fetching`) into the user's cache folder, or that of
``$ASPECTS_ATLAS_CACHE``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from atlas_builder.catalogue.atlas import METADATA, Atlas, read_atlas, read_metadata
from atlas_builder.core.anatomy import AgeGroup, Level, narrowest_containing, nearest_to
from atlas_builder.core.errors import InputError

SHIPPED = Path(__file__).parents[1] / "atlases"
CACHE_VARIABLE = "ASPECTS_ATLAS_CACHE"
PREFERENCE = ("aspects-281", "simulated")
"""Which atlas is used where none is named: the first of these that is installed."""


@dataclass(frozen=True)
class PublishedFile:
    """One file of a published atlas.

    Attributes
    ----------
    age_group, level : AgeGroup, Level
        What it belongs to.
    kind : str
        ``image`` or ``label``.
    name : str
        Its name where it is published.
    sha256 : str
        Its checksum.
    """

    age_group: AgeGroup
    level: Level
    kind: str
    name: str
    sha256: str


@dataclass(frozen=True)
class CatalogueEntry:
    """An atlas known by name.

    Attributes
    ----------
    name : str
        Such as ``aspects-281``.
    description, licence, citation : str
        What it is, under which licence it may be used and what to cite.
    source : str
        The address of the folder it is fetched from, or where it comes from otherwise.
    files : tuple of PublishedFile
        What there is to fetch; empty for an atlas that ships with the software.
    """

    name: str
    description: str
    source: str
    licence: str
    citation: str
    files: tuple[PublishedFile, ...]

    @property
    def folder(self) -> Path:
        """Where it is, or would be, installed."""
        return (cache_folder() if self.files else SHIPPED) / self.name

    @property
    def is_installed(self) -> bool:
        """Whether it can be used without fetching it first."""
        return self.folder.is_dir()


def read_catalogue() -> dict[str, CatalogueEntry]:
    """Return the atlases known by name, in the catalogue's order."""
    entries = json.loads((SHIPPED / "catalogue.json").read_text("utf-8"))
    return {
        name: CatalogueEntry(
            name,
            entry["description"],
            entry["source"],
            entry["licence"],
            entry["citation"],
            tuple(_published_file(file) for file in entry["files"]),
        )
        for name, entry in entries.items()
    }


def cache_folder() -> Path:
    """Return the folder of fetched atlases: ``$ASPECTS_ATLAS_CACHE``, else the user's cache."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen)
    import pooch  # noqa: PLC0415 - not needed where the folder is given

    return Path(pooch.os_cache("aspects-atlas"))


def load_atlas(
    atlas: str | Path | None = None, age: float | None = None, *, allow_nearest: bool = False
) -> Atlas:
    """Find and read the atlas for an age.

    Parameters
    ----------
    atlas : str or Path, optional
        A name in the catalogue, an atlas folder, or a folder of several age groups' atlas folders.
        By default the first of `PREFERENCE` that is installed.
    age : float, optional
        In years. Without it, the atlas must be one of a single age group.
    allow_nearest : bool
        Where no age group contains the age, take the nearest.

    Returns
    -------
    Atlas
        Of the age group that contains the age; of several, the narrowest.

    Raises
    ------
    InputError
        There is no such atlas, none for the age, or its files are missing or altered.
    """
    return read_atlas(find_atlas(atlas, age, allow_nearest=allow_nearest))


def find_atlas(
    atlas: str | Path | None = None, age: float | None = None, *, allow_nearest: bool = False
) -> Path:
    """Find the atlas for an age, without reading it.

    Parameters
    ----------
    atlas, age, allow_nearest
        As `load_atlas` takes them.

    Returns
    -------
    Path
        Its folder, see `read_atlas`.

    Raises
    ------
    InputError
        There is no such atlas, or none for the age.
    """
    folder = _folder_of(atlas)
    groups = _age_groups_in(folder)
    return groups[_choose_group(folder, groups, age, allow_nearest=allow_nearest)]


def read_atlases(atlas: str | Path) -> dict[AgeGroup, Atlas]:
    """Read the atlases of every age group, youngest first.

    Parameters
    ----------
    atlas : str or Path
        As `load_atlas` takes it.

    Raises
    ------
    InputError
        There is no such atlas, or its files are missing or altered.
    """
    groups = _age_groups_in(_folder_of(atlas))
    return {group: read_atlas(groups[group]) for group in sorted(groups)}


def _published_file(row: Mapping[str, str]) -> PublishedFile:
    return PublishedFile(
        AgeGroup.parse(row["age_group"]),
        cast("Level", row["level"]),
        row["kind"],
        row["name"],
        row["sha256"],
    )


def _folder_of(atlas: str | Path | None) -> Path:
    entries = read_catalogue()
    if atlas is None:
        installed = [name for name in PREFERENCE if entries[name].is_installed]
        if not installed:
            raise InputError(
                "no atlas is installed; fetch one with fetch-atlas aspects-281, or give a folder "
                "with --atlas"
            )
        return entries[installed[0]].folder
    entry = entries.get(str(atlas))
    if entry is not None:
        if entry.is_installed:
            return entry.folder
        raise InputError(
            f"atlas {entry.name}: not installed; "
            + (f"run fetch-atlas {entry.name}" if entry.files else "install this software again")
        )
    folder = Path(atlas)
    if not _is_folder(folder):
        raise InputError(
            f"{folder}: neither a folder nor an atlas known by name "
            f"({', '.join(entries)}); give one of these"
        )
    return folder


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # such as for a name that is too long
        return False


def _age_groups_in(folder: Path) -> dict[AgeGroup, Path]:
    """Return the finished atlases of a folder: itself, or those directly in it."""
    try:
        inside = [folder] if (folder / METADATA).exists() else sorted(folder.iterdir())
        folders = [path for path in inside if (path / METADATA).is_file()]
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror}); check access") from None
    groups: dict[AgeGroup, Path] = {}
    for path in folders:
        metadata = read_metadata(path) or {}
        try:
            group = AgeGroup.parse(str(metadata.get("age_group")))
        except InputError as error:
            raise InputError(f"{path / METADATA}: {error}") from None
        if group in groups:
            raise InputError(
                f"{folder}: {groups[group].name} and {path.name} are both for {group}; give one "
                "of them"
            )
        groups[group] = path
    if not groups:
        raise InputError(
            f"{folder}: no {METADATA} in it or in a folder of it; give the folder of a finished "
            "atlas"
        )
    return groups


def _choose_group(
    folder: Path, groups: Iterable[AgeGroup], age: float | None, *, allow_nearest: bool
) -> AgeGroup:
    ordered = sorted(groups)
    listed = ", ".join(map(str, ordered))
    if age is None:
        if len(ordered) == 1:
            return ordered[0]
        raise InputError(f"{folder}: has atlases for ages {listed}; give the age with --age")
    own = narrowest_containing(ordered, age)
    if own is not None:
        return own
    if not allow_nearest:
        raise InputError(
            f"{folder}: no atlas for age {age:g}, only for {listed}; give another atlas, or "
            "--allow-nearest-age to use the nearest"
        )
    return nearest_to(ordered, age)
