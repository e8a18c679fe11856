"""Option types and defaults that commands share."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import click

from atlas_builder.anatomy import AgeGroup
from atlas_builder.errors import InputError

CONTEXT = {"help_option_names": ["-h", "--help"]}


def available_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


jobs_option = click.option(
    "--jobs",
    type=click.IntRange(1),
    default=available_cores,
    show_default="all cores",
    help="Processes at once.",
)


localizer_option = click.option(
    "--localizer",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="The weights of a network that train-localizer trained.  [default: those that ship]",
)

series_option = click.option("--series", help="The DICOM series to use, by its number or UID.")


def require_scan(scan: Path) -> None:
    """Refuse a scan that is not there, before anything slow is loaded.

    Raises
    ------
    InputError
        There is no such file or folder.
    """
    try:
        found = scan.exists()
    except OSError:  # such as for a name that is too long
        found = False
    if not found:
        raise InputError(f"{scan}: no such file or folder; check the path")


class AgeGroupType(click.ParamType[AgeGroup]):
    """Ages such as ``50-69``, inclusive, in years."""

    name = "FIRST-LAST"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> AgeGroup:
        """Return the age group that the text names."""
        try:
            return value if isinstance(value, AgeGroup) else AgeGroup.parse(value)
        except InputError as error:
            self.fail(str(error), param, ctx)


class FiniteRange(click.FloatRange):
    """A range of numbers; unlike click's own, ``nan`` is in none."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a number", param, ctx)
        return number
