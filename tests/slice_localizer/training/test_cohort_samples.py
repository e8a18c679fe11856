"""A cohort's scans as samples: true heights, kept once, and who cannot be used is named."""

from __future__ import annotations

import os
import pickle

import nibabel as nib
import numpy as np
import pytest
import torch

from atlas_builder.core.errors import InputError
from slice_localizer.training.cohort_samples import CohortSamples, keep_scans, read_kept

pytestmark = pytest.mark.usefixtures("at_once")


def keep(cohort, tmp_path):
    return keep_scans(cohort, tmp_path / "kept", "expert", ["build"])


def test_heights_are_counted_from_the_slice_that_was_drawn_on(scanned_cohort, tmp_path):
    scans, refusals = keep(scanned_cohort, tmp_path)
    assert [scan.participant_id for scan in scans] == ["sub-01", "sub-02", "sub-03", "sub-04"]
    assert [scan.age for scan in scans] == [25, 41, 66, 80]
    assert refusals == []
    for scan, shift in zip(scans, (-2.0, 0.0, 1.0, 2.0), strict=True):
        view = read_kept(scan.path)
        assert view.sample.heights_mm.tolist() == pytest.approx([5.0 * (k - 4) for k in range(10)])
        assert view.sample.bgl == 4
        # The brain's density tells how high a slice really lies: 50 HU at the level itself.
        middle = view.sample.hu[:, 105:119, 105:119].float().mean(dim=(1, 2))
        assert middle[2:8].tolist() == pytest.approx(
            [50.0 + shift + 5.0 * (k - 4) for k in range(2, 8)], abs=0.6
        )
        descending = scan.participant_id == "sub-03"
        assert (view.bgl_slice, view.sgl_slice) == ((5, 1) if descending else (4, 8))
        heights = view.affines[:, 2, 3]
        assert heights[view.sgl_slice] - heights[view.bgl_slice] == pytest.approx(20.0)


def test_kept_scans_are_not_read_again_until_they_change(scanned_cohort, tmp_path, monkeypatch):
    scans, _ = keep(scanned_cohort, tmp_path)

    def unexpected(*_):
        raise AssertionError("read again")

    with monkeypatch.context() as patch:
        patch.setattr("slice_localizer.training.cohort_samples.read_labelled_scan", unexpected)
        assert keep(scanned_cohort, tmp_path)[0] == scans
    labels = scanned_cohort / "sub-02" / "sub-02_rater-expert_labels.nii"
    image = nib.load(labels)
    moved = np.roll(np.asarray(image.dataobj), 1, axis=2)
    nib.save(nib.Nifti1Image(moved, image.affine), labels)
    os.utime(labels, (1, 1))
    again, _ = keep(scanned_cohort, tmp_path)
    assert [a.path == b.path for a, b in zip(scans, again, strict=True)] == [
        True,
        False,
        True,
        True,
    ]
    assert read_kept(again[1].path).sample.bgl == 5


def test_who_cannot_be_used_is_named(scanned_cohort, tmp_path):
    for name, endings in (("sub-01", ("ct", "labels")), ("sub-04", ("labels",))):
        for path in (scanned_cohort / name).glob("*"):
            if name == "sub-01":
                middle = "level-BGL_ct" if "_ct" in path.name else "level-BGL_rater-expert_labels"
                path.rename(path.with_name(f"{name}_{middle}.nii"))
            elif "labels" in path.name:
                path.unlink()
        assert endings
    scans, refusals = keep(scanned_cohort, tmp_path)
    assert [scan.participant_id for scan in scans] == ["sub-02", "sub-03"]
    reasons = {one.participant_id: one.reason for one in refusals}
    assert reasons["sub-01"].startswith("sub-01: holds key slices alone, no whole scan; add")
    assert "sub-04_rater-expert_labels.nii.gz: no such file" in reasons["sub-04"]
    assert str(tmp_path) not in "".join(reasons.values())


def test_a_cohort_of_key_slices_alone_is_refused_with_the_reason(scanned_cohort, tmp_path):
    for path in scanned_cohort.glob("sub-*/*_ct.nii"):
        path.unlink()
    for path in scanned_cohort.glob("sub-*/*_labels.nii"):
        path.rename(path.with_name(path.name.replace("_rater", "_level-BGL_rater")))
    with pytest.raises(InputError, match=r"no participant can be used \(sub-01: holds key slices"):
        keep(scanned_cohort, tmp_path)


def test_an_epoch_shows_every_scan_once(scanned_cohort, tmp_path):
    scans, _ = keep(scanned_cohort, tmp_path)
    draw = CohortSamples(tuple(scan.path for scan in scans), 7)
    assert pickle.loads(pickle.dumps(draw)) == draw  # it goes to other processes
    densities = {float(s.path.stat().st_size): None for s in scans}
    assert densities
    for epoch in range(3):
        shown = set()
        for number in range(4 * epoch, 4 * epoch + 4):
            sample = draw(number, 32)
            assert sample.hu.shape[1:] == (32, 32)
            assert float(sample.heights_mm[sample.bgl]) == 0.0
            shown.add(round(float(sample.hu[sample.bgl, 12:20, 12:20].float().median())))
        assert len(shown) == 4  # each scan has a density of its own at its BGL slice
    assert torch.equal(draw(5, 32).hu, draw(5, 32).hu)
    assert not torch.equal(draw(5, 32).hu, CohortSamples(draw.paths, 8)(5, 32).hu)
