"""Simulated cohorts on the disk: readable, the same however they came about, never half there."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import nibabel as nib
import numpy as np
import pytest

from atlas_builder.catalogue.mni_head import load_head
from atlas_builder.cohorts.labelled_scans import read_labelled_slices, read_participants
from atlas_builder.cohorts.stroke_truth import read_truth
from atlas_builder.core.anatomy import LEVELS, AgeGroup, Region, regions_of
from atlas_builder.core.errors import InputError
from atlas_builder.io.dicom.scans import read_dicom_scan
from atlas_builder.io.nifti.images import read_scan
from atlas_builder.runtime.workers import Workers
from atlas_builder.workflows import simulate as cohort
from atlas_builder.workflows.simulate import CohortPlan, simulate_cohort
from head_phantom.angiography.occlusion import Occluded
from head_phantom.cohort import subject
from head_phantom.cohort.subject import RATERS, AngiographyPlan, Recipe, simulate_subject
from head_phantom.infarct.infarct import Infarct, Territory
from head_phantom.infarct.lesion_shapes import Part
from head_phantom.infarct.patients import LesionSource
from head_phantom.infarct.strokes import draw_infarct

GROUP = AgeGroup(50, 69)


@pytest.fixture
def quick(monkeypatch, simple_head):
    """Everyone has the simple head; threads take the place of processes."""

    @contextmanager
    def threads(jobs):
        with ThreadPoolExecutor(jobs) as executor:
            yield Workers(executor, jobs)

    monkeypatch.setattr(cohort, "open_workers", threads)
    monkeypatch.setattr(subject, "_standard_head", lambda: None)
    monkeypatch.setattr(subject, "make_anatomy", lambda *given, **findings: simple_head)


def plan(**changes):
    values = {"subjects": 2, "matrix": 128, "thickness_mm": 7.0}
    return CohortPlan((GROUP,), **values | changes)


def checksums(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def table(folder):
    with (folder / "participants.tsv").open() as file:
        return list(csv.DictReader(file, delimiter="\t"))


@pytest.mark.parametrize("file_format", ["nifti", "dicom"])
def test_a_cohort_is_read_with_every_rater(quick, tmp_path, file_format):
    simulate_cohort(tmp_path / "c", plan(file_format=file_format, seed=5))
    participants, refusals = read_participants(tmp_path / "c", GROUP, "build")
    assert [p.participant_id for p in participants] == ["sub-5069s001", "sub-5069s002"]
    assert not refusals
    for participant in participants:
        folder, name = participant.folder, participant.participant_id
        truth = json.loads((folder / f"{name}.json").read_text())
        scan = (
            read_dicom_scan(folder / "dicom")
            if file_format == "dicom"
            else read_scan(folder / f"{name}_ct.nii.gz")
        )
        drawings = [read_labelled_slices(participant, rater) for rater in RATERS]
        for level in LEVELS:
            expert, first, second = (slices[level] for slices in drawings)
            # The true slice is the one that carries the drawing, in the order of reading.
            k = truth[f"{level.lower()}_slice"]
            np.testing.assert_array_equal(expert.ct.data, scan.data[:, :, k])
            np.testing.assert_allclose(expert.ct.affine, scan.affines[k], atol=1e-4)
            assert set(np.unique(expert.labels.data)) == {0, *regions_of(level)}
            assert (first.labels.data != second.labels.data).any()
            assert (first.labels.data != expert.labels.data).any()


def test_the_full_regions_agree_with_the_expert_and_the_sides_with_the_affine(quick, tmp_path):
    simulate_cohort(tmp_path / "c", plan(subjects=1, seed=2))
    folder = tmp_path / "c" / "sub-5069s001"
    regions, expert = (
        nib.load(folder / f"{folder.name}_{ending}_labels.nii.gz")
        for ending in ("desc-regions", "rater-expert")
    )
    volume, drawing = (np.asarray(image.dataobj) for image in (regions, expert))
    k = json.loads((folder / f"{folder.name}.json").read_text())["bgl_slice"]
    folded = np.where(volume > 10, volume - 10, volume)[:, :, k]
    deep = np.isin(folded, [1, 2, 3, 4])
    assert (drawing[:, :, k][deep] == folded[deep]).mean() > 0.98
    left, right = (
        (np.argwhere((volume > first) & (volume <= first + 10)) @ regions.affine[:3, :3].T).mean(0)
        for first in (0, 10)
    )
    assert left[0] < right[0] - 50


def test_any_number_of_jobs_gives_the_same_files(quick, tmp_path):
    for name, jobs in (("one", 1), ("two", 2)):
        simulate_cohort(tmp_path / name, plan(), jobs=jobs)
    assert checksums(tmp_path / "one") == checksums(tmp_path / "two")


def test_a_cohort_grows_and_goes_on_without_touching_what_is_there(quick, tmp_path, monkeypatch):
    out = tmp_path / "c"
    shown = []
    assert simulate_cohort(out, plan(subjects=1)) == 1
    before = checksums(out / "sub-5069s001")
    # A run that was killed leaves a folder under another name.
    left, beside = (out / f".{token}.new.sub-5069s002" for token in ("0badcafe", "1badcafe"))
    for folder in (left, beside):
        folder.mkdir()
    os.utime(left, (0, 0))
    progress = lambda stage, done, total: shown.append((done, total))  # noqa: E731
    assert simulate_cohort(out, plan(subjects=2), progress=progress) == 1
    assert shown == [(1, 2), (2, 2)]
    written = (out / "participants.tsv").stat().st_mtime_ns
    simulate_cohort(out, plan(subjects=2))
    assert (out / "participants.tsv").stat().st_mtime_ns == written  # a build may go on with it
    assert checksums(out / "sub-5069s001") == before
    assert [row["participant_id"] for row in table(out)] == ["sub-5069s001", "sub-5069s002"]
    assert list(out.glob(".*")) == [beside]  # which another run may be filling
    # Nothing is left to do; the table follows what is asked for.
    monkeypatch.setattr(cohort, "_complete", None)
    assert simulate_cohort(out, plan(subjects=1)) == 0
    assert [row["participant_id"] for row in table(out)] == ["sub-5069s001"]


def test_a_subject_that_fails_leaves_nothing_under_its_name(quick, tmp_path, monkeypatch):
    def fail(folder, simulated, file_format):
        (folder / "half").write_text("x")
        raise RuntimeError

    monkeypatch.setattr(cohort, "write_subject", fail)
    with pytest.raises(RuntimeError):
        simulate_cohort(tmp_path / "c", plan(subjects=1))
    assert [path.name for path in (tmp_path / "c").iterdir()] == ["simulation.json"]


def test_folders_of_something_else_are_refused_and_left_alone(quick, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("x")
    with pytest.raises(InputError, match="not empty and no simulated cohort"):
        simulate_cohort(tmp_path / "notes", plan())
    with pytest.raises(InputError, match="is a file"):
        simulate_cohort(tmp_path / "notes" / "mine.txt", plan())
    simulate_cohort(tmp_path / "c", plan(subjects=1))
    before = checksums(tmp_path / "c")
    for change in ({"seed": 9}, {"file_format": "dicom"}, {"infarct_share": 0.5}):
        with pytest.raises(InputError, match="other settings; give another folder"):
            simulate_cohort(tmp_path / "c", plan(**change))
    assert checksums(tmp_path / "c") == before


def test_the_table_splits_where_asked(quick, tmp_path):
    simulate_cohort(tmp_path / "a", plan())
    assert "split" not in table(tmp_path / "a")[0]
    simulate_cohort(tmp_path / "b", plan(validation=1))
    assert [row["split"] for row in table(tmp_path / "b")] == ["validation", "build"]
    rows = table(tmp_path / "b")
    assert all(50 <= int(row["age"]) <= 69 and row["sex"] in "FM" for row in rows)
    assert all(int(row["sgl_slice"]) != int(row["bgl_slice"]) for row in rows)
    assert [row["aspects"] for row in rows] == ["n/a", "n/a"]


def test_an_infarct_leaves_its_mask_and_its_score(quick, tmp_path, monkeypatch):
    drawn = Infarct(Territory("right", (Region.M2,)), hours=3.0, seed=1)
    monkeypatch.setattr(subject, "draw_infarct", lambda rng: drawn)
    simulate_cohort(tmp_path / "c", plan(subjects=1, infarct_share=1.0))
    folder = tmp_path / "c" / "sub-5069s001"
    lesion = np.asarray(nib.load(folder / "sub-5069s001_desc-lesion_mask.nii.gz").dataobj)
    regions = np.asarray(nib.load(folder / "sub-5069s001_desc-regions_labels.nii.gz").dataobj)
    assert (regions[lesion > 0] == 16).mean() > 0.9  # the simple head's lesion is the right M2
    infarct = json.loads((folder / "sub-5069s001.json").read_text())["infarct"]
    assert infarct["involvement"]["M2"] > 1 / 3
    assert infarct["involved"] == ["M2"]
    assert infarct["aspects"] == 9


def test_the_truth_holds_every_region_of_both_sides(quick, tmp_path, monkeypatch):
    drawn = Infarct(Territory("right", (Region.M2,)), hours=3.0, seed=1)
    monkeypatch.setattr(subject, "draw_infarct", lambda rng: drawn)
    simulate_cohort(tmp_path / "c", plan(subjects=2, infarct_share=0.5, seed=4))
    truths = read_truth(tmp_path / "c" / "truth.tsv")
    ill = [one for one in truths.values() if one.side]
    assert len(ill) == 1
    assert ill[0].side == "right"
    assert ill[0].hours == 3
    assert ill[0].shares["right", Region.M2] > 0.9
    assert ill[0].shares["left", Region.M2] == 0
    (healthy,) = (one for one in truths.values() if not one.side)
    assert set(healthy.shares.values()) == {0.0}
    simulate_cohort(tmp_path / "without", plan(subjects=1))
    assert not (tmp_path / "without" / "truth.tsv").exists()


@pytest.fixture
def lesions(tmp_path):
    folder = tmp_path / "lesions"
    folder.mkdir()
    data = np.zeros((20, 20, 20), np.uint8)
    data[3:9, 5:15, 5:15] = 1
    affine = np.diag([5.0, 5.0, 5.0, 1.0])
    affine[:3, 3] = (-50.0, -50.0, -20.0)
    for number in range(40):
        nib.save(nib.Nifti1Image(data, affine), folder / f"sub-{number}_mask.nii.gz")
    return folder


def test_patients_are_the_same_wherever_the_lesions_lie(quick, tmp_path, monkeypatch, lesions):
    monkeypatch.setattr(subject, "_standard_head", load_head)
    copy = tmp_path / "copy"
    shutil.copytree(lesions, copy)
    for name, folder, jobs in (("one", lesions, 1), ("two", copy, 2)):
        source = LesionSource(folder, Part.TEST)
        simulate_cohort(tmp_path / name, plan(infarct_share=1.0, lesions=source), jobs=jobs)
    assert checksums(tmp_path / "one") == checksums(tmp_path / "two")
    truth = json.loads((tmp_path / "one" / "sub-5069s001" / "sub-5069s001.json").read_text())
    assert {"dense_vessel", "old_infarcts", "unevenness"} < set(truth)
    for changed in (None, LesionSource(copy, Part.TRAINING)):
        with pytest.raises(InputError, match="other settings"):
            simulate_cohort(tmp_path / "two", plan(infarct_share=1.0, lesions=changed))


def test_a_person_does_not_depend_on_how_it_is_scanned(quick):
    plain = simulate_subject(Recipe(1, GROUP, 4, thickness_mm=5.0, matrix=96))
    other = simulate_subject(Recipe(1, GROUP, 4, infarct_share=1.0, thickness_mm=7.0, matrix=96))
    assert plain.person == other.person
    assert plain.infarct is None
    assert other.infarct is not None
    neighbours = [Recipe(1, GROUP, 5), Recipe(2, GROUP, 4), Recipe(1, AgeGroup(70, 89), 4)]
    people = [
        simulate_subject(Recipe(r.seed, r.age_group, r.index, thickness_mm=7.0, matrix=96)).person
        for r in neighbours
    ]
    assert len({person.seed for person in [plain.person, *people]}) == 4


def test_infarcts_are_of_every_size_on_both_sides():
    rng = np.random.default_rng(0)
    drawn = [draw_infarct(rng) for _ in range(200)]
    assert all(isinstance(one, Infarct) and isinstance(one.place, Territory) for one in drawn)
    assert {one.place.side for one in drawn} == {"left", "right"}
    sizes = [len(one.place.regions) for one in drawn]
    assert min(sizes) == 1
    assert max(sizes) == 10
    assert {region for one in drawn for region in one.place.regions} == set(Region)
    assert all(1 <= one.hours <= 12 and 0.5 <= one.place.extent <= 1 for one in drawn)


def test_angiographies_lie_beside_the_scans(quick, tmp_path):
    settings = {"infarct_share": 1.0, "matrix": 96}
    thin = AngiographyPlan(Occluded.M1, thickness_mm=5.0)
    for name, angiography in (("plain", None), ("cta", thin)):
        simulate_cohort(tmp_path / name, plan(**settings, angiography=angiography))
    folder = tmp_path / "cta" / "sub-5069s001"
    scan = read_scan(folder / "sub-5069s001_cta.nii.gz")
    for ending in ("space-cta_desc-regions_labels", "space-cta_desc-lesion_mask"):
        assert read_scan(folder / f"sub-5069s001_{ending}.nii.gz").data.shape == scan.data.shape
    known = json.loads((folder / "sub-5069s001.json").read_text())
    assert known["cta"]["occlusion"]["artery"] == "M1"
    assert known["cta"]["occlusion"]["side"] == known["infarct"]["side"]
    truths = read_truth(tmp_path / "cta" / "truth.tsv")
    assert truths["sub-5069s001"].occlusion == "M1"
    assert truths["sub-5069s001"].collaterals == known["cta"]["occlusion"]["collaterals"]
    plain = checksums(tmp_path / "plain")
    beside = checksums(tmp_path / "cta")
    scans = [name for name in plain if name.endswith("_ct.nii.gz")]
    assert len(scans) == 2
    assert all(plain[name] == beside[name] for name in scans)
    assert read_truth(tmp_path / "plain" / "truth.tsv")["sub-5069s001"].occlusion is None
    with pytest.raises(InputError, match="other settings"):
        simulate_cohort(tmp_path / "cta", plan(**settings, angiography=AngiographyPlan()))
