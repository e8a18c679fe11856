"""ASPECTS of a non-contrast CT, complete: from a scan to a folder with the score."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from aspects_scorer.ncct.mapped_scan import MappedScan
from aspects_scorer.ncct.measures import measure_densities
from aspects_scorer.ncct.methods import DEFAULT_METHOD, METHODS
from aspects_scorer.ncct.other_findings import find_other_findings
from aspects_scorer.ncct.scan_kind import refuse_contrast
from atlas_builder.catalogue.atlas import Atlas, read_atlas
from atlas_builder.catalogue.entries import find_atlas, load_atlas
from atlas_builder.core.flags import Flag
from atlas_builder.core.scan import Scan
from atlas_builder.io.source import open_scan
from atlas_builder.mapping.pipeline import check_key_slices, map_key_slices, read_key_slices
from atlas_builder.mapping.region_map import RegionMap
from atlas_builder.workflows.key_slices import (
    ChosenSlices,
    choose_slices,
    find_slices,
    remarks_on_given,
)
from atlas_builder.workflows.map import check_age, naming, origin_of_age, remarks_on_age
from atlas_builder.workflows.map_files import ViewedMap
from atlas_builder.workflows.map_processes import registration_processes
from atlas_builder.workflows.ncct.files import NcctCase, check_folder, write_case
from atlas_builder.workflows.region_routes import DEFAULT_ROUTE, ROUTES
from slice_localizer.alignment.level import align_level
from slice_localizer.locating import locate_slices
from slice_localizer.whole_head.whole_map import WholeMap, map_all_slices

USUAL_AGE = 65.0
"""Years, where the age is not known: that of most patients with a stroke."""


def score_ncct(
    path: Path,
    out: Path,
    executor: Executor | None = None,
    *,
    age: float | None = None,
    method: str = DEFAULT_METHOD,
    rule: str = "barber",
    atlas: str | Path | None = None,
    bgl_slice: int | None = None,
    sgl_slice: int | None = None,
    localizer: Path | None = None,
    series: str | None = None,
    regions: str = DEFAULT_ROUTE,
) -> NcctCase:
    """Score a head CT and write the score's folder.

    Parameters
    ----------
    path : Path
        A NIfTI file, a DICOM folder or a zip archive of one; see `open_scan`.
    out : Path
        The folder to write; see `write_case`.
    executor : Executor, optional
        From `registration_processes`; by default processes are started for this scan alone.
    age : float, optional
        In years; by default that of the DICOM header. Where it is not known the atlas for 65 years
        is used, with a flag; where no atlas is for it, that of the nearest age group is.
    method : str
        A key of `METHODS`.
    rule : str
        Which extent of ischaemia counts, a key of `atlas_builder.core.aspects.RULES`.
    atlas, bgl_slice, sgl_slice, localizer, series
        As `map_scan` takes them.
    regions : str
        How the regions on all slices are drawn, a key of `ROUTES`.

    Returns
    -------
    NcctCase

    Raises
    ------
    InputError
        The scan, the slices, the atlas or the folder cannot be used. Nothing is written then.
    """
    task = NcctTask(
        Path(path),
        Path(out),
        age,
        method,
        rule,
        atlas,
        bgl_slice,
        sgl_slice,
        localizer,
        series,
        regions,
    )
    if executor is not None:
        return score_task(task, executor)
    with registration_processes() as processes:
        return score_task(task, processes)


@dataclass(frozen=True)
class NcctTask:
    """A scan to score; the attributes are as `score_ncct` takes them."""

    path: Path
    out: Path
    age: float | None = None
    method: str = DEFAULT_METHOD
    rule: str = "barber"
    atlas: str | Path | None = None
    bgl_slice: int | None = None
    sgl_slice: int | None = None
    localizer: Path | None = None
    series: str | None = None
    regions: str = DEFAULT_ROUTE


def score_task(task: NcctTask, executor: Executor | None) -> NcctCase:
    """Score a scan.

    Parameters
    ----------
    task : NcctTask
        The scan.
    executor : Executor or None
        Registers the key slices; None for this process.

    Returns
    -------
    NcctCase

    Raises
    ------
    InputError
        See `score_ncct`.
    """
    path, out, age = task.path, task.out, task.age
    started = time.perf_counter()
    check_folder(out)
    check_age(age)
    with ThreadPoolExecutor(1) as reader, open_scan(path, task.series) as source:
        known_age = source.age if age is None else age
        used_age = USUAL_AGE if known_age is None else known_age
        loading = reader.submit(read_atlas, find_atlas(task.atlas, used_age, allow_nearest=True))
        key = choose_slices(source, path, task.bgl_slice, task.sgl_slice, task.localizer)
        with naming(path):
            check_key_slices(key.affines(source), key.indices)
            scan = source.read() if key.scan is None else key.scan
            remarks = (*source.remarks, *key.remarks, *remarks_on_age(source.age, age))
            if key.scan is None:
                remarks += remarks_on_given(scan.part, scan.affines, key.indices)
            if known_age is None:
                remarks += (age_unknown(),)
            prepared = time.perf_counter() - started
            region_map, whole, stages = map_regions_of(
                scan, key, remarks, loading.result, used_age, executor
            )
            drawn = time.perf_counter()
            whole, doubts = ROUTES[task.regions](scan, whole)
            judged = time.perf_counter()
            mapped = for_scoring(scan, region_map, whole, known_age)
            mapped = replace(mapped, flags=(*mapped.flags, *doubts))
            densities = measure_densities(mapped)
            others = find_other_findings(mapped, densities)
            refuse_contrast(others)
            flagged = replace(mapped, flags=(*mapped.flags, *others))
            scored = METHODS[task.method](flagged, densities, task.rule)
        timings = {
            "read": prepared,
            **key.timings,
            **region_map.timings,
            **stages,
            "regions": judged - drawn,
            "score": time.perf_counter() - judged,
        }
        details = {
            "input": {"format": source.kind, "series": source.series},
            "age_from": origin_of_age(source.age, age),
            "key_slices": dict(key.origin),
            "regions": task.regions,
        }
        shown = key.with_own_numbers(replace(region_map, age=known_age))
        pitch = whole.pitch_deg if key.reformatted is None else key.reformatted.pitch_deg
        labels = key.on_own_voxels(whole.labels)
        infarct = None
        if scored.infarct is not None:
            infarct = key.on_own_voxels(scored.infarct.mask.astype(np.uint8))
        viewed = ViewedMap(scan, whole.labels, region_map)
        case = NcctCase(scored, shown, labels, viewed, pitch, infarct, details, timings)
        write_case(out, case, source)
    return case


def map_scan_for_scoring(scan: Scan, age: float) -> MappedScan:
    """Map a scan in memory as `score_ncct` does, in this process.

    Parameters
    ----------
    scan : Scan
        All slices, in HU.
    age : float
        In years.

    Returns
    -------
    MappedScan

    Raises
    ------
    InputError
        The key slices cannot be found, or the atlas does not fit.
    """
    key = find_slices(scan, locate_slices)
    assert key.scan is not None  # they were found on it

    def atlas() -> Atlas:
        return load_atlas(None, age, allow_nearest=True)

    region_map, whole, _ = map_regions_of(key.scan, key, key.remarks, atlas, age, None)
    return for_scoring(key.scan, region_map, whole, age)


def map_regions_of(
    scan: Scan,
    key: ChosenSlices,
    remarks: tuple[Flag, ...],
    atlas: Callable[[], Atlas],
    age: float,
    executor: Executor | None,
) -> tuple[RegionMap, WholeMap, dict[str, float]]:
    """Map the key slices of a scan, then all.

    Parameters
    ----------
    scan : Scan
        All slices, in HU.
    key : ChosenSlices
        Its key slices.
    remarks : tuple of Flag
        What is unusual about the scan.
    atlas : callable
        Returns the atlas.
    age : float
        In years.
    executor : Executor or None
        Registers the key slices; None for this process.

    Returns
    -------
    region_map : RegionMap
        Of the key slices.
    whole : WholeMap
        Of all slices.
    timings : dict of str to float
        Seconds of the stages that the region map does not know.
    """
    chosen = read_key_slices(scan.part, scan.affines, key.indices, remarks)
    alignment = align_level(scan) if key.alignment is None else key.alignment
    region_map = map_key_slices(chosen, atlas(), age=age, executor=executor)
    started = time.perf_counter()
    whole = map_all_slices(scan, region_map, alignment)
    return region_map, whole, {"all_slices": time.perf_counter() - started}


def for_scoring(
    scan: Scan, region_map: RegionMap, whole: WholeMap, age: float | None
) -> MappedScan:
    """Return what scorers are given of a scan and its map.

    Parameters
    ----------
    scan : Scan
        All slices, in HU.
    region_map, whole
        From `map_regions_of`.
    age : float or None
        In years, where it is known.
    """
    return MappedScan(
        hu=np.asarray(scan.data, np.float32),
        labels=whole.labels,
        brain=whole.brain,
        affines=scan.affines,
        age=age,
        confidences={(m.side, m.region): m.confidence for m in region_map.measures},
        flags=region_map.flags,
        place=whole.place,
    )


def age_unknown() -> Flag:
    """Return the flag of a scan whose patient's age is not known."""
    return Flag(
        "age-unknown",
        f"the patient's age is not known: the atlas for {USUAL_AGE:g} years was used; give --age",
    )
