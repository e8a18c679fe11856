"""The network that ships reads scans of people it has not seen."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from standard_head_making.correction import _scan

from atlas_builder.networks.registry import LOCALIZER
from slice_localizer.network.inference import predict_scan, predict_slices
from slice_localizer.network.views import view_scan
from slice_localizer.network.weights import read_weights
from slice_localizer.positions import normal_of
from slice_localizer.training.subjects import make_subject


@pytest.fixture(scope="module")
def person():
    return make_subject(seed=7171, index=0)


def test_the_level_of_a_person_it_has_not_seen_is_found(person) -> None:
    for seed in range(3):
        scan = _scan(person, np.random.default_rng(seed))
        reading = predict_scan(scan, LOCALIZER)
        level = normal_of(scan.affines) @ person.bgl_point
        # On such scans it is 1 mm off on average; slices lie 2.5 to 7 mm apart.
        assert reading.level_mm == pytest.approx(level, abs=6.0)
        assert reading.probabilities.shape == (len(scan),)
        assert reading.probabilities.sum() == pytest.approx(1.0)


def test_slices_are_read_alike_however_many_at_a_time(person) -> None:
    trained = read_weights(LOCALIZER)
    view = view_scan(_scan(person, np.random.default_rng(1)), trained.size)
    logits, heights = predict_slices(view, trained)
    with torch.inference_mode():
        at_once = trained.network(view.hu, [len(view.heights_mm)])[0]
    np.testing.assert_allclose(logits, at_once.logits.numpy(), atol=1e-3)
    np.testing.assert_allclose(heights, at_once.heights_mm.numpy(), atol=1e-2)
