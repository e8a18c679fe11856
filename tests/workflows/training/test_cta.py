"""``train-cta`` from measures to machines: who takes part, what is written."""

from __future__ import annotations

import json
from contextlib import contextmanager
from itertools import product

import numpy as np
import pytest

from aspects_scorer.cta.radiomics_svm.machine import load_machines
from atlas_builder.cohorts.participants import Participant
from atlas_builder.cohorts.stroke_truth import StrokeTruth, no_stroke
from atlas_builder.core.anatomy import SIDES, Region
from atlas_builder.core.errors import InputError
from atlas_builder.workflows.training import cta
from atlas_builder.workflows.training.cta import PUBLISHED_FEATURES, RESULT, Measured, train_cta

NAMES = (*PUBLISHED_FEATURES, "glcm_Contrast", "shape_VoxelVolume")


def cohort(count):
    """Subjects of whom every other one has a darker left M1 to M3."""
    people = [Participant(f"sub-{n}", 60.0, None, None, None) for n in range(count)]
    truths = {}
    for number, one in enumerate(people):
        shares = dict.fromkeys(product(SIDES, Region), 0.0)
        if number % 2:
            shares |= {("left", region): 0.8 for region in (Region.M1, Region.M2, Region.M3)}
        stroke = StrokeTruth(one.participant_id, "left", 3.0, 50.0, shares)
        truths[one.participant_id] = stroke if number % 2 else no_stroke(one.participant_id)
    return people, truths


@pytest.fixture
def measured(monkeypatch):
    """Features that follow the truth; the last participant has no scan."""
    people, truths = cohort(11)

    @contextmanager
    def here(jobs):
        yield type("Here", (), {"in_order": staticmethod(map)})

    def measure(folder, one):
        if one.participant_id == "sub-10":
            return Measured(one.participant_id, reason="sub-10_cta.nii.gz is missing")
        number = int(one.participant_id[4:])
        rng = np.random.default_rng(number)
        own = rng.normal(0, 1, (2, 10, len(NAMES)))
        share = [[truths[one.participant_id].shares[s, r] for r in Region] for s in SIDES]
        own[..., :3] -= 5 * np.array(share)[..., None]
        values = own - own[::-1]
        values[0, 4, 0] = np.nan if number == 0 else values[0, 4, 0]
        return Measured(one.participant_id, NAMES, values)

    monkeypatch.setattr(cta, "open_workers", here)
    monkeypatch.setattr(cta, "_measure", measure)
    return people, truths


@pytest.mark.slow
def test_machines_are_fitted_to_both_sets_of_features(measured, tmp_path):
    people, truths = measured
    del truths["sub-3"]
    fitted, refusals = train_cta(people, truths, tmp_path)
    assert {one.participant_id for one in refusals} == {"sub-3", "sub-10"}
    assert set(fitted["published"].machine.features) == set(PUBLISHED_FEATURES)
    assert len(set(fitted["selected"].machine.features)) == 3
    content = json.loads((tmp_path / RESULT).read_text())
    assert content["cohort"] == {"subjects": 9, "regions": 179, "affected": 12}
    assert content["fits"]["published"]["mean_auc"] > 0.9
    machines = load_machines(tmp_path / RESULT)
    dark = machines["published"].probabilities(np.array([-4.0, -4.0, -4.0]))
    alike = machines["published"].probabilities(np.zeros(3))
    assert dark > 0.5 > alike


def test_too_few_subjects_are_refused(measured, tmp_path):
    people, truths = measured
    with pytest.raises(InputError, match="4 CT angiographies can be used, 5 are needed"):
        train_cta(people[:4], truths, tmp_path)
    assert not (tmp_path / RESULT).exists()
