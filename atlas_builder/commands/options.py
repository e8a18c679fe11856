"""Option types and defaults that commands share."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import click

from atlas_builder.core.anatomy import AgeGroup
from atlas_builder.core.errors import InputError

Command = TypeVar("Command", bound=Callable[..., Any])

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


def seed_option(meaning: str | None = None) -> Callable[[Command], Command]:
    """Return the option that sets what chance decides.

    Parameters
    ----------
    meaning : str, optional
        Its help: what the seed is of.

    Returns
    -------
    callable
        Decorates a command.
    """
    return click.option(
        "--seed", type=click.IntRange(0), default=1, show_default=True, help=meaning
    )


def restart_option(meaning: str) -> Callable[[Command], Command]:
    """Return the option that makes a command forget an earlier run.

    Parameters
    ----------
    meaning : str
        Its help: what is forgotten.

    Returns
    -------
    callable
        Decorates a command.
    """
    return click.option("--restart", is_flag=True, help=meaning)


localizer_option = click.option(
    "--localizer",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="The weights of a network that train-localizer trained.  [default: those that ship]",
)

series_option = click.option("--series", help="The DICOM series to use, by its number or UID.")


device_option = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where the network is trained; auto is CUDA where there is any.",
)

restart_training_option = click.option(
    "--restart", is_flag=True, help="Forget an earlier run in the folder."
)


def batch_option(default: int, of: str) -> Callable[[Command], Command]:
    """Return the option for the size of a batch.

    Parameters
    ----------
    default : int
        How many.
    of : str
        Of what, such as ``Crops``.
    """
    return click.option(
        "--batch",
        type=click.IntRange(1),
        default=default,
        show_default=True,
        help=f"{of} an update.",
    )


def learning_rate_option(default: float) -> Callable[[Command], Command]:
    """Return the option for the learning rate of AdamW.

    Parameters
    ----------
    default : float
        The greatest.
    """
    return click.option(
        "--learning-rate",
        type=FiniteRange(0, 1, min_open=True),
        default=default,
        show_default=True,
        help="The greatest, of AdamW.",
    )


precision_option = click.option(
    "--precision",
    type=click.Choice(["bfloat16", "float32"]),
    default="bfloat16",
    show_default=True,
    help="Of the convolutions.",
)


def check_every_option(default: int) -> Callable[[Command], Command]:
    """Return the option for how often a training is evaluated.

    Parameters
    ----------
    default : int
        Steps between evaluations.
    """
    return click.option(
        "--check-every",
        "--validate-every",
        "check_every",
        type=click.IntRange(1),
        default=default,
        show_default=True,
        help="Steps between evaluations; an interrupted run goes on from the last, or later.",
    )


def require_packages(command: str, *packages: str, extra: str = "networks") -> None:
    """Refuse a command in one line where packages of an extra are missing.

    Parameters
    ----------
    command : str
        Its name.
    *packages : str
        What it imports of them.
    extra : str
        What brings them.

    Raises
    ------
    InputError
        One is not installed.
    """
    for package in packages:
        if find_spec(package) is None:
            raise InputError(
                f"{command}: {package} is missing; run pip install aspects-atlas[{extra}]"
            )


def require_scan(scan: Path) -> None:
    """Refuse a scan that is not there, before anything slow is loaded.

    Parameters
    ----------
    scan : Path
        A file or folder.

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
        """Return the age group that the text names; see `click.ParamType.convert`."""
        try:
            return value if isinstance(value, AgeGroup) else AgeGroup.parse(value)
        except InputError as error:
            self.fail(str(error), param, ctx)


class FiniteRange(click.FloatRange):
    """A range of numbers; unlike click's own, ``nan`` is in none."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number; see `click.ParamType.convert`."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a number", param, ctx)
        return number
