from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from slice_localizer.training.cutmix import collate, mix
from slice_localizer.training.sample import Sample


def plain(value: float, slices: int, bgl: int, size: int = 16) -> Sample:
    """A sample of one density, so that pixels tell whose they are."""
    heights = (torch.arange(slices) - bgl) * 5.0
    return Sample(torch.full((slices, size, size), value).half(), heights, bgl)


def test_collated_samples_lie_side_by_side():
    batch = collate([plain(1.0, 3, 1), plain(2.0, 4, 0)])
    assert batch.lengths == (3, 4)
    assert batch.hu[:, 0, 0].tolist() == [1.0] * 3 + [2.0] * 4
    (truth,) = batch.truths
    assert truth.is_bgl.tolist() == [0, 1, 0, 1, 0, 0, 0]
    assert truth.heights_mm.tolist() == [-5.0, 0.0, 5.0, 0.0, 5.0, 10.0, 15.0]
    assert truth.share.tolist() == [1.0] * 7


@given(seed=st.integers(0, 10_000), slices=st.lists(st.integers(2, 6), min_size=2, max_size=4))
def test_shares_are_those_of_the_pixels(seed, slices):
    samples = [plain(float(n), count, n % count) for n, count in enumerate(slices)]
    batch = mix(samples, 1.0, np.random.default_rng(seed))
    own, other = batch.truths
    assert torch.allclose(own.share + other.share, torch.ones(sum(slices)))
    start = 0
    for place, sample in enumerate(samples):
        neighbour = samples[(place + 1) % len(samples)]
        shared = min(len(sample.heights_mm), len(neighbour.heights_mm))
        for k in range(len(sample.heights_mm)):
            row = start + k
            mine = float((batch.hu[row] == place).float().mean())
            assert float(own.share[row]) == pytest.approx(mine)
            assert float(own.is_bgl[row]) == (k == sample.bgl)
            if k < shared:
                assert float(other.heights_mm[row]) == float(neighbour.heights_mm[k])
                assert float(other.is_bgl[row]) == (k == neighbour.bgl)
            else:
                assert float(other.share[row]) == 0.0
        start += len(sample.heights_mm)


def test_one_box_for_all_slices_of_an_exam():
    samples = [plain(0.0, 5, 2), plain(1.0, 5, 2)]
    batch = mix(samples, 1.0, np.random.default_rng(4))
    assert 0 < float(batch.hu[0].mean()) < 1
    assert (batch.hu[:5] == batch.hu[0]).all()
    assert float(samples[0].hu.sum()) == 0.0  # those given are left as they are


def test_all_shares_come_up():
    samples = [plain(0.0, 2, 0), plain(1.0, 2, 0)]
    kept = [
        float(mix(samples, 1.0, np.random.default_rng(seed)).truths[0].share[0])
        for seed in range(300)
    ]
    assert np.mean(kept) == pytest.approx(0.5, abs=0.06)
    assert np.std(kept) == pytest.approx(12**-0.5, abs=0.04)  # alpha 1: even from 0 to 1
