import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from atlas_builder.cohorts.labelled_scans import Participant, read_labelled_slices
from atlas_builder.core.anatomy import Level, Region
from atlas_builder.core.errors import InputError
from atlas_builder.io.dicom.scans import read_dicom_scan

SHAPE = (48, 40, 6)
AFFINE = np.array([[-4.0, 0, 0, 94], [0, -4.0, 0, 78], [0, 0, 5.0, 30], [0, 0, 0, 1]])


def regions(level: Level, shape: tuple[int, int] = SHAPE[:2]) -> NDArray[np.uint8]:
    """Blocks of a level's regions, the same on both sides of a gap."""
    data = np.zeros(shape, np.uint8)
    drawn = [region for region in Region if region.level == level]
    rows, middle = shape[1] // len(drawn), shape[0] // 2
    for place, region in enumerate(drawn):
        row = slice(place * rows, place * rows + max(rows - 1, 1))
        data[middle + 2 : middle + 10, row] = data[middle - 10 : middle - 2, row] = region
    return data


def label_volume(bgl: int = 1, sgl: int = 4) -> NDArray[np.uint8]:
    data = np.zeros(SHAPE, np.uint8)
    data[:, :, bgl], data[:, :, sgl] = regions("BGL"), regions("SGL")
    return data


@pytest.fixture
def participant(tmp_path: Path) -> Participant:
    folder = tmp_path / "cohort" / "sub-01"
    folder.mkdir(parents=True)
    return Participant("sub-01", 63.0, folder, None, None)


@pytest.fixture
def volume_form(made: ModuleType, participant: Participant) -> Participant:
    ct = np.rint(made.field_at(made.positions_of(AFFINE, SHAPE))).astype(np.int16)
    made.save_nifti(participant.folder / "sub-01_ct.nii.gz", ct, AFFINE)
    made.save_nifti(
        participant.folder / "sub-01_rater-expert_labels.nii.gz", label_volume(), AFFINE
    )
    return participant


@pytest.fixture
def level_form(made: ModuleType, participant: Participant) -> Participant:
    for level, place in (("BGL", 1), ("SGL", 4)):
        affine = AFFINE.copy()
        affine[2, 3] += 5 * place
        ct = np.rint(made.field_at(made.positions_of(affine, (*SHAPE[:2], 1)))).astype(np.int16)
        stem = participant.folder / f"sub-01_level-{level}"
        made.save_nifti(Path(f"{stem}_ct.nii.gz"), ct, affine)
        labels = regions(level)[..., np.newaxis]
        made.save_nifti(Path(f"{stem}_rater-expert_labels.nii.gz"), labels, affine)
    return participant


def check(made: ModuleType, read: Any, heights: dict[str, float]) -> None:
    """Values, labels and places of both key slices."""
    assert set(read) == {"BGL", "SGL"}
    for level, labelled in read.items():
        affine = labelled.ct.affine
        assert affine[2, 3] == pytest.approx(heights[level])
        expected = made.field_at(made.positions_of(affine, labelled.ct.data.shape))
        np.testing.assert_allclose(labelled.ct.data, expected, atol=0.51)
        assert labelled.ct.data.dtype == np.float32
        assert labelled.labels.data.dtype == np.uint8
        np.testing.assert_array_equal(
            labelled.labels.data, regions(level, labelled.labels.data.shape)
        )
        np.testing.assert_array_equal(labelled.labels.affine, affine)


def refused(participant: Participant, pattern: str, rater: str = "expert") -> None:
    """The participant is refused in one line that names files relative to the cohort."""
    with pytest.raises(InputError, match=pattern) as refusal:
        read_labelled_slices(participant, rater)
    message = str(refusal.value)
    assert "\n" not in message
    assert message.startswith(f"sub-01{'/'}")
    assert str(participant.folder.parent) not in message


@pytest.mark.parametrize("form", ["volume_form", "level_form"])
def test_both_forms_hold_the_same_key_slices(
    made: ModuleType, request: pytest.FixtureRequest, form: str
) -> None:
    participant = request.getfixturevalue(form)
    check(made, read_labelled_slices(participant, "expert"), {"BGL": 35.0, "SGL": 50.0})


@pytest.mark.parametrize("form", ["volume_form", "level_form"])
def test_uncompressed_files_are_read_too(
    made: ModuleType, request: pytest.FixtureRequest, form: str
) -> None:
    participant = request.getfixturevalue(form)
    for path in list(participant.folder.iterdir()):
        nib.save(nib.load(path), path.with_name(path.name.removesuffix(".gz")))
        path.unlink()
    check(made, read_labelled_slices(participant, "expert"), {"BGL": 35.0, "SGL": 50.0})


