"""Which of a folder's DICOM series is the plain axial CT of the head."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from atlas_builder.core.errors import InputError
from atlas_builder.io.dicom.series_files import SeriesFiles

_BRAIN_MM = 120.0
_COMPARABLE = 0.8
_USUAL_SPACING_MM = 5.0
_SAME_SPACING_MM = 0.5


def choose_series(
    path: Path, every_series: Sequence[SeriesFiles], wanted: str | None = None
) -> SeriesFiles:
    """Choose the axial series of the head without contrast.

    Of several axial stacks the choice falls on those of the head, then the original ones, those
    not computed from several energies, those without contrast, those that cover most of a brain,
    those not made for bone, and those with a spacing nearest to 5 mm, at which ASPECTS is usually
    read; each rule where it leaves any.

    Parameters
    ----------
    path : Path
        For messages.
    every_series : sequence of SeriesFiles
        The stacks that `find_series` found.
    wanted : str, optional
        A series number or Series Instance UID, which overrides the rules; where that series has
        several stacks, followed by ``/`` and which one, else the rules choose among them.

    Raises
    ------
    InputError
        No axial series; none, or several, of the number wanted; or several that the rules do not
        tell apart.
    """
    candidates = [series for series in every_series if series.is_axial]
    if wanted is not None:
        candidates = _wanted(path, candidates, wanted.strip())
    elif not candidates:
        raise InputError(
            f"{path}: no axial CT series (slices within 30 degrees of the head's axis); give one"
        )
    candidates = _preferring(lambda series: any(file.head for file in series.files), candidates)
    candidates = _preferring(lambda series: series.is_original, candidates)
    candidates = _preferring(lambda series: series.is_measured, candidates)
    candidates = _preferring(lambda series: series.is_without_contrast, candidates)
    candidates = _covering_most(candidates)
    candidates = _preferring(lambda series: not series.is_for_bone, candidates)
    nearest = min(abs(series.spacing - _USUAL_SPACING_MM) for series in candidates)
    candidates = _preferring(
        lambda series: abs(series.spacing - _USUAL_SPACING_MM) <= nearest + _SAME_SPACING_MM,
        candidates,
    )
    if len(candidates) > 1:
        raise InputError(
            f"{path}: several series could be meant: {_listed(candidates)}; choose one with "
            f"--series {'UID' if _one_name(candidates) else 'NUMBER'}, or leave only that one"
        )
    return candidates[0]


def _wanted(path: Path, candidates: list[SeriesFiles], wanted: str) -> list[SeriesFiles]:
    """Return the stack that is wanted, or all those of the series that is."""
    found = [one for one in candidates if wanted in (one.name, one.number, one.uid)]
    found += [one for one in candidates if one.part and wanted == f"{one.uid}/{one.part}"]
    if not found:
        raise InputError(
            f"{path}: no axial CT series {wanted}; there are: {_listed(candidates) or 'none'}"
        )
    if len({one.uid for one in found}) > 1:
        raise InputError(
            f"{path}: several series have the number {wanted}: {_listed(found)}; give the Series "
            "Instance UID instead, or leave only one of them"
        )
    return found


def _one_name(candidates: list[SeriesFiles]) -> bool:
    return len({one.name for one in candidates}) < len(candidates)


def _preferring(
    rule: Callable[[SeriesFiles], bool], candidates: list[SeriesFiles]
) -> list[SeriesFiles]:
    return [series for series in candidates if rule(series)] or candidates


def _covering_most(candidates: list[SeriesFiles]) -> list[SeriesFiles]:
    """Keep the series that cover about as much of a brain as any; the neck counts for nothing."""
    covered = [min(series.extent, _BRAIN_MM) for series in candidates]
    least = _COMPARABLE * max(covered)
    return [series for series, mm in zip(candidates, covered, strict=True) if mm >= least]


def _listed(candidates: Iterable[SeriesFiles]) -> str:
    several = list(candidates)
    uids = _one_name(several)
    return "; ".join(sorted(one.in_full() + (f" [{one.uid}]" if uids else "") for one in several))
