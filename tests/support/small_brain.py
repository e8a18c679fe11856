"""A brain of a few centimetres, quick to register, in a thin skull."""

from __future__ import annotations

import numpy as np

from atlas_builder.catalogue.mni_head import Head
from atlas_builder.catalogue.tissues import Tissue

RADII_MM = np.array([26.0, 32.0, 24.0])


def small_head() -> Head:
    """Make a standard head: white matter, a grey rind, two ventricles; L left, M2 right."""
    shape = (76, 88, 72)
    affine = np.eye(4)
    affine[:3, 3] = -np.array(shape) / 2 + 0.5
    x, y, z = np.indices(shape) + affine[:3, 3].reshape(3, 1, 1, 1)
    radius = np.sqrt(sum((axis / r) ** 2 for axis, r in zip((x, y, z), RADII_MM, strict=True)))
    # Front and back, left and right are told apart.
    ventricles = ((np.abs(x) - 7) / 4) ** 2 + ((y - 6) / 12) ** 2 + (z / 7) ** 2 < 1
    brain = radius < 1
    kinds = {
        Tissue.CSF: brain & ventricles,
        Tissue.GREY: brain & ~ventricles & ((radius > 0.8) | (y > 20)),
        Tissue.CORTICAL_BONE: (radius >= 1) & (radius < 1.15),
    }
    kinds[Tissue.WHITE] = brain & ~ventricles & ~kinds[Tissue.GREY]
    kinds[Tissue.AIR] = radius >= 1.15
    regions = np.zeros(shape, np.uint8)
    regions[brain & ~ventricles & (x < -12) & (np.abs(z) < 8)] = 2
    regions[brain & ~ventricles & (x > 12) & (np.abs(z) < 8)] = 16
    tissues = {
        tissue: (255 * kinds.get(tissue, np.zeros(shape, bool))).astype(np.uint8)
        for tissue in Tissue
    }
    return Head(tissues, regions, affine, np.array([0.0, 0.0, 0.0]))
