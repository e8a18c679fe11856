"""Locating, complete: from a scan's file to its key slices, a figure and a JSON file."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Scan
from atlas_builder.io.source import open_scan
from atlas_builder.runtime.files import write_json

if TYPE_CHECKING:
    from slice_localizer.locating import LocatedSlices


def locate_scan(
    path: Path,
    *,
    figure: Path | None = None,
    out: Path | None = None,
    localizer: Path | None = None,
    series: str | None = None,
) -> dict[str, Any]:
    """Find the key slices of a scan's file.

    Parameters
    ----------
    path : Path
        A NIfTI file, a DICOM folder or a zip archive of one; see `open_scan`.
    figure : Path, optional
        A PNG file to draw: the slices, the probabilities along the scan and a sagittal view.
    out : Path, optional
        A JSON file to write what is returned to.
    localizer : Path, optional
        The network to use; see `locate_slices`.
    series : str, optional
        The DICOM series to use.

    Returns
    -------
    dict
        What ``locate-slices`` prints: plain numbers, text, lists and mappings.

    Raises
    ------
    InputError
        The scan cannot be used, its key slices cannot be found, or a file cannot be written.
    """
    started = perf_counter()
    with open_scan(path, series) as source:
        open_network_ahead(localizer)
        scan = source.read()
        reading = perf_counter() - started
        located = locate_in(scan, path, localizer)
        content = located.describe()
        content["timings_s"] = {"read": round(reading, 3), **content["timings_s"]}
        content["flags"] += [{"code": r.code, "reason": r.reason} for r in source.remarks]
    try:
        if figure is not None:
            from atlas_builder.reporting.locating.figure import (  # noqa: PLC0415 - slow to load
                write_located,
            )

            write_located(figure, scan, located)
        if out is not None:
            write_json(out, content)
    except OSError as error:
        raise InputError(f"{path}: a result cannot be written ({error.strerror})") from None
    return content


def open_network_ahead(localizer: Path | None = None) -> None:
    """Begin to open the network that `locate_in` asks, while the scan is read.

    Parameters
    ----------
    localizer : Path, optional
        As `locate_in` takes it.
    """
    from atlas_builder.networks.registry import LOCALIZER  # noqa: PLC0415
    from slice_localizer.network.inference import open_ahead  # noqa: PLC0415 - loads scipy

    open_ahead(localizer or LOCALIZER)


def locate_in(scan: Scan, path: Path, localizer: Path | None = None) -> LocatedSlices:
    """Find the key slices of a scan.

    Parameters
    ----------
    scan : Scan
        All its slices, HU.
    path : Path
        What to call it in messages.
    localizer : Path, optional
        The network to use; see `slice_localizer.locating.locate_slices`.

    Raises
    ------
    InputError
        They cannot be found, or the network cannot be read.
    """
    from atlas_builder.networks.registry import LOCALIZER  # noqa: PLC0415
    from atlas_builder.preprocessing.scan_values import check_scan_values  # noqa: PLC0415
    from slice_localizer.alignment.standard_head import FILE  # noqa: PLC0415
    from slice_localizer.locating import locate_slices  # noqa: PLC0415 - loads scipy

    try:
        check_scan_values(scan)
        return locate_slices(scan, localizer)
    except InputError as error:
        message = str(error)
        network = localizer or LOCALIZER
        files = (network, network.with_suffix(".json"), FILE)
        of_ours = message.startswith(tuple(f"{file}:" for file in files))
        raise InputError(message if of_ours else f"{path}: {message}") from None
