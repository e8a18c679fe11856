"""Published atlases: fetched, verified and converted into atlas folders, all or nothing."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from atlas_builder.catalogue.atlas import AtlasLevel, read_atlas, write_level, write_metadata
from atlas_builder.catalogue.entries import CACHE_VARIABLE, CatalogueEntry, PublishedFile
from atlas_builder.core.anatomy import LEVELS, AgeGroup
from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Slice
from atlas_builder.io.nifti.images import read_labels, read_scan
from atlas_builder.preprocessing.key_slice import (
    KEY_SLICE_SHAPE,
    KEY_SLICE_SPACING,
    key_slice_affine,
    make_key_slice,
)
from atlas_builder.runtime.files import replacing_folder, sha256_of
from atlas_builder.runtime.progress import Progress, no_progress

_T = TypeVar("_T", np.float32, np.uint8)


def install_atlas(
    entry: CatalogueEntry,
    copy: Path | None = None,
    progress: Progress = no_progress,
    *,
    tries_again: int = 2,
) -> bool:
    """Install a published atlas: an atlas folder for each age group, in `entry.folder`.

    Every file must have the checksum of the catalogue. Nothing appears under the final name
    before all of it is there.

    Parameters
    ----------
    entry : CatalogueEntry
        Which one.
    copy : Path, optional
        A folder that holds the published files. By default they are downloaded.
    progress : callable
        Called with how many files are there and how many there will be.
    tries_again : int
        How often a download that failed is tried again.

    Returns
    -------
    bool
        False when it was installed already, whole, and nothing was done.

    Raises
    ------
    InputError
        The atlas is not one to fetch; a file is missing, cannot be downloaded or has another
        checksum; or the folder cannot be written.
    """
    if not entry.files:
        raise InputError(f"atlas {entry.name}: ships with this software; there is nothing to fetch")
    if is_whole(entry):
        return False
    with tempfile.TemporaryDirectory(prefix="aspects-atlas-") as temporary:
        if copy is None:
            published = Path(temporary)
            _download(entry, published, progress, tries_again)
        else:
            published = Path(copy)
            _verify(entry.files, published)
        try:
            with replacing_folder(entry.folder) as partial:
                for group, files in _by_age_group(entry.files):
                    _convert(entry, group, files, published, partial / str(group))
        except OSError as error:
            raise InputError(
                f"{entry.folder}: cannot be written ({error.strerror}); set ${CACHE_VARIABLE} to "
                "another folder"
            ) from None
    return True


def is_whole(entry: CatalogueEntry) -> bool:
    """Tell whether every age group of a published atlas is installed and unaltered.

    Parameters
    ----------
    entry : CatalogueEntry
        Of a published atlas; every file in its folder is checked against its checksum.

    Returns
    -------
    bool
    """
    try:
        for group, _ in _by_age_group(entry.files):
            read_atlas(entry.folder / str(group))
    except InputError:
        return False
    return True


def place_on_key_slice_grid(image: Slice, labels: Slice) -> AtlasLevel:
    """Place a published template and its labels on the key-slice grid.

    They are moved by whole pixels, so every value stays as published, and the brain's middle comes
    within half a pixel of the grid's. Registration takes up the degree or two that a published
    template may be turned.

    Parameters
    ----------
    image, labels : Slice
        On the same pixels, of the key slice's size; the image in HU, 0 outside the brain.

    Returns
    -------
    AtlasLevel
        Without probabilities.

    Raises
    ------
    InputError
        See `make_key_slice`; or the pixels or the brain do not fit the grid.
    """
    if image.data.shape != labels.data.shape or not np.allclose(image.spacing, KEY_SLICE_SPACING):
        raise InputError(f"image and labels are not of the same {KEY_SLICE_SPACING} mm pixels")
    middle = (np.array(KEY_SLICE_SHAPE) - 1) / 2
    to_slice = make_key_slice(image).to_slice
    first = np.rint((to_slice @ (*middle, 1))[:2] - middle).astype(int)
    content = AtlasLevel(
        _window(np.asarray(image.data, np.float32), first),
        _window(np.asarray(labels.data, np.uint8), first),
        key_slice_affine(),
    )
    for before, after in ((image.data, content.image), (labels.data, content.labels)):
        if np.count_nonzero(before) != np.count_nonzero(after):
            raise InputError("the brain does not fit the key-slice grid")
    return content


def _window(image: NDArray[_T], first: NDArray[np.int_]) -> NDArray[_T]:
    """Cut the key-slice grid's pixels out of an image from pixel `first` on, 0 beyond it."""
    window = np.zeros(KEY_SLICE_SHAPE, image.dtype)
    starts = np.maximum(first, 0)
    stops = np.minimum(first + KEY_SLICE_SHAPE, image.shape)
    (x, y), (a, b) = (
        tuple(slice(*ends) for ends in zip(begin, end, strict=True))
        for begin, end in ((starts - first, stops - first), (starts, stops))
    )
    window[x, y] = image[a, b]
    return window


