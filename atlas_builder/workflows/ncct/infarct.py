"""The acute infarct on a non-contrast CT, complete: from a scan to a folder with its mask."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aspects_scorer.ncct.deep_aspects.segmentation import draw_infarct, infarct_on
from aspects_scorer.ncct.infarct import Infarct
from atlas_builder.core.flags import Flag
from atlas_builder.io.source import open_scan
from atlas_builder.reporting.ncct.infarct import write_infarct
from atlas_builder.runtime.files import write_json
from atlas_builder.runtime.result_folder import check_result_folder, replacing_result
from atlas_builder.runtime.versions import versions_of_scan_result
from atlas_builder.workflows.key_slices import choose_slices
from atlas_builder.workflows.map import naming
from atlas_builder.workflows.ncct.infarct_files import (
    INFARCT_MASK,
    INFARCT_PICTURE,
    INFARCT_SEGMENTATION,
    write_mask,
)
from slice_localizer.alignment.level import align_level
from slice_localizer.whole_head.brain_place import place_brain

RESULT = "infarct.json"
_FILES = {RESULT, INFARCT_MASK, INFARCT_PICTURE, INFARCT_SEGMENTATION}


@dataclass(frozen=True)
class FoundInfarct:
    """The infarct of a scan and what is to be known about it.

    Attributes
    ----------
    infarct : Infarct
        Where it is.
    flags : tuple of Flag
        What makes it doubtful.
    """

    infarct: Infarct
    flags: tuple[Flag, ...]


def segment_infarct(
    path: Path, out: Path, *, series: str | None = None, network: Path | None = None
) -> FoundInfarct:
    """Find the acute infarct on a head CT and write its folder.

    Parameters
    ----------
    path : Path
        A NIfTI file, a DICOM folder or a zip archive of one; see `open_scan`.
    out : Path
        The folder: ``infarct.nii.gz`` on the scan's voxels, ``infarct.json`` with its volume,
        ``infarct.png`` and, of DICOM, ``infarct.seg.dcm``.
    series : str, optional
        Which series of a DICOM folder.
    network : Path, optional
        What ``train-deep-aspects`` wrote; by default the network that ships.

    Returns
    -------
    FoundInfarct

    Raises
    ------
    InputError
        The scan or the folder cannot be used. Nothing is written then.
    """
    started = time.perf_counter()
    check_result_folder(out, "infarct", RESULT, _FILES)
    with open_scan(path, series) as source:
        key = choose_slices(source, path, None, None)
        with naming(path):
            scan = source.read() if key.scan is None else key.scan
            alignment = align_level(scan) if key.alignment is None else key.alignment
            drawn = draw_infarct(scan, place_brain(scan, alignment), network)
            slices = (key.indices["BGL"], key.indices["SGL"])
            if key.reformatted is not None:  # a pitched head: back to its own slices
                bgl, sgl = (key.reformatted.own_slice(index) for index in slices)
                scan, slices = key.reformatted.own, (bgl, sgl)
            infarct = infarct_on(scan, drawn)
        flags = (*source.remarks, *key.remarks)
        with replacing_result(out) as folder:
            notes = write_mask(folder, infarct.mask.astype(np.uint8), source, slices)
            write_infarct(folder / INFARCT_PICTURE, scan, infarct, slices)
            content = {
                "volume_ml": round(infarct.volume_ml, 2),
                "method": "deep-aspects",
                "flags": [{"code": flag.code, "reason": flag.reason} for flag in flags],
                "notes": notes,
                "versions": versions_of_scan_result(),
                "seconds": round(time.perf_counter() - started, 2),
            }
            write_json(folder / RESULT, content)
    return FoundInfarct(infarct, flags)
