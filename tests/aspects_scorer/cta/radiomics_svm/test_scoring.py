"""The machine's probabilities become points, of the darker side alone."""

from __future__ import annotations

import json

import numpy as np
import pytest
from mapped_blocks import mapped_blocks, mirrored

from aspects_scorer.cta.methods import DEFAULT_METHOD, METHODS
from aspects_scorer.cta.radiomics_svm.machine import SELECTED, Machine
from aspects_scorer.cta.radiomics_svm.scoring import METHOD, differences, score_by_machine
from aspects_scorer.ncct.measures import measure_densities
from aspects_scorer.ncct.radiomics_forest.features import RegionRadiomics
from atlas_builder.core.anatomy import Region
from atlas_builder.core.errors import InputError


@pytest.fixture(scope="module")
def machines(tmp_path_factory):
    """Machines that ask for a mean 2 HU below the other side's."""
    pytest.importorskip("radiomics", reason="the extra radiomics is not installed")
    machine = Machine(
        ("firstorder_Mean",),
        np.zeros(1),
        np.ones(1),
        None,
        np.array([[-1.0]]),
        np.array([1.0]),
        -2.0,
        1.0,
        0.0,
    )
    path = tmp_path_factory.mktemp("machines") / "machines.json"
    path.write_text(
        json.dumps({"machines": dict.fromkeys(("selected", "published"), machine.stored())})
    )
    return path


def score(scan, machines, rule="barber"):
    return score_by_machine(METHOD, SELECTED, scan, measure_densities(scan), rule, machines)


def test_darker_regions_lose_their_points(machines):
    scan = mapped_blocks({("left", Region.M2): -5.0, ("right", Region.L): -4.0})
    scored = score(scan, machines)
    assert [(f.side, f.region) for f in scored.findings if f.affected] == [
        ("left", Region.M2),
        ("right", Region.L),
    ]
    (lost,) = [f for f in scored.of("left") if f.affected]
    assert lost.probability == pytest.approx(1 / (1 + np.exp(-3)), abs=0.03)
    assert "by Mean; tissue" in lost.reason
    assert "HU less dense than on the other side" in lost.reason
    assert (scored.left, scored.right, scored.aspects) == (9, 9, 9)


def test_a_mirrored_patient_has_the_mirrored_score(machines):
    scan = mapped_blocks({("left", Region.M2): -5.0, ("left", Region.I): -5.0})
    one, other = score(scan, machines), score(mirrored(scan), machines)
    assert (one.left, one.right) == (other.right, other.left) == (8, 10)


def test_a_rule_that_nothing_was_fitted_to_is_refused(machines):
    with pytest.raises(InputError, match="fitted to the rule barber; leave --rule ctp out"):
        score(mapped_blocks(), machines, "ctp")


def test_differences_change_sign_with_the_side():
    values = np.arange(60.0).reshape(2, 10, 3)
    found = differences(RegionRadiomics(("a", "b", "c"), values), ("c", "a"))
    assert found.shape == (2, 10, 2)
    assert (found[0] == -30).all()
    assert (found[1] == 30).all()


def test_the_peer_is_among_the_methods():
    assert DEFAULT_METHOD in METHODS
    assert "hu-ratio" in METHODS
