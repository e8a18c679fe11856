"""Samples of simulated subjects for training, by number."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from atlas_builder.networks.training.seeds import generator
from slice_localizer.training.rendering import render
from slice_localizer.training.sample import Sample
from slice_localizer.training.subjects import read_subject


@dataclass(frozen=True)
class SimulatedSamples:
    """Draws samples of subjects that are kept in files.

    Attributes
    ----------
    persons : tuple of Path
        From `slice_localizer.training.subjects.keep_subjects`.
    seed : int
        Of the scans.
    """

    persons: tuple[Path, ...]
    seed: int

    def __call__(self, number: int, size: int) -> Sample:
        """Return sample number `number`, see `DrawSample`."""
        rng = generator(self.seed, number)
        person = read_subject(self.persons[int(rng.integers(len(self.persons)))])
        return render(person, rng, size)
