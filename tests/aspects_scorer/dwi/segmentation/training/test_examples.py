"""Crops show the infarct where the truth says it is, and repeat from their seed."""

from __future__ import annotations

import numpy as np
import pytest

from aspects_scorer.dwi.segmentation.network import CROP
from aspects_scorer.dwi.segmentation.training.examples import draw_crop, whole_scan
from aspects_scorer.dwi.segmentation.training.signal import draw_signal
from aspects_scorer.dwi.segmentation.training.tissue_scans import (
    read_tissue_scan,
    write_tissue_scan,
)

SEEDS = range(24)


@pytest.fixture(scope="module")
def crops(tissue_head):
    return [draw_crop([tissue_head], np.random.default_rng(seed)) for seed in SEEDS]


def test_the_same_seed_gives_the_same_bits(tissue_head, crops):
    for seed in (0, 7):
        again = draw_crop([tissue_head], np.random.default_rng(seed))
        np.testing.assert_array_equal(again.channels, crops[seed].channels)
        np.testing.assert_array_equal(again.infarct, crops[seed].infarct)


def test_crops_have_one_shape_and_most_hold_an_infarct(crops):
    assert {crop.infarct.shape for crop in crops} == {CROP}
    assert {crop.channels.shape for crop in crops} == {(3, *CROP)}
    assert 12 < sum(crop.infarct.any() for crop in crops) < len(SEEDS)


def test_the_infarct_is_brighter_than_brain_and_its_diffusion_restricted(crops):
    ratios, restricted = [], []
    for crop in crops:
        if crop.infarct.sum() < 60:
            continue
        signal, adc, present = crop.channels
        brain = (signal > 0.5) & ~crop.infarct
        ratios.append(np.median(signal[crop.infarct]) / np.median(signal[brain]))
        if present.any():
            restricted.append(np.median(adc[crop.infarct]) / np.median(adc[brain]))
    # Coils that shade can take away half of the least contrast against the whole crop.
    assert min(ratios) > 1.0
    assert np.median(ratios) > 1.3
    assert max(restricted) < 1.0
    assert 0.4 < np.median(restricted) < 0.75


def test_some_crops_lack_the_map(crops):
    absent = sum(not crop.channels[1:].any() for crop in crops)
    assert 2 <= absent <= 16


def test_both_sides_and_both_infarcts_are_seen(crops):
    halves = [crop.infarct[: CROP[0] // 2].sum() > crop.infarct.sum() / 2 for crop in crops]
    assert 4 < sum(halves) < 20


def test_a_whole_scan_keeps_the_infarcts_volume(tissue_head):
    example = whole_scan(tissue_head, 0, True, np.random.default_rng(1))
    truth = np.count_nonzero(tissue_head.lesions[0] >= 128) * np.prod(tissue_head.spacing)
    assert example.infarct.sum() * 1.5 * 1.5 * 5 == pytest.approx(truth, rel=0.05)


def test_signals_differ_in_contrast_from_seed_to_seed(tissue_head):
    infarct = tissue_head.lesions[0] / np.float32(255)
    everything = slice(0, infarct.shape[2])
    contrasts = []
    for seed in range(8):
        signal = draw_signal(tissue_head, everything, infarct, np.random.default_rng(seed))
        white = (tissue_head.white == 255) & (infarct == 0)
        inside = (tissue_head.white == 255) & (infarct == 1)
        contrasts.append(np.median(signal.b1000[inside]) / np.median(signal.b1000[white]))
    assert min(contrasts) > 1.1
    assert max(contrasts) / min(contrasts) > 1.4


def test_a_scan_is_kept_as_it_was(tmp_path, tissue_head):
    write_tissue_scan(tmp_path / "scan.npz", tissue_head)
    again = read_tissue_scan(tmp_path / "scan.npz")
    np.testing.assert_array_equal(again.lesions, tissue_head.lesions)
    np.testing.assert_array_equal(again.spacing, tissue_head.spacing)
