"""What ``score-aspects`` does with a head CT, and with a cohort of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from atlas_builder.commands.outcome import show_first_left_out, show_flags, show_report
from atlas_builder.core.errors import InputError
from atlas_builder.runtime.lean_imports import import_nibabel
from atlas_builder.runtime.threads import keep_to_one_thread

if TYPE_CHECKING:
    from atlas_builder.workflows.ncct.cohort import Outcome
    from atlas_builder.workflows.ncct.files import NcctCase


@dataclass(frozen=True)
class NcctOptions:
    """What the command was given for a CT.

    Attributes
    ----------
    age : float or None
        In years.
    method : str or None
        The scorer's name; None for the default.
    rule : str or None
        Which extent counts; None for ``barber``.
    atlas : str or None
        A name or a folder.
    regions : str or None
        The route to the regions on all slices; None for the atlas.
    bgl_slice, sgl_slice, localizer, series
        Of one scan, as `score_ncct` takes them.
    """

    age: float | None
    method: str | None
    rule: str | None
    atlas: str | None
    regions: str | None = None
    bgl_slice: int | None = None
    sgl_slice: int | None = None
    localizer: Path | None = None
    series: str | None = None


def score_scan(scan: Path, out: Path, options: NcctOptions) -> None:
    """Score a scan and say what was found.

    Parameters
    ----------
    scan, out : Path
        What to score, and the folder to write.
    options : NcctOptions
        How.
    """
    import_nibabel()
    from aspects_scorer.ncct.methods import DEFAULT_METHOD  # noqa: PLC0415
    from atlas_builder.workflows.ncct.score import score_ncct  # noqa: PLC0415
    from atlas_builder.workflows.region_routes import DEFAULT_ROUTE  # noqa: PLC0415

    case = score_ncct(
        scan,
        out,
        age=options.age,
        method=options.method or DEFAULT_METHOD,
        rule=rule_of(options),
        atlas=options.atlas,
        regions=options.regions or DEFAULT_ROUTE,
        bgl_slice=options.bgl_slice,
        sgl_slice=options.sgl_slice,
        localizer=options.localizer,
        series=options.series,
    )
    show_scored(case, out)


def show_scored(case: NcctCase, out: Path) -> None:
    """Say what was found on a scan.

    Parameters
    ----------
    case : NcctCase
        The scored scan.
    out : Path
        Its folder.
    """
    scored = case.scored
    show_flags(scored.flags)
    for finding in scored.findings:
        if finding.affected:
            click.echo(f"{finding.side} {finding.region.name}: {finding.reason}")
    between = ""
    if scored.interval is not None:
        between = f"; 90% between {scored.interval[0]:g} and {scored.interval[1]:g}"
    click.echo(
        f"ASPECTS {scored.aspects} (left {scored.left}, right {scored.right}) by {scored.method}"
        f"{between}"
    )
    click.echo(f"Score: {out}")
    show_report(out)


def score_cohort(
    cohort: Path, out: Path, options: NcctOptions, *, jobs: int, restart: bool
) -> None:
    """Score a cohort and say what was done.

    Parameters
    ----------
    cohort, out : Path
        The cohort's folder, and the one to write.
    options : NcctOptions
        How; ages are those of the cohort's table.
    jobs : int
        Processes at once.
    restart : bool
        Score all again.
    """
    keep_to_one_thread()
    if options.age is not None:
        raise InputError("score-aspects: --age is of one scan; ages of a cohort are in its table")
    from aspects_scorer.ncct.methods import DEFAULT_METHOD  # noqa: PLC0415
    from atlas_builder.runtime.progress import console_progress  # noqa: PLC0415
    from atlas_builder.workflows.ncct.cohort import score_ncct_cohort  # noqa: PLC0415
    from atlas_builder.workflows.region_routes import DEFAULT_ROUTE  # noqa: PLC0415

    with console_progress() as progress:
        outcomes = score_ncct_cohort(
            cohort,
            out,
            method=options.method or DEFAULT_METHOD,
            rule=rule_of(options),
            atlas=options.atlas,
            regions=options.regions or DEFAULT_ROUTE,
            jobs=jobs,
            restart=restart,
            progress=progress,
        )
    show_cohort(outcomes, out)


def show_cohort(outcomes: list[Outcome], out: Path) -> None:
    """Say what became of a cohort's scans.

    Parameters
    ----------
    outcomes : list of Outcome
        One a scan.
    out : Path
        The folder with the scores.
    """
    from atlas_builder.workflows.ncct.cohort import SCORES, left_out  # noqa: PLC0415

    refused = left_out(outcomes)
    show_first_left_out(refused, str(out / SCORES))
    click.echo(f"{len(outcomes) - len(refused)} scans scored")
    click.echo(f"Scores: {out / SCORES}")


def rule_of(options: NcctOptions) -> str:
    """Return the rule that was given for a CT, or the default.

    Parameters
    ----------
    options : NcctOptions
        What the command was given.

    Raises
    ------
    InputError
        The rule is one for lesions.
    """
    if options.rule == "segmented":
        raise InputError(
            "score-aspects: --rule segmented is for lesions; give barber, ctp, overlap"
        )
    return options.rule or "barber"
