"""Whole builds of a small cohort: what comes out, that it repeats, and what stops it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from atlas_builder.construction import build as build_module
from atlas_builder.construction import fitting, iteration
from atlas_builder.construction.build import BuildSettings, estimate_atlas, level_job
from atlas_builder.construction.level import Estimate
from atlas_builder.core.anatomy import LEVELS, AgeGroup, regions_of
from atlas_builder.core.errors import InputError
from atlas_builder.metrics.entropy import shannon_entropy
from atlas_builder.metrics.overlap import dice, dice_by_label
from atlas_builder.preprocessing.key_slice import key_slice_grid
from atlas_builder.registration.ants_library import RegistrationError
from atlas_builder.registration.slices import Metric
from atlas_builder.runtime import versions
from atlas_builder.runtime.files import sha256_of
from atlas_builder.runtime.progress import no_progress
from atlas_builder.runtime.workers import open_workers

SETTINGS = BuildSettings(AgeGroup(50, 69), iterations=2)
PARTICIPANTS = ("sub-01", "sub-02", "sub-03", "sub-04")


def work_of(build):
    return build.jobs["BGL"].folder.parent


def estimate(copied, workers, settings=SETTINGS, **options):
    return estimate_atlas(copied.cohort, copied.work, settings, workers, no_progress, **options)


# What comes out


def test_every_participant_is_used_at_both_levels(built):
    assert tuple(p.participant_id for p in built.participants) == PARTICIPANTS
    assert built.refusals == ()
    for level, result in built.results.items():
        assert built.jobs[level].participants == PARTICIPANTS
        assert set(result.dice) == set(result.correlation) == set(built.notes) == set(PARTICIPANTS)


def test_the_atlas_has_the_mean_shape_of_the_cohort(built, mean_head):
    """Region by region, though no participant has that shape."""
    for level, result in built.results.items():
        expected = mean_head.labels(key_slice_grid().points(), level)
        found = dice_by_label(result.labels, expected, regions_of(level))
        assert min(found.values()) > 0.85
        assert np.mean(list(found.values())) > 0.92
        brain = mean_head.brain(key_slice_grid().points())
        assert dice(result.image != 0, brain) > 0.97


def test_the_atlas_has_one_piece_of_each_region_on_both_sides(built):
    x = key_slice_grid().points()[0]
    for level, result in built.results.items():
        assert set(np.unique(result.labels)) == {0, *regions_of(level)}
        for region in regions_of(level):
            left, right = (np.count_nonzero((result.labels == region) & s) for s in (x > 0, x < 0))
            assert left == pytest.approx(right, rel=0.15)


def test_participants_agree_with_the_atlas(built):
    for result in built.results.values():
        assert min(result.dice.values()) > 0.9
        assert min(result.correlation.values()) > 0.8


def test_probabilities_are_votes_of_four(built):
    for level, result in built.results.items():
        assert result.probabilities.shape == (len(regions_of(level)), 460, 460)
        assert set(np.unique(result.probabilities)) == {0, 0.25, 0.5, 0.75, 1}
        assert result.probabilities.sum(axis=0).max() <= 1
        for region, shares in zip(regions_of(level), result.probabilities, strict=True):
            assert (result.labels[shares > 0.5] == region).all()


def test_iterations_are_recorded_as_they_were(built):
    for level, result in built.results.items():
        job = built.jobs[level]
        assert [record.iteration for record in result.records] == [1, 2]
        assert len(result.templates) == 3
        assert len(result.deformations) == 2
        np.testing.assert_array_equal(result.templates[-1], result.image)
        for record, template, deformation in zip(
            result.records, result.templates[1:], result.deformations, strict=True
        ):
            assert record.entropy == shannon_entropy(np.rint(template))  # as the file holds it
            assert record.mean_deformation_mm == pytest.approx(deformation.mean(), rel=1e-5)
            assert record.max_deformation_mm == pytest.approx(deformation.max(), rel=1e-5)
            assert record.mean_magnitude_mm > record.mean_deformation_mm
        first, last = result.records
        assert last.correlation > first.correlation
        assert last.mean_deformation_mm < first.mean_deformation_mm
        assert last.correlation == pytest.approx(np.mean(list(result.correlation.values())))
        assert result.deformations[0].shape == job.grid.halved().shape


def test_the_initial_average_is_of_brains(built):
    for level, result in built.results.items():
        job = built.jobs[level]
        images = np.stack([job.load(name).image for name in PARTICIPANTS])
        counts = (images != 0).sum(axis=0)
        mean = images.sum(axis=0) / np.maximum(counts, 1)
        expected = job.on_key_slice(np.where(counts >= 2, mean, 0))
        np.testing.assert_allclose(result.templates[0], expected, rtol=1e-5, atol=1e-4)


def test_the_template_is_sharper_than_the_initial_average(built):
    for result in built.results.values():
        initial, final = (
            np.hypot(*np.gradient(result.templates[place]))[(result.image != 0)].mean()
            for place in (0, -1)
        )
        assert final > 1.03 * initial


# The same bits however it is run


def test_one_process_gives_the_same_bits_as_two(built, copied, here, same_bits):
    shutil.rmtree(copied.work / "SGL")
    again = estimate(copied, here)
    for level in LEVELS:
        same_bits(again.results[level], built.results[level])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of Dask's own making
def test_a_dask_cluster_gives_the_same_bits(built, copied, same_bits):
    distributed = pytest.importorskip("distributed")
    shutil.rmtree(copied.work / "SGL")
    (copied.work / "participants" / "sub-02.npz").unlink()
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        open_workers(1, cluster.scheduler_address) as workers,
    ):
        assert workers.count == 2
        assert os.getpid() not in set(workers.in_order(process_id, range(8)))
        again = estimate(copied, workers)
    for level in LEVELS:
        same_bits(again.results[level], built.results[level])


def process_id(_):
    return os.getpid()


RUN = """
import sys
from pathlib import Path
from atlas_builder.core.anatomy import AgeGroup
from atlas_builder.construction.build import BuildSettings, estimate_atlas
from atlas_builder.runtime.workers import open_workers
from atlas_builder.runtime.progress import no_progress

