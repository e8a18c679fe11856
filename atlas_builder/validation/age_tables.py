"""The tables of several age groups: every atlas on every group, and whether its own fits best.

References
----------
Sun X, et al. Sci Data 11, 1132 (2024). doi:10.1038/s41597-024-03973-y, Table 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.anatomy import Region
from atlas_builder.metrics.statistics import Comparison, compare_paired, with_holm
from atlas_builder.metrics.tables import Cell, MeanSd, Table
from atlas_builder.validation.agreement_tables import mean_sd
from atlas_builder.validation.comparison_tables import TESTED, tested_cells, withheld
from atlas_builder.validation.scores import Scores, mean_of_finite


@dataclass(frozen=True)
class AgeMatrix:
    """The mean DSC of every participant with every atlas, by the participant's age group.

    Attributes
    ----------
    groups : tuple of str
        Age groups, and the atlases of the same names.
    members : mapping of str to tuple of str
        The participants of each group.
    values : mapping of str to ndarray, shape (participants of the group, atlases)
        Each participant's mean over the ten regions.
    """

    groups: tuple[str, ...]
    members: Mapping[str, tuple[str, ...]]
    values: Mapping[str, NDArray[np.float64]]

    def cell(self, group: str, atlas: str) -> MeanSd:
        """Return mean and standard deviation over the participants of a group.

        Parameters
        ----------
        group : str
            Age group of the participants.
        atlas : str
            Age group of the atlas.

        Returns
        -------
        MeanSd
            Of the DSC; NaN where the group has no participants.
        """
        return mean_sd(self.values[group][:, self.groups.index(atlas)])

    def best_atlas(self, group: str) -> str | None:
        """Return the atlas with the highest mean on a group; None for a group without participants.

        Parameters
        ----------
        group : str
            Age group of the participants.

        Returns
        -------
        str or None
            Age group of the atlas.
        """
        if not len(self.values[group]):
            return None
        means = [self.cell(group, atlas).mean for atlas in self.groups]
        return self.groups[int(np.argmax(means))]


def age_matrix(
    scores: Scores, groups: Sequence[str], group_of: Mapping[str, str], reference: str
) -> AgeMatrix:
    """Collect the mean DSC of every participant with every atlas.

    Parameters
    ----------
    scores : Scores
        In which atlases go by the names of their age groups.
    groups : sequence of str
        The age groups, youngest first.
    group_of : mapping of str to str
        The age group of each participant.
    reference : str
        The rater to compare with.
    """
    columns = [mean_of_finite(scores.of((atlas, reference)), axis=1) for atlas in groups]
    everyone = np.stack(columns, axis=1)
    names = np.array(scores.participants)
    belongs = np.array([group_of[name] for name in names])
    return AgeMatrix(
        tuple(groups),
        {group: tuple(map(str, names[belongs == group])) for group in groups},
        {group: everyone[belongs == group] for group in groups},
    )


def age_table(matrix: AgeMatrix, reference: str) -> Table:
    """Table 4: every atlas on every age group.

    Parameters
    ----------
    matrix : AgeMatrix
        From `age_matrix`.
    reference : str
        The rater compared with, for the title.

    Returns
    -------
    Table
        An age group a row, an atlas a column: DSC, mean and SD over participants.
    """
    rows: list[tuple[Cell, ...]] = []
    strong: set[tuple[int, int]] = set()
    off_diagonal: list[str] = []
    for row, group in enumerate(matrix.groups):
        rows.append(
            (
                group,
                len(matrix.values[group]),
                *(matrix.cell(group, atlas) for atlas in matrix.groups),
            )
        )
        best = matrix.best_atlas(group)
        if best is not None:
            strong.add((row, matrix.groups.index(best) + 2))
            if best != group:
                off_diagonal.append(f"{group} (best: the atlas of {best})")
    verdict = (
        "The matching atlas is best in every group that has participants."
        if not off_diagonal
        else f"The matching atlas is not the best in {', '.join(off_diagonal)}."
    )
    return Table(
        "table4_ages",
        f"Every age group's atlas on every age group: DSC with {reference}, mean ± SD",
        ("participants aged", "n", *(f"atlas {atlas}" for atlas in matrix.groups)),
        tuple(rows),
        "Mean over the ten regions of each participant, both sides pooled. In bold the best "
        f"atlas of each row. {verdict}",
        strong=frozenset(strong),
    )


def age_test_table(matrix: AgeMatrix, seed: int) -> Table:
    """Test, in each age group, the matching atlas against every other one.

    The comparisons of all groups are one family for Holm's correction.

    Parameters
    ----------
    matrix : AgeMatrix
        From `age_matrix`.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Table
        A row for each age group and other atlas.
    """
    pairs = [
        (group, other)
        for group in matrix.groups
        for other in matrix.groups
        if other != group and len(matrix.values[group])
    ]
    family: list[Comparison] = []
    for group, other in pairs:
        values = matrix.values[group]
        own, others = (values[:, matrix.groups.index(atlas)] for atlas in (group, other))
        family.append(compare_paired(own, others, seed))
    family = with_holm(family)
    return Table(
        "table4_tests",
        "Mean DSC of the matching atlas less that of another",
        ("participants aged", "less atlas", *TESTED),
        tuple(
            (*pair, *tested_cells(comparison))
            for pair, comparison in zip(pairs, family, strict=True)
        ),
        withheld(family)
        + "t: paired t-test as published; W: Wilcoxon's signed-rank test; both two-sided and "
        f"corrected by Holm over the {len(pairs)} rows. The interval is a bootstrap over "
        "participants; positive numbers favour the matching atlas.",
    )


def age_region_table(scores: Scores, matrix: AgeMatrix, reference: str) -> Table:
    """Return the mean DSC of every atlas and age group in each region.

    Parameters
    ----------
    scores : Scores
        In which atlases go by the names of their age groups.
    matrix : AgeMatrix
        From the same scores.
    reference : str
        The rater to compare with.

    Returns
    -------
    Table
        A row for each age group and atlas, a column a region.
    """
    rows: list[tuple[Cell, ...]] = []
    for group in matrix.groups:
        of_group = scores.keeping(matrix.members[group])
        for atlas in matrix.groups:
            means = mean_of_finite(of_group.of((atlas, reference)), axis=0)
            rows.append((group, atlas, *(float(mean) for mean in means)))
    return Table(
        "table4_regions",
        f"Every age group's atlas on every age group, by region: mean DSC with {reference}",
        ("participants aged", "atlas", *(region.name for region in Region)),
        tuple(rows),
        "Both sides of a region pooled.",
    )
