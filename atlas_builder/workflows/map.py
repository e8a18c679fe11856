"""Mapping, complete: from a scan's file to a folder with its map."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from atlas_builder.catalogue.atlas import read_atlas
from atlas_builder.catalogue.entries import find_atlas
from atlas_builder.core.anatomy import SIDES, Region, map_value
from atlas_builder.core.errors import InputError
from atlas_builder.core.flags import Flag
from atlas_builder.core.scan import Scan
from atlas_builder.io.source import DicomSource, NiftiSource, open_scan
from atlas_builder.mapping.pipeline import check_key_slices, map_key_slices, read_key_slices
from atlas_builder.mapping.region_map import RegionMap
from atlas_builder.workflows.key_slices import ChosenSlices, choose_slices, remarks_on_given
from atlas_builder.workflows.map_files import ViewedMap, WrittenRegions, check_folder, write_map
from atlas_builder.workflows.map_processes import registration_processes

_OLDEST = 130.0
_SAME_AGE = 1.0  # headers hold whole years


def map_scan(
    path: Path,
    out: Path,
    executor: Executor | None = None,
    *,
    age: float | None = None,
    atlas: str | Path | None = None,
    bgl_slice: int | None = None,
    sgl_slice: int | None = None,
    all_slices: bool = False,
    regions: str = "atlas",
    localizer: Path | None = None,
    series: str | None = None,
    allow_nearest_age: bool = False,
) -> RegionMap:
    """Map an atlas onto a scan and write the map's folder.

    Parameters
    ----------
    path : Path
        A NIfTI file, a DICOM folder or a zip archive of one; see `open_scan`.
    out : Path
        The folder to write; see `write_map`.
    executor : Executor, optional
        From `registration_processes`; by default processes are started for this map alone.
    age : float, optional
        In years; by default that of the DICOM header.
    atlas : str or Path, optional
        See `load_atlas`.
    bgl_slice, sgl_slice : int, optional
        Zero-based indices of the key slices along the scan's axial axis, in file order; slices of
        DICOM are ordered from the feet to the head. See `choose_slices` where one or none is given.
    all_slices : bool
        Write the regions on every slice, with their volumes; else those on the key slices.
    regions : str
        How the regions on all slices are drawn, a key of
        `atlas_builder.workflows.region_routes.ROUTES`.
    localizer : Path, optional
        Weights of the network that helps to find the key slices; see `locate_in`.
    series : str, optional
        The DICOM series to use.
    allow_nearest_age : bool
        Use the nearest age group where none contains the age.

    Returns
    -------
    RegionMap

    Raises
    ------
    InputError
        The scan, the slices, the atlas or the folder cannot be used. Nothing is written then.
    """
    if executor is None:
        with registration_processes() as processes:
            return map_scan(
                path,
                out,
                processes,
                age=age,
                atlas=atlas,
                bgl_slice=bgl_slice,
                sgl_slice=sgl_slice,
                all_slices=all_slices,
                regions=regions,
                localizer=localizer,
                series=series,
                allow_nearest_age=allow_nearest_age,
            )
    started = time.perf_counter()
    check_folder(out)
    check_age(age)
    with ThreadPoolExecutor(1) as reader, open_scan(path, series) as source:
        used_age = source.age if age is None else age
        # Asked before slices are looked for, which takes a second.
        folder = find_atlas(atlas, used_age, allow_nearest=allow_nearest_age)
        loading = reader.submit(read_atlas, folder)
        key = choose_slices(source, path, bgl_slice, sgl_slice, localizer)
        with naming(path):
            affines = key.affines(source)
            check_key_slices(affines, key.indices)
            remarks = (*source.remarks, *key.remarks, *remarks_on_age(source.age, age))
            chosen = read_key_slices(key.reader(source), affines, key.indices, remarks)
        found = loading.result()
        prepared = time.perf_counter() - started
        if isinstance(source, DicomSource):
            # While the processes register, this one waits; loading takes as long as writing.
            threading.Thread(target=_load_segmentation, daemon=True).start()
        height: list[Flag] = []
        whole = key.scan

        def look_at_others() -> None:
            nonlocal whole
            if key.scan is None:  # else the search for the slices has looked
                whole = _all_slices(source)
                read = source.read if whole is None else whole.part
                height.extend(remarks_on_given(read, source.affines, key.indices))

        with naming(path):
            region_map = map_key_slices(
                chosen, found, age=used_age, executor=executor, when_started=look_at_others
            )
        timings = {"read": prepared, **key.timings, **region_map.timings}
        region_map = replace(region_map, timings=timings, flags=(*height, *region_map.flags))
        details = _details(source, age, key)
        drawn = region_map.volume(key.shape(source))
        if all_slices:
            with naming(path):
                region_map, written = _map_other_slices(region_map, source, key, details, regions)
        else:
            written = WrittenRegions(key.on_own_voxels(drawn))
        if all_slices and key.reformatted is None:
            drawn = written.labels
        viewed = None if whole is None else ViewedMap(whole, drawn, region_map)
        region_map = key.with_own_numbers(region_map)
        write_map(out, region_map, source, viewed, executor, details, written)
    return region_map


def _map_other_slices(
    region_map: RegionMap,
    source: NiftiSource | DicomSource,
    key: ChosenSlices,
    details: dict[str, object],
    route: str,
) -> tuple[RegionMap, WrittenRegions]:
    """Map all slices; add the time that took, and what is known of the head's pitch."""
    from atlas_builder.workflows.region_routes import ROUTES  # noqa: PLC0415
    from slice_localizer.alignment.level import (  # noqa: PLC0415 - loads scipy
        LEAST_CORRELATION,
        align_level,
    )
    from slice_localizer.whole_head.standard_plane import remarks_on_pitch  # noqa: PLC0415
    from slice_localizer.whole_head.whole_map import map_all_slices  # noqa: PLC0415

    started = time.perf_counter()
    scan, alignment = key.scan, key.alignment
    remarks: tuple[Flag, ...] = ()
    if scan is None or alignment is None:
        scan = source.read()
        alignment = align_level(scan)
        remarks = remarks_on_pitch(scan, alignment)
    if alignment.correlation < LEAST_CORRELATION:
        raise InputError(
            "the scan does not resemble a head as a whole (correlation "
            f"{alignment.correlation:.2f} with a standard one), so the regions cannot be carried "
            "onto all slices; leave out --all-slices, or give a CT of the whole head"
        )
    own = None if key.reformatted is None else key.reformatted.own
    whole = map_all_slices(scan, region_map, alignment, onto=own)
    whole, doubts = ROUTES[route](scan if own is None else own, whole)
    details["regions"] = route
    pitch = whole.pitch_deg if key.reformatted is None else key.reformatted.pitch_deg
    details["pitch_deg"] = round(pitch, 1)
    volumes = whole.volumes_ml()
    written = WrittenRegions(
        whole.labels,
        {
            (region, side): float(volumes[map_value(region, side)])
            for side in SIDES
            for region in Region
        },
    )
    timings = {**region_map.timings, "all_slices": time.perf_counter() - started}
    flags = (*remarks, *doubts, *region_map.flags)
    return replace(region_map, timings=timings, flags=flags), written


