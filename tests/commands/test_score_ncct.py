"""``score-aspects --ncct`` from the shell to the files, one scan and a cohort."""

from __future__ import annotations

import csv
import json
import shutil

import nibabel as nib
import numpy as np
import pytest
from click.testing import CliRunner

from aspects_scorer.ncct.methods import METHODS
from atlas_builder.commands.score_aspects import score_aspects_command
from atlas_builder.core.anatomy import AgeGroup
from atlas_builder.core.errors import InputError
from atlas_builder.workflows.simulate import CohortPlan, simulate_cohort

SEED, MATRIX = 5, 192


def run(*arguments):
    return CliRunner().invoke(
        score_aspects_command, [str(one) for one in arguments], catch_exceptions=False
    )


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """A healthy subject of 50-69 years, and one whose scan is no scan."""
    folder = tmp_path_factory.mktemp("ncct") / "cohort"
    plan = CohortPlan((AgeGroup(50, 69),), 1, seed=SEED, thickness_mm=5.0, matrix=MATRIX)
    simulate_cohort(folder, plan)
    (first,) = sorted(folder.glob("sub-*"))
    broken = folder / "sub-broken"
    broken.mkdir()
    (broken / "sub-broken_ct.nii.gz").write_bytes(b"no image")
    table = folder / "participants.tsv"
    with table.open() as opened:
        age = next(csv.DictReader(opened, delimiter="\t"))["age"]
    table.write_text(
        f"participant_id\tage\n{first.name}\t{age}\nsub-broken\t60\n", encoding="utf-8"
    )
    return folder


@pytest.fixture(scope="module")
def darkened(cohort, tmp_path_factory):
    """The healthy subject's scan, left M1 to M3 of which are darker by 5 HU."""
    (stem,) = cohort.glob("sub-5069*")
    image = nib.load(stem / f"{stem.name}_ct.nii.gz")
    labels = np.asarray(nib.load(stem / f"{stem.name}_desc-regions_labels.nii.gz").dataobj)
    hu = np.asarray(image.dataobj, np.float32)
    hu[np.isin(labels, (5, 6, 7)) & (hu > 15) & (hu < 60)] -= 5
    path = tmp_path_factory.mktemp("dark") / "MUSTERMANN_ct.nii.gz"
    nib.save(nib.Nifti1Image(hu.astype(np.int16), image.affine), path)
    return path


@pytest.fixture(scope="module")
def scored(darkened, tmp_path_factory):
    out = tmp_path_factory.mktemp("score") / "out"
    return out, run("--ncct", darkened, "--age", 60, "--out", out)


@pytest.mark.slow
def test_a_dark_territory_loses_its_points_and_is_explained(scored):
    out, result = scored
    assert result.exit_code == 0
    content = json.loads((out / "aspects.json").read_text())
    assert (content["method"], content["rule"]) == ("asymmetry", "barber")
    assert {"left M1", "left M2", "left M3"} <= set(content["affected"])
    assert content["aspects"] == content["aspects_left"] <= 7
    assert content["aspects_right"] == 10
    low, high = content["interval"]
    assert low <= content["aspects"] <= high
    assert f"ASPECTS {content['aspects']} (left {content['aspects_left']}, right 10)" in (
        result.output
    )
    with (out / "regions.tsv").open() as table:
        rows = {(r["side"], r["region"]): r for r in csv.DictReader(table, delimiter="\t")}
    assert len(rows) == 20
    lost = [f"{side} {region}" for (side, region), r in rows.items() if r["affected"] == "yes"]
    assert lost == content["affected"]
    assert float(rows["left", "M2"]["difference_hu"]) == pytest.approx(-4, abs=1.5)
    assert float(rows["left", "M2"]["probability"]) > 0.6
    assert "HU darker than the other side" in rows["left", "M2"]["reason"]
    page = (out / "report.html").read_text()
    assert rows["left", "M2"]["reason"] in page
    assert page.count("<script>") == 1
    assert "://" not in page


