"""Exams of simulated persons for training, by number."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from slice_localizer.exam import Exam
from slice_localizer.persons import read_person
from slice_localizer.rendering import render


@dataclass(frozen=True)
class SimulatedExams:
    """Draws exams of persons that are kept in files.

    Attributes
    ----------
    persons : tuple of Path
        From `slice_localizer.persons.keep_persons`.
    seed : int
        Of the scans.
    """

    persons: tuple[Path, ...]
    seed: int

    def __call__(self, number: int, size: int) -> Exam:
        """Return exam number `number`, see `slice_localizer.training.DrawExam`."""
        rng = np.random.default_rng([self.seed, number])
        person = read_person(self.persons[int(rng.integers(len(self.persons)))])
        return render(person, rng, size)
