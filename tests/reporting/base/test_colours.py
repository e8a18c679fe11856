"""The region colours can be told apart by everyone, and show on brain."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from atlas_builder.core.anatomy import Region
from atlas_builder.reporting.base.colours import REGION_COLOURS

# Machado et al. (2009), severity 1, on linear RGB.
VISION = {
    "full": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}


def oklab(colour: str, vision: str) -> NDArray[np.float64]:
    """Oklab coordinates of a colour as someone sees it (Ottosson 2020)."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(VISION[vision] @ linear, 0, 1)
    cones = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    opponents = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    return opponents @ np.cbrt(cones @ seen)


@pytest.mark.parametrize("vision", VISION)
def test_regions_can_be_told_apart(vision: str) -> None:
    seen = {region: oklab(colour, vision) for region, colour in REGION_COLOURS.items()}
    for one, other in combinations(Region, 2):
        # 0.02 is about the least difference that is seen; what lies side by side needs more.
        least = 0.10 if one.level == other.level else 0.06
        assert np.linalg.norm(seen[one] - seen[other]) > least, (one.name, other.name)


def test_outlines_are_lighter_than_brain() -> None:
    brain = oklab("#707070", "full")[0]
    assert min(oklab(colour, "full")[0] for colour in REGION_COLOURS.values()) > brain + 0.02
