"""``segment-infarct``."""

from __future__ import annotations

from pathlib import Path

import click

from atlas_builder.commands.options import CONTEXT
from atlas_builder.commands.outcome import show_flags
from atlas_builder.runtime.lean_imports import import_nibabel


@click.command("segment-infarct", context_settings=CONTEXT)
@click.option(
    "--ncct",
    type=click.Path(path_type=Path),
    required=True,
    metavar="SCAN",
    help="A non-contrast head CT: a NIfTI file, a DICOM folder or a zip archive of one.",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The folder to write.")
@click.option("--series", metavar="UID", help="Which series of a DICOM folder.")
@click.option(
    "--network",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="What train-deep-aspects wrote.  [default: the network that ships]",
)
def segment_infarct_command(
    ncct: Path, out: Path, series: str | None, network: Path | None
) -> None:
    """Draw the acute infarct on a non-contrast head CT, on every slice.

    The folder gets the mask on the scan's own voxels (infarct.nii.gz; of DICOM infarct.seg.dcm as
    well), its volume (infarct.json) and a picture.
    """
    import_nibabel()
    from atlas_builder.workflows.ncct.infarct import segment_infarct  # noqa: PLC0415

    found = segment_infarct(ncct, out, series=series, network=network)
    show_flags(found.flags)
    volume = found.infarct.volume_ml
    click.echo(f"Infarct: {volume:.1f} mL" if volume else "No infarct found")
    click.echo(f"Folder: {out}")