@pytest.mark.slow
def test_regions_lie_on_the_scans_own_grid_and_nothing_names_the_patient(scored, darkened):
    out, _ = scored
    regions, scan = nib.load(out / "regions.nii.gz"), nib.load(darkened)
    assert regions.shape == scan.shape
    np.testing.assert_allclose(regions.affine, scan.affine, atol=1e-4)
    labels = np.asarray(regions.dataobj)
    assert len(np.unique(labels)) == 21
    assert (labels > 0).any(axis=(0, 1)).sum() >= 6
    for path in out.iterdir():
        assert b"MUSTERMANN" not in path.read_bytes()


@pytest.mark.slow
def test_a_cohort_names_whom_it_cannot_score_and_goes_on(cohort, tmp_path):
    out = tmp_path / "scores"
    result = run("--ncct-cohort", cohort, "--method", "hu-ratio", "--jobs", 1, "--out", out)
    assert result.exit_code == 0
    assert "1 scans scored" in result.output
    assert "Left out sub-broken" in result.output
    with (out / "scores.tsv").open() as table:
        good, bad = csv.DictReader(table, delimiter="\t")
    assert (good["status"], good["method"]) == ("scored", "hu-ratio")
    assert 0 <= int(good["aspects"]) <= 10
    assert (bad["status"], bad["aspects"]) == ("refused", "n/a")
    assert str(cohort) not in bad["reason"]
    with (out / "regions.tsv").open() as table:
        assert len(list(csv.DictReader(table, delimiter="\t"))) == 20
    made = (out / good["participant_id"] / "aspects.json").stat().st_mtime_ns
    run("--ncct-cohort", cohort, "--method", "hu-ratio", "--jobs", 1, "--out", out)
    assert (out / good["participant_id"] / "aspects.json").stat().st_mtime_ns == made


def test_a_scan_that_is_refused_now_keeps_no_earlier_score(cohort, tmp_path):
    folder, out = tmp_path / "c", tmp_path / "o"
    shutil.copytree(cohort / "sub-broken", folder / "sub-broken")
    (folder / "participants.tsv").write_text("participant_id\tage\nsub-broken\t60\n")
    earlier = out / "sub-broken"
    earlier.mkdir(parents=True)
    (earlier / "aspects.json").write_text('{"aspects": 4}')
    (out / "scores.tsv").write_text("participant_id\taspects\nsub-broken\t4\n")
    with pytest.raises(InputError, match="no scan can be scored"):
        run("--ncct-cohort", folder, "--jobs", 1, "--out", out)
    assert not earlier.exists()
    assert not (out / "scores.tsv").exists()


def test_a_cohort_without_any_scan_is_refused(cohort, tmp_path):
    shutil.copytree(cohort / "sub-broken", tmp_path / "c" / "sub-broken")
    (tmp_path / "c" / "participants.tsv").write_text("participant_id\tage\nsub-broken\t60\n")
    with pytest.raises(InputError, match="no scan can be scored"):
        run("--ncct-cohort", tmp_path / "c", "--jobs", 1, "--out", tmp_path / "o")


def test_every_method_can_be_chosen():
    (method,) = [one for one in score_aspects_command.params if one.name == "method"]
    assert list(method.type.choices) == list(METHODS)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--ncct", "a.nii", "--dwi", "b.nii"), "--dwi is not for a head CT"),
        (("--ncct", "a.nii", "--ncct-cohort", "b"), "--ncct for one scan or --ncct-cohort"),
        (("--ncct", "a.nii", "--jobs", "2"), "--jobs is not for a head CT"),
        (("--ncct-cohort", "b", "--age", "50"), "ages of a cohort are in its table"),
        (("--ncct", "a.nii", "--rule", "segmented"), "is for lesions"),
        (("--lesion", "m.nii", "--age", "50"), "are for --ncct"),
    ],
)
def test_options_that_would_be_passed_over_are_refused(options, says, tmp_path):
    with pytest.raises(InputError, match=says):
        run(*options, "--out", tmp_path / "o")
