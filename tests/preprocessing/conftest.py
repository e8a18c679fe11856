"""A synthetic head whose brain is known exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage as ndi

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Head:
    """An axial slice on a square field of view, its centre in the middle of the head.

    `left` and `back` are the pixels' places in mm from there, `depth` the distance in mm from the
    brain's outline, positive inside.
    """

    image: NDArray[np.float32]
    spacing: tuple[float, float]
    brain: Mask
    left: NDArray[np.float64]
    back: NDArray[np.float64]
    depth: NDArray[np.float64]

    def within(self, left: float, back: float, radius: float) -> Mask:
        """Return the pixels of a disc."""
        return np.hypot(self.left - left, self.back - back) < radius

    def arc(self, toward: float, length: float) -> Mask:
        """Return the sector that spans so many mm of the skull in a direction (degrees)."""
        turn = np.degrees(np.arctan2(self.back, self.left)) - toward
        return np.abs((turn + 180) % 360 - 180) < np.degrees(length / 2 / 72)

    def paint(self, where: Mask, hu: float, noise: float = 3.0) -> Head:
        """Set pixels to noisy HU."""
        image = self.image.copy()
        image[where] = np.random.default_rng(1).normal(hu, noise, np.count_nonzero(where))
        return replace(self, image=image)


@pytest.fixture(scope="session")
def make_head() -> Callable[..., Head]:
    return build_head


def build_head(
    spacing: tuple[float, float] = (0.8, 0.8),
    angle: float = 0.0,
    csf: float = 2.0,
    noise: float = 3.0,
) -> Head:
    """Draw brain, outer fluid (`csf` mm wide), skull, scalp and temporal muscles.

    Not the ellipses of `drawn_head`: what finds a brain must be tested on an outline that is none,
    at exact distances from it, with notches at the midline, fluid of any width and muscle outside.
    """
    field = 232.0
    across, down = np.ix_(*((np.arange(int(field / s)) + 0.5) * s - field / 2 for s in spacing))
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    left, back = across * cos + down * sin, down * cos - across * sin
    direction = np.arctan2(back, left)
    # An egg, wider behind, with a shallow notch at each end of the midline.
    outline = 1 / np.hypot(np.cos(direction) / 62, np.sin(direction) / 79)
    outline *= 1 + 0.02 * np.sin(direction) - 0.03 * np.exp(-((np.cos(direction) / 0.1) ** 2))
    radius = np.hypot(left, back)
    brain = radius < outline
    depth = ndi.distance_transform_edt(brain, sampling=spacing)
    depth = depth - ndi.distance_transform_edt(~brain, sampling=spacing)

    image = np.full(brain.shape, -1000.0)
    muscle = (np.abs(np.sin(direction)) < 0.45) & (depth > -csf - 25)
    image[(depth > -csf - 13) | muscle] = -90.0
    image[(depth > -csf - 9) | (muscle & (depth > -csf - 22))] = 25.0
    image[depth > -csf - 7] = 1000.0
    image[depth > -csf] = 6.0
    image[brain] = 37.0
    image[depth > 4] = 28.0
    for side in (-1, 1):
        image[np.hypot((left - side * 16) / 14, (back + 2) / 9) < 1] = 38.0
        image[np.hypot((left - side * 6) / 4, (back + 22) / 13) < 1] = 6.0
        for place in (-0.9, -0.5, 0.1, 0.6, 1.1):
            off_sulcus = np.abs(radius * np.sin(direction - (place if side > 0 else np.pi - place)))
            facing = np.cos(direction - (place if side > 0 else np.pi - place)) > 0
            image[brain & facing & (off_sulcus < 1.5) & (depth < 12)] = 4.0
    image = ndi.gaussian_filter(image, np.divide(0.4, spacing))
    image += np.random.default_rng(0).normal(0, noise, image.shape)
    return Head(image.astype(np.float32), spacing, brain, left, back, depth)
