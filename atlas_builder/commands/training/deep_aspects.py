"""``train-deep-aspects``."""

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
    precision_option,
    require_packages,
    restart_training_option,
    seed_option,
)

_RATES = {"adamw": 2e-3, "sgd": 5e-3}


@click.command("train-deep-aspects", context_settings=CONTEXT)
@click.option(
    "--cohort",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    required=True,
    help="Stroke cohort with truth.tsv and, beside each scan, masks of infarcts and regions, such "
    "as simulate-cohort --infarcts writes.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder for the aligned heads, checkpoints and weights.",
)
@click.option(
    "--network",
    type=click.Choice(["both", "infarct", "anatomy"]),
    default="both",
    show_default=True,
    help="Which to train: that which finds the infarct, that which tells the regions, or both.",
)
@click.option(
    "--steps",
    type=click.IntRange(1),
    default=4000,
    show_default=True,
    help="Updates of each network's weights.",
)
@batch_option(8, "Slices")
@click.option(
    "--optimizer",
    type=click.Choice(["adamw", "sgd"]),
    default="adamw",
    show_default=True,
    help="sgd goes with a cyclic learning rate, as in the paper.",
)
@click.option(
    "--learning-rate",
    type=FiniteRange(0, 1, min_open=True),
    help="The greatest.  [default: 0.002 with adamw, 0.005 with sgd]",
)
@check_every_option(default=250)
@precision_option
@device_option
@seed_option("Of every random choice.")
@restart_training_option
@jobs_option
def train_deep_aspects_command(
    cohort: Path,
    out: Path,
    network: str,
    steps: int,
    batch: int,
    optimizer: str,
    learning_rate: float | None,
    check_every: int,
    precision: str,
    device: str,
    seed: int,
    restart: bool,
    jobs: int,
) -> None:
    """Train the networks of Deep-ASPECTS, which draw the acute infarct and the regions on CT.

    The cohort's heads are aligned first. Every tenth is validated on. An interrupted run goes on
    where it stopped when the same command is given again.
    """
    require_packages("train-deep-aspects", "torch", "monai", "onnx")
    from aspects_scorer.ncct.deep_aspects.network import ANATOMY, INFARCT  # noqa: PLC0415
    from aspects_scorer.ncct.deep_aspects.training.recipe import Settings  # noqa: PLC0415
    from atlas_builder.cohorts.stroke_subjects import read_stroke_cohort  # noqa: PLC0415
    from atlas_builder.networks.training.device import Machine, choose_device  # noqa: PLC0415
    from atlas_builder.runtime.progress import console_progress  # noqa: PLC0415
    from atlas_builder.workflows.training.deep_aspects import (  # noqa: PLC0415
        train_deep_aspects,
    )

    settings = Settings(
        seed=seed,
        steps=steps,
        batch=batch,
        optimizer="sgd" if optimizer == "sgd" else "adamw",
        learning_rate=_RATES[optimizer] if learning_rate is None else learning_rate,
        validate_every=check_every,
        mixed_precision=precision == "bfloat16",
    )
    tasks = {"infarct": (INFARCT,), "anatomy": (ANATOMY,), "both": (INFARCT, ANATOMY)}[network]
    subjects, refusals = read_stroke_cohort(cohort)
    machine = Machine(choose_device(device), jobs, loaders=jobs)
    with console_progress() as progress:
        weights, unusable = train_deep_aspects(
            subjects,
            out,
            [(task, settings) for task in tasks],
            machine,
            restart=restart,
            progress=progress,
        )
    for one in (*refusals, *unusable):
        click.echo(f"Left out {one.participant_id}: {one.reason}", err=True)
    for path in weights:
        click.echo(f"Weights: {path}")
