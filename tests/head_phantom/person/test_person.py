"""People differ by age and sex as published."""

from __future__ import annotations

import numpy as np
import pytest

from head_phantom.person import norms
from head_phantom.person.person import draw_person


def people(age, sex, count=300):
    rng = np.random.default_rng(int(age))
    return [draw_person(age, sex, rng) for _ in range(count)]


def mean(group, trait):
    return np.mean([getattr(person, trait) for person in group])


def test_the_same_generator_draws_the_same_person():
    first, second = (draw_person(64, "F", np.random.default_rng(5)) for _ in range(2))
    assert first == second
    assert first != draw_person(64, "F", np.random.default_rng(6))


def test_men_have_the_larger_heads():
    women, men = people(40, "F"), people(40, "M")
    ratio = mean(men, "intracranial_ml") / mean(women, "intracranial_ml")
    assert ratio == pytest.approx(1469 / 1289, abs=0.02)
    person = men[0]
    # The head's size along the axes agrees with its volume.
    volume = np.prod(person.scale) * 1880
    assert volume == pytest.approx(person.intracranial_ml, rel=1e-6)


def test_heads_differ_in_proportion_by_the_cephalic_index():
    index = np.log([p.scale[0] / p.scale[1] for p in people(40, "M")])
    assert index.mean() == pytest.approx(0, abs=0.01)
    assert index.std() == pytest.approx(0.045, rel=0.15)


@pytest.mark.parametrize("sex", ["F", "M"])
def test_fluid_and_white_matter_lesions_grow_with_age(sex):
    groups = [people(age, sex) for age in (20, 40, 60, 80)]
    for trait in ("ventricle_ml", "sulcal_csf_gain", "white_matter_lesion_ml"):
        assert np.all(np.diff([mean(group, trait) for group in groups]) > 0)
    assert mean(groups[3], "ventricle_ml") / mean(groups[0], "ventricle_ml") > 2


def test_ventricles_match_the_published_volumes():
    # Chung 2006: 16.2 mL in the twenties; Kaye 1992: a fifth more each decade.
    twenties = (norms.ventricle_ml(25, "F") + norms.ventricle_ml(25, "M")) / 2
    assert twenties == pytest.approx(16.2, abs=0.1)
    assert norms.ventricle_ml(45, "F") / norms.ventricle_ml(35, "F") == pytest.approx(1.2)
    assert norms.ventricle_ml(80, "M") / norms.ventricle_ml(70, "M") > 1.3


def test_fluid_reaches_the_published_share_of_the_intracranial_volume():
    # Yamada 2023: from 18.7% in the twenties to 33.7% above 80, ventricles included.
    gain = norms.sulcal_csf_gain(85) - norms.sulcal_csf_gain(25)
    ventricles = (norms.ventricle_ml(85, "F") - norms.ventricle_ml(25, "F")) / 1289
    assert gain + ventricles == pytest.approx(0.337 - 0.187, abs=0.02)


def test_calcification_is_as_frequent_as_published():
    old = people(74, "M", 600)
    expected = norms.pineal_calcification(74, "M")
    assert mean(old, "calcified_pineal") == pytest.approx(expected, abs=0.05)
    # Kwak 1988: 81.5% of both sexes in the seventies.
    both = (expected + norms.pineal_calcification(74, "F")) / 2
    assert both == pytest.approx(0.815, abs=0.01)
    assert mean(people(12, "M"), "calcified_basal_ganglia") == 0


def test_most_heads_have_the_usual_torque():
    torque = np.array([p.torque for p in people(50, "F")])
    assert 0.75 < (torque > 0).mean() < 0.97