@pytest.mark.parametrize(
    "order",
    [
        [[2, 1], [0, -1], [1, 1]],  # stored sagittally
        [[0, -1], [1, 1], [2, -1]],  # mirrored, head first
        [[1, 1], [2, -1], [0, -1]],
    ],
)
@pytest.mark.parametrize("which", ["ct", "rater-expert_labels"])
def test_labels_and_scan_may_be_stored_in_different_orders(
    made: ModuleType, volume_form: Participant, order: Any, which: str
) -> None:
    path = volume_form.folder / f"sub-01_{which}.nii.gz"
    image = nib.load(path)
    nib.save(image.as_reoriented(np.array(order)), path)
    check(made, read_labelled_slices(volume_form, "expert"), {"BGL": 35.0, "SGL": 50.0})


def relabel(participant: Participant, change: Callable[[NDArray[Any]], Any]) -> None:
    """Change the stored values of the 3-D labels."""
    path = participant.folder / "sub-01_rater-expert_labels.nii.gz"
    image = nib.load(path)
    data = np.asarray(image.dataobj).copy()
    change(data)
    nib.save(nib.Nifti1Image(data, image.affine, dtype=data.dtype), path)


def _right_m2_gone(data: NDArray[Any]) -> None:
    data[: SHAPE[0] // 2][data[: SHAPE[0] // 2] == Region.M2] = 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d.__setitem__((3, 3, 1), 11), "holds the value 11 .*from 0 to 10"),
        (lambda d: d.__setitem__((slice(None), slice(None), 4), 0), "no slice carries SGL labels"),
        (lambda d: d.fill(0), "no slice carries BGL labels"),
        (lambda d: d.__setitem__((3, 3, 1), 9), "slice 1 carries regions of both levels"),
        (lambda d: d.__setitem__((20, 3, 4), 3), "slice 4 carries regions of both levels"),
        (lambda d: d.__setitem__((3, 3, 2), 6), "BGL labels on 2 slices .1 to 2.; keep"),
        (_right_m2_gone, "BGL lacks M2 on the right; draw"),
        (lambda d: d.__setitem__(d == 10, 0), "SGL lacks M6 on the left and the right; draw"),
        (lambda d: d.__setitem__(slice(None), d[:, :, ::-1].copy()), "SGL slice lies below"),
    ],
)
def test_labels_that_are_wrong_are_refused(
    volume_form: Participant, change: Any, says: str
) -> None:
    relabel(volume_form, change)
    refused(volume_form, f"^sub-01/sub-01_rater-expert_labels.nii.gz: .*{says}")


@pytest.mark.parametrize(
    ("shift", "crop", "says"),
    [
        ((0.0, 0.5, 0.0), (0, 0), "up to 0.5 mm away"),
        ((0.0, 0.0, 5.0), (0, 0), "up to 5 mm away"),
        ((0.0, 0.0, 0.0), (1, 0), r"\(47, 40\) columns and rows, the scan \(48, 40\)"),
        ((0.0, 0.0, 0.0), (0, 1), "5 slices, the scan 6"),
    ],
)
def test_labels_on_another_grid_are_refused(
    made: ModuleType,
    volume_form: Participant,
    shift: Any,
    crop: tuple[int, int],
    says: str,
) -> None:
    affine = AFFINE.copy()
    affine[:3, 3] += shift
    labels = label_volume()[: SHAPE[0] - crop[0], :, : SHAPE[2] - crop[1]]
    path = volume_form.folder / "sub-01_rater-expert_labels.nii.gz"
    made.save_nifti(path, labels, affine)
    refused(volume_form, f"rater-expert_labels.nii.gz: on another grid than the scan .*{says}")


def _halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("form", ["volume_form", "level_form"])
@pytest.mark.parametrize("which", ["ct", "rater-expert_labels"])
@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (Path.unlink, "no such file"),
        (lambda path: path.write_bytes(b""), "empty"),
        (lambda path: path.write_text("text" * 99), "not a NIfTI image"),
        (_halve, ".*damaged or truncated"),
        (lambda path: path.unlink() or path.mkdir(), "a folder"),
        (lambda path: shutil.copy(path, str(path)[:-3]), r"there is .*\.nii too"),
    ],
)
def test_files_missing_damaged_or_twice_there_are_refused(
    request: pytest.FixtureRequest, form: str, which: str, harm: Any, says: str
) -> None:
    participant = request.getfixturevalue(form)
    name = f"sub-01_{'level-SGL_' if form == 'level_form' else ''}{which}.nii.gz"
    harm(participant.folder / name)
    refused(participant, f"^sub-01/{name}: {says}")


def test_another_rater_has_labels_of_their_own(volume_form: Participant) -> None:
    refused(volume_form, "sub-01_rater-rater1_labels.nii.gz: no such file", rater="rater1")
    with pytest.raises(InputError, match=r"rater '\.\./x': cannot be part of a file name"):
        read_labelled_slices(volume_form, "../x")


def test_a_level_in_the_other_levels_file_is_refused(level_form: Participant) -> None:
    bgl, sgl = (
        level_form.folder / f"sub-01_level-{level}_rater-expert_labels.nii.gz"
        for level in ("BGL", "SGL")
    )
    shutil.copy(sgl, bgl)
    refused(level_form, "level-BGL_rater-expert_labels.nii.gz: carries SGL regions; draw those")


