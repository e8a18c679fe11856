"""Which file of a folder is whose lesion mask."""

from __future__ import annotations

import fnmatch
import os
import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from atlas_builder.cohorts.participants import Refusal
from atlas_builder.core.errors import InputError

_SUFFIXES = (".nii.gz", ".nii", ".hdr")
_BIDS = re.compile(r"(?<![A-Za-z0-9])sub-([A-Za-z0-9+]+)")
_LESION = re.compile(r"lesion|infarct|(?<![a-z])core", re.IGNORECASE)
_OTHER_MASK = re.compile(r"brain|head|skull|tissue|aparc", re.IGNORECASE)
_MASK = re.compile(r"(?<![a-z])(mask|msk|roi|labels?|d?seg)(?![a-z])", re.IGNORECASE)


def find_lesions(
    folder: Path, participant_ids: Collection[str], pattern: str | None = None
) -> tuple[dict[str, Path], list[Refusal]]:
    """Find each participant's lesion mask in a folder and the folders in it.

    A file belongs to the participant of the BIDS entity ``sub-LABEL`` of its name or, failing
    that, of the folder it lies in; without the entity, to the one whose identifier stands in the
    name as a word of its own. Where a participant has several files, those named after a lesion
    come before those named after a mask, and these before the rest; what is named after something
    else that masks show, such as the brain, is nobody's lesion.

    Parameters
    ----------
    folder : Path
        Of NIfTI files, in folders or not. What is hidden is passed over.
    participant_ids : collection of str
        Of the participants' table, with ``sub-`` before them. Files of others are found by the
        BIDS entity only.
    pattern : str, optional
        Only files whose path inside the folder matches it, such as ``*space-MNI152*``.

    Returns
    -------
    files : dict of str to Path
        By participant, ``sub-`` before the label; those of `participant_ids` first, in their order,
        then the others in the order of their numbers.
    refusals : list of Refusal
        Participants with several masks, and files that belong to nobody or to two.

    Raises
    ------
    InputError
        No such folder, or no NIfTI file in it.
    """
    files = _nifti_files(folder, pattern)
    known = dict.fromkeys(participant_ids)
    owned: dict[str, list[Path]] = defaultdict(list)
    refusals: list[Refusal] = []
    for file in files:
        name = file.relative_to(folder).as_posix()
        owners = _owners(name, known)
        if len(owners) == 1:
            owned[owners[0]].append(file)
        else:
            why = f"belongs to {' and '.join(owners)}" if owners else "belongs to nobody"
            refusals.append(
                Refusal(name, f"{why}; put sub- and the participant's identifier in its name")
            )
    found: dict[str, Path] = {}
    for owner in [*known, *sorted(owned.keys() - known.keys(), key=_natural)]:
        best = _likeliest(owned.get(owner, []))
        if len(best) == 1:
            found[owner] = best[0]
        elif best:
            names = ", ".join(file.relative_to(folder).as_posix() for file in best[:3])
            more = f" and {len(best) - 3} more" if len(best) > 3 else ""
            reason = f"several masks ({names}{more}); keep one, or choose with --lesion-pattern"
            refusals.append(Refusal(owner, reason))
    return found, refusals


def _nifti_files(folder: Path, pattern: str | None) -> list[Path]:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give the folder of the lesion masks")
    files = []
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        files += [
            Path(parent, name)
            for name in sorted(names)
            if name.lower().endswith(_SUFFIXES) and not name.startswith(".")
        ]
    if not files:
        raise InputError(f"{folder}: no NIfTI file (.nii, .nii.gz) in it; give the lesion masks")
    if pattern is None:
        return files
    matching = [
        file for file in files if fnmatch.fnmatch(file.relative_to(folder).as_posix(), pattern)
    ]
    if not matching:
        raise InputError(f"{folder}: no NIfTI file matches --lesion-pattern {pattern}; change it")
    return matching


def _owners(name: str, known: Mapping[str, None]) -> Sequence[str]:
    """Return whom a file belongs to, by its path inside the folder."""
    for part in reversed(name.split("/")):
        labels = dict.fromkeys(_BIDS.findall(part))
        if labels:
            return [f"sub-{label}" for label in labels]
        words = [label for label in known if _is_word_of(label.removeprefix("sub-"), part)]
        if words:
            # Patient-1 is not meant where patient-1-2 is.
            return [word for word in words if not any(word != w and word in w for w in words)]
    return []


def _is_word_of(label: str, text: str) -> bool:
    return re.search(rf"(?<![A-Za-z0-9]){re.escape(label)}(?![A-Za-z0-9])", text) is not None


def _likeliest(files: Sequence[Path]) -> list[Path]:
    """Return those of a participant's files that are the likeliest to be the lesion mask."""
    by_rank: dict[int, list[Path]] = defaultdict(list)
    for file in files:
        name = _BIDS.sub("", file.name)
        if _LESION.search(name):
            by_rank[0].append(file)
        elif not _OTHER_MASK.search(name):
            by_rank[1 if _MASK.search(name) else 2].append(file)
    return by_rank[min(by_rank)] if by_rank else []


def _natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Order names so that sub-2 comes before sub-10."""
    return tuple(
        (0, int(part), "") if part.isdecimal() else (1, 0, part)
        for part in re.split(r"(\d+)", name)
        if part
    )
