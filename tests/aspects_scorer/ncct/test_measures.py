"""Densities are those of tissue, whatever else a region holds, and their errors are right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from mapped_blocks import TISSUE_HU, block_of, mapped_blocks

from aspects_scorer.ncct.measures import measure_densities
from atlas_builder.core.anatomy import Region

LEFT, RIGHT = 0, 1
M2 = list(Region).index(Region.M2)


def test_each_region_has_its_own_density_and_volume():
    found = measure_densities(mapped_blocks({("left", Region.M2): -4.0}))
    expected = np.full((2, 10), TISSUE_HU)
    expected[LEFT, M2] -= 4
    np.testing.assert_allclose(found.mean, expected, atol=0.45)
    np.testing.assert_allclose(found.median, expected, atol=0.45)
    np.testing.assert_allclose(found.volume_ml, 24 * 16 * 6 * 5 / 1000)
    np.testing.assert_allclose(found.tissue_ml, found.volume_ml)


def test_fluid_and_calcification_are_left_out_and_counted():
    scan = mapped_blocks(noise_hu=0.5)
    columns, rows = block_of(Region.M2, "left")
    hu = scan.hu.copy()
    hu[columns, rows.start : rows.start + 7] = 5.0
    hu[columns, rows.stop - 4 : rows.stop] = 150.0
    found = measure_densities(replace(scan, hu=hu))
    assert found.median[LEFT, M2] == pytest.approx(TISSUE_HU, abs=0.3)
    assert found.fluid[LEFT, M2] == pytest.approx(7 / 16, abs=0.15)
    assert found.dense[LEFT, M2] == pytest.approx(0.25, abs=0.1)
    assert found.fluid[RIGHT].max() == 0
    assert found.tissue_ml[LEFT, M2] < 0.6 * found.volume_ml[LEFT, M2]


def test_the_error_is_the_spread_of_means_over_scans():
    """The statement that matters: repeat the scan, and means differ by their errors."""
    scans = [measure_densities(mapped_blocks(seed=seed)) for seed in range(30)]
    spread = np.std([one.mean for one in scans], axis=0).mean()
    stated = np.mean([one.error for one in scans])
    assert 0.6 < stated / spread < 1.7


def test_a_region_without_tissue_has_no_density():
    scan = mapped_blocks()
    hu = scan.hu.copy()
    columns, rows = block_of(Region.I, "right")
    # Tissue of the neighbours does not reach in.
    hu[columns, rows.start - 3 : rows.stop + 3] = 3.0
    found = measure_densities(replace(scan, hu=hu))
    row, column = RIGHT, list(Region).index(Region.I)
    assert np.isnan(found.mean[row, column])
    assert found.fluid[row, column] > 0.95
    assert np.isfinite(np.delete(found.mean.ravel(), row * 10 + column)).all()


def test_an_empty_map_measures_nothing():
    scan = mapped_blocks()
    found = measure_densities(replace(scan, labels=np.zeros_like(scan.labels)))
    assert np.isnan(found.mean).all()
    assert not found.volume_ml.any()