def _convert(
    entry: CatalogueEntry,
    group: AgeGroup,
    files: Sequence[PublishedFile],
    published: Path,
    folder: Path,
) -> None:
    """Write the atlas folder of one age group."""
    folder.mkdir()
    paths = {(file.level, file.kind): published / file.name for file in files}
    written: list[Path] = []
    for level in LEVELS:
        image, labels = paths[level, "image"], paths[level, "label"]
        try:
            content = place_on_key_slice_grid(read_scan(image)[0], read_labels(labels)[0])
        except InputError as error:
            raise InputError(f"{image}: {error}") from None
        written += write_level(folder, level, group, content)
    metadata: dict[str, object] = {
        "name": entry.name,
        "age_group": str(group),
        "simulated": False,
        "source": entry.source,
        "licence": entry.licence,
        "citation": entry.citation,
        "published_sha256": {file.name: file.sha256 for file in files},
    }
    write_metadata(folder, metadata, written)


def _by_age_group(
    files: Iterable[PublishedFile],
) -> Iterator[tuple[AgeGroup, list[PublishedFile]]]:
    ordered = sorted(files, key=lambda file: file.age_group)
    for group, members in groupby(ordered, key=lambda file: file.age_group):
        yield group, list(members)


def _verify(files: Iterable[PublishedFile], folder: Path) -> None:
    for file in files:
        path = folder / file.name
        try:
            checksum = sha256_of(path)
        except FileNotFoundError:
            raise InputError(
                f"{path}: no such file; give the folder that holds all of them"
            ) from None
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}); check access") from None
        if checksum != file.sha256:
            raise InputError(
                f"{path}: not the published file (its SHA-256 differs); nothing was installed, "
                "copy it again"
            )


def _download(entry: CatalogueEntry, folder: Path, progress: Progress, tries_again: int) -> None:
    import pooch  # noqa: PLC0415 - not needed to install from a copy
    from requests import RequestException  # noqa: PLC0415

    registry = {file.name: f"sha256:{file.sha256}" for file in entry.files}
    source = pooch.create(folder, entry.source, registry=registry, retry_if_failed=tries_again)
    with _silent(pooch.get_logger()):
        for done, file in enumerate(entry.files):
            progress(f"fetching {entry.name}", done, len(entry.files))
            try:
                source.fetch(file.name)
            except (RequestException, OSError):
                raise InputError(
                    f"{entry.source}{file.name}: cannot be downloaded; nothing was installed, "
                    "check the connection, or give a copy with --from"
                ) from None
            except ValueError:
                raise InputError(
                    f"{entry.source}{file.name}: not the published file (its SHA-256 differs); "
                    "nothing was installed"
                ) from None
    progress(f"fetching {entry.name}", len(entry.files), len(entry.files))


@contextmanager
def _silent(logger: logging.Logger) -> Iterator[None]:
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
