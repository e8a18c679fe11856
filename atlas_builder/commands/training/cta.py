"""``train-cta``."""

from __future__ import annotations

from pathlib import Path

import click

from atlas_builder.commands.options import CONTEXT, jobs_option, require_packages
from atlas_builder.runtime.threads import keep_to_one_thread


@click.command("train-cta", context_settings=CONTEXT)
@click.option(
    "--cohort",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    required=True,
    help="Cohort with truth.tsv and sub-XX_cta.nii.gz in each one's folder, such as "
    "simulate-cohort --cta --infarcts writes.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder for the features and the machines.",
)
@jobs_option
def train_cta_command(cohort: Path, out: Path, jobs: int) -> None:
    """Fit the scorer of CT angiographies: three radiomic features and a support vector machine.

    Subjects that were measured before in the same folder are not measured again.
    """
    require_packages("train-cta", "radiomics", extra="radiomics")
    keep_to_one_thread()
    import numpy as np  # noqa: PLC0415

    from atlas_builder.cohorts.participants import read_everyone  # noqa: PLC0415
    from atlas_builder.cohorts.stroke_truth import TRUTH, read_truth  # noqa: PLC0415
    from atlas_builder.runtime.progress import console_progress  # noqa: PLC0415
    from atlas_builder.workflows.training.cta import RESULT, train_cta  # noqa: PLC0415

    truths = read_truth(cohort / TRUTH)
    participants, refusals = read_everyone(cohort)
    with console_progress() as progress:
        fitted, unusable = train_cta(participants, truths, out, jobs=jobs, progress=progress)
    for one in (*refusals, *unusable):
        click.echo(f"Left out {one.participant_id}: {one.reason}", err=True)
    for name, found in fitted.items():
        click.echo(
            f"{name}: {', '.join(found.machine.features)}; {found.kernel}, C {found.penalty:g}; "
            f"AUC {np.nanmean(found.aucs):.3f}"
        )
    click.echo(f"Machines: {out / RESULT}")
