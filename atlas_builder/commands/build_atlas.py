"""``build-atlas``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from atlas_builder.commands.options import (
    CONTEXT,
    AgeGroupType,
    jobs_option,
    restart_option,
    seed_option,
)
from atlas_builder.commands.outcome import show_left_out, show_report
from atlas_builder.core.anatomy import AgeGroup
from atlas_builder.runtime.progress import Progress
from atlas_builder.runtime.threads import keep_to_one_thread

_SUBJECTS = 8


@click.command("build-atlas", context_settings=CONTEXT)
@click.option(
    "--age-group",
    type=AgeGroupType(),
    required=True,
    help="Inclusive ages in years, such as 50-69.",
)
@click.option(
    "--cohort",
    type=click.Path(path_type=Path),
    help="Folder with participants.tsv and the participants' scans and labels.  "
    "[default: simulated heads]",
)
@click.option(
    "--subjects",
    type=click.IntRange(3, 999),
    help="How many heads to simulate where no cohort is given.  [default: 8]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The atlas folder.  [default: atlas_FIRST_LAST]",
)
@click.option(
    "--iterations",
    type=click.IntRange(1, 20),
    default=4,
    show_default=True,
    help="How many times every participant is registered to the template.",
)
@click.option(
    "--metric",
    type=click.Choice(["cc", "mi", "msq"]),
    default="mi",
    show_default=True,
    help="What SyN compares: cross-correlation, mutual information or mean squares.",
)
@click.option(
    "--initial-template",
    type=click.Choice(["average", "random"]),
    default="average",
    show_default=True,
    help="Start from the mean image or from a participant drawn by the seed.",
)
@click.option(
    "--rater", default="expert", show_default=True, help="Whose labels the atlas is built from."
)
@jobs_option
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Run on a Dask cluster instead, such as tcp://host:8786.",
)
@seed_option("Of every random choice.")
@click.option("--strict", is_flag=True, help="Refuse the cohort when any participant is refused.")
@restart_option("Forget an earlier run in the atlas folder.")
def build_atlas_command(
    age_group: AgeGroup,
    cohort: Path | None,
    subjects: int | None,
    out: Path | None,
    iterations: int,
    metric: str,
    initial_template: str,
    rater: str,
    jobs: int,
    scheduler: str | None,
    seed: int,
    strict: bool,
    restart: bool,
) -> None:
    """Build the atlas of an age group from a cohort, or from simulated heads.

    An interrupted run goes on where it stopped when the same command is given again.
    """
    keep_to_one_thread()
    if cohort is not None and subjects is not None:
        raise click.UsageError("--subjects is for simulated heads; leave it out with --cohort")
    from atlas_builder.construction.build import BuildSettings  # noqa: PLC0415
    from atlas_builder.registration.slices import Metric  # noqa: PLC0415
    from atlas_builder.runtime.progress import console_progress  # noqa: PLC0415
    from atlas_builder.workflows.build import build_atlas  # noqa: PLC0415

    out = out or Path(f"atlas_{age_group.stem}")
    settings = BuildSettings(
        age_group,
        rater,
        iterations,
        Metric(metric),
        initial_template=initial_template,
        seed=seed,
    )
    with console_progress() as progress:
        if cohort is None:
            cohort = _simulated_cohort(age_group, subjects or _SUBJECTS, seed, jobs, progress)
        built = build_atlas(
            cohort,
            out,
            settings,
            jobs=jobs,
            scheduler=scheduler,
            strict=strict,
            restart=restart,
            progress=progress,
        )
    show_left_out(_left_out(out))
    click.echo(f"{'Atlas' if built else 'Already built'}: {out}")
    show_report(out)


def _simulated_cohort(
    age_group: AgeGroup, subjects: int, seed: int, jobs: int, progress: Progress
) -> Path:
    from atlas_builder.workflows.default_cohort import (  # noqa: PLC0415
        default_cohort,
        default_cohort_folder,
    )

    folder = default_cohort_folder(age_group, subjects, seed)
    click.echo(f"No cohort given: building from {subjects} simulated heads in {folder}", err=True)
    return default_cohort(age_group, subjects, seed, jobs=jobs, progress=progress)


def _left_out(out: Path) -> list[dict[str, str]]:
    from atlas_builder.catalogue.atlas import read_metadata  # noqa: PLC0415

    metadata: dict[str, Any] = read_metadata(out) or {}
    left_out: list[dict[str, str]] = metadata["left_out"]
    return left_out
