"""A region map as a folder of files: the regions, two tables for programs, a picture, a report."""

from __future__ import annotations

import math
from collections.abc import Mapping
from concurrent.futures import Executor, wait
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.anatomy import SIDES, Region, Side
from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Scan
from atlas_builder.io.nifti.images import write_volume
from atlas_builder.io.shear import straightened
from atlas_builder.io.source import DicomSource, NiftiSource
from atlas_builder.io.stacking import stack_affine
from atlas_builder.io.upright import upright_grid
from atlas_builder.mapping.region_map import LevelMap, RegionMap
from atlas_builder.runtime.files import write_json
from atlas_builder.runtime.result_folder import check_result_folder, replacing_result
from atlas_builder.runtime.tsv import number_cell, write_tsv, yes_or_no
from atlas_builder.runtime.versions import versions_of_scan_result

if TYPE_CHECKING:
    from atlas_builder.reporting.viewer.page_parts import Viewer

MAPPING = "mapping.json"
REGIONS = "regions.nii.gz"
TABLE = "regions.tsv"
SEGMENTATION = "regions.seg.dcm"
OVERLAY = "overlay.png"
REPORT = "report.html"
UPRIGHT_REGIONS = "regions_upright.nii.gz"
UPRIGHT_IMAGE = "image_upright.nii.gz"
_FILES = {
    MAPPING,
    REGIONS,
    TABLE,
    SEGMENTATION,
    OVERLAY,
    REPORT,
    UPRIGHT_REGIONS,
    UPRIGHT_IMAGE,
}
_NUMBERS = {
    "area_mm2": ".1f",
    "mean_hu": ".2f",
    "contralateral_mean_hu": ".2f",
    "relative_hu": ".4f",
    "difference_hu": ".2f",
    "confidence": ".3f",
}


Volumes = Mapping[tuple[Region, Side], float]


@dataclass(frozen=True)
class WrittenRegions:
    """The regions as they are written: those of the key slices, or of all.

    Attributes
    ----------
    labels : ndarray of uint8, shape (columns, rows, slices)
        On the scan's own pixels: 1-10 on the patient's left, 11-20 on the right, 0 elsewhere.
    volumes_ml : mapping of region and side to float, optional
        Their volumes in mL, where all slices were mapped.
    """

    labels: NDArray[np.uint8]
    volumes_ml: Volumes | None = None


@dataclass(frozen=True)
class ViewedMap:
    """A scan with its regions as a report shows all slices of it.

    Attributes
    ----------
    scan : Scan
        All slices, HU; of a pitched head the slices that were reformatted.
    labels : ndarray of uint8, shape (columns, rows, slices)
        The regions on them.
    region_map : RegionMap
        Of its key slices, numbered as those of `scan`.
    """

    scan: Scan
    labels: NDArray[np.uint8]
    region_map: RegionMap

    def viewer(self) -> Viewer:
        """Return what a page needs to show it."""
        from atlas_builder.reporting.viewer.page_parts import Viewer  # noqa: PLC0415
        from atlas_builder.reporting.viewer.upright_scan import view_scan  # noqa: PLC0415

        shown = _without_probabilities(self.region_map)
        return Viewer.of(view_scan(self.scan, self.labels, shown), "CT")


def check_folder(out: Path) -> None:
    """Make sure that a map may be written to a folder, before any work is done.

    Parameters
    ----------
    out : Path
        The folder; it need not exist.

    Raises
    ------
    InputError
        It is a file, or holds anything but an earlier map.
    """
    check_result_folder(out, "map", MAPPING, _FILES)


def write_map(
    out: Path,
    region_map: RegionMap,
    source: NiftiSource | DicomSource,
    viewed: ViewedMap | None,
    executor: Executor,
    details: Mapping[str, object],
    regions: WrittenRegions | None = None,
) -> None:
    """Write a map's folder; an earlier map in it is replaced.

    Nothing that names the scan's place on this computer is written, and nothing that names the
    patient but in the DICOM SEG, which repeats the patient module of its source.

    Parameters
    ----------
    out : Path
        The folder, see `check_folder`.
    region_map : RegionMap
        What to write; its key slices are numbered as those of `source`.
    source : NiftiSource or DicomSource
        The scan it was made from.
    viewed : ViewedMap or None
        What the report shows of all slices; None where some cannot be read.
    executor : Executor
        Makes the picture and the report while this process writes the rest.
    details : mapping
        What ``mapping.json`` holds beyond the map, such as how long reading took.
    regions : WrittenRegions, optional
        On the voxels of `source`; by default those of the key slices, which are its own.

    Raises
    ------
    InputError
        The folder cannot be written.
    """
    check_folder(out)
    bgl, sgl = (level_map.index for level_map in region_map.levels)
    if regions is None:
        regions = WrittenRegions(region_map.volume(source.shape))
    labels, volumes = regions.labels, regions.volumes_ml
    shown = _without_probabilities(region_map)
    with replacing_result(out) as folder:
        pages = [executor.submit(_draw, folder / OVERLAY, shown)]
        try:
            # Unpacked it would take longer to hand over than to prepare.
            viewer = None if viewed is None else viewed.viewer()
            pages.append(executor.submit(_report, folder / REPORT, shown, viewer, volumes))
            notes = [source.write_labels(folder / REGIONS, labels, (bgl, sgl))]
            if isinstance(source, DicomSource):
                notes.append(source.write_segmentation(folder / SEGMENTATION, labels))
            notes.append(_write_upright(folder, source, labels, (bgl, sgl)))
            if viewed is None:
                notes.append(f"{REPORT} shows the key slices alone: others cannot be read")
            _write_table(folder / TABLE, region_map, volumes)
            for page in pages:
                page.result()
        finally:
            # The folder is removed after a failure: nothing may still be writing into it.
            wait([page for page in pages if not page.cancel()])
        content = describe(region_map) | dict(details)
        if volumes is not None:
            content["volumes_ml"] = _describe_volumes(volumes)
        content["notes"] = [note for note in notes if note is not None]
        write_json(folder / MAPPING, content)


