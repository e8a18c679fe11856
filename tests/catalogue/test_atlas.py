"""Atlas folders, as other software sees them and as they are read back."""

from __future__ import annotations

import gzip
import hashlib
import json

import ants
import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from atlas_builder.catalogue.atlas import (
    METADATA,
    AtlasLevel,
    image_name,
    read_atlas,
    read_metadata,
    write_level,
    write_metadata,
)
from atlas_builder.core.anatomy import LEVELS, AgeGroup, regions_of
from atlas_builder.core.errors import InputError
from atlas_builder.preprocessing.key_slice import KEY_SLICE_SHAPE, key_slice_affine, key_slice_grid

GROUP = AgeGroup(50, 69)
SPOT = (21.25, 40.25)
"""A pixel in mm to the patient's left and to the back, from the middle of the brain."""


def content_of(level):
    x, y = key_slice_grid().points()
    rng = np.random.default_rng(LEVELS.index(level))
    brain = np.hypot(x / 60, y / 75) < 1
    image = np.where(brain, rng.uniform(1, 79, x.shape), 0).astype(np.float32)
    image[spot_index()] = 80
    labels = np.zeros(x.shape, np.uint8)
    votes = np.zeros((len(regions_of(level)), *x.shape), np.float32)
    for place, region in enumerate(regions_of(level)):
        block = (np.abs(np.abs(x) - 20) < 10) & (np.abs(y + 40 - 12 * place) < 5)
        labels[block] = region
        votes[place] = np.where(block, rng.uniform(0.5, 1, x.shape), 0)
    return AtlasLevel(image, labels, key_slice_affine(), votes)


def spot_index():
    return tuple(int(i) for i in key_slice_grid().indices_of(np.array(SPOT)))


@pytest.fixture
def folder(tmp_path):
    files = []
    for level in LEVELS:
        files += write_level(tmp_path, level, GROUP, content_of(level))
    write_metadata(tmp_path, {"age_group": str(GROUP), "simulated": False}, files)
    return tmp_path


def test_files_have_the_promised_names_and_types(folder):
    names = {path.name for path in folder.iterdir()}
    assert names == {METADATA} | {
        f"{level}_{kind}_50_69.nii.gz" for level in LEVELS for kind in ("image", "label", "probseg")
    }
    for kind, dtype in (("image", np.int16), ("label", np.uint8), ("probseg", np.float32)):
        header = nib.load(folder / image_name("BGL", kind, GROUP)).header
        assert header.get_data_dtype() == dtype
        assert header.get_zooms()[:3] == (0.5, 0.5, 1.0)
        assert header.get_xyzt_units()[0] == "mm"


def test_an_atlas_is_read_as_it_was_written(folder):
    atlas = read_atlas(folder)
    assert atlas.age_group == GROUP
    assert set(atlas.levels) == set(LEVELS)
    for level in LEVELS:
        written = content_of(level)
        found = atlas.levels[level]
        np.testing.assert_array_equal(found.image, np.rint(written.image))
        np.testing.assert_array_equal(found.labels, written.labels)
        np.testing.assert_allclose(found.affine, written.affine)
        assert found.image.dtype == np.float32
        assert found.labels.dtype == np.uint8
        np.testing.assert_array_equal(found.probabilities, written.probabilities)
        assert found.probabilities.dtype == np.float32


def test_probabilities_are_stacked_in_label_order(folder):
    for level in LEVELS:
        votes = content_of(level).probabilities
        data = nib.load(folder / image_name(level, "probseg", GROUP)).get_fdata()
        assert data.shape == (*KEY_SLICE_SHAPE, 1, len(regions_of(level)))
        np.testing.assert_array_equal(np.moveaxis(data[:, :, 0], -1, 0), votes)


@pytest.mark.parametrize("kind", ["image", "label", "probseg"])
def test_nibabel_finds_the_spot_on_the_patients_left(folder, kind):
    image = nib.load(folder / image_name("BGL", kind, GROUP))
    ras = nib.affines.apply_affine(image.affine, [*spot_index(), 0])
    np.testing.assert_allclose(ras[:2], [-SPOT[0], -SPOT[1]], atol=1e-5)
    np.testing.assert_allclose(image.get_qform(), image.get_sform(), atol=1e-5)
    assert nib.aff2axcodes(image.affine)[:2] == ("L", "P")


@pytest.mark.parametrize("kind", ["image", "label"])
def test_simpleitk_and_ants_find_it_there_too(folder, kind):
    """Both speak LPS: +x is the patient's left, and 0 the midline."""
    path = str(folder / image_name("BGL", kind, GROUP))
    itk = sitk.ReadImage(path)
    i, j = spot_index()
    np.testing.assert_allclose(itk.TransformIndexToPhysicalPoint((i, j, 0))[:2], SPOT, atol=1e-5)
    middle = itk.TransformContinuousIndexToPhysicalPoint((229.5, 229.5, 0))
    np.testing.assert_allclose(middle[:2], [0, 0], atol=1e-5)

    image = ants.image_read(path)
    point = ants.transform_index_to_physical_point(image, [i, j, 0])
    np.testing.assert_allclose(point[:2], SPOT, atol=1e-5)

    expected = content_of("BGL")
    value = (expected.image if kind == "image" else expected.labels)[i, j]
    assert itk.GetPixel(i, j, 0) == value
    assert image.numpy()[i, j, 0] == value


