"""The commands: they parse, call and print.

What a command needs is imported when it runs, so that ``--help`` answers at once.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from atlas_builder import __version__
from atlas_builder.anatomy import AgeGroup
from atlas_builder.errors import InputError

_BAD_INPUT = 2
_CONTEXT = {"help_option_names": ["-h", "--help"]}


def _cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _AgeGroupType(click.ParamType[AgeGroup]):
    name = "FIRST-LAST"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> AgeGroup:
        try:
            return value if isinstance(value, AgeGroup) else AgeGroup.parse(value)
        except InputError as error:
            self.fail(str(error), param, ctx)


@click.group(context_settings=_CONTEXT)
@click.version_option(__version__, prog_name="aspects-atlas")
def main_group() -> None:
    """Build, map and validate age-specific atlases of the ASPECTS regions on CT."""


@main_group.command("build-atlas", context_settings=_CONTEXT)
@click.option(
    "--age-group",
    type=_AgeGroupType(),
    required=True,
    help="Inclusive ages in years, such as 50-69.",
)
@click.option(
    "--cohort",
    type=click.Path(path_type=Path),
    help="Folder with participants.tsv and the participants' scans and labels.",
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
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=_cores,
    show_default="all cores",
    help="Processes at once.",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Run on a Dask cluster instead, such as tcp://host:8786.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of every random choice.")
@click.option("--strict", is_flag=True, help="Refuse the cohort when any participant is refused.")
@click.option("--restart", is_flag=True, help="Forget an earlier run in the atlas folder.")
def build_atlas_command(
    age_group: AgeGroup,
    cohort: Path | None,
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
    """Build the atlas of an age group from a cohort.

    An interrupted run goes on where it stopped when the same command is given again.
    """
    if cohort is None:
        raise InputError(
            "build-atlas: no cohort given, and there is no simulated cohort yet; "
            "give one with --cohort DIR"
        )
    from atlas_builder.building import build_atlas  # noqa: PLC0415
    from atlas_builder.construction.build import Settings  # noqa: PLC0415
    from atlas_builder.progress import console_progress  # noqa: PLC0415
    from atlas_builder.registration import Metric  # noqa: PLC0415

    out = out or Path(f"atlas_{age_group.stem}")
    settings = Settings(
        age_group,
        rater,
        iterations,
        Metric(metric),
        initial_template=initial_template,
        seed=seed,
    )
    with console_progress() as progress:
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
    for line in _left_out(out):
        click.echo(line, err=True)
    click.echo(f"{'Atlas' if built else 'Already built'}: {out}")
    click.echo(f"Report: {(out / 'report.html').resolve()}")


def _left_out(out: Path) -> list[str]:
    from atlas_builder.io.atlas import read_metadata  # noqa: PLC0415

    metadata: dict[str, Any] = read_metadata(out) or {}
    return [f"Left out {r['participant_id']}: {r['reason']}" for r in metadata["left_out"]]


@main_group.command("atlas-entropy", context_settings=_CONTEXT)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def atlas_entropy_command(files: tuple[Path, ...]) -> None:
    """Print the Shannon entropy of images in bits, as the ASPECTS-281 paper defines it."""
    from atlas_builder.io.nifti import read_scan  # noqa: PLC0415
    from atlas_builder.validation.entropy import shannon_entropy  # noqa: PLC0415

    rows = [(str(path), f"{shannon_entropy(read_scan(path).data):.3f}") for path in files]
    width = max(len(name) for name, _ in rows)
    click.echo(f"{'image':<{width}}  entropy_bits")
    for name, entropy in rows:
        click.echo(f"{name:<{width}}  {entropy:>12}")


def _run(command: click.Command, name: str) -> None:
    """Run a command and leave with the exit status the documentation promises."""
    try:
        command.main(prog_name=name, standalone_mode=False)
    except InputError as error:
        _fail(str(error), _BAD_INPUT)
    except click.ClickException as error:
        error.show()
        sys.exit(_BAD_INPUT)
    except (click.Abort, KeyboardInterrupt):
        _fail("interrupted; give the same command again to go on", 1)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except Exception as error:
        _fail(f"unexpected {type(error).__name__}: {error}".replace("\n", " "), 1)


def _fail(message: str, status: int) -> None:
    click.echo(f"Error: {message}", err=True)
    sys.exit(status)


def main() -> None:
    """Run ``aspects-atlas``."""
    _run(main_group, "aspects-atlas")


def build_atlas_main() -> None:
    """Run ``build-atlas``."""
    _run(build_atlas_command, "build-atlas")


def atlas_entropy_main() -> None:
    """Run ``atlas-entropy``."""
    _run(atlas_entropy_command, "atlas-entropy")
