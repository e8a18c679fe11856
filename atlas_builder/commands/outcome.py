"""What commands say when they have ended: results on standard output, reservations on the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import click

from atlas_builder.core.flags import Flag

_NAMED = 10
"""Participants named on the terminal when they are left out; more would hide the rest."""


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


def show_first_left_out(refusals: Sequence[Mapping[str, str]], where: str) -> None:
    """Name the first participants who were left out, and say where the others are named.

    Parameters
    ----------
    refusals : sequence of mapping
        As `show_left_out` takes them.
    where : str
        What names all of them.
    """
    show_left_out(refusals[:_NAMED])
    if len(refusals) > _NAMED:
        click.echo(f"Left out {len(refusals) - _NAMED} more: see {where}", err=True)


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
