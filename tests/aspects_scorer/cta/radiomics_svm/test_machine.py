"""Stored machines say what scikit-learn's say."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from aspects_scorer.cta.radiomics_svm.machine import Machine, load_machines
from atlas_builder.core.errors import InputError


def made(kernel):
    rng = np.random.default_rng(1)
    values = rng.normal(0, 1, (120, 3)) * (1, 10, 100) + (0, 5, -20)
    ill = values[:, 0] + values[:, 1] / 10 > 0.5
    pipeline = make_pipeline(StandardScaler(), SVC(kernel=kernel, gamma=0.3)).fit(values, ill)
    scaler, svc = pipeline[0], pipeline[1]
    gamma = 0.3 if kernel == "rbf" else None
    machine = Machine(
        ("a", "b", "c"),
        scaler.mean_,
        scaler.scale_,
        gamma,
        svc.support_vectors_,
        svc.dual_coef_[0],
        float(svc.intercept_[0]),
        2.0,
        -0.5,
    )
    return pipeline, machine, values


@pytest.mark.parametrize("kernel", ["rbf", "linear"])
def test_decisions_are_those_of_scikit_learn(kernel):
    pipeline, machine, values = made(kernel)
    expected = pipeline.decision_function(values)
    np.testing.assert_allclose(machine.decisions(values), expected, rtol=1e-9, atol=1e-9)
    shaped = machine.decisions(values.reshape(2, 60, 3))
    np.testing.assert_allclose(shaped.ravel(), expected, rtol=1e-9, atol=1e-9)
    p = machine.probabilities(values)
    np.testing.assert_allclose(p, 1 / (1 + np.exp(0.5 - 2 * expected)))


def test_an_unknown_value_gives_an_unknown_probability():
    _, machine, values = made("rbf")
    values[3, 1] = np.nan
    p = machine.probabilities(values)
    assert np.isnan(p[3])
    assert np.isfinite(np.delete(p, 3)).all()


@pytest.mark.parametrize("kernel", ["rbf", "linear"])
def test_what_is_stored_is_read(tmp_path, kernel):
    _, machine, values = made(kernel)
    path = tmp_path / "machines.json"
    path.write_text(
        json.dumps({"machines": dict.fromkeys(("selected", "published"), machine.stored())})
    )
    read = load_machines(path)["selected"]
    np.testing.assert_array_equal(read.decisions(values), machine.decisions(values))
    assert read.features == machine.features


@pytest.mark.parametrize("damage", ["{", '{"machines": {}}', "shortened"])
def test_a_damaged_file_is_refused(tmp_path, damage):
    _, machine, _ = made("linear")
    stored = machine.stored() | {"coefficients": machine.stored()["coefficients"][:-1]}
    if damage == "shortened":
        damage = json.dumps({"machines": dict.fromkeys(("selected", "published"), stored)})
    path = tmp_path / "machines.json"
    path.write_text(damage)
    with pytest.raises(InputError, match=r"cannot be read .* train-cta"):
        load_machines(path)
