"""The curve of a training: a line an evaluation, in a file that grows with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from atlas_builder.runtime.files import replacing

Record: TypeAlias = dict[str, Any]
"""What one evaluation found: ``step`` and what the recipe adds, as JSON can hold it."""

CURVE = "curve.jsonl"
"""The file in a training's folder."""


def write_curve(out: Path, history: Sequence[Mapping[str, Any]]) -> None:
    """Write the evaluations so far to a training's folder, one JSON object a line.

    Parameters
    ----------
    out : Path
        The folder.
    history : sequence of mapping
        One record an evaluation, see `Record`.
    """
    with replacing(out / CURVE) as partial:
        partial.write_text("".join(json.dumps(line) + "\n" for line in history), "utf-8")


def read_curve(out: Path) -> list[Record]:
    """Read the evaluations of a training's folder.

    Parameters
    ----------
    out : Path
        The folder; it holds `CURVE`.

    Returns
    -------
    list of dict
        In order, see `Record`.
    """
    return [json.loads(line) for line in (out / CURVE).read_text("utf-8").splitlines()]
