"""A drawn head in HU, and an atlas of it, for ``fuzz_map.py``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atlas_builder.catalogue.atlas import AtlasLevel, write_level, write_metadata
from atlas_builder.core.anatomy import LEVELS, AgeGroup, regions_of
from atlas_builder.core.scan import Slice
from atlas_builder.preprocessing.key_slice import key_slice_affine, key_slice_grid, make_key_slice

Array = NDArray[Any]
SHAPE, SPACING = (176, 208, 10), (1.1, 1.1, 5.0)
BGL, SGL = 3, 7


def affine(spacing: Sequence[float] = SPACING) -> Array:
    """Slices from the feet to the head, columns to the left, rows to the back."""
    matrix = np.diag([-spacing[0], -spacing[1], spacing[2], 1.0])
    matrix[:3, 3] = spacing[0] * SHAPE[0] / 2, spacing[1] * SHAPE[1] / 2, -20
    return matrix


def head(rng: np.random.Generator, noise: float = 3.0) -> Array:
    """Draw a head in HU: scalp, skull, fluid, cortex, white matter, deep nuclei and ventricles."""
    x, y = (
        (np.arange(n) - (n - 1) / 2) * step for n, step in zip(SHAPE[:2], SPACING[:2], strict=True)
    )
    left, back = np.meshgrid(x, y, indexing="ij")
    turn = np.radians(rng.uniform(-8, 8))
    left, back = (
        left * np.cos(turn) + back * np.sin(turn),
        back * np.cos(turn) - left * np.sin(turn),
    )
    volume = np.empty(SHAPE, np.float32)
    for k in range(SHAPE[2]):
        size = 1 - 0.002 * (k - 3) ** 2
        radius = np.hypot(left / (64 * size), back / (82 * size))
        image = np.full(SHAPE[:2], -1000.0)
        for limit, hu in ((1.2, 20), (1.14, 1100), (1.04, 6), (1.0, 37), (0.86, 29)):
            image[radius < limit] = hu
        image[(radius < 1) & (np.abs(left) < 1.2)] = 8
        for side in (-1, 1):
            if k < 6:
                image[np.hypot((left - side * 24) / 8, back / 17) < 1] = 38
                image[np.hypot((left - side * 13) / 4, (back + 22) / 8) < 1] = 38
                image[np.hypot((left - side * 41) / 4, back / 22) < 1] = 36
            image[np.hypot((left - side * 8) / 5, (back + 12 - k) / (20 + k)) < 1] = 8
        volume[:, :, k] = image + rng.normal(0, noise, image.shape) * (image > -900)
    return volume


def write_head_atlas(folder: Path) -> None:
    """Write an atlas of the drawn head."""
    volume = head(np.random.default_rng(0), noise=1.0)
    group, files = AgeGroup(10, 89), []
    left, back = key_slice_grid().points()
    for level, index in zip(LEVELS, (BGL, SGL), strict=True):
        key = make_key_slice(Slice(volume[:, :, index], affine()))
        labels = np.zeros(key.image.shape, np.uint8)
        for place, region in enumerate(regions_of(level)):
            labels[(np.hypot(np.abs(left) - 35, back + 48 - 16 * place) < 8) & key.brain] = region
        files += write_level(
            folder, level, group, AtlasLevel(key.image, labels, key_slice_affine())
        )
    write_metadata(folder, {"age_group": str(group), "simulated": True, "name": "drawn"}, files)
