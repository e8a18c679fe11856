"""People scanned for a suspected stroke: real shapes, hours, clots, old infarcts."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from atlas_builder.catalogue.mni_head import Head
from atlas_builder.catalogue.tissues import Tissue
from head_phantom.infarct.infarct import LesionMask, Territory
from head_phantom.infarct.lesion_shapes import Part, describe_lesions, part_of
from head_phantom.infarct.patients import LesionSource, draw_background, draw_stroke


@pytest.fixture(scope="module")
def head():
    """Two blocks of brain; the left one is L (2), the right one M2 (16)."""
    regions = np.zeros((40, 20, 20), np.uint8)
    regions[:15], regions[25:] = 2, 16
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = (-39.0, -20.0, -20.0)
    tissues = {Tissue.GREY: np.full(regions.shape, 255, np.uint8)}
    return Head(tissues, regions, affine, np.zeros(3))


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Forty masks a part: small ones at the midline, large ones on the left."""
    folder = tmp_path_factory.mktemp("masks")
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = (-39.0, -20.0, -20.0)
    for number in range(60):
        data = np.zeros((40, 20, 20), np.uint8)
        if number % 2:
            data[2:12, 2:18, 2:18] = 1
        else:
            data[18:22, 5:15, 5:15] = 1
        nib.save(nib.Nifti1Image(data, affine), folder / f"sub-{number}_mask.nii.gz")
    return LesionSource(folder, Part.TRAINING)


@pytest.fixture(scope="module")
def strokes(head, source):
    rng = np.random.default_rng(0)
    return [draw_stroke(head, source, rng) for _ in range(300)]


def test_half_of_the_infarcts_are_early_and_none_older_than_a_day(strokes):
    hours = np.array([infarct.hours for infarct, _ in strokes])
    assert np.mean(hours < 4.5) == pytest.approx(0.5, abs=0.1)
    assert hours.min() >= 0.5
    assert hours.max() <= 24


def test_seven_in_ten_have_a_real_shape_on_either_side(strokes):
    real = [i.place for i, _ in strokes if isinstance(i.place, LesionMask)]
    assert len(real) / len(strokes) == pytest.approx(0.7, abs=0.08)
    assert np.mean([place.affine[0, 0] < 0 for place in real]) == pytest.approx(0.5, abs=0.1)


def test_shapes_outside_the_regions_are_used_less(strokes):
    outside = [i.place.data[20, 10, 10] for i, _ in strokes if isinstance(i.place, LesionMask)]
    # As many masks lie outside as inside; one time in eight an outer one is taken.
    assert 0.04 < np.mean(outside) < 0.2


def test_clots_lie_on_the_side_of_the_infarct_and_show_in_some(strokes):
    shown = [(i, vessel) for i, vessel in strokes if vessel is not None]
    assert 0.1 < len(shown) / len(strokes) < 0.5
    for infarct, vessel in shown:
        assert 50 <= vessel.hu <= 80
        if isinstance(infarct.place, Territory):
            assert vessel.side == infarct.place.side
        else:
            assert vessel.side == ("right" if infarct.place.affine[0, 0] < 0 else "left")


def test_old_infarcts_become_more_frequent_with_age(source):
    counts = []
    for age in (40, 85):
        rng = np.random.default_rng(1)
        counts.append(sum(bool(draw_background(age, source, rng)[0]) for _ in range(300)))
    assert counts[0] < 30
    assert 50 < counts[1] < 110


def test_a_part_is_told_by_its_masks_wherever_the_folder_lies(source, tmp_path):
    described = describe_lesions(source.folder, Part.TRAINING)
    names = [file.name for file in source.folder.iterdir()]
    assert described["masks"] == sum(part_of(n.split("_")[0]) is Part.TRAINING for n in names)
    for file in source.folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    assert describe_lesions(tmp_path, Part.TRAINING) == described
    changed = next(f for f in tmp_path.iterdir() if part_of(f.name.split("_")[0]) is Part.TRAINING)
    changed.write_bytes(b"other")
    assert describe_lesions(tmp_path, Part.TRAINING)["sha256"] != described["sha256"]
