"""The folder of a training: whose it is, and what it is emptied of to start again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from atlas_builder import __version__
from atlas_builder.errors import InputError
from atlas_builder.io.files import replacing
from slice_localizer.training import CHECKPOINT, CURVE, Plan

WEIGHTS = "localizer.safetensors"
_INPUTS = "training.json"
_PACKAGES = ("torch", "torchvision", "numpy", "scipy")


def claim(out: Path, plan: Plan, described: Mapping[str, Any]) -> None:
    """Make a folder this training's, or see that it is.

    Raises
    ------
    InputError
        It holds another training, or is a file.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; give a folder for the training")
    out.mkdir(parents=True, exist_ok=True)
    asked = json.loads(json.dumps(settings_of(plan, described)))
    path = out / _INPUTS
    if path.exists():
        try:
            found = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            found = None
        if found != asked:
            raise InputError(
                f"{out}: holds a training with other settings or exams; give another folder, or "
                "--restart to replace it"
            )
        return
    with replacing(path) as partial:
        partial.write_text(json.dumps(asked, indent=2) + "\n", "utf-8")


def settings_of(plan: Plan, described: Mapping[str, Any]) -> dict[str, Any]:
    """Return what decides a training."""
    return {"plan": asdict(plan), "exams": dict(described)}


def versions() -> dict[str, str]:
    """Return the versions that a training depends on."""
    return {"aspects-atlas": __version__} | {package: version(package) for package in _PACKAGES}


def forget(out: Path) -> None:
    """Remove an earlier training from its folder; prepared scans stay."""
    for name in (_INPUTS, CHECKPOINT, CURVE, WEIGHTS, Path(WEIGHTS).stem + ".json"):
        (out / name).unlink(missing_ok=True)
    for folder in out.glob("fold-*"):
        shutil.rmtree(folder)
