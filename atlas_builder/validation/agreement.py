"""How two sources of regions - an atlas and a rater, or two raters - agree on one participant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.anatomy import Level, Region, regions_of
from atlas_builder.metrics.overlap import dice
from atlas_builder.metrics.surface import border_points, distance_of_borders

Sides: TypeAlias = Literal["left", "right", "both"]
"""Which part of a region is compared; ``both`` pools the two sides."""

SIDES_COMPARED: tuple[Sides, ...] = ("both", "left", "right")

Pair: TypeAlias = tuple[str, str]
"""Two sources by name, such as ``("atlas", "expert")``."""


@dataclass(frozen=True)
class Agreement:
    """How two sources agree on one region of one participant.

    Attributes
    ----------
    participant_id : str
        Whose scan.
    region : Region
        Which region.
    side : {'left', 'right', 'both'}
        Of the patient.
    first, second : str
        The sources compared.
    dsc : float
        Dice similarity coefficient; NaN when neither has the region.
    hausdorff95_mm, mean_surface_mm : float
        As `SurfaceDistance` defines them.
    area_first_mm2, area_second_mm2 : float
        The region's area on the slice.
    """

    participant_id: str
    region: Region
    side: Sides
    first: str
    second: str
    dsc: float
    hausdorff95_mm: float
    mean_surface_mm: float
    area_first_mm2: float
    area_second_mm2: float

    @property
    def area_difference_mm2(self) -> float:
        """The first source's area less the second's."""
        return self.area_first_mm2 - self.area_second_mm2


def compare_sources(
    participant_id: str,
    level: Level,
    regions: Mapping[str, NDArray[np.uint8]],
    left: NDArray[np.bool_],
    spacing: tuple[float, float],
    pairs: Iterable[Pair],
) -> Iterator[Agreement]:
    """Compare sources on one slice, region by region, each side and both together.

    Parameters
    ----------
    participant_id : str
        Whose slice.
    level : {'BGL', 'SGL'}
        Which slice.
    regions : mapping of str to ndarray of uint8, shape (columns, rows)
        The region values 1-10 of each source, the same on both sides, on the slice's own pixels.
    left : ndarray of bool, shape (columns, rows)
        Which pixels are on the patient's left; the same for every source, so that the
        comparison does not depend on a source's midline.
    spacing : tuple of float
        Pixel size in mm along each axis.
    pairs : iterable of tuple of str
        Which sources to compare.

    Yields
    ------
    Agreement
        By region, side and pair.
    """
    pairs = list(pairs)
    sources = sorted({source for pair in pairs for source in pair})
    pixel_mm2 = spacing[0] * spacing[1]
    for region in regions_of(level):
        masks = _cropped({source: regions[source] == region for source in sources} | {"": left})
        on_left = masks.pop("")
        for side in SIDES_COMPARED:
            parts = {source: _part(mask, on_left, side) for source, mask in masks.items()}
            areas = {source: np.count_nonzero(part) for source, part in parts.items()}
            borders = {source: border_points(part, spacing) for source, part in parts.items()}
            for first, second in pairs:
                distance = distance_of_borders(borders[first], borders[second])
                yield Agreement(
                    participant_id,
                    region,
                    side,
                    first,
                    second,
                    dice(parts[first], parts[second]),
                    distance.hausdorff95_mm,
                    distance.mean_mm,
                    areas[first] * pixel_mm2,
                    areas[second] * pixel_mm2,
                )


def _part(mask: NDArray[np.bool_], on_left: NDArray[np.bool_], side: Sides) -> NDArray[np.bool_]:
    if side == "both":
        return mask
    return mask & on_left if side == "left" else mask & ~on_left


def _cropped(masks: Mapping[str, NDArray[np.bool_]]) -> dict[str, NDArray[np.bool_]]:
    """Return the part of each mask that holds the region of every source, the side's excepted."""
    anywhere = np.logical_or.reduce([mask for source, mask in masks.items() if source])
    if not anywhere.any():
        return {source: mask[:1, :1] for source, mask in masks.items()}
    x, y = (np.flatnonzero(anywhere.any(axis=axis)) for axis in (1, 0))
    box = slice(x[0], x[-1] + 1), slice(y[0], y[-1] + 1)
    return {source: mask[box] for source, mask in masks.items()}