if __name__ == "__main__":
    cohort, work = map(Path, sys.argv[1:])
    with open_workers(1) as workers:
        estimate_atlas(
            cohort, work, BuildSettings(AgeGroup(50, 69), iterations=2), workers, no_progress
        )
"""


def files_of(work):
    """Return when each file of a work folder was last written, and which file it is."""
    files = [path for path in work.rglob("*") if path.is_file()]
    return {path.relative_to(work): (path.stat().st_mtime_ns, path.stat().st_ino) for path in files}


MOMENTS = {
    "while preprocessing": lambda work: len([*work.glob("participants/sub-*.npz")]) >= 2,
    "before the first fit": lambda work: (work / "BGL" / "template-0.npz").exists(),
    "in the middle of an iteration": lambda work: (
        len([*work.glob("BGL/iteration-2/sub-*.npz")]) >= 2
    ),
    "between the levels": lambda work: (work / "BGL" / "template-2.npz").exists(),
}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
def test_a_build_killed_again_and_again_ends_with_the_same_bits(
    shaped_cohort, built, here, tmp_path, same_bits
):
    """And does nothing twice: what was on the disk when it was killed is not written again."""
    work, script = tmp_path / "work", tmp_path / "run.py"
    script.write_text(RUN)
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    seen = {}
    for moment, has_come in MOMENTS.items():
        run = subprocess.Popen([sys.executable, script, shaped_cohort, work], env=environ)
        deadline = time.monotonic() + 60
        while not has_come(work):
            assert run.poll() is None, f"ended before the moment {moment}"
            assert time.monotonic() < deadline, moment
            time.sleep(0.005)
        run.send_signal(signal.SIGKILL)
        assert run.wait() == -signal.SIGKILL
        assert has_come(work)
        found = files_of(work)
        assert_kept(seen, found)
        seen |= found
    assert not (work / "SGL" / "template-2.npz").exists()

    finished = estimate_atlas(shaped_cohort, work, SETTINGS, here, no_progress)

    assert_kept(seen, files_of(work))
    assert len([path for path in seen if "iteration-2" in path.parts]) >= 4
    for level in LEVELS:
        same_bits(finished.results[level], built.results[level])


def assert_kept(before, after):
    """Fits of iterations that are over may go; nothing else may, and nothing is written again."""
    for path, identity in before.items():
        if path.name.startswith("."):
            continue  # a file that was being written when the process was killed
        if path in after:
            assert after[path] == identity, path
        else:
            assert "iteration-1" in path.parts


def test_only_what_is_missing_is_computed(built, copied, here, same_bits, monkeypatch):
    calls = []
    monkeypatch.setattr(
        iteration, "fit", lambda task, fit=iteration.fit: calls.append(task) or fit(task)
    )
    again = estimate(copied, here)
    assert calls == []

    sgl = copied.work / "SGL"
    (sgl / "template-2.npz").unlink()
    (sgl / "iteration-2" / "sub-03.npz").unlink()
    again = estimate(copied, here)
    assert len(calls) == 1
    before = Estimate.load(sgl / "template-1.npz")
    np.testing.assert_array_equal(calls[0].image, built.jobs["SGL"].load("sub-03").image)
    np.testing.assert_array_equal(calls[0].template, before.image)
    # It starts from where the iteration before led.
    np.testing.assert_array_equal(calls[0].initial_affine, before.initial_affines[2])
    assert np.abs(calls[0].initial_affine - np.eye(3)).max() > 0.01
    for level in LEVELS:
        same_bits(again.results[level], built.results[level])


# What makes old work worthless


class BuildStartedError(Exception):
    pass


@pytest.fixture
def stopped(monkeypatch):
    """End a build when it would do the first piece of work."""

    def stop(task):
        raise BuildStartedError

    monkeypatch.setattr(build_module, "prepare", stop)
    monkeypatch.setattr(iteration, "fit", stop)


def touch(cohort):
    path = cohort / "sub-02" / "sub-02_level-SGL_ct.nii.gz"
    os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns + 1_000_000_000))


def rename(cohort):
    path = cohort / "sub-02" / "sub-02_level-SGL_ct.nii.gz"
    path.rename(path.with_name("sub-02_level-SGL_ct.nii"))


def grow_table(cohort):
    path = cohort / "participants.tsv"
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    path.write_text(path.read_text() + "\n")
    os.utime(path, ns=times)


def add_participant(cohort):
    shutil.copytree(cohort / "sub-01", cohort / "sub-05")


@pytest.mark.usefixtures("stopped")
@pytest.mark.parametrize("change", [touch, rename, grow_table, add_participant])
def test_other_files_start_anew(copied, here, change):
    estimate(copied, here)
    old = files_of(copied.work)
    change(copied.cohort)
    with pytest.raises(BuildStartedError):
        estimate(copied, here)
    assert not [path for path in files_of(copied.work) if path in old and path.suffix == ".npz"]


@pytest.mark.usefixtures("stopped")
@pytest.mark.parametrize(
    "change",
    [
        {"iterations": 3},
        {"metric": Metric.MSQ},
        {"gradient_step": 0.2},
        {"sharpening": 0.0},
        {"initial_template": "random"},
        {"seed": 2},
        {"rater": "rater1"},
        {"age_group": AgeGroup(50, 70)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_other_settings_start_anew(copied, here, change):
    estimate(copied, here)
    with pytest.raises(BuildStartedError):
        estimate(copied, here, replace(SETTINGS, **change))
    assert not list(copied.work.glob("*GL/**/*.npz"))


@pytest.mark.usefixtures("stopped")
def test_other_versions_start_anew(copied, here, monkeypatch):
    monkeypatch.setattr(versions, "version", lambda package: "99.0")
    with pytest.raises(BuildStartedError):
        estimate(copied, here)


@pytest.mark.usefixtures("stopped")
def test_where_the_cohort_lies_does_not_matter(copied, here, tmp_path):
    copied.cohort.rename(tmp_path / "moved")
    estimate(replace(copied, cohort=tmp_path / "moved"), here)


@pytest.mark.usefixtures("stopped")
def test_an_atlas_inside_the_cohort_does_not_change_it(copied, here):
    inside = copied.cohort / "atlas_50_69" / ".build"
    shutil.move(copied.work, inside)
    estimate(replace(copied, work=inside), here)
    (copied.cohort / "atlas_50_69" / "report.html").write_text("done")
    estimate(replace(copied, work=inside), here)


# Who is left out


@pytest.fixture
def flawed(copied, monkeypatch):
    """A cohort of three usable participants and five others; nothing is registered."""
    cohort = copied.cohort
    shutil.rmtree(copied.work)
    for name in ("sub-05", "sub-06"):
        shutil.copytree(cohort / "sub-01", cohort / name)
        for path in (cohort / name).iterdir():
            path.rename(path.with_name(path.name.replace("sub-01", name)))
    damaged = cohort / "sub-04" / "sub-04_level-BGL_ct.nii.gz"
    damaged.write_bytes(damaged.read_bytes()[:2000])
    (cohort / "sub-05" / "sub-05_level-SGL_rater-expert_labels.nii.gz").unlink()
    mr = cohort / "sub-06" / "sub-06_level-SGL_ct.nii.gz"
    image = nib.load(mr)
    nib.save(nib.Nifti1Image(np.abs(image.get_fdata()).astype(np.int16) + 200, image.affine), mr)
    table = cohort / "participants.tsv"
    rows = ["sub-05\t60", "sub-06\t60", "sub-07\t60", "sub-08\t35", "sub-09\tn/a"]
    table.write_text(table.read_text() + "\n".join(rows) + "\n")
    monkeypatch.setattr(build_module, "build_level", lambda job, workers, progress: job)
    return copied


def test_those_who_cannot_be_used_are_named_with_the_reason(flawed, here):
    build = estimate(flawed, here)
    assert [p.participant_id for p in build.participants] == ["sub-01", "sub-02", "sub-03"]
    assert list(build.notes) == ["sub-01", "sub-02", "sub-03"]
    assert build.jobs["SGL"].participants == ("sub-01", "sub-02", "sub-03")
    reasons = {refusal.participant_id: refusal.reason for refusal in build.refusals}
    assert set(reasons) == {"sub-04", "sub-05", "sub-06", "sub-07", "sub-08", "sub-09"}
    for name, words in {
        "sub-04": "sub-04/sub-04_level-BGL_ct.nii.gz",
        "sub-05": "sub-05/sub-05_level-SGL_rater-expert_labels.nii.gz: no such file",
        "sub-06": "sub-06, SGL slice: ",
        "sub-07": "sub-07/: no such folder",
        "sub-08": "age 35 is outside 50-69",
        "sub-09": "no age",
    }.items():
        assert words in reasons[name]
        assert "\n" not in reasons[name]
        assert str(flawed.cohort) not in reasons[name]
    assert estimate(flawed, here).refusals == build.refusals


@pytest.mark.slow
def test_who_cannot_be_registered_is_left_out_by_name(built, copied, here, monkeypatch):
    """And the atlas is that of the others, though the failure came in the second iteration."""

    def fail(task):
        if np.array_equal(task.image, unlucky) and task.initial_affine is not None:
            raise RegistrationError("ITK gave up")
        return fitting.fit(task)

    unlucky = built.jobs["BGL"].load("sub-02").image
    for folder in ("BGL", "SGL"):
        shutil.rmtree(copied.work / folder)
    monkeypatch.setattr(iteration, "fit", fail)
    without = estimate(copied, here)
    assert [p.participant_id for p in without.participants] == ["sub-01", "sub-03", "sub-04"]
    (refusal,) = without.refusals
    assert refusal.participant_id == "sub-02"
    assert "BGL slice" in refusal.reason
    assert "ITK gave up" in refusal.reason
    assert "sub-02" not in without.results["SGL"].dice


def test_what_was_refused_is_looked_at_again(flawed, here):
    """A disk that was away must not leave a participant out for good."""
    used = {p.participant_id for p in estimate(flawed, here).participants}
    assert {path.stem for path in (flawed.work / "participants").iterdir()} == used


def test_strict_refuses_the_cohort_and_names_who(flawed, here):
    with pytest.raises(InputError, match=r"--strict.*sub-\d\d: .*\(and 3 more\)$") as refused:
        estimate(flawed, here, strict=True)
    assert str(flawed.cohort) in str(refused.value)
    assert "\n" not in str(refused.value)
    # Without it the same work goes on.
    assert len(estimate(flawed, here).participants) == 3


def test_two_are_too_few(flawed, here):
    shutil.rmtree(flawed.cohort / "sub-03")
    with pytest.raises(InputError, match=r": 2 usable participants, an atlas needs 3; left out: "):
        estimate(flawed, here)


def test_a_cohort_without_refusals_passes_strict(copied, here):
    assert len(estimate(copied, here, strict=True).participants) == 4


def test_progress_counts_every_participant_once_a_stage(copied, here):
    told = []
    shutil.rmtree(copied.work / "SGL")
    (copied.work / "participants" / "sub-02.npz").unlink()
    estimate_atlas(copied.cohort, copied.work, SETTINGS, here, lambda *state: told.append(state))
    for stage in ("Preprocessing", "SGL iteration 1", "SGL iteration 2"):
        assert [s for s in told if s[0] == stage] == [(stage, done, 4) for done in range(5)]


# The initial template


def initial_of(built, seed, work=Path("elsewhere")):
    settings = replace(SETTINGS, initial_template="random", seed=seed)
    return [
        level_job(level, work_of(built) / "participants", work, built.notes, settings).initial
        for level in LEVELS
    ]


def test_a_random_initial_template_is_drawn_by_the_seed(built, tmp_path):
    drawn = [initial_of(built, seed) for seed in range(20)]
    assert drawn == [initial_of(built, seed, tmp_path) for seed in range(20)]
    assert {name for names in drawn for name in names} == set(PARTICIPANTS)
    # The same participant at both levels.
    assert all(len(set(names)) == 1 for names in drawn)


def test_a_random_initial_template_is_that_participants_image(built, copied, here, monkeypatch):
    settings = replace(SETTINGS, initial_template="random", seed=3)
    job = level_job("BGL", work_of(built) / "participants", copied.work, built.notes, settings)
    shutil.rmtree(job.folder)

    def stop(task):
        np.testing.assert_array_equal(task.template, job.load(job.initial).image)
        raise BuildStartedError

    monkeypatch.setattr(iteration, "fit", stop)
    with pytest.raises(BuildStartedError):
        iteration.build_level(job, here, no_progress)


def test_the_work_of_a_build_is_reproduced_from_scratch(shaped_cohort, built, tmp_path, here):
    """Preprocessing too: every file but the times in it."""
    job = built.jobs["BGL"]
    shutil.copytree(shaped_cohort, tmp_path / "cohort")
    fresh = tmp_path / "work"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build_module, "build_level", lambda job, workers, progress: job)
        estimate_atlas(tmp_path / "cohort", fresh, SETTINGS, here, no_progress)
    for name in PARTICIPANTS:
        first, second = (
            folder / f"{name}.npz" for folder in (fresh / "participants", job.prepared)
        )
        with np.load(first) as one, np.load(second) as other:
            assert set(one) == set(other)
            for key in one:
                np.testing.assert_array_equal(one[key], other[key])
    assert sha256_of(fresh / "inputs.json") == sha256_of(work_of(built) / "inputs.json")
