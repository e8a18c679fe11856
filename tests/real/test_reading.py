"""Reading real scans, atlases and cohorts."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import rotate

from atlas_builder.cohorts.drawn_regions import check_complete
from atlas_builder.cohorts.labelled_scans import read_labelled_slices, read_participants
from atlas_builder.core.anatomy import AGE_GROUPS, AgeGroup, Level, regions_of
from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Slice
from atlas_builder.io.dicom.scans import examine_dicom, read_dicom_scan, read_frames
from atlas_builder.io.nifti.images import read_labels, read_scan


@pytest.fixture(scope="module")
def ge_head_ct(data: Path) -> Path:
    return data / "ge-head-ct"


def test_a_tilted_unevenly_spaced_ct_keeps_its_slices_where_they_are(ge_head_ct: Path) -> None:
    scan = read_dicom_scan(ge_head_ct)
    assert scan.data.shape == (512, 512, 28)
    normal = scan.affines[0, :3, 2]
    assert np.degrees(np.arccos(normal[2])) == pytest.approx(18.5, abs=0.01)
    steps = np.diff(scan.affines[:, :3, 3], axis=0)
    np.testing.assert_allclose(steps[:, :2], 0, atol=1e-6)  # the table moves along z
    np.testing.assert_allclose(steps[:, 2], [4.22] * 13 + [1.14] + [7.38] * 13, atol=1e-3)
    assert scan[0].spacing == pytest.approx((0.4882812, 0.4882812))
    assert scan.data.min() == -1500  # padding is kept
    # Brain lies in the middle of a slice at the level of the basal ganglia, air around it.
    centre = scan.data[206:306, 206:306, 17]
    assert 20 < np.median(centre) < 45
    assert np.median(scan.data[:20, :20, 17]) < -900


def test_names_and_order_of_files_do_not_matter(ge_head_ct: Path, tmp_path: Path) -> None:
    names = np.random.default_rng(0).permutation(28)
    for path, name in zip(sorted(ge_head_ct.iterdir()), names, strict=True):
        shutil.copy(path, tmp_path / f"IM{name}")
    expected = read_dicom_scan(ge_head_ct)
    again = read_dicom_scan(tmp_path)
    np.testing.assert_array_equal(again.data, expected.data)
    np.testing.assert_array_equal(again.affines, expected.affines)
    part = read_frames(examine_dicom(tmp_path), [14])
    np.testing.assert_array_equal(part.data[:, :, 0], expected.data[:, :, 14])


@pytest.mark.parametrize("share", [0.001, 0.003, 0.5, 0.9999])
def test_a_real_slice_cut_short_is_refused(ge_head_ct: Path, tmp_path: Path, share: float) -> None:
    for path in sorted(ge_head_ct.iterdir())[:3]:
        shutil.copyfile(path, tmp_path / path.name)
    content = (tmp_path / "02.dcm").read_bytes()
    (tmp_path / "02.dcm").write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match=r"02.dcm: .*damaged"):
        read_dicom_scan(tmp_path)


@pytest.mark.parametrize("group", AGE_GROUPS, ids=str)
@pytest.mark.parametrize("level", ["BGL", "SGL"])
def test_the_published_atlas(data: Path, group: AgeGroup, level: Level) -> None:
    name = {"BGL": "subcortical", "SGL": "cortical"}[level]
    path = data / "aspects-281" / f"{name}_label_{group.stem}.nii.gz"
    labels = read_labels(path)
    image = read_scan(data / "aspects-281" / f"{name}_image_{group.stem}.nii.gz")
    assert len(image) == 1
    assert image[0].spacing == (0.5, 0.5)
    # Brain where regions are drawn: the two lie on one another.
    assert (image.data[labels.data > 0] > 0).mean() > 0.99
    np.testing.assert_array_equal(labels.affines, image.affines)
    np.testing.assert_array_equal(np.unique(labels.data), [0, *regions_of(level)])
    check_complete(path, level, labels[0])


@pytest.mark.parametrize("level", ["BGL", "SGL"])
@pytest.mark.parametrize("turn", [-25, 25])
def test_a_region_taken_from_one_side_of_real_labels_is_named(
    data: Path, level: Level, turn: float
) -> None:
    name = {"BGL": "subcortical", "SGL": "cortical"}[level]
    for group in AGE_GROUPS:
        path = data / "aspects-281" / f"{name}_label_{group.stem}.nii.gz"
        labels = read_labels(path)[0]
        left = np.arange(labels.data.shape[0])[:, np.newaxis] >= labels.data.shape[0] / 2
        for region in regions_of(level):
            for side, there in (("left", left), ("right", ~left)):
                drawn = np.where(there & (labels.data == region), 0, labels.data)
                turned = rotate(drawn, turn, order=0, reshape=False)
                says = rf"{level} lacks {region.name} on the {side};"
                with pytest.raises(InputError, match=says):
                    check_complete(path, level, Slice(turned, labels.affine))


@pytest.mark.parametrize("group", AGE_GROUPS, ids=str)
def test_a_cohort_reads_without_refusals(data: Path, group: AgeGroup) -> None:
    cohort = data / "semireal" / group.stem
    for split in ("build", "validation"):
        participants, refusals = read_participants(cohort, group, split)
        assert participants
        assert refusals == []
        for rater in ("expert", "rater1", "rater2"):
            for level, labelled in read_labelled_slices(participants[0], rater).items():
                assert set(np.unique(labelled.labels.data)) == {0, *regions_of(level)}
                brain = labelled.ct.data[labelled.labels.data > 0]
                assert 15 < np.median(brain) < 50
