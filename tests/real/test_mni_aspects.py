"""The ASPECTS regions in MNI space against the published ASPECTS-281 atlases."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from atlas_builder.core.anatomy import AgeGroup, Region

pytest.importorskip("nilearn")

SCRIPT = Path(__file__).parents[2] / "scripts" / "benchmarks" / "score_mni_aspects.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("score_mni_aspects", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def brain(script):
    return script.load_brain()


@pytest.mark.parametrize("group", [AgeGroup(30, 49), AgeGroup(70, 89)], ids=str)
def test_regions_agree_with_the_published_ones(script, brain, data: Path, group: AgeGroup) -> None:
    dice = script.dice_of(script.compare(brain, data / "aspects-281", group))
    assert set(dice) == set(Region)
    assert np.mean(list(dice.values())) >= 0.84
    assert min(dice[region] for region in (Region.C, Region.L)) >= 0.85
    assert dice[Region.I] >= 0.70
    assert dice[Region.IC] >= 0.78