def test_labels_lie_on_both_sides_of_x_0(folder):
    labels = sitk.ReadImage(str(folder / image_name("SGL", "label", GROUP)))
    shape = sitk.LabelShapeStatisticsImageFilter()
    shape.Execute(sitk.Cast(labels, sitk.sitkUInt8))
    for label in shape.GetLabels():
        assert abs(shape.GetCentroid(label)[0]) < 1e-3


def test_the_same_atlas_is_the_same_bytes(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    for level in LEVELS:
        for path in write_level(other, level, GROUP, content_of(level)):
            assert path.read_bytes() == (folder / path.name).read_bytes()


def test_metadata_carries_checksums_of_every_file(folder):
    metadata = read_metadata(folder)
    assert metadata is not None
    assert metadata["age_group"] == "50-69"
    assert len(metadata["sha256"]) == 6
    for name, checksum in metadata["sha256"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == checksum


def test_metadata_names_files_of_folders_by_their_path(tmp_path):
    (tmp_path / "figures").mkdir()
    picture = tmp_path / "figures" / "a.png"
    picture.write_bytes(b"picture")
    write_metadata(tmp_path, {}, [picture])
    assert json.loads((tmp_path / METADATA).read_text())["sha256"] == {
        "figures/a.png": hashlib.sha256(b"picture").hexdigest()
    }


def test_a_folder_that_is_no_atlas_has_no_metadata(tmp_path):
    assert read_metadata(tmp_path) is None
    with pytest.raises(InputError, match=r"no atlas.json in it; give the folder of a finished"):
        read_atlas(tmp_path)


def truncate(path):
    path.write_bytes(path.read_bytes()[:-200])


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


def not_an_image(path):
    path.write_bytes(gzip.compress(b"hello " * 400))


def other_shape(path):
    image = nib.load(path)
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj)[:-2], image.affine), path)


@pytest.mark.parametrize("kind", ["image", "label", "probseg"])
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    "damage", [lambda path: path.unlink(), truncate, flip, not_an_image, other_shape]
)
def test_a_missing_or_damaged_file_is_refused_in_one_line(folder, level, kind, damage):
    damage(folder / image_name(level, kind, GROUP))
    with pytest.raises(InputError) as refused:
        read_atlas(folder)
    assert str(folder) in str(refused.value)
    assert level in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '"atlas"', "\x00\x01"])
def test_damaged_metadata_is_refused_in_one_line(folder, text):
    (folder / METADATA).write_text(text)
    with pytest.raises(InputError, match=r"atlas\.json: .*; build again$") as refused:
        read_atlas(folder)
    assert "\n" not in str(refused.value)


def test_metadata_without_an_age_group_is_refused(folder):
    (folder / METADATA).write_text('{"simulated": false}')
    with pytest.raises(InputError) as refused:
        read_atlas(folder)
    assert METADATA in str(refused.value)


def rewrite_checksums(folder):
    metadata = json.loads((folder / METADATA).read_text())
    write_metadata(folder, metadata, [folder / name for name in metadata["sha256"]])


def test_labels_that_are_no_regions_are_refused(folder):
    path = folder / image_name("BGL", "label", GROUP)
    image = nib.load(path)
    data = np.asarray(image.dataobj).copy()
    data[data == 3] = 13
    nib.save(nib.Nifti1Image(data, image.affine), path)
    with pytest.raises(InputError, match=r"BGL_label_50_69.nii.gz: not the file its atlas was"):
        read_atlas(folder)
    rewrite_checksums(folder)
    with pytest.raises(InputError, match=r"BGL_label_50_69.nii.gz: holds the value 13"):
        read_atlas(folder)


@pytest.mark.parametrize("kind", ["image", "label", "probseg"])
def test_files_that_do_not_match_each_other_are_refused(folder, kind):
    other_shape(folder / image_name("SGL", kind, GROUP))
    rewrite_checksums(folder)
    with pytest.raises(InputError, match="the SGL image and labels do not match"):
        read_atlas(folder)


def test_one_changed_voxel_is_noticed(folder):
    path = folder / image_name("SGL", "image", GROUP)
    image = nib.load(path)
    data = np.asarray(image.dataobj).copy()
    data[230, 230, 0] += 1
    nib.save(nib.Nifti1Image(data, image.affine), path)
    with pytest.raises(InputError, match=r"SGL_image_50_69.nii.gz: .*copy the atlas folder again"):
        read_atlas(folder)


def test_an_atlas_without_probabilities_is_read(folder):
    files = [path for path in folder.glob("*.nii.gz") if "probseg" not in path.name]
    write_metadata(folder, {"age_group": str(GROUP)}, files)
    assert read_atlas(folder).levels["BGL"].probabilities is None


def test_an_atlas_without_checksums_is_refused(folder):
    (folder / METADATA).write_text('{"age_group": "50-69"}')
    with pytest.raises(InputError, match=r"atlas.json: lists no checksums; build again"):
        read_atlas(folder)


def test_an_atlas_says_what_it_is(folder):
    atlas = read_atlas(folder)
    assert (atlas.name, atlas.simulated) == (folder.name, False)
    digest = hashlib.sha256((folder / METADATA).read_bytes()).hexdigest()
    assert atlas.provenance == {"sha256": digest}
    said = {"name": "made-up", "simulated": True, "licence": "MIT", "age_group": "50-69"}
    write_metadata(folder, said, list(folder.glob("*.nii.gz")))
    atlas = read_atlas(folder)
    assert (atlas.name, atlas.simulated) == ("made-up", True)
    assert atlas.provenance["licence"] == "MIT"
