"""``locate-slices``."""

from __future__ import annotations

from pathlib import Path

import click

from atlas_builder.commands.options import (
    CONTEXT,
    localizer_option,
    require_scan,
    series_option,
)
from atlas_builder.core.errors import InputError
from atlas_builder.runtime.lean_imports import import_nibabel


@click.command("locate-slices", context_settings=CONTEXT)
@click.argument("scan", type=click.Path(path_type=Path))
@click.option(
    "--figure",
    type=click.Path(path_type=Path),
    metavar="FILE.png",
    help="Draw the slices, the probabilities along the scan and a sagittal view.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE.json",
    help="Write what is printed to a file as well.",
)
@localizer_option
@series_option
def locate_slices_command(
    scan: Path, figure: Path | None, out: Path | None, localizer: Path | None, series: str | None
) -> None:
    """Find the BGL and the SGL slice of a head CT: a NIfTI file, or DICOM in a folder or a zip.

    Prints JSON: bgl_slice and sgl_slice, counted from 0 in the scan's order, and the confidence, a
    probability; then the result of the alignment with a standard head, reservations, and the
    probability and the position of every slice.
    """
    require_scan(scan)
    for path, suffix in ((figure, ".png"), (out, ".json")):
        if path is not None and (
            path.suffix.lower() != suffix or not path.absolute().parent.is_dir()
        ):
            raise InputError(f"{path}: give a name that ends in {suffix}, in a folder that exists")
    import_nibabel()
    import json  # noqa: PLC0415

    from atlas_builder.workflows.locate import locate_scan  # noqa: PLC0415

    content = locate_scan(scan, figure=figure, out=out, localizer=localizer, series=series)
    click.echo(json.dumps(content, indent=2))
