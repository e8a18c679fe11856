"""``train-region-segmenter``."""

from __future__ import annotations

from pathlib import Path

import click

from atlas_builder.commands.options import (
    CONTEXT,
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


@click.command("train-region-segmenter", context_settings=CONTEXT)
@click.option(
    "--cohort",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    required=True,
    help="Cohort with sub-XX_desc-regions_labels.nii.gz beside each scan, such as "
    "simulate-cohort --infarcts writes.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder for the prepared heads, checkpoints and weights.",
)
@click.option(
    "--steps",
    type=click.IntRange(5),
    default=4000,
    show_default=True,
    help="Updates of the second network's weights; the first gets a fifth.",
)
@batch_option(1, "Crops")
@learning_rate_option(2e-3)
@check_every_option(default=250)
@precision_option
@device_option
@seed_option("Of every random choice.")
@restart_training_option
@jobs_option
def train_region_segmenter_command(
    cohort: Path,
    out: Path,
    steps: int,
    batch: int,
    learning_rate: float,
    check_every: int,
    precision: str,
    device: str,
    seed: int,
    restart: bool,
    jobs: int,
) -> None:
    """Train the VB-Net cascade, which draws the twenty regions without an atlas.

    Every tenth head is validated on. An interrupted run goes on where it stopped when the same
    command is given again.
    """
    require_packages("train-region-segmenter", "torch", "monai", "onnx")
    from aspects_scorer.ncct.vb_net.training.recipe import Settings  # noqa: PLC0415
    from atlas_builder.cohorts.participants import read_everyone  # noqa: PLC0415
    from atlas_builder.networks.training.device import Machine, choose_device  # noqa: PLC0415
    from atlas_builder.runtime.progress import console_progress  # noqa: PLC0415
    from atlas_builder.workflows.training.region_segmenter import (  # noqa: PLC0415
        train_region_segmenter,
    )

    settings = Settings(
        seed=seed,
        steps=steps,
        batch=batch,
        learning_rate=learning_rate,
        validate_every=check_every,
        mixed_precision=precision == "bfloat16",
    )
    participants, refusals = read_everyone(cohort)
    machine = Machine(choose_device(device), jobs, loaders=jobs)
    with console_progress() as progress:
        weights, unusable = train_region_segmenter(
            participants, out, settings, machine, restart=restart, progress=progress
        )
    for one in (*refusals, *unusable):
        click.echo(f"Left out {one.participant_id}: {one.reason}", err=True)
    for path in weights:
        click.echo(f"Weights: {path}")
