"""From a scan to its region map."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from atlas_builder.catalogue.atlas import Atlas, AtlasLevel
from atlas_builder.core.anatomy import LEVELS, Level, Region, Side
from atlas_builder.core.errors import InputError
from atlas_builder.core.flags import Flag
from atlas_builder.core.scan import Scan
from atlas_builder.core.transform import Transform, apply_affine
from atlas_builder.io.stacking import remarks_on_stack
from atlas_builder.mapping.confidence import compare, confidences
from atlas_builder.mapping.level import CarriedRegions, carry_regions, map_level
from atlas_builder.mapping.measures import measure_regions
from atlas_builder.mapping.quality import find_flags
from atlas_builder.mapping.region_map import LevelMap, RegionMap
from atlas_builder.mapping.resemblance import (
    compare_unregistered,
    refuse_turned,
    refuse_unlike,
)
from atlas_builder.mapping.thick_slices import ThickSlice, read_thick_slices
from atlas_builder.preprocessing.key_slice import KeySlice, make_key_slice
from atlas_builder.registration.ants_library import RegistrationError

Result = TypeVar("Result")


def map_regions(
    scan: Scan,
    atlas: Atlas,
    bgl_slice: int,
    sgl_slice: int,
    *,
    age: float | None = None,
    executor: Executor | None = None,
) -> RegionMap:
    """Carry an atlas's regions onto a scan.

    Each key slice is averaged with its neighbours where slices are thin, aligned to its midline,
    its brain is extracted, the atlas is registered to it and the regions are carried back to the
    scan's own pixels in one interpolation.

    Parameters
    ----------
    scan : Scan
        A non-contrast CT of the head, HU.
    atlas : Atlas
        Of the patient's age group.
    bgl_slice, sgl_slice : int
        Zero-based indices of the key slices in the scan's order.
    age : float, optional
        The patient's age in years; an age outside the atlas's group raises a flag.
    executor : Executor, optional
        Registers both levels at once, see `registration_processes`; by default they are registered
        in this process, one after the other. The map is the same.

    Returns
    -------
    RegionMap

    Raises
    ------
    InputError
        The scan has no such slices, SGL does not lie above BGL, or a slice is no plausible head CT.

    Examples
    --------
    >>> region_map = map_regions(scan, atlas, bgl_slice=15, sgl_slice=20)  # doctest: +SKIP
    """
    indices: dict[Level, int] = {"BGL": bgl_slice, "SGL": sgl_slice}
    check_key_slices(scan.affines, indices)
    chosen = read_key_slices(
        lambda places: Scan(scan.data[:, :, places], scan.affines[places]),
        scan.affines,
        indices,
        remarks_on_stack(scan.affines),
    )
    return map_key_slices(chosen, atlas, age=age, executor=executor)


@dataclass(frozen=True)
class KeySlices:
    """The two slices of a scan to map an atlas onto, and what is known of the scan.

    Attributes
    ----------
    slices : mapping of level to ThickSlice
        float32 HU.
    indices : mapping of level to int
        Their zero-based places in the scan; see `check_key_slices`.
    slice_count : int
        How many slices the scan has.
    remarks : sequence of Flag
        What is unusual about the scan; they become flags.
    """

    slices: Mapping[Level, ThickSlice]
    indices: Mapping[Level, int]
    slice_count: int
    remarks: Sequence[Flag] = ()


def read_key_slices(
    read: Callable[[Sequence[int]], Scan],
    affines: NDArray[np.float64],
    indices: Mapping[Level, int],
    remarks: Sequence[Flag] = (),
) -> KeySlices:
    """Read the key slices of a scan, with what lies about them where slices are thin.

    Parameters
    ----------
    read : callable
        Returns some slices of the scan by their 0-based indices, in HU.
    affines : ndarray, shape (slices, 4, 4)
        Of all slices of the scan, as in `Scan`.
    indices : mapping of level to int
        Zero-based; see `check_key_slices`.
    remarks : sequence of Flag
        What is unusual about the scan.

    Returns
    -------
    KeySlices

    Raises
    ------
    InputError
        Where `read` does.
    """
    slices = read_thick_slices(read, affines, [indices[level] for level in LEVELS])
    return KeySlices(dict(zip(LEVELS, slices, strict=True)), indices, len(affines), remarks)


def map_key_slices(
    chosen: KeySlices,
    atlas: Atlas,
    *,
    age: float | None = None,
    executor: Executor | None = None,
    when_started: Callable[[], None] = lambda: None,
) -> RegionMap:
    """Carry an atlas's regions onto two slices of a scan that need not be in memory as a whole.

    Parameters
    ----------
    chosen : KeySlices
        The slices, from `read_key_slices`.
    atlas, age, executor
        As `map_regions` takes them.
    when_started : callable
        Called once both registrations are under way, for work that may wait behind them.

    Returns
    -------
    RegionMap

    Raises
    ------
    InputError
        A slice is no plausible head CT, or the atlas cannot be registered to it.
    """
    timings: dict[str, float] = {}
    with _timed(timings, "key_slices"):
        extracting = {
            level: _start(executor, make_key_slice, chosen.slices[level].slice) for level in LEVELS
        }
        keys = {level: _key_slice(chosen, level, result) for level, result in extracting.items()}
    mapped: dict[Level, _Mapped] = {}
    with _timed(timings, "registration"):
        registering = {
            level: _start(
                executor,
                _map_onto,
                atlas.levels[level],
                level,
                keys[level],
                chosen.slices[level].slice.data.shape,
            )
            for level in LEVELS
        }
        when_started()
        # Meanwhile, here:
        resemblances = {
            level: compare_unregistered(atlas.levels, level, key) for level, key in keys.items()
        }
        refuse_turned(resemblances.values())
        for level, result in registering.items():
            try:
                mapped[level] = result()
            except RegistrationError as error:
                raise InputError(
                    f"{level} slice {chosen.indices[level]}: the atlas cannot be registered to it "
                    f"({error}); check that it shows the {level}"
                ) from None
    levels = [
        LevelMap(
            level=level,
            index=chosen.indices[level],
            slice=chosen.slices[level].slice,
            key=keys[level],
            atlas=atlas.levels[level],
            transform=found.transform,
            regions=found.carried.regions,
            probability=found.carried.probability,
            brain=found.carried.brain,
            midline=_midline(keys[level]),
            fit=found.fit,
            resemblance=resemblances[level],
            averaged_slices=chosen.slices[level].count,
            averaged_mm=chosen.slices[level].thickness_mm,
        )
        for level, found in mapped.items()
    ]
    refuse_unlike(levels)
    with _timed(timings, "measures"):
        confidence = {
            place: value for found in mapped.values() for place, value in found.confidence.items()
        }
        measures = measure_regions(levels, confidence)
        flags = find_flags(levels, measures, atlas, age)
    return RegionMap(
        levels=tuple(levels),
        measures=measures,
        flags=(*(Flag(remark.code, remark.reason) for remark in chosen.remarks), *flags),
        atlas_name=atlas.name,
        atlas_is_simulated=atlas.simulated,
        age_group=atlas.age_group,
        age=age,
        slice_count=chosen.slice_count,
        timings=timings,
        atlas_provenance=atlas.provenance,
    )


def check_key_slices(affines: NDArray[np.float64], indices: Mapping[Level, int]) -> None:
    """Make sure that a scan has such key slices, the SGL above the BGL.

    Parameters
    ----------
    affines : ndarray, shape (slices, 4, 4)
        Of each slice of the scan, as in `Scan`.
    indices : mapping of level to int
        Zero-based.

    Raises
    ------
    InputError
        The scan has one slice only, a key slice is outside it, or they lie the other way round.
    """
    count = len(affines)
    if count == 1:
        raise InputError(
            "the scan has one slice, but BGL and SGL are two: give a scan that holds both in one "
            "file or folder"
        )
    for level, index in indices.items():
        if not 0 <= index < count:
            raise InputError(
                f"no slice {index} for the {level}: the scan has {count}, 0 to {count - 1}; "
                f"give --{level.lower()}-slice within them"
            )
    bgl, sgl = indices["BGL"], indices["SGL"]
    if affines[bgl, :3, 2] @ (affines[sgl, :3, 3] - affines[bgl, :3, 3]) <= 0:
        raise InputError(
            f"slice {sgl} (SGL) does not lie above slice {bgl} (BGL); the SGL is the one nearer to "
            "the top of the head"
        )


@dataclass(frozen=True)
class _Mapped:
    """What a registration gives: the regions, and how far they can be trusted."""

    transform: Transform
    carried: CarriedRegions
    fit: float
    confidence: Mapping[tuple[Region, Side], float]


def _map_onto(atlas: AtlasLevel, level: Level, key: KeySlice, shape: tuple[int, int]) -> _Mapped:
    """Register one level of an atlas and carry its regions onto the slice's own pixels."""
    transform = map_level(atlas, key)
    carried = carry_regions(atlas, level, transform, key, shape)
    comparison = compare(atlas, level, transform, key)
    confidence = confidences(comparison, level, carried.regions, carried.probability)
    return _Mapped(transform, carried, comparison.fit, confidence)


def _start(
    executor: Executor | None, function: Callable[..., Result], *arguments: object
) -> Callable[[], Result]:
    """Start a call where there is an executor; return what waits for its result."""
    if executor is None:
        return partial(function, *arguments)
    return executor.submit(function, *arguments).result


def _key_slice(chosen: KeySlices, level: Level, result: Callable[[], KeySlice]) -> KeySlice:
    try:
        return result()
    except InputError as error:
        raise InputError(f"{level} slice {chosen.indices[level]}: {error}") from None


def _midline(key: KeySlice) -> NDArray[np.float64]:
    """Return where the midline enters and leaves the brain, in the slice's pixels."""
    middle = (key.brain.shape[0] - 1) / 2
    down = np.flatnonzero(key.brain.any(axis=0))[[0, -1]]
    ends = np.stack([np.full(2, middle), down])
    return np.ascontiguousarray(apply_affine(key.to_slice, ends).T)


@contextmanager
def _timed(timings: dict[str, float], stage: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    timings[stage] = time.perf_counter() - started