def describe(region_map: RegionMap) -> dict[str, object]:
    """Return the content of ``mapping.json``: plain numbers, text, lists and mappings.

    Parameters
    ----------
    region_map : RegionMap
        What to describe.

    Returns
    -------
    dict
        Areas in cm2, distances in mm, angles in degrees, age in years, times in seconds; slice
        indices are 0-based, in file order.
    """
    bgl, sgl = region_map.levels
    return {
        "versions": versions_of_scan_result(),
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "age": region_map.age,
        "slices": region_map.slice_count,
        "bgl_slice": bgl.index,
        "sgl_slice": sgl.index,
        "key_slice_distance_mm": round(region_map.distance_mm, 2),
        "atlas": {
            "name": region_map.atlas_name,
            "age_group": str(region_map.age_group),
            "simulated": region_map.atlas_is_simulated,
            **region_map.atlas_provenance,
        },
        "levels": {level_map.level: _describe_level(level_map) for level_map in (bgl, sgl)},
        "confidence": {
            side: {
                m.region.name: round(m.confidence, 3) for m in region_map.measures if m.side == side
            }
            for side in SIDES
        },
        "stands_out": [f"{m.side} {m.region.name}" for m in region_map.measures if m.stands_out],
        "quality_flags": [
            {"code": flag.code, "level": flag.level, "reason": flag.reason}
            for flag in region_map.flags
        ],
        "timings_s": {stage: round(seconds, 3) for stage, seconds in region_map.timings.items()},
    }


def _describe_level(level_map: LevelMap) -> dict[str, float]:
    alignment = level_map.key.alignment
    area = np.count_nonzero(level_map.brain) * math.prod(level_map.slice.spacing) / 100
    return {
        "fit": round(level_map.fit, 4),
        "rotation_deg": round(alignment.angle, 2),
        "midline_offset_mm": round(alignment.offset, 2),
        "asymmetry": round(alignment.asymmetry, 4),
        "brain_area_cm2": round(float(area), 1),
        "averaged_slices": level_map.averaged_slices,
        "averaged_mm": round(level_map.averaged_mm, 2),
    }


def _describe_volumes(volumes: Volumes) -> dict[str, dict[str, float]]:
    return {
        side: {region.name: round(volumes[region, side], 2) for region in Region} for side in SIDES
    }


def _write_upright(
    folder: Path,
    source: NiftiSource | DicomSource,
    regions: NDArray[np.uint8],
    exact_at: tuple[int, int],
) -> str | None:
    """Write regions and scan without shear where the regions' file has one.

    Returns
    -------
    str or None
        What to know about these files, and about the one that is sheared.
    """
    affine, _ = stack_affine(source.affines, exact_at)
    if straightened(affine, source.shape) is not None:
        return None
    sheared = (
        f"the slices are tilted, so the affine of {REGIONS} is sheared, which ITK cannot follow"
    )
    grid = upright_grid(source.affines, source.shape[:2], exact_at)
    write_volume(folder / UPRIGHT_REGIONS, grid.labels(regions), grid.affine)
    try:
        image = grid.image(source.read().data)
    except InputError:  # of a slice that no region is on; the message names the scan's place
        return f"{sheared}: open {UPRIGHT_REGIONS}; no {UPRIGHT_IMAGE}: a slice cannot be read"
    write_volume(folder / UPRIGHT_IMAGE, image, grid.affine)
    return f"{sheared}: open {UPRIGHT_REGIONS} over {UPRIGHT_IMAGE}, which are not"


def _without_probabilities(region_map: RegionMap) -> RegionMap:
    """Leave out what no page shows and most of a map consists of: it would go to each process."""
    levels = [
        replace(level, atlas=replace(level.atlas, probabilities=None))
        for level in region_map.levels
    ]
    return replace(region_map, levels=tuple(levels))


def _draw(path: Path, region_map: RegionMap) -> None:
    from atlas_builder.reporting.mapping.overlay import write_overlay  # noqa: PLC0415 - slow to load

    write_overlay(path, region_map)


def _report(
    path: Path, region_map: RegionMap, viewer: Viewer | None, volumes: Volumes | None
) -> None:
    from atlas_builder.reporting.mapping.report import write_mapping_report  # noqa: PLC0415

    write_mapping_report(path, region_map, viewer, volumes)


def _write_table(path: Path, region_map: RegionMap, volumes: Volumes | None) -> None:
    rows = (
        [
            measure.region.name,
            measure.side,
            measure.level,
            *(number_cell(getattr(measure, name), spec) for name, spec in _NUMBERS.items()),
            yes_or_no(measure.stands_out),
            *([] if volumes is None else [f"{volumes[measure.region, measure.side]:.2f}"]),
        ]
        for measure in region_map.measures
    )
    names = ["region", "side", "level", *_NUMBERS, "stands_out"]
    write_tsv(path, names if volumes is None else [*names, "volume_ml"], rows)
