"""The network that ships reads scans of subjects it has not seen."""

from __future__ import annotations

import numpy as np
import pytest
from standard_head_making.correction import _scan

from atlas_builder.core.scan import Scan
from atlas_builder.networks.registry import LOCALIZER
from slice_localizer.network.calibration import Calibration
from slice_localizer.network.inference import open_network, predict_scan
from slice_localizer.positions import heights_of, normal_of
from slice_localizer.training.subjects import read_subject


class Told:
    """A network that knows the level, 40 mm above the first slice, and what it was shown."""

    size, calibration = 32, Calibration()

    def __init__(self, first_mm: float) -> None:
        self.first_mm = first_mm
        self.shown: list[int] = []

    def predict(self, hu):
        """Read each slice's height off its grey value."""
        self.shown.append(len(hu))
        heights = hu[:, 14:18, 14:18].mean(axis=(1, 2)) - 40.0
        return -np.abs(heights), heights


@pytest.fixture
def graded() -> Scan:
    """41 slices of 5 mm, a disc whose density is each slice's height above the first, in HU."""
    count, size = 41, 48
    affines = np.repeat(np.diag([4.0, 4.0, 5.0, 1.0])[np.newaxis], count, axis=0)
    affines[:, 2, 3] = 100.0 + 5.0 * np.arange(count)
    x, y = np.meshgrid(*[np.arange(size) - size / 2] * 2)
    disc = x**2 + y**2 < 20**2
    data = np.where(disc[..., np.newaxis], 5.0 * np.arange(count), -1000.0)
    return Scan(data.astype(np.float32), affines)


@pytest.mark.parametrize(
    ("about", "shown"),
    [(None, [41]), (142.0, [16]), (148.0, [16]), (190.0, [17, 41]), (-500.0, [41])],
)
def test_slices_far_from_the_level_are_shown_only_where_it_may_lie_there(
    graded: Scan, about: float | None, shown: list[int]
) -> None:
    network = Told(100.0)
    predicted = predict_scan(graded, network, about)
    assert network.shown == shown
    assert predicted.level_mm == pytest.approx(140.0, abs=0.5)
    assert len(predicted.probabilities) == len(heights_of(graded.affines))
    assert predicted.probabilities.argmax() == 8


@pytest.fixture(scope="module")
def person(subjects):
    return read_subject(subjects[0])


@pytest.mark.slow
def test_the_level_of_a_person_it_has_not_seen_is_found(person) -> None:
    for seed in range(3):
        scan = _scan(person, np.random.default_rng(seed))
        reading = predict_scan(scan, open_network(LOCALIZER))
        level = normal_of(scan.affines) @ person.bgl_point
        # On such scans it is 1 mm off on average; slices lie 2.5 to 7 mm apart.
        assert reading.level_mm == pytest.approx(level, abs=6.0)
        assert reading.probabilities.shape == (len(scan),)
        assert reading.probabilities.sum() == pytest.approx(1.0)
