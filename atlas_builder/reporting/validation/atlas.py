"""What the report of one atlas on one cohort shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from atlas_builder.catalogue.atlas import Atlas
from atlas_builder.cohorts.labelled_scans import Refusal
from atlas_builder.core.anatomy import LEVELS
from atlas_builder.metrics.statistics import bootstrap_interval
from atlas_builder.reporting.base.sections import Fact, Illustration, Section
from atlas_builder.reporting.validation.difference_maps import difference_figure
from atlas_builder.reporting.validation.forest import forest_figure
from atlas_builder.reporting.validation.violins import violin_figure
from atlas_builder.validation.agreement_tables import (
    Sources,
    agreement_table,
    distance_tables,
    reference_table,
    sides_table,
)
from atlas_builder.validation.comparison_tables import (
    Family,
    family_table,
    ischaemia_table,
    rater_families,
)
from atlas_builder.validation.mapped import load_mapped
from atlas_builder.validation.scores import Scores, mean_of_finite

_DISTANCES = (
    "Distances are between the borders of a region as two sources draw it, in the scan's "
    "millimetres."
)


def atlas_title(atlases: Iterable[Atlas]) -> str:
    """Return the title of the page: each atlas's name with the ages of those that were used.

    Parameters
    ----------
    atlases : iterable of Atlas
        Those that were used.

    Returns
    -------
    str
    """
    ages: dict[str, list[str]] = {}
    for atlas in atlases:
        ages.setdefault(atlas.name, []).append(str(atlas.age_group))
    named = (f"{name} ({', '.join(groups)} years)" for name, groups in ages.items())
    return f"Validation of {', '.join(named)}"


def atlas_summary(
    scores: Scores, sources: Sources, refusals: Sequence[Refusal], seed: int
) -> list[Fact]:
    """Return the numbers at the top of the page.

    Parameters
    ----------
    scores : Scores
        Of the participants.
    sources : Sources
        The atlas and the raters.
    refusals : sequence of Refusal
        Who was left out.
    seed : int
        Of the bootstrap intervals.

    Returns
    -------
    list of Fact
    """
    facts = [
        Fact("Participants", str(len(scores.participants)), f"{len(refusals)} left out"),
        Fact("Raters", str(len(sources.raters)), f"reference: {sources.reference}"),
    ]
    for source, reference in sources.against_reference:
        means = mean_of_finite(scores.of((source, reference)), axis=1)
        finite = means[np.isfinite(means)]
        low, high = bootstrap_interval(finite, seed)
        facts.append(
            Fact(
                f"Mean DSC, {source}–{reference}",
                f"{finite.mean():.3f}",
                f"95% interval {low:.3f} to {high:.3f}",
            )
        )
    return facts


def atlas_sections(
    scores: Scores,
    sources: Sources,
    ischaemic: Mapping[str, bool],
    paths: Mapping[str, Path],
    seed: int,
) -> list[Section]:
    """Return the parts of the page.

    Parameters
    ----------
    scores : Scores
        Of everyone.
    sources : Sources
        Who is compared.
    ischaemic : mapping of str to bool
        Of the participants of whom it is known.
    paths : mapping of str to Path
        Where everyone's mapped slices are, for the pictures.
    seed : int
        Of the bootstrap.
    """
    families = rater_families(scores, sources, seed)
    sections = [
        _agreement(scores, sources),
        _differences(scores, sources, paths),
        Section(
            "distances",
            "Distances and areas",
            _DISTANCES,
            tables=tuple(distance_tables(scores, sources)),
        ),
    ]
    if families:
        sections.insert(1, _tests(families))
    healthy_or_not = ischaemia_table(scores, sources, ischaemic, seed)
    if healthy_or_not is not None:
        sections.append(
            Section("ischaemia", "Healthy and ischaemic participants", tables=(healthy_or_not,))
        )
    return sections


def _agreement(scores: Scores, sources: Sources) -> Section:
    values = {source: scores.of((source, ref)) for source, ref in sources.against_reference}
    return Section(
        "agreement",
        "Agreement",
        "The Dice similarity coefficient (DSC) of regions on the scan's own pixels.",
        (
            Illustration(
                "figure8_violins",
                violin_figure(values, sources.reference),
                f"DSC with {sources.reference} in every region. White dot: median; bar: "
                "quartiles; the width of a violin is the density of participants.",
            ),
        ),
        (
            reference_table(scores, sources),
            agreement_table(scores, sources),
            sides_table(scores, sources),
        ),
    )


def _tests(families: Sequence[Family]) -> Section:
    return Section(
        "tests",
        "Does the atlas agree better than raters do?",
        "Each participant is compared with itself. The paired t-test is the published one; DSC is "
        "bounded and skewed, so rank tests, bootstrap intervals and effect sizes stand beside it.",
        (
            Illustration(
                "differences",
                forest_figure({family.title: family.comparisons for family in families}),
                "Difference of mean DSC with its 95% bootstrap interval; above zero the atlas "
                "agrees better. Filled: p < 0.05 in the paired t-test after Holm's correction.",
            ),
        ),
        tuple(family_table(family) for family in families),
    )


def _differences(scores: Scores, sources: Sources, paths: Mapping[str, Path]) -> Section:
    chosen = _chosen(scores, sources)
    mapped = {f"{rank} DSC": load_mapped(paths[name]) for rank, name in chosen.items()}
    others = [source for source, _ in sources.against_reference]
    who = "; ".join(f"{rank}: {name}" for rank, name in chosen.items())
    return Section(
        "maps",
        "Where regions differ",
        f"Participants by the atlas's mean DSC with {sources.reference}: {who}.",
        tuple(
            Illustration(
                f"figure9_differences_{level}",
                difference_figure(level, mapped, others, sources.reference),
                f"{level}. Overlap of each source with {sources.reference}, and what it misses or "
                f"adds; thin lines: {sources.reference}. The patient's right (R) is at the left.",
                dark=True,
            )
            for level in LEVELS
        ),
    )


def _chosen(scores: Scores, sources: Sources) -> dict[str, str]:
    """Return the participants with the highest, the median and the lowest mean DSC."""
    means = mean_of_finite(scores.of((sources.atlas, sources.reference)), axis=1)
    order = np.argsort(-means, kind="stable")
    ranks = {"highest": order[0], "median": order[len(order) // 2], "lowest": order[-1]}
    chosen: dict[str, str] = {}
    for rank, place in ranks.items():
        name = scores.participants[int(place)]
        if name not in chosen.values():
            chosen[rank] = name
    return chosen
