"""Whole validations of scores: what is in the folder, on whom, and that it repeats."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from made_scores import affected_of, made_probabilities, made_truth, write_scores, write_truth
from sklearn.metrics import roc_auc_score

from atlas_builder.core.errors import InputError
from atlas_builder.workflows.validate_scores import ScoresFolder, validate_scores

PEOPLE = 30


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A truth table and two scorers: the second has not scored the first three, and one more."""
    folder = tmp_path_factory.mktemp("inputs")
    names, shares = made_truth(PEOPLE)
    generator = np.random.default_rng(8)
    hours, nihss = generator.integers(0, 15, PEOPLE), generator.integers(0, 30, PEOPLE)
    groups = ["GE", "Siemens"] * (PEOPLE // 2)
    columns = {"hours": list(hours), "nihss": list(nihss), "group": groups}
    truth = write_truth(folder / "truth.tsv", names, shares, **columns)
    good, poor = (made_probabilities(shares, noise, 4) for noise in (1.2, 2.5))
    write_scores(folder / "good", names, good, "asymmetry")
    write_scores(folder / "poor", [*names[3:], "sub-x"], np.append(poor[3:], poor[:1], axis=0))
    return folder, truth, names, shares, good


@pytest.fixture(scope="module")
def done(inputs, tmp_path_factory):
    folder, truth, *_ = inputs
    out = tmp_path_factory.mktemp("run") / "out"
    folders = [ScoresFolder(folder / "good"), ScoresFolder(folder / "poor", "hu-ratio")]
    return out, validate_scores(folders, truth, out)


def test_what_is_in_the_folder(done):
    out, record = done
    assert {path.name for path in out.iterdir()} == {
        "report.html",
        "validation.json",
        "tables",
        "figures",
    }
    written = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert written == set(record["sha256"]) | {"validation.json"}
    assert json.loads((out / "validation.json").read_text()) == record
    for name in ("table1_regions_asymmetry", "table_differences", "table_calibration_hu_ratio"):
        assert f"tables/{name}.tsv" in written
    assert {"figures/scores_hu_ratio.png", "figures/regions.png", "figures/roc.png"} <= written
    page = (out / "report.html").read_text("utf-8")
    for heading in ("Scorers side by side", "By hours and by group", "Probabilities: asymmetry"):
        assert heading in page


def test_numbers_are_those_of_the_inputs(done, inputs):
    out, record = done
    _, _, names, shares, good = inputs
    true = affected_of(shares)
    found = record["scorers"]["asymmetry"]
    assert found["participants"] == names
    expected = roc_auc_score(true.ravel(), good.ravel())
    assert found["summary"]["regions"]["area"]["value"] == pytest.approx(expected)
    with (out / "tables" / "table1_regions_asymmetry.tsv").open(newline="") as file:
        rows = {row["region"]: row for row in csv.DictReader(file, delimiter="\t")}
    assert float(rows["all"]["AUC"]) == pytest.approx(expected, abs=1e-6)
    assert int(rows["M2"]["positive"]) == true[:, [5, 15]].sum()


def test_several_scorers_are_compared_on_those_whom_all_have(done, inputs):
    _, record = done
    first, second = record["compared"]
    assert first["summary"]["n"] == second["summary"]["n"] == PEOPLE - 3
    assert record["scorers"]["asymmetry"]["summary"]["n"] == PEOPLE
    assert second["area"]["high"] < 0
    left_out = {(one["participant_id"], one["reason"]) for one in record["left_out"]}
    assert left_out == {
        *((name, "hu-ratio: not in the scores") for name in inputs[2][:3]),
        ("sub-x", "hu-ratio: no truth in the truth table"),
    }


@pytest.mark.slow
def test_the_same_again_and_another_seed(done, inputs, tmp_path):
    record = done[1]
    folder, truth, *_ = inputs
    folders = [ScoresFolder(folder / "good"), ScoresFolder(folder / "poor", "hu-ratio")]
    again = validate_scores(folders, truth, tmp_path / "again")
    assert again["sha256"] == record["sha256"]
    other = validate_scores(folders[:1], truth, tmp_path / "again", seed=2)
    one, two = (of["scorers"]["asymmetry"]["summary"]["regions"]["area"] for of in (record, other))
    assert one["value"] == two["value"]
    assert one["low"] != two["low"]
    assert other["compared"] == []
    assert not (tmp_path / "again" / "tables" / "table_scorers.tsv").exists()


@pytest.mark.slow
def test_a_stricter_rule_leaves_fewer_regions_affected(inputs, tmp_path):
    folder, truth, *_ = inputs
    positives = [
        validate_scores([ScoresFolder(folder / "good")], truth, tmp_path / "out", rule=rule)[
            "scorers"
        ]["asymmetry"]["summary"]["regions"]["positive"]
        for rule in ("barber", "overlap")
    ]
    assert positives[0] < positives[1]


@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two_patients_are_enough_to_look_at(inputs, tmp_path, count):
    _, _, names, shares, good = inputs
    folder = write_scores(tmp_path / "few", names[:count], good[:count])
    truth = write_truth(tmp_path / "few.tsv", names[:count], shares[:count])
    found = validate_scores([ScoresFolder(folder)], truth, tmp_path / "out")
    summary = found["scorers"]["asymmetry"]["summary"]
    assert summary["n"] == count
    assert summary["agreement"]["icc"]["value"] is None
    assert (tmp_path / "out" / "report.html").exists()


def test_a_truth_of_scores_alone(inputs, tmp_path):
    folder, _, names, shares, _ = inputs
    scores = 10 - affected_of(shares).reshape(-1, 2, 10).sum(axis=2).max(axis=1)
    truth = tmp_path / "truth.tsv"
    lines = [f"{name}\t{score}" for name, score in zip(names, scores, strict=True)]
    truth.write_text("\n".join(["participant_id\taspects", *lines]))
    folders = [ScoresFolder(folder / "good"), ScoresFolder(folder / "poor", "hu-ratio")]
    found = validate_scores(folders, truth, tmp_path / "out")
    assert any("tells no regions" in remark for remark in found["remarks"])
    assert found["scorers"]["asymmetry"]["regions"] == []
    assert found["scorers"]["asymmetry"]["calibration"] is None
    assert found["scorers"]["asymmetry"]["summary"]["agreement"]["icc"]["value"] > 0.8


def test_what_cannot_be_compared_is_refused(inputs, tmp_path):
    folder, truth, *_ = inputs
    good = ScoresFolder(folder / "good")
    with pytest.raises(InputError, match="called 'asymmetry'"):
        validate_scores([good, good], truth, tmp_path / "out")
    other = tmp_path / "other.tsv"
    other.write_text("participant_id\taspects\nsub-900\t7\n")
    with pytest.raises(InputError, match="name participants alike"):
        validate_scores([good], other, tmp_path / "out")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    with pytest.raises(InputError, match="holds other files"):
        validate_scores([good], truth, tmp_path / "mine")
    assert not (tmp_path / "out").exists()


def test_names_of_scorers(tmp_path):
    assert ScoresFolder.parse("a/b") == ScoresFolder(Path("a/b"))
    assert ScoresFolder.parse("DA-Net=a/b") == ScoresFolder(Path("a/b"), "DA-Net")
    odd = tmp_path / "x=y"
    odd.mkdir()
    assert ScoresFolder.parse(str(odd)) == ScoresFolder(odd)
    with pytest.raises(InputError, match="NAME=DIR"):
        ScoresFolder.parse("=a")
