"""Which slices of a scan are mapped: those that are given, those that follow, or those found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.anatomy import Level
from atlas_builder.core.errors import InputError
from atlas_builder.core.flags import Flag
from atlas_builder.core.scan import Scan
from atlas_builder.io.source import DicomSource, NiftiSource
from atlas_builder.workflows.locate import locate_in, open_network_ahead
from slice_localizer.alignment.level import LevelAlignment


@dataclass(frozen=True)
class ChosenSlices:
    """The key slices of a scan and how they were chosen.

    Attributes
    ----------
    indices : mapping of level to int
        Zero-based, in file order.
    origin : mapping
        What ``mapping.json`` holds about the choice.
    remarks : tuple of Flag
        Reservations about it.
    timings : mapping of str to float
        Seconds that finding them took.
    scan : Scan or None
        All its slices, where they were read to find these.
    alignment : LevelAlignment or None
        Of the standard head with the scan, where the slices were found by it.
    """

    indices: Mapping[Level, int]
    origin: Mapping[str, object]
    remarks: tuple[Flag, ...] = ()
    timings: Mapping[str, float] = field(default_factory=dict)
    scan: Scan | None = None
    alignment: LevelAlignment | None = None

    def reader(self, source: NiftiSource | DicomSource) -> Callable[[Sequence[int]], Scan]:
        """Return what reads some slices: from memory where all have been read.

        Parameters
        ----------
        source : NiftiSource or DicomSource
            The scan.

        Returns
        -------
        callable
            See `NiftiSource.read`.
        """
        return source.read if self.scan is None else self.scan.part


def choose_slices(
    source: NiftiSource | DicomSource,
    path: Path,
    bgl: int | None,
    sgl: int | None,
    localizer: Path | None = None,
) -> ChosenSlices:
    """Choose the key slices of a scan.

    Parameters
    ----------
    source : NiftiSource or DicomSource
        The scan; it is read as a whole only where slices have to be found.
    path : Path
        What to call it in messages.
    bgl, sgl : int or None
        What is given. Where only the BGL is, the SGL follows from the slices' positions.
    localizer : Path, optional
        See `locate_in`.

    Returns
    -------
    ChosenSlices

    Raises
    ------
    InputError
        Only the SGL is given, the slices are not in the scan, or they cannot be found.
    """
    if bgl is not None and sgl is not None:
        return ChosenSlices({"BGL": bgl, "SGL": sgl}, {"from": "given"})
    if sgl is not None:
        raise InputError(
            f"{path}: --sgl-slice is given without --bgl-slice; give both, only the BGL slice, or "
            "neither"
        )
    if bgl is not None:
        indices: dict[Level, int] = {"BGL": bgl, "SGL": _above(path, source.affines, bgl)}
        return ChosenSlices(indices, {"from": "BGL given, SGL 20 mm above by position"})
    open_network_ahead(localizer)
    scan = source.read()
    located = locate_in(scan, path, localizer)
    return ChosenSlices(
        {"BGL": located.bgl_slice, "SGL": located.sgl_slice},
        {
            "from": "located",
            "confidence": round(located.confidence, 4),
            "second_opinion_difference_mm": round(located.alignment_difference_mm, 2),
            "second_opinion_correlation": round(located.alignment.correlation, 3),
        },
        located.flags,
        {f"locate_{stage}": seconds for stage, seconds in located.timings.items()},
        scan,
        located.alignment,
    )


def remarks_on_given(
    read: Callable[[Sequence[int]], Scan],
    affines: NDArray[np.float64],
    indices: Mapping[Level, int],
) -> tuple[Flag, ...]:
    """Remark on a head that is too flat or tall, or cut off, where key slices were given.

    Parameters
    ----------
    read : callable
        Reads some slices, as `NiftiSource.read`; a dozen are asked for.
    affines : ndarray, shape (slices, 4, 4)
        Of all slices of the scan.
    indices : mapping of level to int
        Of its key slices.

    Returns
    -------
    tuple of Flag
        See `remarks_on_height`; ``head-unchecked`` where other slices than these cannot be read.
    """
    from slice_localizer.alignment.height_profile import (  # noqa: PLC0415 - read while ANTs runs
        remarks_on_height,
        slices_above,
    )
    from slice_localizer.positions import heights_of  # noqa: PLC0415

    bgl, sgl = indices["BGL"], indices["SGL"]
    try:
        places = slices_above(affines, bgl)
        heights = heights_of(affines)
        return tuple(remarks_on_height(read(places), float(heights[sgl] - heights[bgl])))
    except InputError:
        reason = (
            "slices above the key slices cannot be read: whether the head has the proportions of "
            "one was not checked; look at the distance between the slices"
        )
        return (Flag("head-unchecked", reason),)


def _above(path: Path, affines: NDArray[np.float64], bgl: int) -> int:
    """Return the slice nearest to 20 mm above another."""
    from slice_localizer.positions import heights_of, sgl_of  # noqa: PLC0415 - needs no torch

    if not 0 <= bgl < len(affines):
        raise InputError(
            f"{path}: no slice {bgl} for the BGL: the scan has {len(affines)}, 0 to "
            f"{len(affines) - 1}; give --bgl-slice within them"
        )
    try:
        return sgl_of(heights_of(affines), bgl)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