def test_a_level_without_labels_or_of_several_slices_is_refused(
    made: ModuleType, level_form: Participant
) -> None:
    path = level_form.folder / "sub-01_level-BGL_rater-expert_labels.nii.gz"
    made.save_nifti(path, np.zeros((*SHAPE[:2], 1), np.uint8), AFFINE)
    refused(level_form, "its slice carries no label")
    made.save_nifti(path, label_volume(), AFFINE)
    refused(level_form, "level-BGL_rater-expert_labels.nii.gz: holds 6 slices; keep the BGL slice")


def test_a_levels_labels_on_another_grid_are_refused(
    made: ModuleType, level_form: Participant
) -> None:
    path = level_form.folder / "sub-01_level-BGL_rater-expert_labels.nii.gz"
    made.save_nifti(path, regions("BGL")[..., np.newaxis], AFFINE)  # 5 mm too low
    refused(level_form, "on another grid than the scan .up to 5 mm away")


def test_two_forms_or_two_scans_at_once_are_refused(volume_form: Participant) -> None:
    folder = volume_form.folder
    (folder / "dicom").mkdir()
    refused(volume_form, "sub-01_ct.nii.gz: there is dicom/ too; keep one")
    (folder / "dicom").rmdir()
    shutil.copy(
        folder / "sub-01_rater-expert_labels.nii.gz",
        folder / "sub-01_level-BGL_rater-expert_labels.nii.gz",
    )
    refused(volume_form, "labels per level of the same rater too; keep one form")


class Head:
    """DICOM slices large enough for drawn regions, unevenly spaced under a tilted gantry."""

    heights = (0.0, 4.0, 8.0, 12.0, 19.0, 26.0)

    def __init__(self, made: ModuleType, tilt: float) -> None:
        self.geometry = made.Geometry(tilt)
        self.geometry.columns, self.geometry.rows = SHAPE[0], SHAPE[1]
        self.geometry.column_spacing = self.geometry.row_spacing = 4.0

    def write(self, made: ModuleType, folder: Path, heights: tuple[float, ...]) -> Any:
        for place, height in enumerate(heights):
            dataset = made.ct_slice(self.geometry, height)
            made.save_dicom(dataset, folder / f"{len(heights) - place}.dcm")
        return read_dicom_scan(folder)


@pytest.mark.parametrize("tilt", [0.0, 18.5])
@pytest.mark.parametrize("mirrored", [False, True])
def test_labels_drawn_on_a_dicom_scan(
    made: ModuleType, participant: Participant, tilt: float, mirrored: bool
) -> None:
    even = tuple(5.0 * k for k in range(6))
    scan = Head(made, tilt).write(made, participant.folder / "dicom", even)
    stack = scan.affines[0].copy()
    stack[:3, 2] = scan.affines[1, :3, 3] - scan.affines[0, :3, 3]
    path = made.save_nifti(
        participant.folder / "sub-01_rater-expert_labels.nii.gz", label_volume(), stack
    )
    if mirrored:
        nib.save(nib.load(path).as_reoriented(np.array([[1, 1], [0, -1], [2, -1]])), path)
    heights = scan.affines[:, 2, 3]
    check(made, read_labelled_slices(participant, "expert"), {"BGL": heights[1], "SGL": heights[4]})


@pytest.mark.parametrize(("sgl", "accepted"), [(3, True), (4, True), (5, False)])
def test_labels_of_an_uneven_dicom_scan_are_taken_as_far_as_positions_can_tell(
    made: ModuleType, participant: Participant, sgl: int, accepted: bool
) -> None:
    scan = Head(made, 18.5).write(made, participant.folder / "dicom", Head.heights)
    stack = scan.affines[0].copy()  # every step as the first one, as converters write it
    stack[:3, 2] = scan.affines[1, :3, 3] - scan.affines[0, :3, 3]
    path = participant.folder / "sub-01_rater-expert_labels.nii.gz"
    made.save_nifti(path, label_volume(1, sgl), stack)
    if accepted:
        heights = scan.affines[:, 2, 3]
        read = read_labelled_slices(participant, "expert")
        check(made, read, {"BGL": heights[1], "SGL": heights[sgl]})
    else:
        refused(participant, "slice 5 lies 6 mm .* uneven spacing .*level-BGL, level-SGL")


def test_a_damaged_dicom_scan_is_refused_by_file(
    made: ModuleType, participant: Participant
) -> None:
    Head(made, 0.0).write(made, participant.folder / "dicom", Head.heights)
    path = participant.folder / "sub-01_rater-expert_labels.nii.gz"
    made.save_nifti(path, label_volume(), AFFINE)
    _halve(participant.folder / "dicom" / "3.dcm")
    refused(participant, "^sub-01/dicom/3.dcm: damaged or truncated")
