"""The tables of one atlas and one cohort, in the forms of the ASPECTS-281 paper and beyond.

References
----------
Sun X, et al. Sci Data 11, 1132 (2024). doi:10.1038/s41597-024-03973-y, Table 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.anatomy import Region
from atlas_builder.metrics.tables import Cell, MeanSd, Table
from atlas_builder.validation.agreement import Pair
from atlas_builder.validation.scores import (
    Measure,
    Scores,
    mean_of_finite,
    mean_of_pairs,
    with_mean,
)

MEAN = "mean"
"""The row of each participant's mean over the ten regions."""

ROWS = (*(region.name for region in Region), MEAN)


@dataclass(frozen=True)
class Sources:
    """Who is compared.

    Attributes
    ----------
    atlas : str
        The atlas's name in the rows.
    raters : tuple of str
        The first is the reference.
    """

    atlas: str
    raters: tuple[str, ...]

    @property
    def reference(self) -> str:
        """The rater that all other sources are compared with."""
        return self.raters[0]

    @property
    def with_atlas(self) -> tuple[Pair, ...]:
        """The atlas and each rater."""
        return tuple((self.atlas, rater) for rater in self.raters)

    @property
    def of_raters(self) -> tuple[Pair, ...]:
        """Each pair of raters."""
        return tuple(combinations(self.raters, 2))

    @property
    def against_reference(self) -> tuple[Pair, ...]:
        """The atlas, then each other rater, with the reference."""
        others = (self.atlas, *self.raters[1:])
        return tuple((source, self.reference) for source in others)

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """All of them."""
        return self.with_atlas + self.of_raters


def in_words(pair: Pair) -> str:
    """Return a pair as headings name it.

    Parameters
    ----------
    pair : tuple of str
        Two sources by name.

    Returns
    -------
    str
        Both names, joined by an en dash.
    """
    return f"{pair[0]}–{pair[1]}"


def agreement_table(scores: Scores, sources: Sources) -> Table:
    """Table 3: the mean DSC of the atlas with each rater and of the raters with each other.

    Parameters
    ----------
    scores : Scores
        Of all participants.
    sources : Sources
        The atlas and the raters.

    Returns
    -------
    Table
        A region a row and the mean last; a pair of sources a column.
    """
    groups = (("atlas–rater mean", sources.with_atlas), ("rater–rater mean", sources.of_raters))
    columns = ["region"]
    values: list[NDArray[np.float64]] = []
    for title, pairs in groups:
        columns += [in_words(pair) for pair in pairs]
        values += [scores.of(pair) for pair in pairs]
        if len(pairs) > 1:
            columns.append(title)
            values.append(mean_of_pairs(scores, pairs))
    means = [mean_of_finite(with_mean(value), axis=0) for value in values]
    return Table(
        "table3_agreement",
        "Agreement of the atlas with each rater, and of the raters with each other: mean DSC",
        tuple(columns),
        tuple((name, *(float(mean[row]) for mean in means)) for row, name in enumerate(ROWS)),
        f"Both sides of a region pooled; means over {len(scores.participants)} participants. The "
        "last row is the mean over participants of each one's mean of ten regions.",
    )


def reference_table(scores: Scores, sources: Sources) -> Table:
    """Return the DSC of the atlas and of every other rater with the reference rater.

    Parameters
    ----------
    scores, sources
        As `agreement_table` takes them.

    Returns
    -------
    Table
        Mean and SD over participants; a region a row and the mean last.
    """
    return _mean_sd_table(
        "table_reference",
        f"Agreement with {sources.reference}: DSC, mean ± SD over participants",
        scores,
        sources.against_reference,
        "dsc",
        "Both sides of a region pooled.",
    )


def distance_tables(scores: Scores, sources: Sources) -> list[Table]:
    """Return border distances and differences of area of all pairs.

    Parameters
    ----------
    scores, sources
        As `agreement_table` takes them.

    Returns
    -------
    list of Table
        95th-percentile Hausdorff distance (mm), mean surface distance (mm) and difference of area
        (mm2): mean and SD over participants, infinite distances left out.
    """
    infinite = sum(int(np.isinf(scores.of(pair, "hausdorff95_mm")).sum()) for pair in sources.pairs)
    missing = (
        f" {infinite} comparisons in which one source lacks the region have no distance and are "
        "left out of the means."
        if infinite
        else ""
    )
    measures: tuple[tuple[str, str, Measure, str], ...] = (
        (
            "table_hausdorff95",
            "95th-percentile Hausdorff distance (mm), mean ± SD",
            "hausdorff95_mm",
            f"The larger of both directed 95th percentiles between border pixels.{missing}",
        ),
        (
            "table_surface_distance",
            "Mean surface distance (mm), mean ± SD",
            "mean_surface_mm",
            f"Mean over the border pixels of both regions.{missing}",
        ),
        (
            "table_area_difference",
            "Difference of area (mm²), first less second source, mean ± SD",
            "area_difference_mm2",
            "Both sides together, on the key slice.",
        ),
    )
    return [
        _mean_sd_table(name, title, scores, sources.pairs, measure, note)
        for name, title, measure, note in measures
    ]


def sides_table(scores: Scores, sources: Sources) -> Table:
    """Return the DSC of the atlas with the reference on each side and pooled.

    Parameters
    ----------
    scores, sources
        As `agreement_table` takes them.

    Returns
    -------
    Table
        Mean and SD over participants; a region a row and the mean last.
    """
    pair = (sources.atlas, sources.reference)
    by_side = [with_mean(scores.of(pair, side=side)) for side in ("left", "right", "both")]
    return Table(
        "table_sides",
        f"Agreement of the atlas with {sources.reference} by side: DSC, mean ± SD",
        ("region", "left", "right", "pooled"),
        tuple(
            (name, *(mean_sd(values[:, row]) for values in by_side))
            for row, name in enumerate(ROWS)
        ),
        "The patient's left and right, divided by the midline of the atlas.",
    )


def _mean_sd_table(
    name: str, title: str, scores: Scores, pairs: Sequence[Pair], measure: Measure, note: str
) -> Table:
    values = [with_mean(scores.of(pair, measure)) for pair in pairs]
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (heading, *(mean_sd(of_pair[:, row]) for of_pair in values))
        for row, heading in enumerate(ROWS)
    )
    columns = ("region", *(in_words(pair) for pair in pairs))
    digits = {"dsc": 3, "area_difference_mm2": 0}.get(measure, 2)
    return Table(name, title, columns, rows, note, digits)


def mean_sd(values: NDArray[np.float64]) -> MeanSd:
    """Return mean and standard deviation (n - 1) of finite values.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Values that are not finite are left out.

    Returns
    -------
    MeanSd
        The mean is NaN without a finite value, the SD with fewer than two.
    """
    finite = values[np.isfinite(values)]
    sd = float(finite.std(ddof=1)) if finite.size > 1 else float("nan")
    return MeanSd(float(finite.mean()) if finite.size else float("nan"), sd)
