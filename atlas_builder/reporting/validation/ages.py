"""What the report of several age groups' atlases shows."""

from __future__ import annotations

from collections.abc import Sequence

from atlas_builder.cohorts.labelled_scans import Refusal
from atlas_builder.reporting.base.sections import Fact, Illustration, Section
from atlas_builder.reporting.validation.heat_map import heat_map_figure
from atlas_builder.validation.age_tables import (
    AgeMatrix,
    age_region_table,
    age_table,
    age_test_table,
)
from atlas_builder.validation.scores import Scores

AGE_TITLE = "Validation of age-specific atlases"


def age_summary(matrix: AgeMatrix, refusals: Sequence[Refusal]) -> list[Fact]:
    """Return the numbers at the top of the page.

    Parameters
    ----------
    matrix : AgeMatrix
        Every atlas on every age group.
    refusals : sequence of Refusal
        Who was left out.

    Returns
    -------
    list of Fact
    """
    count = sum(len(values) for values in matrix.values.values())
    present = [group for group in matrix.groups if len(matrix.values[group])]
    matching = sum(matrix.best_atlas(group) == group for group in present)
    return [
        Fact("Participants", str(count), f"{len(refusals)} left out"),
        Fact("Atlases", str(len(matrix.groups)), f"{len(present)} groups with participants"),
        Fact("Matching atlas is best", f"{matching} of {len(present)}", "age groups"),
    ]


def age_sections(scores: Scores, matrix: AgeMatrix, reference: str, seed: int) -> list[Section]:
    """Return the parts of the page.

    Parameters
    ----------
    scores : Scores
        Region by region.
    matrix : AgeMatrix
        Every atlas on every age group.
    reference : str
        The rater that atlases are compared with.
    seed : int
        Of the tests.

    Returns
    -------
    list of Section
    """
    return [
        Section(
            "ages",
            "Every atlas on every age group",
            "Each participant is mapped with every atlas. Framed: the atlas of the participants' "
            "own age group. Bold: the atlas with the highest mean.",
            (
                Illustration(
                    "table4_heat_map",
                    heat_map_figure(matrix, reference),
                    f"DSC with {reference}, mean ± SD over participants of each one's mean of ten "
                    "regions.",
                ),
            ),
            (age_table(matrix, reference), age_test_table(matrix, seed)),
        ),
        Section(
            "regions",
            "Regions",
            "The same for each region.",
            tables=(age_region_table(scores, matrix, reference),),
        ),
    ]
