"""Flags: what a reader of a result should know before trusting it."""

from __future__ import annotations

from dataclasses import dataclass

from atlas_builder.core.anatomy import Level


@dataclass(frozen=True)
class Flag:
    """Something about a scan or a result that makes it unusual or doubtful.

    Attributes
    ----------
    code : str
        Its name for programs, such as ``gantry-tilt`` or ``poor-fit``.
    reason : str
        What was seen and what to look at, in one line, with numbers.
    level : Level or None
        The level concerned; None for the whole scan.
    """

    code: str
    reason: str
    level: Level | None = None
