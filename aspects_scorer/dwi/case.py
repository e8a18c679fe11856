"""One patient's lesion scored, with all that its files and its report show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from aspects_scorer.dwi.scored_lesion import ScoredLesion
from atlas_builder.core.lesion import Lesion
from atlas_builder.core.volume import Volume

Source: TypeAlias = Literal["mask-in-mni152", "mask-on-dwi", "segmented-from-dwi"]

SOURCES: Mapping[Source, str] = {
    "mask-in-mni152": "a lesion mask in MNI152 space",
    "mask-on-dwi": "a lesion mask on a diffusion image, brought to MNI152 space",
    "segmented-from-dwi": "a lesion segmented from a diffusion image, brought to MNI152 space",
}


@dataclass(frozen=True)
class Case:
    """A scored lesion and what it was scored from.

    Attributes
    ----------
    scored : ScoredLesion
        The result; its core volume is that of `drawn`.
    source : Source
        Where the lesion comes from.
    drawn : Lesion
        The lesion on its own grid.
    lesion : Lesion
        The lesion in MNI152 millimetres.
    image : Volume
        What lies below the regions in pictures: the diffusion image, or the average brain.
    parameters : mapping
        What decided the score.
    timings : mapping of str to float
        Seconds a stage.
    set_aside : Lesion or None
        What was found besides and is not counted, on the image's grid; see `part_set_aside`.
    set_aside_in_mni : Lesion or None
        The same in MNI152 millimetres.
    """

    scored: ScoredLesion
    source: Source
    drawn: Lesion
    lesion: Lesion
    image: Volume
    parameters: Mapping[str, object]
    timings: Mapping[str, float]
    set_aside: Lesion | None = None
    set_aside_in_mni: Lesion | None = None

    @property
    def volume_space(self) -> str:
        """Where the core volume was measured: ``native`` or ``MNI152``."""
        return "MNI152" if self.source == "mask-in-mni152" else "native"
