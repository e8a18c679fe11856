"""``train-localizer``."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from atlas_builder.commands.options import (
    CONTEXT,
    available_cores,
    check_every_option,
    device_option,
    jobs_option,
    require_packages,
    restart_training_option,
)
from atlas_builder.core.errors import InputError

if TYPE_CHECKING:
    from atlas_builder.cohorts.labelled_scans import Refusal

_PERSONS = 88
_MOST_LOADERS = 8
_LEAST_SIZE = 32


class StagesType(click.ParamType[tuple[tuple[int, int], ...]]):
    """Stages such as ``112x1500,224x300``: pixels a side and steps."""

    name = "SIZExSTEPS,..."

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[tuple[int, int], ...]:
        """Return the size and the steps of each stage; see `click.ParamType.convert`."""
        if not isinstance(value, str):
            return tuple(value)
        stages = []
        for part in value.split(","):
            match = re.fullmatch(r"\s*(\d{1,4})x(\d{1,7})\s*", part)
            if match is None or int(match[1]) < _LEAST_SIZE or int(match[2]) < 1:
                self.fail(
                    f"{part.strip()!r} is no stage; write pixels a side, at least {_LEAST_SIZE}, "
                    "and steps, such as 112x1500",
                    param,
                    ctx,
                )
            stages.append((int(match[1]), int(match[2])))
        return tuple(stages)


@click.command("train-localizer", context_settings=CONTEXT)
@click.option(
    "--cohort",
    type=click.Path(path_type=Path),
    help="Folder with participants.tsv, whole scans and labels.  [default: simulated subjects]",
)
@click.option(
    "--persons",
    type=click.IntRange(1, 9000),
    help=f"How many subjects to simulate where no cohort is given.  [default: {_PERSONS}]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="The folder for checkpoint, weights and report.",
)
@click.option(
    "--rater", default="expert", show_default=True, help="Whose key slices of the cohort to learn."
)
@click.option(
    "--folds",
    type=click.IntRange(2),
    metavar="K",
    help="Cross-validate on the cohort in so many folds instead of training one network.",
)
@click.option(
    "--backbone",
    type=click.Choice(["resnet50", "resnet34", "resnet18"]),
    default="resnet50",
    show_default=True,
    help="The network of each slice; the first is the published one.",
)
@click.option(
    "--stages",
    type=StagesType(),
    default="112x1500,224x300",
    show_default=True,
    help="Pixels a side and how many steps with them, small ones first.",
)
@click.option(
    "--batch",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    help="Scans a step; CUDA devices take more.",
)
@click.option(
    "--pretrained", is_flag=True, help="Start from ImageNet's weights, which torchvision fetches."
)
@click.option(
    "--start",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Go on from the network of an earlier training, its localizer.onnx.",
)
@click.option(
    "--learning-rate",
    type=click.FloatRange(0.0, min_open=True),
    default=1e-3,
    show_default=True,
    help="Adam's highest learning rate.",
)
@check_every_option(default=50)
@click.option(
    "--seed", type=click.IntRange(0), default=1, show_default=True, help="Of every random choice."
)
@jobs_option
@click.option(
    "--loaders",
    type=click.IntRange(0),
    default=lambda: max(1, min(_MOST_LOADERS, available_cores() - 1)),
    show_default=f"all cores but one, at most {_MOST_LOADERS}",
    help="Processes that draw scans while the network learns.",
)
@device_option
@restart_training_option
def train_localizer_command(
    cohort: Path | None,
    persons: int | None,
    out: Path,
    rater: str,
    folds: int | None,
    backbone: str,
    stages: tuple[tuple[int, int], ...],
    batch: int,
    pretrained: bool,
    start: Path | None,
    learning_rate: float,
    check_every: int,
    seed: int,
    jobs: int,
    loaders: int,
    device: str,
    restart: bool,
) -> None:
    """Train the network that finds the key slices, on a cohort or on simulated subjects.

    An interrupted run goes on where it stopped when the same command is given again.
    """
    if cohort is not None and persons is not None:
        raise click.UsageError("--persons is for simulated persons; leave it out with --cohort")
    if cohort is None and folds is not None:
        raise click.UsageError("--folds needs --cohort")
    if not math.isfinite(learning_rate):
        raise click.UsageError("--learning-rate is no number; give one such as 1e-4")
    if start is not None and start.resolve().parent == out.resolve():
        raise InputError(f"{start}: lies in the folder of the training; give another --out")
    if start is not None and pretrained:
        raise click.UsageError("--start and --pretrained are two starts; give one")
    require_packages("train-localizer", "torch", "torchvision", "onnx")
    from atlas_builder.networks.training.device import Machine, choose_device  # noqa: PLC0415
    from atlas_builder.networks.training.folder import forget  # noqa: PLC0415
    from atlas_builder.runtime.progress import console_progress  # noqa: PLC0415
    from atlas_builder.workflows.training import localizer as run  # noqa: PLC0415
    from slice_localizer.training.plan import Plan, Stage  # noqa: PLC0415
    from slice_localizer.training.starting_point import (  # noqa: PLC0415
        imagenet_weights,
        read_start,
    )

    machine = Machine(choose_device(device), jobs, loaders)
    earlier = read_start(start, backbone) if start is not None else None
    plan = Plan(
        stages=tuple(Stage(size, steps) for size, steps in stages),
        batch=batch,
        learning_rate=learning_rate,
        backbone=backbone,
        pretrained=imagenet_weights(backbone) if pretrained else None,
        start=earlier.sha256 if earlier is not None else None,
        seed=seed,
        check_every=check_every,
    )
    if restart:
        forget(out, run.NETWORK)
    weights: Path | None = None
    refusals: list[Refusal] = []
    with console_progress() as progress:
        if cohort is None:
            weights = run.train_on_persons(
                out, persons or _PERSONS, plan, machine, start=earlier, progress=progress
            )
        elif folds is None:
            weights, refusals = run.train_on_cohort(
                cohort, out, rater, plan, machine, start=earlier, progress=progress
            )
        else:
            refusals = run.cross_validate_cohort(
                cohort, out, rater, folds, plan, machine, start=earlier, progress=progress
            )
    for refusal in refusals:
        click.echo(f"Left out {refusal.participant_id}: {refusal.reason}", err=True)
    if weights is not None:
        click.echo(f"Weights: {weights}")
    click.echo(f"Report: {(out / 'report.html').resolve()}")
