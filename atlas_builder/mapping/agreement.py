"""How well an atlas, mapped onto a slice, agrees with the regions a rater drew there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atlas_builder.catalogue.atlas import AtlasLevel
from atlas_builder.cohorts.drawn_regions import distance_from_midline
from atlas_builder.cohorts.labelled_scans import LabelledSlice
from atlas_builder.core.anatomy import Level, Region
from atlas_builder.mapping.level import carry_regions, map_level
from atlas_builder.metrics.overlap import dice_by_label
from atlas_builder.preprocessing.key_slice import make_key_slice
from atlas_builder.registration.slices import Metric


@dataclass(frozen=True)
class LevelAgreement:
    """Mapped regions against drawn ones, on the pixels they were drawn on.

    Attributes
    ----------
    dice : mapping of Region to float
        Dice similarity coefficient of each drawn region, both sides together.
    wrong_side : float
        Share of the pixels drawn as a region and mapped to it that were given to the other side.
    """

    dice: Mapping[Region, float]
    wrong_side: float


def score_level(
    atlas: AtlasLevel, level: Level, drawn: LabelledSlice, metric: Metric = Metric.MI
) -> LevelAgreement:
    """Map a level of an atlas onto a slice, preprocessed as a new scan is, and score it.

    Parameters
    ----------
    atlas : AtlasLevel
        On the key-slice grid.
    level : {'BGL', 'SGL'}
        Which level it is.
    drawn : LabelledSlice
        The slice in HU and the regions drawn on it.
    metric : Metric
        Of SyN.

    Returns
    -------
    LevelAgreement

    Raises
    ------
    InputError
        The slice is no plausible head CT, or the atlas lies on another grid.
    RegistrationError
        ANTs found no transform.
    """
    key = make_key_slice(drawn.ct)
    columns, rows = drawn.labels.data.shape
    transform = map_level(atlas, key, metric)
    return score_regions(
        carry_regions(atlas, level, transform, key, (columns, rows)).regions, drawn
    )


def score_regions(regions: NDArray[np.uint8], drawn: LabelledSlice) -> LevelAgreement:
    """Compare mapped regions with those drawn on the same pixels.

    The sides of drawn regions are told apart by the regions themselves, see
    `distance_from_midline`, which knows nothing of the midline found in the image.

    Parameters
    ----------
    regions : ndarray of uint8, shape (columns, rows)
        1-10 on the left, 11-20 on the right.
    drawn : LabelledSlice
        1-10 on both sides.
    """
    truth = drawn.labels.data.astype(np.uint8)
    on_right = regions > len(Region)
    mapped = np.where(on_right, regions - len(Region), regions).astype(np.uint8)
    drawn_here = [region for region in Region if (truth == region).any()]
    dice = dice_by_label(mapped, truth, drawn_here)

    places = np.argwhere(truth)
    values = truth[truth > 0]
    drawn_right = distance_from_midline(places * np.array(drawn.ct.spacing), values) < 0
    agreed = mapped[truth > 0] == values
    wrong = agreed & (on_right[truth > 0] != drawn_right)
    return LevelAgreement(
        {region: dice[region] for region in drawn_here},
        float(wrong.sum() / max(int(agreed.sum()), 1)),
    )
