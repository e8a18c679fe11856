"""Which slices of a scan are mapped: those that are given, those that follow, or those found."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.anatomy import Level
from atlas_builder.core.errors import InputError
from atlas_builder.core.flags import Flag
from atlas_builder.core.scan import Scan
from atlas_builder.io.source import DicomSource, NiftiSource
from atlas_builder.workflows.locate import locate_in, open_network_ahead
from slice_localizer.alignment.level import LevelAlignment

if TYPE_CHECKING:
    from atlas_builder.mapping.region_map import RegionMap
    from slice_localizer.locating import LocatedSlices
    from slice_localizer.whole_head.reformatting import Reformatted


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
        Of the standard head with `scan`, where the slices were found by it.
    reformatted : Reformatted or None
        Where the head is pitched and slices are thin: what `scan` and `indices` are of then.
    """

    indices: Mapping[Level, int]
    origin: Mapping[str, object]
    remarks: tuple[Flag, ...] = ()
    timings: Mapping[str, float] = field(default_factory=dict)
    scan: Scan | None = None
    alignment: LevelAlignment | None = None
    reformatted: Reformatted | None = None

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

    def affines(self, source: NiftiSource | DicomSource) -> NDArray[np.float64]:
        """Return the affine of each slice that `indices` count.

        Parameters
        ----------
        source : NiftiSource or DicomSource
            The scan.
        """
        return source.affines if self.scan is None else self.scan.affines

    def shape(self, source: NiftiSource | DicomSource) -> tuple[int, int, int]:
        """Return columns, rows and slices of what `indices` count.

        Parameters
        ----------
        source : NiftiSource or DicomSource
            The scan.
        """
        if self.scan is None:
            return source.shape
        columns, rows, slices = self.scan.data.shape
        return columns, rows, slices

    def on_own_voxels(self, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return labels on the voxels of the scan's file.

        Parameters
        ----------
        labels : ndarray of uint8, shape (columns, rows, slices)
            On the slices that `indices` count.
        """
        return labels if self.reformatted is None else self.reformatted.carry_back(labels)

    def with_own_numbers(self, region_map: RegionMap) -> RegionMap:
        """Return a region map whose slices are numbered as those of the scan's file.

        Parameters
        ----------
        region_map : RegionMap
            Of the slices that `indices` count.
        """
        if self.reformatted is None:
            return region_map
        levels = tuple(
            replace(level_map, index=self.reformatted.own_slice(level_map.index))
            for level_map in region_map.levels
        )
        return replace(region_map, levels=levels, slice_count=len(self.reformatted.own))


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
    return find_slices(scan, lambda one: locate_in(one, path, localizer))


def find_slices(scan: Scan, locate: Callable[[Scan], LocatedSlices]) -> ChosenSlices:
    """Find the key slices of a scan; where its head is pitched, those of the scan reformatted.

    Parameters
    ----------
    scan : Scan
        All its slices, HU.
    locate : callable
        Finds them, such as `locate_slices`.

    Returns
    -------
    ChosenSlices

    Raises
    ------
    InputError
        Where `locate` does.
    """
    # Read while the network loads.
    from slice_localizer.whole_head.reformatting import (  # noqa: PLC0415
        level_scan,
        remark_on_levelling,
    )
    from slice_localizer.whole_head.standard_plane import (  # noqa: PLC0415
        remarks_on_pitch,
        to_be_levelled,
    )

    located, reformatted, timings = locate(scan), None, {}
    remarks = remarks_on_pitch(scan, located.alignment)
    if to_be_levelled(scan, located.alignment):
        started = time.perf_counter()
        reformatted = level_scan(scan, located.alignment)
        timings["reformat"] = time.perf_counter() - started
        remarks = (remark_on_levelling(reformatted),)
        located = locate(reformatted.scan)
    timings |= {f"locate_{stage}": seconds for stage, seconds in located.timings.items()}
    origin: dict[str, object] = {
        "from": "located",
        "confidence": round(located.confidence, 4),
        "second_opinion_difference_mm": round(located.alignment_difference_mm, 2),
        "second_opinion_correlation": round(located.alignment.correlation, 3),
    }
    if reformatted is not None:
        origin["reformatted"] = {
            "pitch_deg": round(reformatted.pitch_deg, 1),
            "slices": len(reformatted.scan),
            "bgl_slice": located.bgl_slice,
            "sgl_slice": located.sgl_slice,
        }
    return ChosenSlices(
        {"BGL": located.bgl_slice, "SGL": located.sgl_slice},
        origin,
        (*located.flags, *remarks),
        timings,
        scan if reformatted is None else reformatted.scan,
        located.alignment,
        reformatted,
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
