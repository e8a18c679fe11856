"""``train-da-net``."""

from __future__ import annotations

from pathlib import Path

import click

from atlas_builder.commands.options import (
    CONTEXT,
    FiniteRange,
    batch_option,
    check_every_option,
    device_option,
    jobs_option,
    learning_rate_option,
    precision_option,
    require_packages,
    restart_training_option,
    seed_option,
)


@click.command("train-da-net", context_settings=CONTEXT)
@click.option(
    "--cohort",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    required=True,
    help="Stroke cohort with truth.tsv, such as simulate-cohort --infarcts writes.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder for the mapped heads, checkpoints and weights.",
)
@click.option(
    "--steps",
    type=click.IntRange(1),
    default=2000,
    show_default=True,
    help="Updates of each network's weights.",
)
@batch_option(3, "Heads")
@learning_rate_option(2e-3)
@click.option(
    "--attention",
    type=FiniteRange(0, 100),
    default=0.5,
    show_default=True,
    help="Weight of the loss that holds attention to the region.",
)
@click.option(
    "--comparison/--no-comparison",
    "compares",
    default=True,
    show_default=True,
    help="Give the classifier the difference of the sides' features, or not, to see what it is "
    "worth; a network without it is evaluated and not written.",
)
@check_every_option(default=250)
@precision_option
@device_option
@seed_option("Of every random choice.")
@restart_training_option
@jobs_option
def train_da_net_command(
    cohort: Path,
    out: Path,
    steps: int,
    batch: int,
    learning_rate: float,
    attention: float,
    compares: bool,
    check_every: int,
    precision: str,
    device: str,
    seed: int,
    restart: bool,
    jobs: int,
) -> None:
    """Train DA-Net, which compares each region of a CT with its mirror image.

    The cohort's heads are mapped first. Every sixth is validated on and calibrated with. An
    interrupted run goes on where it stopped when the same command is given again.
    """
    require_packages("train-da-net", "torch", "onnx", "sklearn")
    from aspects_scorer.ncct.da_net.training.recipe import Settings  # noqa: PLC0415
    from atlas_builder.cohorts.stroke_subjects import read_stroke_cohort  # noqa: PLC0415
    from atlas_builder.networks.training.device import Machine, choose_device  # noqa: PLC0415
    from atlas_builder.runtime.progress import console_progress  # noqa: PLC0415
    from atlas_builder.workflows.training.da_net import train_da_net  # noqa: PLC0415

    settings = Settings(
        seed=seed,
        steps=steps,
        batch=batch,
        learning_rate=learning_rate,
        attention=attention,
        compares=compares,
        validate_every=check_every,
        mixed_precision=precision == "bfloat16",
    )
    subjects, refusals = read_stroke_cohort(cohort)
    machine = Machine(choose_device(device), jobs, loaders=jobs)
    with console_progress() as progress:
        weights, unusable = train_da_net(
            subjects, out, settings, machine, restart=restart, progress=progress
        )
    for one in (*refusals, *unusable):
        click.echo(f"Left out {one.participant_id}: {one.reason}", err=True)
    for path in weights:
        click.echo(f"Weights: {path}")
