"""The simulated cohort that stands in where a user has none of their own."""

from __future__ import annotations

from pathlib import Path

from atlas_builder import __version__
from atlas_builder.catalogue.entries import cache_folder
from atlas_builder.core.anatomy import AgeGroup
from atlas_builder.runtime.progress import Progress, no_progress
from atlas_builder.workflows.simulate import CohortPlan, simulate_cohort


def default_cohort_folder(age_group: AgeGroup, subjects: int, seed: int) -> Path:
    """Return where in the user's cache a default cohort is kept.

    Parameters
    ----------
    age_group : AgeGroup
        Of all subjects.
    subjects : int
        How many.
    seed : int
        Of everything random.

    Returns
    -------
    Path
        Named after these and the version of this software; it need not exist.
    """
    return (
        cache_folder()
        / "simulated-cohorts"
        / f"{__version__}_{age_group.stem}_{subjects}-subjects_seed-{seed}"
    )


def default_cohort(
    age_group: AgeGroup,
    subjects: int,
    seed: int = 1,
    *,
    jobs: int = 1,
    progress: Progress = no_progress,
) -> Path:
    """Simulate a cohort into the user's cache, or what is missing of it.

    Parameters
    ----------
    age_group : AgeGroup
        Of all subjects.
    subjects : int
        How many, all for building.
    seed : int
        Of everything random.
    jobs : int
        Processes at once.
    progress : callable
        Called with the stage, how many subjects are done and how many there are.

    Returns
    -------
    Path
        The cohort's folder.

    Raises
    ------
    InputError
        The folder in the cache holds something else.
    """
    folder = default_cohort_folder(age_group, subjects, seed)
    simulate_cohort(folder, CohortPlan((age_group,), subjects, seed), jobs=jobs, progress=progress)
    return folder
