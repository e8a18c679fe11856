"""``simulate-cohort``."""

from __future__ import annotations

from pathlib import Path

import click

from atlas_builder.commands.options import (
    CONTEXT,
    AgeGroupType,
    FiniteRange,
    jobs_option,
    seed_option,
)
from atlas_builder.core.anatomy import AgeGroup
from atlas_builder.runtime.threads import keep_to_one_thread


@click.command("simulate-cohort", context_settings=CONTEXT)
@click.option(
    "--age-group",
    "age_groups",
    type=AgeGroupType(),
    required=True,
    multiple=True,
    help="Inclusive ages in years, such as 50-69; may be given several times.",
)
@click.option(
    "--subjects",
    type=click.IntRange(1, 999),
    default=16,
    show_default=True,
    help="How many in each age group.",
)
@seed_option()
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The cohort's folder.")
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["nifti", "dicom"]),
    default="nifti",
    show_default=True,
    help="Of the scans; labels are NIfTI.",
)
@click.option(
    "--validation",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="How many subjects of each age group to keep for validation.",
)
@click.option(
    "--infarcts",
    type=FiniteRange(0, 1),
    default=0.0,
    show_default=True,
    help="The probability of an acute infarct.",
)
@click.option(
    "--lesions",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of real lesion masks in MNI space (NIfTI), one a participant: most infarcts take "
    "their shapes, and the heads are those of people scanned for a suspected stroke.",
)
@click.option(
    "--lesion-part",
    type=click.Choice(["training", "validation", "test"]),
    help="Which of the lesions; no lesion is in two parts.  [default: training]",
)
@click.option(
    "--matrix",
    type=click.Choice(["256", "512"]),
    default="512",
    show_default=True,
    help="Columns and rows of the scans.",
)
@click.option(
    "--thickness",
    type=FiniteRange(2, 7),
    metavar="MM",
    help="Of slices.  [default: 5 for most, 2 to 7 for some]",
)
@click.option("--dwi", is_flag=True, help="Write the same heads' DWI as well.")
@click.option(
    "--cta", is_flag=True, help="Write the same heads' CT angiography as well, always NIfTI."
)
@click.option(
    "--occlusion",
    type=click.Choice(["ICA", "M1", "M2"]),
    help="The artery occluded behind every infarct, with --cta.  [default: by the infarct]",
)
@click.option(
    "--cta-thickness",
    type=FiniteRange(0.5, 5),
    metavar="MM",
    help="Of the slices of --cta.  [default: 0.7, 0.8 or 1]",
)
@jobs_option
def simulate_cohort_command(
    age_groups: tuple[AgeGroup, ...],
    subjects: int,
    seed: int,
    out: Path,
    file_format: str,
    validation: int,
    infarcts: float,
    lesions: Path | None,
    lesion_part: str | None,
    matrix: str,
    thickness: float | None,
    dwi: bool,
    cta: bool,
    occlusion: str | None,
    cta_thickness: float | None,
    jobs: int,
) -> None:
    """Write a cohort of simulated head CT with the regions drawn by three raters.

    An interrupted run goes on where it stopped when the same command is given again, and the
    cohort grows when it is given with more subjects.
    """
    keep_to_one_thread()
    if validation >= subjects:
        raise click.UsageError(
            f"--validation {validation}: leaves none of {subjects} subjects to build from"
        )
    if lesion_part and lesions is None:
        raise click.UsageError(f"--lesion-part {lesion_part}: give the lesions with --lesions DIR")
    if not cta and (occlusion or cta_thickness):
        raise click.UsageError("--occlusion and --cta-thickness are for --cta; leave them out")
    from atlas_builder.runtime.progress import console_progress  # noqa: PLC0415
    from atlas_builder.workflows.simulate import CohortPlan, simulate_cohort  # noqa: PLC0415
    from head_phantom.angiography.occlusion import Occluded  # noqa: PLC0415
    from head_phantom.cohort.subject import AngiographyPlan  # noqa: PLC0415
    from head_phantom.infarct.lesion_shapes import Part  # noqa: PLC0415
    from head_phantom.infarct.patients import LesionSource  # noqa: PLC0415

    plan = CohortPlan(
        age_groups=age_groups,
        subjects=subjects,
        seed=seed,
        file_format="dicom" if file_format == "dicom" else "nifti",
        validation=validation,
        infarct_share=infarcts,
        thickness_mm=thickness,
        matrix=int(matrix),
        dwi=dwi,
        lesions=None if lesions is None else LesionSource(lesions, Part(lesion_part or "training")),
        angiography=AngiographyPlan(Occluded(occlusion) if occlusion else None, cta_thickness)
        if cta
        else None,
    )
    with console_progress() as progress:
        simulated = simulate_cohort(out, plan, jobs=jobs, progress=progress)
    total = len(plan.recipes())
    click.echo(f"Simulated {simulated} subjects, {total} in all: {out}")
