"""Folders of scores: a cohort's tables, a folder a scan, and who is left out."""

from __future__ import annotations

import json

import numpy as np
import pytest
from made_scores import COLUMNS, PLACES, made_probabilities, made_truth, write_scores

from aspects_scorer.agreement.scorer_files import read_scorer
from aspects_scorer.severity.scored_patient import (
    ScoredPatient,
    write_regions,
    write_subjects,
)
from aspects_scorer.severity.scored_patient import write_scores as write_dwi_scores
from atlas_builder.cohorts.participants import Refusal
from atlas_builder.core.aspects import score_involvement
from atlas_builder.core.errors import InputError

HEADER = "participant_id\taspects_left\taspects_right\taspects"


def scan(folder, regions: str = "", **result: object) -> None:
    folder.mkdir(parents=True)
    (folder / "aspects.json").write_text(json.dumps(result))
    if regions:
        (folder / "regions.tsv").write_text(regions)


def test_a_cohorts_tables(tmp_path):
    names, shares = made_truth(5)
    probabilities = made_probabilities(shares, 1, 1)
    found = read_scorer(write_scores(tmp_path / "run", names, probabilities, "hu-ratio"))
    scorer = found.scorer
    assert scorer.name == "hu-ratio"
    assert scorer.participants == tuple(names)
    np.testing.assert_allclose(scorer.probability, probabilities)
    assert (scorer.affected == (probabilities >= 0.5)).all()
    assert (scorer.aspects == np.minimum(scorer.left, scorer.right)).all()
    assert found.remarks == ()
    assert read_scorer(tmp_path / "run", "other").scorer.name == "other"


def test_what_a_cohort_run_on_lesions_writes(tmp_path):
    names, shares = made_truth(3)
    patients = []
    for name, row in zip(names, shares, strict=True):
        volumes = dict.fromkeys(PLACES, 10.0)
        lesion = {place: 10 * share for place, share in zip(PLACES, row, strict=True)}
        score = score_involvement(volumes, lesion)
        patients.append(
            ScoredPatient(name, score.left, score.right, score.aspects, 4.5, 1.0, (), score.regions)
        )
    write_dwi_scores(tmp_path / "scores.tsv", patients)
    write_regions(tmp_path / "regions.tsv", patients)
    write_subjects(tmp_path / "subjects.tsv", patients, {}, [Refusal("sub-9", "no lesion mask")])
    found = read_scorer(tmp_path)
    assert found.scorer.name == tmp_path.name
    assert found.scorer.marker[0] == "fraction"
    np.testing.assert_allclose(found.scorer.fraction, shares, atol=1e-4)
    assert found.scorer.core_ml.tolist() == [4.5] * 3
    assert found.refusals == (Refusal("sub-9", "not scored: no lesion mask"),)
    assert "no probabilities" in found.remarks[0]


def test_who_is_not_scored_is_left_out_by_name(tmp_path):
    rows = [
        f"{HEADER}\tstatus\treason",
        "1\t8\t10\t8\tscored\tn/a",
        "2\tn/a\tn/a\tn/a\trefused\tno brain",
        "3\t9\t9\t9\tmissing\t",
        "4\tn/a\tn/a\tn/a\t\t",
    ]
    (tmp_path / "scores.tsv").write_text("\n".join(rows))
    (tmp_path / "regions.tsv").write_text(
        "participant_id\tside\tregion\taffected\n1\tleft\tC\tyes\n7\tleft\tC\tno\n"
    )
    found = read_scorer(tmp_path)
    assert found.scorer.participants == ("sub-1",)
    assert {refusal.participant_id: refusal.reason for refusal in found.refusals} == {
        "sub-2": "refused: no brain",
        "sub-3": "missing",
        "sub-4": "no score",
        "sub-7": "in regions.tsv but not in scores.tsv",
    }
    assert np.nansum(found.scorer.affected) == 1
    assert np.isnan(found.scorer.affected).sum() == 19
    assert any("says nothing of 19 regions" in remark for remark in found.remarks)


