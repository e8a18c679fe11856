"""The folder of a training: whose it is, and what it is emptied of to start again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from atlas_builder.core.errors import InputError
from atlas_builder.networks.training.checkpoint import CHECKPOINT
from atlas_builder.networks.training.curve import CURVE
from atlas_builder.runtime.files import replacing

_INPUTS = "training.json"
_FOLDS = "fold-*"


def claim(out: Path, inputs: Mapping[str, Any]) -> None:
    """Make a folder this training's, or see that it is.

    Parameters
    ----------
    out : Path
        The folder; made if need be.
    inputs : mapping
        What decides the training, as JSON can hold it.

    Raises
    ------
    InputError
        It holds another training, or is a file.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; give a folder for the training")
    out.mkdir(parents=True, exist_ok=True)
    asked = json.loads(json.dumps(inputs))
    path = out / _INPUTS
    if path.exists():
        try:
            found = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            found = None
        if found != asked:
            raise InputError(
                f"{out}: holds a training with other settings or samples; give another folder, or "
                "--restart to replace it"
            )
        return
    with replacing(path) as partial:
        partial.write_text(json.dumps(asked, indent=2) + "\n", "utf-8")


def forget(out: Path, weights: str) -> None:
    """Remove an earlier training from its folder; what it learnt from stays.

    Parameters
    ----------
    out : Path
        The folder.
    weights : str
        The name of its file of weights.
    """
    for name in (_INPUTS, CHECKPOINT, CURVE, weights, Path(weights).stem + ".json"):
        (out / name).unlink(missing_ok=True)
    for folder in out.glob(_FOLDS):
        shutil.rmtree(folder)
