"""Labelling by perfusion, complete: from a CBF map and a CT to a folder with the truth."""

from __future__ import annotations

import time
from concurrent.futures import Executor
from pathlib import Path

from aspects_scorer.perfusion.brain_scan import cut_brain
from aspects_scorer.perfusion.cbf_map import read_cbf
from aspects_scorer.perfusion.labelled import LabelledPerfusion, label_brain
from atlas_builder.catalogue.entries import load_atlas
from atlas_builder.core.aspects import RULES
from atlas_builder.core.flags import Flag
from atlas_builder.io.source import open_scan
from atlas_builder.mapping.pipeline import map_regions
from atlas_builder.workflows.locate import locate_in, open_network_ahead
from atlas_builder.workflows.map import check_age, naming
from atlas_builder.workflows.map_processes import registration_processes
from atlas_builder.workflows.perfusion_files import check_folder, write_labelled
from slice_localizer.whole_head.whole_map import map_all_slices


def label_perfusion(
    cbf: Path,
    ncct: Path,
    out: Path,
    executor: Executor | None = None,
    *,
    age: float | None = None,
    rule: str = "ctp",
    atlas: str | Path | None = None,
    participant: str = "sub-1",
) -> LabelledPerfusion:
    """Find the core on a CBF map, measure it in the regions of the CT and write the folder.

    Parameters
    ----------
    cbf : Path
        The CBF map; see `read_cbf`.
    ncct : Path
        The non-contrast CT of the same examination; see `open_scan`.
    out : Path
        The folder to write; see `write_labelled`.
    executor : Executor, optional
        From `registration_processes`; by default processes are started for this scan alone.
    age : float, optional
        In years; by default that of the DICOM header.
    rule : str
        A name of `atlas_builder.core.aspects.RULES`.
    atlas : str or Path, optional
        See `load_atlas`.
    participant : str
        What ``truth.tsv`` calls the patient.

    Returns
    -------
    LabelledPerfusion

    Raises
    ------
    InputError
        A file or the folder cannot be used, the map is not of blood flow, or lies elsewhere than
        the CT. Nothing is written then.
    """
    if executor is None:
        with registration_processes() as processes:
            return label_perfusion(
                cbf,
                ncct,
                out,
                processes,
                age=age,
                rule=rule,
                atlas=atlas,
                participant=participant,
            )
    check_folder(out)
    check_age(age)
    started = time.perf_counter()
    flow = read_cbf(cbf)
    with open_scan(ncct) as source:
        used_age = source.age if age is None else age
        found_atlas = load_atlas(atlas, used_age)
        open_network_ahead()
        scan = source.read()
        located = locate_in(scan, ncct)
        with naming(ncct):
            region_map = map_regions(
                scan,
                found_atlas,
                located.bgl_slice,
                located.sgl_slice,
                age=used_age,
                executor=executor,
            )
            whole = map_all_slices(scan, region_map, located.alignment)
            brain = cut_brain(scan, whole)
        mapped = time.perf_counter()
        with naming(cbf):
            labelled = label_brain(flow, brain, RULES[rule])
        remarks = (*source.remarks, *located.flags, *region_map.flags)
        result = LabelledPerfusion(
            participant,
            rule,
            labelled,
            brain,
            tuple(Flag(f"ncct-{one.code}", f"CT: {one.reason}") for one in remarks),
            {"bgl_slice": located.bgl_slice, "sgl_slice": located.sgl_slice},
            {"map": mapped - started, "perfusion": time.perf_counter() - mapped},
        )
        write_labelled(out, result, source)
    return result
