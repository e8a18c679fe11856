"""``validate-atlas``."""

from __future__ import annotations

from pathlib import Path

import click

from atlas_builder.commands.options import CONTEXT, jobs_option, restart_option, seed_option
from atlas_builder.commands.outcome import show_left_out, show_report
from atlas_builder.core.errors import InputError
from atlas_builder.runtime.threads import keep_to_one_thread


@click.command("validate-atlas", context_settings=CONTEXT)
@click.option(
    "--atlas",
    metavar="NAME_OR_DIR",
    help="The atlas to validate: a folder, a folder of several age groups, or a name.",
)
@click.option(
    "--cohort",
    type=click.Path(path_type=Path),
    help="Folder with participants.tsv and the participants' scans and labels.",
)
@click.option(
    "--atlases",
    metavar="NAME_OR_DIR",
    help="Several age groups' atlases, each to be tried on every group of --cohorts.",
)
@click.option(
    "--cohorts",
    type=click.Path(path_type=Path),
    help="A cohort of several age groups, or a folder of cohorts.",
)
@click.option(
    "--raters",
    default="expert",
    show_default=True,
    metavar="NAME,...",
    help="Whose labels are compared; the first is the reference.",
)
@click.option(
    "--split",
    default="validation",
    show_default=True,
    help="Rows of participants.tsv to use where it has such a column; all for every row.",
)
@click.option(
    "--allow-nearest-age",
    is_flag=True,
    help="Use the nearest age group where no atlas is for a participant's age.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Where results go.")
@jobs_option
@seed_option("Of the bootstrap.")
@restart_option("Forget an earlier run in the output folder.")
def validate_atlas_command(
    atlas: str | None,
    cohort: Path | None,
    atlases: str | None,
    cohorts: Path | None,
    raters: str,
    split: str,
    allow_nearest_age: bool,
    out: Path,
    jobs: int,
    seed: int,
    restart: bool,
) -> None:
    """Compare an atlas, mapped onto a cohort's participants, with the regions that raters drew.

    Give --atlas and --cohort for one atlas: the raters are compared with each other too. Give
    --atlases and --cohorts to try every age group's atlas on every age group. An interrupted run
    goes on where it stopped when the same command is given again.
    """
    keep_to_one_thread()
    from atlas_builder.runtime.progress import console_progress  # noqa: PLC0415
    from atlas_builder.validation.selection import ValidationSettings  # noqa: PLC0415

    names = tuple(name.strip() for name in raters.split(",") if name.strip())
    settings = ValidationSettings(names, split, allow_nearest_age, seed)
    with console_progress() as progress:
        if atlas and cohort and not (atlases or cohorts):
            from atlas_builder.workflows.validate import validate_atlas  # noqa: PLC0415

            done = validate_atlas(
                atlas, cohort, out, settings, jobs=jobs, restart=restart, progress=progress
            )
        elif atlases and cohorts and not (atlas or cohort):
            from atlas_builder.workflows.validate_ages import validate_ages  # noqa: PLC0415

            done = validate_ages(
                atlases, cohorts, out, settings, jobs=jobs, restart=restart, progress=progress
            )
        else:
            raise InputError(
                "validate-atlas: give --atlas with --cohort, or --atlases with --cohorts"
            )
    show_left_out(_left_out(out))
    click.echo(f"{'Validation' if done else 'Already validated'}: {out}")
    show_report(out)


def _left_out(out: Path) -> list[dict[str, str]]:
    from atlas_builder.runtime.resumption import read_record  # noqa: PLC0415
    from atlas_builder.workflows.validation_files import RECORD  # noqa: PLC0415

    left_out: list[dict[str, str]] = read_record(out / RECORD)["left_out"]
    return left_out