def test_a_folder_a_scan(tmp_path):
    regions = "side\tregion\tprobability\taffected\nright\tM3\t0.8\tyes\n"
    scan(tmp_path / "7", regions, aspects=9, aspects_left=10, aspects_right=9, method="asymmetry")
    scan(tmp_path / "sub-8", aspects=None, status="refused", reason="metal")
    scan(tmp_path / "sub-9", aspects=3, aspects_left=3, aspects_right=2)
    (tmp_path / "sub-10").mkdir()
    (tmp_path / "sub-11").mkdir()
    (tmp_path / "sub-11" / "aspects.json").write_text("{")
    (tmp_path / ".work").mkdir()
    found = read_scorer(tmp_path)
    assert found.scorer.name == "asymmetry"
    assert found.scorer.participants == ("sub-7",)
    assert found.scorer.probability[0, COLUMNS.index("right_M3")] == 0.8
    reasons = {refusal.participant_id: refusal.reason for refusal in found.refusals}
    assert reasons["sub-8"] == "refused: metal"
    assert "lower of its sides 2" in reasons["sub-9"]
    assert "no aspects.json" in reasons["sub-10"]
    assert "cannot be read" in reasons["sub-11"]
    assert len(reasons) == 4


def test_a_score_alone_is_a_scorer_without_regions(tmp_path):
    (tmp_path / "scores.tsv").write_text("participant_id\taspects\n1\t7\n")
    found = read_scorer(tmp_path)
    assert found.scorer.aspects.tolist() == [7]
    assert not found.scorer.gives_sides.any()
    assert "no figures of regions" in found.remarks[0]


def test_scores_that_regions_do_not_add_up_to_are_named(tmp_path):
    names, shares = made_truth(2)
    folder = write_scores(tmp_path / "run", names, made_probabilities(shares, 1, 1))
    (folder / "scores.tsv").write_text(f"{HEADER}\n{names[0]}\t0\t0\t0\n{names[1]}\t0\t0\t0\n")
    assert "is not ten less" in read_scorer(folder).remarks[0]


@pytest.mark.parametrize(
    ("scores", "regions", "says"),
    [
        ("participant_id\tx\n1\t2", "", "no column 'aspects'"),
        (f"{HEADER}\n1\t8\t10\t9", "", "lower of its sides 8"),
        (f"{HEADER}\n1\t8\t12\t8", "", "aspects_right is '12'"),
        (f"{HEADER}\n1\tn/a\tn/a\tn/a", "", "no participant has a score"),
        (f"{HEADER}\n1\t8\t10\t8", "participant_id\tside\tregion\n", "no column 'affected'"),
        (f"{HEADER}\n1\t8\t10\t8", "side\tregion\taffected\n", "participant_id"),
        (
            f"{HEADER}\n1\t8\t10\t8",
            "participant_id\tside\tregion\taffected\n1\tleft\tC\t0.4",
            "line 2: affected is '0.4'",
        ),
        (
            f"{HEADER}\n1\t8\t10\t8",
            "participant_id\tside\tregion\taffected\tprobability\n1\tleft\tC\tno\t1.2",
            "line 2: probability is '1.2'",
        ),
        (
            f"{HEADER}\n1\t8\t10\t8",
            "participant_id\tside\tregion\taffected\n1\tleft\tC\tno\n1\tL\tc\tno",
            "line 3: sub-1 left c again",
        ),
    ],
)
def test_malformed_tables_are_refused_in_one_line(tmp_path, scores, regions, says):
    (tmp_path / "scores.tsv").write_text(scores + "\n")
    if regions:
        (tmp_path / "regions.tsv").write_text(regions + "\n")
    with pytest.raises(InputError, match=says):
        read_scorer(tmp_path)


def test_folders_without_scores_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        read_scorer(tmp_path / "none")
    with pytest.raises(InputError, match="neither scores"):
        read_scorer(tmp_path)
