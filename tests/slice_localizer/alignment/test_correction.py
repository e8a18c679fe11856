"""What an alignment leaves unexplained corrects the level, a little and never far."""

from __future__ import annotations

import numpy as np
import pytest

from slice_localizer.alignment.coarse_scan import CoarseScan
from slice_localizer.alignment.correction import Correction, fit_correction, residuals_of
from slice_localizer.alignment.gauss_newton import Alignment
from slice_localizer.alignment.standard_head import load_standard_head


def scan_of_the_middle() -> CoarseScan:
    """The standard head's middle as a scan of 2 mm; where there is no brain, its mean."""
    head = load_standard_head()
    hu = np.where(np.isfinite(head.mean), head.mean, np.nanmean(head.mean)).astype(np.float32)
    heights = head.middle.origin[2] + head.middle.spacing * np.arange(hu.shape[2])
    origins = np.repeat(head.middle.origin[np.newaxis], hu.shape[2], axis=0)
    origins[:, 2] = heights
    axes = np.eye(3)[:, :2] * head.middle.spacing
    return CoarseScan(hu, heights, origins, axes, np.array([0.0, 0.0, 1.0]))


def residuals(gain: float = 0.0, lesion_hu: float = 0.0) -> np.ndarray:
    """What is left unexplained of a scan that shows the standard head with this contrast."""
    head, scan = load_standard_head(), scan_of_the_middle()
    pattern = head.correction_pattern
    image = scan.hu + gain * (scan.hu - pattern.values.mean())
    place = np.array(scan.hu.shape) // 2
    image[tuple(slice(n - 3, n + 3) for n in place)] += lesion_hu
    coefficients = np.zeros(2 + len(head.modes))
    coefficients[0] = gain
    return residuals_of(pattern, scan, image, Alignment(np.eye(4), coefficients, 1.0))


def test_nothing_is_left_of_what_the_pattern_explains() -> None:
    assert np.abs(residuals()).max() < 1e-3
    assert np.abs(residuals(gain=0.2)).max() < 1e-3


def test_a_lesion_counts_no_more_than_10_hu() -> None:
    assert np.abs(residuals(lesion_hu=60.0)).max() == pytest.approx(10.0, rel=0.05)


def test_beyond_the_scan_there_is_nothing() -> None:
    head, scan = load_standard_head(), scan_of_the_middle()
    away = np.eye(4)
    away[2, 3] = 500.0
    found = Alignment(away, np.zeros(2 + len(head.modes)), 1.0)
    assert not residuals_of(head.correction_pattern, scan, scan.hu, found).any()


def test_what_was_linear_is_learnt() -> None:
    rng = np.random.default_rng(1)
    ways = rng.normal(size=(2, 500))
    amounts = rng.normal(size=(400, 2))
    seen = 2.0 + amounts @ ways + rng.normal(0.0, 0.3, (400, 500))
    shifts = np.column_stack([np.zeros(400), 0.3 * amounts])
    shifts[:, 2] += 0.2
    correction = fit_correction(seen, shifts)
    unseen = rng.normal(size=(50, 2))
    errors = [
        correction.of(way) - [0.0, *(0.3 * amount + [0.0, 0.2])]
        for way, amount in zip(2.0 + unseen @ ways, unseen, strict=True)
    ]
    assert np.abs(errors).mean() < 0.05


def test_nothing_is_corrected_by_more_than_2_mm() -> None:
    correction = Correction(np.array([[0.0], [3.0], [4.0]]), np.zeros(3))
    np.testing.assert_allclose(correction.of(np.array([0.1])), [0.0, 0.3, 0.4])
    np.testing.assert_allclose(correction.of(np.array([50.0])), [0.0, 1.2, 1.6])
