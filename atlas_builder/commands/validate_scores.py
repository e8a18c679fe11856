"""``validate-scores``."""

from __future__ import annotations

from pathlib import Path

import click

from atlas_builder.commands.options import CONTEXT, seed_option
from atlas_builder.commands.outcome import show_first_left_out, show_report
from atlas_builder.runtime.threads import keep_to_one_thread


@click.command("validate-scores", context_settings=CONTEXT)
@click.option(
    "--scores",
    required=True,
    multiple=True,
    metavar="[NAME=]DIR",
    help="A scorer's folder: scores.tsv and regions.tsv, or a folder a scan with aspects.json and "
    "regions.tsv. Repeat it for several scorers; differences are taken from the first.",
)
@click.option(
    "--truth",
    required=True,
    type=click.Path(path_type=Path),
    metavar="TSV",
    help="What is true: participant_id and left_C ... right_M6 (share affected), or a list "
    "'affected', or 'aspects'; optionally side, core_ml, nihss, mrs, hours, group.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The folder to write.")
@click.option(
    "--rule",
    type=click.Choice(["barber", "ctp", "overlap", "anatomical"]),
    default="barber",
    show_default=True,
    help="From which share on a region of the truth is affected: barber any of C, L, IC, I and a "
    "third of M1-M6, ctp a tenth, overlap any, anatomical a tenth of C, L, IC, I and a third of "
    "M1-M6 (for lesions that are known voxel by voxel).",
)
@seed_option("Of the bootstrap.")
def validate_scores_command(
    scores: tuple[str, ...], truth: Path, out: Path, rule: str, seed: int
) -> None:
    """Hold scores of ASPECTS against the truth, region by region and as a whole.

    The folder gets a report, its tables and figures, and every number (validation.json).
    """
    keep_to_one_thread()
    from atlas_builder.workflows.validate_scores import (  # noqa: PLC0415
        ScoresFolder,
        validate_scores,
    )

    folders = [ScoresFolder.parse(text) for text in scores]
    record = validate_scores(folders, truth, out, rule=rule, seed=seed)
    show_first_left_out(record["left_out"], "the report")
    for remark in record["remarks"]:
        click.echo(remark, err=True)
    for name, found in record["scorers"].items():
        agreement = found["summary"]["agreement"]
        click.echo(
            f"{name}: {found['summary']['n']} participants, AUC of regions "
            f"{_number(found['summary']['regions']['area']['value'])}, ICC "
            f"{_number(agreement['icc']['value'])}, mean difference {_number(agreement['bias'])}"
        )
    show_report(out)


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3f}"
