"""People teach where the level lies; their scans are what hospitals acquire."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from standard_head_making import correction as making_correction
from standard_head_making.correction import learn_correction

from slice_localizer.alignment.coarse_scan import coarsen
from slice_localizer.alignment.level import align_with
from slice_localizer.alignment.standard_head import load_standard_head
from slice_localizer.positions import heights_of, normal_of
from slice_localizer.training.subjects import read_subject

pytestmark = pytest.mark.slow


def errors_of(head, path, seed, count):
    """Return how far off the level is in scans of a person."""
    person, rng = read_subject(path), np.random.default_rng(seed)
    for _ in range(count):
        scan = making_correction._scan(person, rng)
        level = normal_of(scan.affines) @ person.bgl_point
        yield align_with(head, coarsen(scan)).height_mm - level


def test_scans_are_those_of_hospitals(subjects):
    scan = making_correction._scan(read_subject(subjects[0]), np.random.default_rng(3))
    spacing = np.diff(heights_of(scan.affines))
    np.testing.assert_allclose(spacing, spacing[0])
    assert 2.5 <= spacing[0] <= 7.0
    brain = (scan.data > 0) & (scan.data < 60)
    assert 0.1 < brain.mean() < 0.4


def test_what_ships_places_subjects_it_does_not_know_better_than_nothing(subjects):
    ships = load_standard_head()
    without = replace(ships, correction=ships.no_correction())
    errors = [
        [abs(e) for n, path in enumerate(subjects) for e in errors_of(head, path, n, 3)]
        for head in (ships, without)
    ]
    # Those of unknown subjects have a standard deviation of 0.3 mm.
    assert max(errors[0]) < 1.2
    assert np.mean(errors[0]) < np.mean(errors[1])


def test_any_number_of_processes_learns_the_same(subjects):
    head = load_standard_head()
    head = replace(head, correction=head.no_correction())
    alone, together = (learn_correction(head, subjects, jobs=jobs) for jobs in (1, 2))
    np.testing.assert_array_equal(alone.correction.weights, together.correction.weights)
    np.testing.assert_array_equal(alone.correction.offset, together.correction.offset)
    # People who were learnt from are placed all but exactly.
    (error,) = errors_of(alone, subjects[0], 0, 1)
    (before,) = errors_of(head, subjects[0], 0, 1)
    assert abs(error) < 0.5 * abs(before)
