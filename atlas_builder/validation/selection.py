"""Who of a cohort takes part in a validation, with which atlases and whose labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from atlas_builder.catalogue.atlas import Atlas
from atlas_builder.cohorts.conditions import read_splits
from atlas_builder.cohorts.labelled_scans import Participant, Refusal, read_participants
from atlas_builder.core.anatomy import AgeGroup, narrowest_containing, nearest_to
from atlas_builder.core.errors import InputError
from atlas_builder.metrics.statistics import CONFIDENCE, RESAMPLES
from atlas_builder.registration.ants_library import SEED
from atlas_builder.registration.slices import FINE, Metric

ATLAS = "atlas"
"""What an atlas is called beside raters, where there is one."""

EVERYONE = "all"
"""The split that takes every row of a cohort's table."""

_ANY_AGE = AgeGroup(0, 199)


@dataclass(frozen=True)
class ValidationSettings:
    """What decides a validation, besides the atlases and the cohorts.

    Attributes
    ----------
    raters : tuple of str
        Whose labels are compared; the first is the reference.
    split : str
        Which rows of the participants' table take part where it has a column ``split``; ``all``
        for every row.
    allow_nearest_age : bool
        Whether participants of an age that no atlas is for get the nearest one.
    seed : int
        Of the bootstrap.
    """

    raters: tuple[str, ...] = ("expert",)
    split: str = "validation"
    allow_nearest_age: bool = False
    seed: int = 1

    def describe(self) -> dict[str, object]:
        """Return every parameter as JSON can hold it, those of registration included.

        Raises
        ------
        InputError
            A rater is named twice or like an atlas.
        """
        if len(set(self.raters)) < len(self.raters) or ATLAS in self.raters or not self.raters:
            raise InputError(
                f"raters {', '.join(self.raters) or 'none'}: name each rater once, and none "
                f"{ATLAS!r}"
            )
        return asdict(self) | {
            "raters": list(self.raters),
            "registration": asdict(FINE) | {"metric": Metric.MI.value, "seed": SEED},
            "bootstrap": {"resamples": RESAMPLES, "confidence": CONFIDENCE},
        }


def select_participants(cohort: Path, split: str) -> tuple[list[Participant], list[Refusal]]:
    """Return the participants of a cohort's split, of any age, and those who cannot be used.

    Parameters
    ----------
    cohort : Path
        The cohort's folder with ``participants.tsv``.
    split : str
        Which rows take part where the table has a column ``split``; ``all`` for every row.

    Returns
    -------
    participants : list of Participant
        In the table's order, split by split.
    refusals : list of Refusal
        Those whose age or folder is missing.

    Raises
    ------
    InputError
        The cohort's folder or its table is missing or malformed.
    """
    if not cohort.is_dir():
        raise InputError(f"{cohort}: no such folder; give the folder that holds participants.tsv")
    participants, refusals = read_participants(cohort, _ANY_AGE, split)
    if split == EVERYONE:
        for name in read_splits(cohort):
            more, refused = read_participants(cohort, _ANY_AGE, name)
            participants += more
            refusals += refused
    return participants, refusals


def atlas_for(
    atlases: Mapping[AgeGroup, Atlas], age: float, *, allow_nearest: bool = False
) -> Atlas:
    """Return the atlas whose age group contains an age; of several, the narrowest.

    Parameters
    ----------
    atlases : mapping of AgeGroup to Atlas
        By the group that each is for.
    age : float
        Of the participant, in years.
    allow_nearest : bool
        Whether the nearest atlas is taken where no group contains the age.

    Returns
    -------
    Atlas

    Raises
    ------
    InputError
        None does, and the nearest is not allowed.
    """
    own = narrowest_containing(atlases, age)
    if own is not None:
        return atlases[own]
    if not allow_nearest:
        raise InputError(
            f"no atlas for age {age:g}, only for {', '.join(map(str, atlases))}; give another "
            "atlas, or --allow-nearest-age"
        )
    return atlases[nearest_to(atlases, age)]


def light(atlas: Atlas) -> Atlas:
    """Return an atlas without its probabilities: a third of what a worker would be sent.

    Parameters
    ----------
    atlas : Atlas
        Any.

    Returns
    -------
    Atlas
        Its arrays are shared, not copied.
    """
    return replace(
        atlas,
        levels={
            level: replace(content, probabilities=None) for level, content in atlas.levels.items()
        },
    )
