"""Whose lesion mask a file is, in folders as strangers have them."""

from __future__ import annotations

import pytest

from aspects_scorer.severity.lesion_files import find_lesions
from atlas_builder.core.errors import InputError


def fill(folder, *names: str):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def found_names(folder, participants=(), pattern=None):
    files, refusals = find_lesions(folder, participants, pattern)
    names = {name: path.relative_to(folder).as_posix() for name, path in files.items()}
    return names, {refusal.participant_id: refusal.reason for refusal in refusals}


def test_bids_names_in_one_folder(tmp_path):
    names = [f"sub-{n}_space-MNI152_lesion_mask.nii.gz" for n in (10, 2, 100, 1)]
    files, refusals = found_names(fill(tmp_path, *names), ["sub-2", "sub-7"])
    # The table's first, then by number; sub-7 has none.
    assert list(files) == ["sub-2", "sub-1", "sub-10", "sub-100"]
    assert files["sub-10"] == names[0]
    assert not refusals


def test_folders_of_participants(tmp_path):
    fill(
        tmp_path,
        "sub-A1/anat/lesion.nii.gz",
        "derivatives/sub-B2/ses-1/sub-B2_ses-1_msk.nii.gz",
        "C3/mask.nii",
    )
    files, refusals = found_names(tmp_path, ["sub-C3"])
    assert files == {
        "sub-C3": "C3/mask.nii",
        "sub-A1": "sub-A1/anat/lesion.nii.gz",
        "sub-B2": "derivatives/sub-B2/ses-1/sub-B2_ses-1_msk.nii.gz",
    }
    assert not refusals


def test_a_number_is_not_part_of_a_longer_one(tmp_path):
    fill(tmp_path, "patient1_lesion.nii.gz", "case-12_lesion.nii.gz", "1.nii.gz")
    files, refusals = found_names(tmp_path, ["sub-1", "sub-12"])
    assert files == {"sub-1": "1.nii.gz", "sub-12": "case-12_lesion.nii.gz"}
    assert list(refusals) == ["patient1_lesion.nii.gz"]
    assert refusals["patient1_lesion.nii.gz"].startswith("belongs to nobody")


def test_the_longer_of_nested_identifiers(tmp_path):
    fill(tmp_path, "P-1_mask.nii.gz", "P-1-2_mask.nii.gz")
    files, _ = found_names(tmp_path, ["sub-P-1", "sub-P-1-2"])
    assert files == {"sub-P-1": "P-1_mask.nii.gz", "sub-P-1-2": "P-1-2_mask.nii.gz"}


def test_a_file_of_two_participants_is_refused(tmp_path):
    fill(tmp_path, "3_and_4.nii.gz", "3.nii.gz", "4.nii.gz")
    files, refusals = found_names(tmp_path, ["sub-3", "sub-4"])
    assert list(files) == ["sub-3", "sub-4"]
    assert refusals["3_and_4.nii.gz"].startswith("belongs to sub-3 and sub-4")


@pytest.mark.parametrize(
    ("lesion", "others"),
    [
        ("sub-1_desc-lesion_mask.nii.gz", ["sub-1_dwi.nii.gz", "sub-1_desc-brain_mask.nii.gz"]),
        ("sub-1_msk.nii.gz", ["sub-1_dwi.nii.gz", "sub-1_adc.nii.gz"]),
        ("sub-1_label-infarct_seg.nii.gz", ["sub-1_score_mask.nii.gz", "sub-1_t1.nii"]),
        ("sub-1_brainlesion.nii.gz", ["sub-1_mask.nii.gz"]),
        ("sub-1.nii.gz", ["sub-1_brain.nii.gz"]),
    ],
)
def test_the_lesion_among_a_participants_files(tmp_path, lesion, others):
    files, refusals = found_names(fill(tmp_path, lesion, *others))
    assert files == {"sub-1": lesion}
    assert not refusals


def test_a_brain_mask_is_nobodys_lesion(tmp_path):
    files, refusals = found_names(fill(tmp_path, "sub-1_desc-brain_mask.nii.gz"), ["sub-1"])
    assert files == refusals == {}


def test_several_masks_are_refused_by_name_until_one_is_chosen(tmp_path):
    fill(
        tmp_path,
        "sub-1_space-MNI152_lesion.nii.gz",
        "sub-1_space-orig_lesion.nii.gz",
        "sub-2_space-MNI152_lesion.nii.gz",
    )
    files, refusals = found_names(tmp_path)
    assert list(files) == ["sub-2"]
    assert "sub-1_space-MNI152_lesion.nii.gz, sub-1_space-orig_lesion.nii.gz" in refusals["sub-1"]
    files, refusals = found_names(tmp_path, pattern="*space-MNI152*")
    assert list(files) == ["sub-1", "sub-2"]
    assert not refusals


def test_hidden_and_other_files_are_passed_over(tmp_path):
    fill(tmp_path, "sub-1_mask.nii.gz", "._sub-1_mask.nii.gz", ".git/sub-2.nii", "sub-3.json")
    assert found_names(tmp_path)[0] == {"sub-1": "sub-1_mask.nii.gz"}


def test_what_cannot_be_searched_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        find_lesions(tmp_path / "none", [])
    with pytest.raises(InputError, match="no NIfTI file"):
        find_lesions(tmp_path, [])
    with pytest.raises(InputError, match=r"matches --lesion-pattern \*x\*"):
        find_lesions(fill(tmp_path, "sub-1.nii"), [], "*x*")
