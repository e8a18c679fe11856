"""Heads of simple shapes on diffusion images, quick to make, whose every boundary is known."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_head import radius_of

from aspects_scorer.dwi.segmentation.training.tissue_scans import TissueScan

SPACING = (2.0, 2.0, 5.0)


def ellipsoid(shape, spacing, centre, radii):
    """Return the squared distance from a centre (mm from the volume's) in radii."""
    grids = np.meshgrid(
        *[(np.arange(n) - (n - 1) / 2) * s for n, s in zip(shape, spacing, strict=True)],
        indexing="ij",
    )
    return radius_of(grids, radii, centre) ** 2


def make_diffusion_head(shape=(96, 110, 24), spacing=SPACING, infarct_radius=14.0):
    """Return signal at b 1000, brain and infarct; ventricles, scalp, eyes, shading and noise."""
    rng = np.random.default_rng(5)
    head = ellipsoid(shape, spacing, (0, 0, 0), (68, 82, 62))
    brain = head < 1
    scalp = (head > 1.18) & (head < 1.34)
    infarct = (ellipsoid(shape, spacing, (40, 10, 10), (infarct_radius,) * 3) < 1) & brain
    fluid = ellipsoid(shape, spacing, (0, 0, 5), (9, 25, 14)) < 1
    eyes = sum(ellipsoid(shape, spacing, (x, 86, -30), (11,) * 3) < 1 for x in (-28, 28)) > 0
    signal = np.select([infarct, fluid, brain, eyes, scalp], [190.0, 20.0, 100.0, 60.0, 45.0], 0.0)
    shading = np.linspace(0.8, 1.2, shape[0])[:, None, None]
    noise = rng.normal(0, 6, (2, *shape))
    return np.hypot(signal * shading + noise[0], noise[1]).astype(np.float32), brain, infarct


def make_tissue_head(infarcts=2, shape=(84, 100, 20), spacing=SPACING):
    """Return a tissue scan with round infarcts in its left and right half by turns."""
    head = ellipsoid(shape, spacing, (0, 0, 0), (68, 82, 46))
    fluid = ellipsoid(shape, spacing, (0, 0, 0), (9, 25, 14)) < 1
    white = (head < 0.6) & ~fluid
    grey = (head < 1) & ~white & ~fluid
    nothing = np.zeros(shape, np.uint8)
    planted = [
        ellipsoid(shape, spacing, ((-1) ** i * 30, 8 * i, 0), (14,) * 3) < 1
        for i in range(infarcts)
    ]
    scalp = (head > 1.2) & (head < 1.35)
    return TissueScan(
        np.array(spacing),
        *(255 * part.astype(np.uint8) for part in (grey, white, fluid)),
        nothing,
        255 * scalp.astype(np.uint8),
        nothing,
        nothing,
        nothing + np.uint8(100),
        nothing,
        np.stack([255 * p.astype(np.uint8) for p in planted]),
    )


@pytest.fixture(scope="session")
def diffusion_head():
    return make_diffusion_head()


@pytest.fixture(scope="session")
def tissue_head():
    return make_tissue_head()
