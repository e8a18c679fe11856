"""What commands say when they have ended: results on standard output, reservations on the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from atlas_builder.core.flags import Flag


def show_report(out: Path) -> None:
    """Say where the report is.

    Parameters
    ----------
    out : Path
        The folder that holds it.
    """
    click.echo(f"Report: {(out / 'report.html').resolve()}")


def show_left_out(refusals: Iterable[Mapping[str, str]]) -> None:
    """Name participants who were left out, and why.

    Parameters
    ----------
    refusals : iterable of mapping
        ``participant_id`` and ``reason`` of each, as a result's record has them.
    """
    for refusal in refusals:
        click.echo(f"Left out {refusal['participant_id']}: {refusal['reason']}", err=True)


def show_flags(flags: Iterable[Flag]) -> None:
    """Say what a result is to be checked for.

    Parameters
    ----------
    flags : iterable of Flag
        Of the result.
    """
    for flag in flags:
        level = f" ({flag.level})" if flag.level else ""
        click.echo(f"Check {flag.code}{level}: {flag.reason}", err=True)
