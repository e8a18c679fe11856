"""ASPECTS of a CT angiography, complete: from a scan to a folder with the score."""

from __future__ import annotations

import time
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from aspects_scorer.cta.methods import DEFAULT_METHOD, METHODS
from aspects_scorer.cta.thick_scan import ThickScan, thicken
from aspects_scorer.ncct.mapped_scan import MappedScan
from aspects_scorer.ncct.measures import measure_densities
from aspects_scorer.ncct.other_findings import find_other_findings_on_angiography
from aspects_scorer.ncct.scan_kind import require_contrast
from atlas_builder.catalogue.atlas import read_atlas
from atlas_builder.catalogue.entries import find_atlas
from atlas_builder.core.scan import Scan
from atlas_builder.io.source import open_scan
from atlas_builder.mapping.region_map import RegionMap
from atlas_builder.workflows.key_slices import ChosenSlices
from atlas_builder.workflows.locate import locate_in
from atlas_builder.workflows.map import check_age, naming, origin_of_age, remarks_on_age
from atlas_builder.workflows.map_files import ViewedMap
from atlas_builder.workflows.map_processes import registration_processes
from atlas_builder.workflows.ncct.files import NcctCase, check_folder, write_case
from atlas_builder.workflows.ncct.score import (
    USUAL_AGE,
    NcctTask,
    age_unknown,
    for_scoring,
    map_regions_of,
    map_scan_for_scoring,
)


def score_cta(
    path: Path,
    out: Path,
    executor: Executor | None = None,
    *,
    age: float | None = None,
    method: str = DEFAULT_METHOD,
    rule: str = "barber",
    atlas: str | Path | None = None,
) -> NcctCase:
    """Score a CT angiography and write the score's folder.

    Parameters
    ----------
    path : Path
        A NIfTI file, a DICOM folder or a zip archive of one; see `open_scan`.
    out : Path
        The folder to write; see `write_case`.
    executor : Executor, optional
        From `registration_processes`; by default processes are started for this scan alone.
    age : float, optional
        As `score_ncct` takes it.
    method : str
        A key of `aspects_scorer.cta.methods.METHODS`.
    rule, atlas
        As `score_ncct` takes them.

    Returns
    -------
    NcctCase

    Raises
    ------
    InputError
        The scan, the atlas or the folder cannot be used, or the scan shows no contrast medium.
        Nothing is written then.
    """
    task = NcctTask(Path(path), Path(out), age, method, rule, atlas)
    if executor is not None:
        return score_cta_task(task, executor)
    with registration_processes() as processes:
        return score_cta_task(task, processes)


def score_cta_task(task: NcctTask, executor: Executor | None) -> NcctCase:
    """Score a CT angiography.

    Slices are averaged to about 5 mm without their vessels; what is found is written on the slices
    of the file.

    Parameters
    ----------
    task : NcctTask
        The scan; its key slices are found.
    executor : Executor or None
        Registers the key slices; None for this process.

    Returns
    -------
    NcctCase

    Raises
    ------
    InputError
        See `score_cta`.
    """
    path, out, age = task.path, task.out, task.age
    started = time.perf_counter()
    check_folder(out)
    check_age(age)
    with ThreadPoolExecutor(1) as reader, open_scan(path, task.series) as source:
        known_age = source.age if age is None else age
        used_age = USUAL_AGE if known_age is None else known_age
        loading = reader.submit(read_atlas, find_atlas(task.atlas, used_age, allow_nearest=True))
        scan = source.read()
        thick = thicken(scan)
        key = _find_key_slices(thick, path, task.localizer)
        with naming(path):
            remarks = (*source.remarks, *key.remarks, *remarks_on_age(source.age, age))
            if known_age is None:
                remarks += (age_unknown(),)
            prepared = time.perf_counter() - started
            region_map, whole, stages = map_regions_of(
                thick.brain, key, remarks, loading.result, used_age, executor
            )
            judged = time.perf_counter()
            mapped = for_scoring(thick.brain, region_map, whole, known_age)
            require_contrast(_with_vessels(mapped, thick))
            densities = measure_densities(mapped)
            others = find_other_findings_on_angiography(mapped)
            flagged = replace(mapped, flags=(*mapped.flags, *others))
            scored = METHODS[task.method](flagged, densities, task.rule)
        timings = {
            "read": prepared,
            **region_map.timings,
            **stages,
            "score": time.perf_counter() - judged,
        }
        details = {
            "input": {"format": source.kind, "series": source.series, "kind": "CTA"},
            "age_from": origin_of_age(source.age, age),
            "key_slices": dict(key.origin),
            "averaged_slices": int(thick.ends[0] - thick.starts[0]),
        }
        case = NcctCase(
            scored,
            _on_file(replace(region_map, age=known_age), thick, len(scan)),
            np.asarray(thick.on_file(whole.labels), np.uint8),
            ViewedMap(thick.plain, whole.labels, region_map),
            whole.pitch_deg,
            None,
            details,
            timings,
        )
        write_case(out, case, source)
    return case


def map_angiography(scan: Scan, age: float) -> MappedScan:
    """Map a CT angiography in memory as `score_cta` does, in this process.

    Parameters
    ----------
    scan : Scan
        All slices, in HU.
    age : float
        In years.

    Returns
    -------
    MappedScan
        Of slices of about 5 mm, their vessels cut down.

    Raises
    ------
    InputError
        The key slices cannot be found, the atlas does not fit, or there is no contrast medium.
    """
    thick = thicken(scan)
    mapped = map_scan_for_scoring(thick.brain, age)
    require_contrast(_with_vessels(mapped, thick))
    return mapped


def _find_key_slices(thick: ThickScan, path: Path, localizer: Path | None) -> ChosenSlices:
    located = locate_in(thick.brain, path, localizer)
    return ChosenSlices(
        {"BGL": located.bgl_slice, "SGL": located.sgl_slice},
        {"from": "located", "confidence": round(located.confidence, 4)},
        located.flags,
        scan=thick.brain,
        alignment=located.alignment,
    )


def _with_vessels(mapped: MappedScan, thick: ThickScan) -> MappedScan:
    return replace(mapped, hu=np.asarray(thick.plain.data, np.float32))


def _on_file(region_map: RegionMap, thick: ThickScan, slices: int) -> RegionMap:
    """Return a map of thick slices with the numbers of the file's slices."""
    levels = tuple(
        replace(level, index=int(thick.middles[level.index])) for level in region_map.levels
    )
    return replace(region_map, levels=levels, slice_count=slices)
