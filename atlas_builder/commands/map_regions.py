"""``map-regions``."""

from __future__ import annotations

from pathlib import Path

import click

from atlas_builder.commands.options import (
    CONTEXT,
    localizer_option,
    require_scan,
    series_option,
)
from atlas_builder.commands.outcome import show_flags, show_report
from atlas_builder.core.anatomy import SIDES
from atlas_builder.core.errors import InputError
from atlas_builder.runtime.lean_imports import import_nibabel


@click.command("map-regions", context_settings=CONTEXT)
@click.argument("scan", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The folder to write.")
@click.option(
    "--age",
    type=float,
    help="The patient's age in years.  [default: as the DICOM header states it]",
)
@click.option(
    "--atlas",
    metavar="NAME_OR_DIR",
    help="A name that fetch-atlas --list shows, or an atlas folder.  "
    "[default: aspects-281 if it is installed, else simulated]",
)
@click.option(
    "--bgl-slice",
    type=click.IntRange(0),
    metavar="K",
    help="The slice at the level of the basal ganglia, counted from 0 in the scan's order.  "
    "[default: as locate-slices finds it]",
)
@click.option(
    "--sgl-slice",
    type=click.IntRange(0),
    metavar="K",
    help="The slice above the basal ganglia, about 2 cm higher.  [default: by position]",
)
@click.option(
    "--all-slices",
    is_flag=True,
    help="Write the regions on every slice that shows them, with their volumes, not on the key "
    "slices alone.",
)
@click.option(
    "--regions",
    type=click.Choice(["atlas", "vb-net"]),
    help="How --all-slices draws the regions: an atlas carried onto the scan, or a network.  "
    "[default: atlas]",
)
@localizer_option
@series_option
@click.option(
    "--allow-nearest-age",
    is_flag=True,
    help="Use the nearest age group where none contains the age.",
)
def map_regions_command(
    scan: Path,
    out: Path,
    age: float | None,
    atlas: str | None,
    bgl_slice: int | None,
    sgl_slice: int | None,
    all_slices: bool,
    regions: str | None,
    localizer: Path | None,
    series: str | None,
    allow_nearest_age: bool,
) -> None:
    """Carry the ten ASPECTS regions onto a head CT: a NIfTI file, or DICOM in a folder or a zip.

    The folder gets the regions on the scan's own grid (regions.nii.gz, and regions.seg.dcm for
    DICOM), their densities (regions.tsv), a picture, a report and mapping.json.
    """
    require_scan(scan)
    if regions is not None and not all_slices:
        raise InputError("map-regions: --regions is how --all-slices draws them; give that too")
    import_nibabel()
    from atlas_builder.workflows.map_processes import registration_processes  # noqa: PLC0415

    with registration_processes() as executor:
        # Imported while the processes start.
        from atlas_builder.workflows.map import map_scan  # noqa: PLC0415

        region_map = map_scan(
            scan,
            out,
            executor,
            age=age,
            atlas=atlas,
            bgl_slice=bgl_slice,
            sgl_slice=sgl_slice,
            all_slices=all_slices,
            regions=regions or "atlas",
            localizer=localizer,
            series=series,
            allow_nearest_age=allow_nearest_age,
        )
    simulated = ", simulated" if region_map.atlas_is_simulated else ""
    click.echo(f"Atlas: {region_map.atlas_name}, {region_map.age_group} years{simulated}")
    show_flags(region_map.flags)
    for side in SIDES:
        names = [m.region.name for m in region_map.measures if m.stands_out and m.side == side]
        if names:
            click.echo(f"Darker on the {side}: {', '.join(names)}")
    click.echo(f"Map: {out}")
    show_report(out)
