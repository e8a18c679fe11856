"""The shipped network finds infarcts it was not trained on, on any grid."""

from __future__ import annotations

import numpy as np
import pytest

from aspects_scorer.dwi.segmentation.inference import segment_infarct
from atlas_builder.catalogue.mni_head import load_head
from atlas_builder.core.anatomy import Region
from atlas_builder.core.errors import InputError
from head_phantom.anatomy import make_anatomy
from head_phantom.infarct.infarct import Infarct, Territory
from head_phantom.person.person import draw_person
from head_phantom.scanner.dwi import simulate_dwi

pytestmark = pytest.mark.slow


def dice(first, second):
    return 2 * np.count_nonzero(first & second) / (first.sum() + second.sum())


@pytest.fixture(scope="module")
def patient():
    """An infarct of regions, which no training saw, in a person of 71 years."""
    place = Territory("left", (Region.I, Region.M2, Region.M5), extent=0.7)
    person = draw_person(71, "F", np.random.default_rng(90))
    anatomy = make_anatomy(load_head(), person, Infarct(place, hours=12, seed=4))
    return simulate_dwi(anatomy, np.random.default_rng(91))


@pytest.fixture(scope="module")
def found(patient):
    return segment_infarct(patient.b1000, patient.affine, patient.adc)


def test_the_infarct_is_found(patient, found):
    assert found.dtype == bool
    assert found.shape == patient.b1000.shape
    assert dice(found, patient.lesion) > 0.8


def test_it_is_found_without_a_map(patient):
    assert dice(segment_infarct(patient.b1000, patient.affine), patient.lesion) > 0.75


def test_storage_does_not_matter(patient, found):
    """Slices from the head down, rows along y, columns to the left: the same places."""
    turned = np.ascontiguousarray(np.swapaxes(patient.b1000, 0, 1)[:, ::-1, ::-1])
    adc = np.ascontiguousarray(np.swapaxes(patient.adc, 0, 1)[:, ::-1, ::-1])
    nx, _, nz = patient.b1000.shape
    to_original = np.array(
        [[0, -1, 0, nx - 1], [1, 0, 0, 0], [0, 0, -1, nz - 1], [0, 0, 0, 1]], float
    )
    again = segment_infarct(turned, patient.affine @ to_original, adc)
    assert dice(np.swapaxes(again[:, ::-1, ::-1], 0, 1), found) > 0.99


def test_a_map_on_another_grid_is_refused(patient):
    with pytest.raises(InputError, match="ADC map"):
        segment_infarct(patient.b1000, patient.affine, patient.adc[:-1])


def test_what_shows_no_brain_is_refused():
    with pytest.raises(InputError, match="no brain"):
        segment_infarct(np.zeros((20, 20, 8), np.float32), np.diag([2.0, 2.0, 5.0, 1.0]))
