"""``train-infarct-segmenter``."""

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
from atlas_builder.core.errors import InputError


@click.command("train-infarct-segmenter", context_settings=CONTEXT)
@click.option(
    "--lesions",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    required=True,
    help="Folder of lesion masks in MNI space (NIfTI), one a participant.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder for the simulated scans, the checkpoint, the weights and the report.",
)
@click.option(
    "--persons",
    type=click.IntRange(2, 9999),
    default=60,
    show_default=True,
    help="How many subjects to simulate; a sixth as many more for validation.",
)
@click.option(
    "--steps",
    type=click.IntRange(1),
    default=1800,
    show_default=True,
    help="Updates of the weights.",
)
@batch_option(2, "Crops")
@learning_rate_option(1.5e-3)
@click.option(
    "--start",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Go on from the network of an earlier training, its infarct-unet.onnx.",
)
@check_every_option(default=150)
@precision_option
@device_option
@seed_option("Of every random choice.")
@restart_training_option
@jobs_option
def train_infarct_segmenter_command(
    lesions: Path,
    out: Path,
    persons: int,
    steps: int,
    batch: int,
    learning_rate: float,
    start: Path | None,
    check_every: int,
    precision: str,
    device: str,
    seed: int,
    restart: bool,
    jobs: int,
) -> None:
    """Train the network that finds the acute infarct on DWI.

    Lesions of real patients are planted in simulated subjects of all ages, whose diffusion scans
    differ more than any scanner's. A fifth of the lesions, chosen by the participants'
    identifiers, is never trained on. An interrupted run goes on where it stopped when the same
    command is given again.
    """
    if start is not None and start.resolve().parent == out.resolve():
        raise InputError(f"{start}: lies in the folder of the training; give another --out")
    require_packages("train-infarct-segmenter", "torch", "monai", "onnx")
    from aspects_scorer.dwi.segmentation.training.network import (  # noqa: PLC0415
        read_segmenter,
    )
    from aspects_scorer.dwi.segmentation.training.recipe import Settings  # noqa: PLC0415
    from atlas_builder.networks.training.device import Machine, choose_device  # noqa: PLC0415
    from atlas_builder.networks.training.start import start_of  # noqa: PLC0415
    from atlas_builder.runtime.progress import console_progress  # noqa: PLC0415
    from atlas_builder.workflows.training.infarct_segmenter import (  # noqa: PLC0415
        train_infarct_segmenter,
    )

    earlier = None if start is None else start_of(start, read_segmenter(start))
    settings = Settings(
        seed=seed,
        persons=persons,
        steps=steps,
        batch=batch,
        learning_rate=learning_rate,
        validate_every=check_every,
        mixed_precision=precision == "bfloat16",
        start=None if earlier is None else earlier.sha256,
    )
    machine = Machine(choose_device(device), jobs, loaders=jobs)
    with console_progress() as progress:
        weights = train_infarct_segmenter(
            lesions,
            out,
            settings,
            machine,
            start=earlier,
            restart=restart,
            progress=progress,
        )
    click.echo(f"Weights: {weights}")
    click.echo(f"Report: {(out / 'report.html').resolve()}")
