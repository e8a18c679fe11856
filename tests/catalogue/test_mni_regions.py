from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from atlas_builder.catalogue import mni_regions as mni_atlas
from atlas_builder.catalogue.mni_regions import (
    BGL_POINT,
    LABELS_FILE,
    TABLE_FILE,
    MniAspects,
    load_mni_aspects,
    lookup_table,
    save_mni_aspects,
)
from atlas_builder.core.anatomy import SIDES, Region, map_value, regions_of
from atlas_builder.core.errors import InputError
from atlas_builder.reporting.base.colours import REGION_COLOURS

NONE = 0


@pytest.fixture(scope="module")
def atlas() -> MniAspects:
    return load_mni_aspects()


def value_at(atlas: MniAspects, x: float, y: float, z: float) -> int:
    voxel = np.linalg.inv(atlas.affine) @ [x, y, z, 1]
    return int(atlas.labels[tuple(np.rint(voxel[:3]).astype(int))])


def test_grid_is_that_of_the_average_brain(atlas: MniAspects) -> None:
    assert atlas.labels.shape == (197, 233, 189)
    expected = np.eye(4)
    expected[:3, 3] = -98, -134, -72
    np.testing.assert_array_equal(atlas.affine, expected)


def test_right_side_mirrors_the_left(atlas: MniAspects) -> None:
    swapped = np.zeros_like(atlas.labels)
    for region in Region:
        swapped[atlas.labels == map_value(region, "left")] = map_value(region, "right")
        swapped[atlas.labels == map_value(region, "right")] = map_value(region, "left")
    np.testing.assert_array_equal(atlas.labels[::-1], swapped)


def test_left_is_where_x_is_negative(atlas: MniAspects) -> None:
    for side, sign in (("left", -1), ("right", 1)):
        values = [map_value(region, side) for region in Region]
        x = np.argwhere(np.isin(atlas.labels, values))[:, 0] + atlas.affine[0, 3]
        assert (sign * x > 0).all()


@pytest.mark.parametrize("region", Region)
def test_every_region_is_one_piece_without_holes(atlas: MniAspects, region: Region) -> None:
    mask = atlas.labels == map_value(region, "left")
    assert mask.any()
    assert ndimage.label(mask)[1] == 1
    assert not (ndimage.binary_fill_holes(mask) & ~mask).any()


@pytest.mark.parametrize("region", Region)
def test_borders_are_smooth(atlas: MniAspects, region: Region) -> None:
    mask = atlas.labels == map_value(region, "left")
    (box,) = ndimage.find_objects(mask.astype(np.uint8))
    mask = np.pad(mask[box], 4)
    smooth = ndimage.gaussian_filter(mask.astype(np.float32), 1.0) > 0.5
    moved = np.count_nonzero(mask != smooth)
    surface = np.count_nonzero(mask & ~ndimage.binary_erosion(mask))
    assert moved < 0.35 * surface


@pytest.mark.parametrize(
    ("x", "y", "z", "expected"),
    [
        # Centres of structures and peaks as papers report them in MNI space.
        (12, 14, 8, Region.C),
        (14, 2, 16, Region.C),
        (25, 6, 2, Region.L),
        (29, -6, 4, Region.L),
        (20, -4, 0, Region.L),
        (18, 12, 6, Region.IC),
        (14, 2, 8, Region.IC),
        (22, -12, 8, Region.IC),
        (38, 6, 2, Region.I),
        (36, 16, 0, Region.I),
        (38, -12, 6, Region.I),
        (46, 32, 8, Region.M1),  # pars triangularis
        (50, -16, 6, Region.M2),  # Heschl's gyrus
        (56, -10, -12, Region.M2),  # middle temporal gyrus
        (42, 10, -26, Region.M2),  # temporal pole
        (48, -66, 4, Region.M3),  # middle temporal visual area
        (40, 34, 28, Region.M4),  # dorsolateral prefrontal cortex
        (38, -22, 56, Region.M5),  # hand area
        (54, -26, 22, Region.M5),  # parietal operculum
        (46, -60, 30, Region.M6),  # angular gyrus
        (12, -18, 8, NONE),  # thalamus
        (4, 18, 10, NONE),  # frontal horn of the lateral ventricle
        (26, -20, -16, NONE),  # hippocampus
        (22, -4, -18, NONE),  # amygdala
        (26, -44, 12, NONE),  # atrium of the lateral ventricle
        (26, -20, 28, NONE),  # deep white matter
        (12, -80, 6, NONE),  # calcarine cortex
        (6, 0, 62, NONE),  # supplementary motor area
        (4, 36, 16, NONE),  # anterior cingulate cortex
        (12, -22, 66, NONE),  # leg area
        (34, -54, -18, NONE),  # fusiform gyrus
        (30, -62, -30, NONE),  # cerebellum
    ],
)
def test_published_coordinates_lie_in_their_region(
    atlas: MniAspects, x: float, y: float, z: float, expected: int
) -> None:
    for side, sign in zip(SIDES, (-1, 1), strict=True):
        value = map_value(Region(expected), side) if expected else NONE
        assert value_at(atlas, sign * x, y, z) == value


def test_axial_slices_carry_the_regions_of_their_level(atlas: MniAspects) -> None:
    bgl = round(BGL_POINT[2] - atlas.affine[2, 3])
    below, above = (
        set(np.unique(np.where(atlas.labels > 10, atlas.labels - 10, atlas.labels)[:, :, k])) - {0}
        for k in (bgl, bgl + 20)
    )
    assert below == set(regions_of("BGL"))
    # The body of the caudate reaches the supraganglionic level.
    assert above == {*regions_of("SGL"), Region.C}


def test_lookup_table_describes_the_labels(atlas: MniAspects) -> None:
    assert [row.value for row in atlas.table] == list(range(1, 21))
    assert atlas.table == lookup_table(atlas.labels, REGION_COLOURS)
    counts = np.bincount(atlas.labels.ravel())
    for row in atlas.table:
        assert row.value == map_value(row.region, row.side)
        assert row.volume_ml == pytest.approx(counts[row.value] / 1000)
        assert row.side in row.name
        assert row.region.full_name in row.name


def test_saving_repeats_the_files_that_ship(
    atlas: MniAspects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mni_atlas, "LABELS_FILE", tmp_path / LABELS_FILE.name)
    monkeypatch.setattr(mni_atlas, "TABLE_FILE", tmp_path / TABLE_FILE.name)
    save_mni_aspects(atlas)
    for shipped in (LABELS_FILE, TABLE_FILE):
        assert (tmp_path / shipped.name).read_bytes() == shipped.read_bytes()


@pytest.mark.parametrize("damage", ["missing", "cut short", "other bytes"])
def test_incomplete_installation_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    path = tmp_path / "labels.nii.gz"
    if damage == "cut short":
        path.write_bytes(LABELS_FILE.read_bytes()[:5000])
    elif damage == "other bytes":
        path.write_bytes(b"not an image")
    monkeypatch.setattr(mni_atlas, "LABELS_FILE", path)
    with pytest.raises(InputError, match="install aspects-atlas again"):
        load_mni_aspects()


def test_notice_of_the_maps_goes_with_the_atlas() -> None:
    readme = (LABELS_FILE.parent / "README.md").read_text("utf-8")
    assert "Louis Collins, McConnell Brain Imaging Centre" in readme
    assert "provided that the above copyright notice appear in all copies" in " ".join(
        readme.replace(">", " ").split()
    )