def check_age(age: float | None) -> None:
    """Make sure that an age that was given is a patient's.

    Parameters
    ----------
    age : float or None
        In years.

    Raises
    ------
    InputError
        It is below 0 or above 130.
    """
    if age is not None and not 0 <= age <= _OLDEST:
        raise InputError(f"--age {age:g}: not an age in years; give 0 to {_OLDEST:g}")


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Name the scan in an error that does not.

    Parameters
    ----------
    path : Path
        The scan.
    """
    try:
        yield
    except InputError as error:
        message = str(error)
        named = message.startswith(f"{path}:")
        raise InputError(message if named else f"{path}: {message}") from None


def _all_slices(source: NiftiSource | DicomSource) -> Scan | None:
    """Read what only the report shows; a slice of it that is damaged stops no map."""
    try:
        return source.read()
    except InputError:
        return None


def _load_segmentation() -> None:
    import highdicom  # noqa: F401, PLC0415


def remarks_on_age(in_header: float | None, given: float | None) -> tuple[Flag, ...]:
    """Remark on an age that is not that of the header.

    Parameters
    ----------
    in_header, given : float or None
        In years, where they are known.
    """
    if in_header is None or given is None or abs(in_header - given) <= _SAME_AGE:
        return ()
    return (
        Flag(
            "age-disagrees",
            f"the age given is {given:g}, the DICOM header says {in_header:g}: the one given was "
            "used; make sure that this is the right scan",
        ),
    )


def origin_of_age(in_header: float | None, given: float | None) -> str:
    """Return where the age that is used comes from, for the files of a result.

    Parameters
    ----------
    in_header, given : float or None
        In years, where they are known.
    """
    if given is not None:
        return "given"
    return "unknown" if in_header is None else "DICOM header"


def _details(
    source: NiftiSource | DicomSource, age: float | None, key: ChosenSlices
) -> dict[str, object]:
    """Return what ``mapping.json`` holds about the scan; nothing that names it or the patient."""
    return {
        "input": {"format": source.kind, "series": source.series},
        "age_from": origin_of_age(source.age, age),
        "key_slices": dict(key.origin),
    }
