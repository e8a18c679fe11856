"""``label-perfusion``."""

from __future__ import annotations

import re
from pathlib import Path

import click

from atlas_builder.commands.options import CONTEXT, require_scan
from atlas_builder.commands.outcome import show_flags, show_report
from atlas_builder.core.anatomy import SIDES
from atlas_builder.core.errors import InputError
from atlas_builder.runtime.lean_imports import import_nibabel


@click.command("label-perfusion", context_settings=CONTEXT)
@click.option(
    "--cbf",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="The map of cerebral blood flow in mL/100 g/min: a NIfTI file or a DICOM series.",
)
@click.option(
    "--ncct",
    type=click.Path(path_type=Path),
    required=True,
    metavar="SCAN",
    help="The non-contrast CT of the same examination: a NIfTI file, a DICOM folder or a zip.",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The folder to write.")
@click.option(
    "--age",
    type=float,
    help="The patient's age in years.  [default: as the DICOM header states it]",
)
@click.option(
    "--rule",
    type=click.Choice(["barber", "ctp", "overlap"]),
    default="ctp",
    show_default=True,
    help="Which share of core takes a region's point. ctp: a tenth of any region; barber: any core "
    "of C, L, IC or I, a third of M1-M6; overlap: any core of any region.",
)
@click.option(
    "--atlas",
    metavar="NAME_OR_DIR",
    help="See map-regions.",
)
@click.option(
    "--participant",
    default="sub-1",
    show_default=True,
    metavar="ID",
    help="What truth.tsv calls the patient.",
)
def label_perfusion_command(
    cbf: Path,
    ncct: Path,
    out: Path,
    age: float | None,
    rule: str,
    atlas: str | None,
    participant: str,
) -> None:
    """Find the affected ASPECTS regions of a CT by its perfusion study: the truth for scorers.

    Core is what has less than 30% of the flow of the mirrored place. The folder gets the share of
    each region (truth.tsv, regions.tsv), the core on the CT's grid (core.nii.gz), a picture, a
    report and perfusion.json.
    """
    require_scan(cbf)
    require_scan(ncct)
    if not re.fullmatch(r"sub-[A-Za-z0-9]+", participant):
        raise InputError(
            f"--participant {participant}: no such name; give sub- and letters or digits"
        )
    import_nibabel()
    from atlas_builder.workflows.map_processes import registration_processes  # noqa: PLC0415

    with registration_processes() as executor:
        # Imported while the processes start.
        from atlas_builder.workflows.label_perfusion import label_perfusion  # noqa: PLC0415

        result = label_perfusion(
            cbf,
            ncct,
            out,
            executor,
            age=age,
            rule=rule,
            atlas=atlas,
            participant=participant,
        )
    show_flags(result.flags)
    truth = result.labelled.truth
    scores = ", ".join(f"{side} {_shown(truth.aspects(side))}" for side in SIDES)
    click.echo(
        f"ASPECTS {_shown(truth.lower_aspects)} ({scores}), core {truth.core_ml:.1f} mL within "
        f"{result.labelled.coverage_mm:.0f} mm"
    )
    click.echo(f"Label: {out}")
    show_report(out)


def _shown(score: int | None) -> str:
    return "n/a" if score is None else str(score)
