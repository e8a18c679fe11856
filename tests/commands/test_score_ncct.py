"""``score-aspects --ncct`` from the shell to the files, one scan and a cohort."""

from __future__ import annotations

import csv
import json
import shutil

import nibabel as nib
import numpy as np
import pydicom
import pytest
from click.testing import CliRunner
from PIL import Image

from aspects_scorer.cta.methods import METHODS as CTA_METHODS
from aspects_scorer.ncct.methods import METHODS
from atlas_builder.commands.score_aspects import NCCT_METHODS, score_aspects_command
from atlas_builder.core.anatomy import AgeGroup, Region, map_value
from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Scan
from atlas_builder.io.dicom.writing import SeriesDescription, write_dicom_series
from atlas_builder.io.nifti.images import read_scan
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
    assert (content["method"], content["rule"]) == ("ensemble", "barber")
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
    assert float(rows["left", "M2"]["probability"]) > 0.4
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
def test_the_page_shows_where_the_network_looked(scored):
    out, _ = scored
    page = (out / "report.html").read_text()
    assert "what the network took for signs of ischaemia" in page
    with Image.open(out / "attention.png") as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    orange = pixels[:, :, 0] - pixels[:, :, 2] > 60
    places = np.argwhere(orange)
    assert len(places) > 200
    # Of four panels the second and fourth are coloured; the left is at a panel's right.
    quarter = pixels.shape[1] / 4
    assert set((places[:, 1] // quarter).astype(int)) <= {1, 3}
    assert np.mean(places[:, 1] % quarter > quarter / 2) > 0.9


@pytest.mark.slow
def test_a_network_draws_the_regions_where_asked(darkened, cohort, tmp_path):
    out = tmp_path / "out"
    result = run(
        "--ncct",
        darkened,
        "--age",
        60,
        "--regions",
        "vb-net",
        "--method",
        "asymmetry",
        "--out",
        out,
    )
    assert result.exit_code == 0
    content = json.loads((out / "aspects.json").read_text())
    assert (content["regions"], content["method"]) == ("vb-net", "asymmetry")
    assert "routes-disagree" not in [flag["code"] for flag in content["flags"]]
    assert not (out / "attention.png").exists()
    (stem,) = cohort.glob("sub-5069*")
    true = np.asarray(nib.load(stem / f"{stem.name}_desc-regions_labels.nii.gz").dataobj)
    found = np.asarray(nib.load(out / "regions.nii.gz").dataobj)
    dice = [
        2 * np.sum((found == v) & (true == v)) / (np.sum(found == v) + np.sum(true == v))
        for v in range(1, 21)
    ]
    assert np.mean(dice) > 0.75


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
    assert set(method.type.choices) == {*METHODS, *CTA_METHODS}
    assert list(NCCT_METHODS) == list(METHODS)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--ncct", "a.nii", "--dwi", "b.nii"), "--dwi is not for a head CT"),
        (("--ncct", "a.nii", "--ncct-cohort", "b"), "--ncct for one scan or --ncct-cohort"),
        (("--ncct", "a.nii", "--jobs", "2"), "--jobs is not for a head CT"),
        (("--ncct-cohort", "b", "--age", "50"), "ages of a cohort are in its table"),
        (("--ncct", "a.nii", "--rule", "segmented"), "is for lesions"),
        (("--lesion", "m.nii", "--age", "50"), "--age is for --ncct"),
        (("--lesion", "m.nii", "--bgl-slice", "5"), "--bgl-slice is for --ncct"),
        (("--ncct-cohort", "b", "--series", "2"), "--series is not for a cohort of head CT"),
    ],
)
def test_options_that_would_be_passed_over_are_refused(options, says, tmp_path):
    with pytest.raises(InputError, match=says):
        run(*options, "--out", tmp_path / "o")


@pytest.mark.slow
def test_the_affected_regions_of_dicom_are_written_as_dicom_seg(darkened, tmp_path):
    scan = read_scan(darkened)
    thickness = np.full(len(scan), 5.0)
    description = SeriesDescription("sub-01", "a", 60, "F", thickness, "H30s", 0.0)
    stored = Scan(np.asarray(scan.data).astype(np.int16), scan.affines)
    write_dicom_series(tmp_path / "dicom", stored, description)
    result = run("--ncct", tmp_path / "dicom", "--out", tmp_path / "out")
    assert result.exit_code == 0
    content = json.loads((tmp_path / "out" / "aspects.json").read_text())
    assert {"left M1", "left M2", "left M3"} <= set(content["affected"])
    seg = pydicom.dcmread(tmp_path / "out" / "affected.seg.dcm")
    assert len(seg.SegmentSequence) == len(content["affected"])
    (referenced,) = seg.ReferencedSeriesSequence
    first = pydicom.dcmread(next((tmp_path / "dicom").glob("*.dcm")))
    assert referenced.SeriesInstanceUID == first.SeriesInstanceUID
    labels = np.asarray(nib.load(tmp_path / "out" / "regions.nii.gz").dataobj)
    values = []
    for name in content["affected"]:
        side, region = name.split()
        values.append(map_value(Region[region], side))
    assert (seg.pixel_array > 0).sum() == np.isin(labels, values).sum()
