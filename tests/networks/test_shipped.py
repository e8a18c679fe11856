"""The networks that ship predict what they did when they were measured."""

from __future__ import annotations

import numpy as np
import pytest

from aspects_scorer.dwi.segmentation.inference import predict
from atlas_builder.networks.registry import LOCALIZER
from slice_localizer.network.model import read_localizer


def drawn_slices() -> np.ndarray:
    """Five slices of a drawn head, HU, shape (5, 96, 96)."""
    y, x = np.mgrid[-1:1:96j, -1:1:96j]
    slices = []
    for k in range(5):
        radius = np.hypot(x / (0.75 - 0.05 * k), y / (0.9 - 0.05 * k))
        hu = np.full(x.shape, -1000.0)
        for reach, value in ((1.1, 20), (1.0, 900), (0.92, 35)):
            hu[radius < reach] = value
        hu[np.hypot(x / (0.1 + 0.02 * k), (y + 0.1) / 0.3) < 1] = 6
        slices.append(hu)
    return np.stack(slices).astype(np.float32)


def drawn_diffusion() -> np.ndarray:
    """Channels of a ball of brain with a bright one in it, shape (3, 80, 96, 16)."""
    z, y, x = np.mgrid[-1:1:16j, -1:1:96j, -1:1:80j]
    b1000 = ((x**2 + y**2 + z**2) < 0.8).astype(np.float32)
    b1000[((x - 0.4) ** 2 + y**2 + z**2) < 0.03] = 2.2
    b1000 = np.transpose(b1000, (2, 1, 0)).copy()
    adc = np.where(b1000 > 2, np.float32(0.5), b1000)
    return np.stack([b1000, adc, (b1000 > 0).astype(np.float32)])


def test_the_localizer_predicts_as_measured():
    logits, heights = read_localizer(LOCALIZER).predict(drawn_slices())
    assert logits == pytest.approx([-3.2080, -2.5275, -2.2357, -2.5853, -3.4780], abs=2e-3)
    assert heights == pytest.approx([-13.479, -6.714, 2.724, 9.566, 19.835], abs=0.02)


def test_the_infarct_segmenter_predicts_as_measured():
    probability = predict(drawn_diffusion())
    assert probability.sum() == pytest.approx(300.63, abs=0.5)
    assert probability[56, 48, 8] == pytest.approx(1.0, abs=1e-4)
    assert probability[51, 53, 8] == pytest.approx(0.3443, abs=2e-3)
    assert probability[60, 52, 8] == pytest.approx(0.5166, abs=2e-3)
    assert np.count_nonzero(probability > 0.2) == 306
