"""Planes of a volume whose BGL and SGL are known."""

from __future__ import annotations

import numpy as np
import pytest

from atlas_builder.catalogue.entries import read_atlases
from atlas_builder.core.anatomy import LEVELS, AgeGroup
from atlas_builder.core.errors import InputError
from atlas_builder.core.transform import PlaneGrid
from atlas_builder.io.nifti.images import write_volume
from atlas_builder.validation import entropy_table as module
from atlas_builder.validation.entropy_table import entropies_of, entropy_table
from atlas_builder.validation.reference_planes import PlaneSearch, find_planes
from atlas_builder.validation.reference_volume import read_volume

SPACING = (2.0, 2.0, 4.0)
SHAPE = (68, 80, 17)
AFFINE = np.diag([-2.0, -2.0, 4.0, 1.0])
BORDER_MM = 32.0
"""Below it every section of the head looks like the atlas's BGL, above it like its SGL."""


@pytest.fixture(scope="module")
def head(writing):
    """HU of a head that is widest at the border of the levels."""
    x, y = ((np.indices(SHAPE)[axis] - (SHAPE[axis] - 1) / 2) * SPACING[axis] for axis in (0, 1))
    z = np.indices(SHAPE)[2] * SPACING[2]
    narrow = np.sqrt(np.clip(1 - ((z - BORDER_MM) / 62) ** 2, 0.02, 1))
    points = np.stack([x / narrow, y / narrow])
    bgl, sgl = (writing.head_at(points, level) for level in LEVELS)
    texture = np.random.default_rng(0).normal(0, 1, SHAPE)
    hu = np.where(z < BORDER_MM, bgl, sgl)
    return np.where(hu > -900, hu + texture, hu).astype(np.float32)


@pytest.fixture(scope="module")
def file(head, tmp_path_factory):
    path = tmp_path_factory.mktemp("volumes") / "head.nii.gz"
    write_volume(path, np.rint(head + 1024).astype(np.int16), AFFINE)
    return path


@pytest.fixture(scope="module")
def volume(file):
    return read_volume(file)


def test_the_volume_is_in_hu_and_its_brain_is_found(volume, head):
    assert volume.reading == "HU + 1024"
    np.testing.assert_allclose(volume.hu, head, atol=1.01)  # stored as whole numbers
    assert volume.spacing == pytest.approx(SPACING)
    assert volume.height_mm == pytest.approx(64.0)
    areas = volume.brain.sum(axis=(0, 1)) * 4 / 100
    assert 60 < areas.max() < 85  # cm2 of an ellipse of 46 by 57 mm, less at coarse pixels
    assert volume.hu[volume.brain].max() < 60


def test_slices_from_the_head_down_are_the_same_volume(volume, tmp_path):
    stripped = np.where(volume.brain, volume.hu, 0).astype(np.int16)
    write_volume(tmp_path / "up.nii.gz", stripped, AFFINE)
    affine = np.diag([-2.0, -2.0, -4.0, 1.0])
    affine[2, 3] = 64.0
    write_volume(tmp_path / "down.nii.gz", stripped[:, :, ::-1], affine)
    up, down = (read_volume(tmp_path / f"{name}.nii.gz") for name in ("up", "down"))
    np.testing.assert_array_equal(down.hu, up.hu)
    np.testing.assert_array_equal(down.brain, up.brain)
    np.testing.assert_array_equal(up.brain, volume.brain)


def test_a_stripped_volume_with_an_offset_has_its_blended_rim_cut(volume, head, tmp_path):
    brain = volume.brain
    stripped = np.where(brain, head + 1000, 0)
    rim = brain & ~np.roll(brain, 1, axis=0)
    stripped[rim] *= 0.4  # blends into the background
    write_volume(tmp_path / "s.nii.gz", stripped.astype(np.int16), AFFINE)
    found = read_volume(tmp_path / "s.nii.gz")
    assert found.reading == "HU + 1000"
    assert (found.brain & rim).sum() < 0.2 * rim.sum()
    assert found.brain[brain & ~rim].mean() > 0.99


def test_a_cut_is_interpolated_from_brain_only(volume):
    grid = PlaneGrid((120, 140), 1.0, (-59.5, -69.5))
    cut = volume.cut_brain(30.0, 0.0, grid)
    inside = cut != 0
    assert inside.any()
    assert cut[inside].min() > -5
    assert cut[inside].max() < 60


@pytest.fixture(scope="module")
def planes(volume, atlas_folder):
    atlas = read_atlases(atlas_folder)[AgeGroup(50, 69)]
    return find_planes(volume, atlas, PlaneSearch((-8.0, 0.0, 8.0), step_mm=4.0, reach_mm=0.0))


def test_the_planes_of_the_levels_are_found(planes):
    assert planes["BGL"].height_mm < BORDER_MM <= planes["SGL"].height_mm
    for plane in planes.values():
        assert plane.fit > 0.8
        assert plane.pitch_deg == 0
        assert plane.key.image.shape == (460, 460)


def test_entropies_of_planes_say_how_they_were_chosen(
    file, volume, atlas_folder, monkeypatch, planes
):
    monkeypatch.setattr(module, "read_volume", lambda _path: volume)
    monkeypatch.setattr(module, "find_planes", lambda _volume, _atlas: planes)
    atlas = read_atlases(atlas_folder)[AgeGroup(50, 69)]
    found = entropies_of(str(file), atlas)
    assert [one.level for one in found] == ["BGL", "SGL"]
    assert all("HU + 1024; plane" in one.remark for one in found)
    table = entropy_table([*found, *entropies_of(str(atlas_folder), None)])
    assert table.columns[:3] == ("image", "BGL", "SGL")
    assert [row[0] for row in table.rows] == ["head.nii.gz", "drawn 50-69"]
    assert "head.nii.gz, BGL: HU + 1024" in table.note


def test_what_is_no_volume_of_a_head_is_refused(tmp_path):
    write_volume(tmp_path / "one.nii.gz", np.zeros((9, 9, 1), np.int16), AFFINE)
    with pytest.raises(InputError, match="holds one slice"):
        read_volume(tmp_path / "one.nii.gz")
    write_volume(tmp_path / "no.nii.gz", np.full((9, 9, 9), 32, np.int16), AFFINE)
    with pytest.raises(InputError, match=r"no\.nii\.gz: "):
        read_volume(tmp_path / "no.nii.gz")
