"""The network that ships reads scans of subjects it has not seen."""

from __future__ import annotations

import numpy as np
import pytest
from standard_head_making.correction import _scan

from atlas_builder.networks.registry import LOCALIZER
from slice_localizer.network.inference import predict_scan
from slice_localizer.positions import normal_of
from slice_localizer.training.subjects import read_subject

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def person(subjects):
    return read_subject(subjects[0])


def test_the_level_of_a_person_it_has_not_seen_is_found(person) -> None:
    for seed in range(3):
        scan = _scan(person, np.random.default_rng(seed))
        reading = predict_scan(scan, LOCALIZER)
        level = normal_of(scan.affines) @ person.bgl_point
        # On such scans it is 1 mm off on average; slices lie 2.5 to 7 mm apart.
        assert reading.level_mm == pytest.approx(level, abs=6.0)
        assert reading.probabilities.shape == (len(scan),)
        assert reading.probabilities.sum() == pytest.approx(1.0)
