"""A diffusion image of known pose is brought to MNI space; doubts about its sides are voiced."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from aspects_scorer.dwi.involvement import score_regions
from aspects_scorer.dwi.mni_brain import mni_brain
from aspects_scorer.dwi.placement import placement_remarks
from aspects_scorer.dwi.scored_lesion import standard_atlas
from aspects_scorer.dwi.template_space import image_to_template, register_to_template, to_template
from atlas_builder.core.anatomy import Region, map_value
from atlas_builder.core.lesion import Lesion
from atlas_builder.core.volume import Volume
from atlas_builder.registration.volumes import SpaceTransform

pytestmark = pytest.mark.slow

SHAPE = (62, 74, 26)


def pose():
    """MNI space to a patient's: smaller, pitched and turned, and elsewhere."""
    pitch, yaw = np.deg2rad((12.0, -7.0))
    turn_x = np.array(
        [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
    )
    turn_z = np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
    true = np.eye(4)
    true[:3, :3] = turn_z @ turn_x @ np.diag([0.9, 0.93, 0.88])
    true[:3, 3] = (6, 24, -15)
    return true


@pytest.fixture(scope="module")
def scan():
    """A b 1000 image in radiological storage with an infarct of the left L and M2, and its mask."""
    true = pose()
    affine = np.diag([-3.0, 3, 5, 1])
    affine[:3, 3] = true[:3, :3] @ (0, -17, 5) + true[:3, 3] - affine[:3, :3] @ np.array(SHAPE) / 2

    def sampled(data, own, order):
        to_voxel = np.linalg.inv(own) @ np.linalg.inv(true) @ affine
        return ndimage.affine_transform(
            data, to_voxel[:3, :3], to_voxel[:3, 3], SHAPE, np.float32, order=order
        )

    atlas, brain = standard_atlas(), mni_brain()
    values = [map_value(region, "left") for region in (Region.L, Region.M2)]
    mask = sampled(np.isin(atlas.labels, values).astype(np.uint8), atlas.affine, 0) > 0
    data = sampled(brain.mixed(0.44, 0.40, 0.14), brain.affine, 1)
    data[mask] *= 1.8
    noise = np.random.default_rng(2).normal(0, 0.01, SHAPE).astype(np.float32)
    inside = sampled(brain.mask.astype(np.uint8), brain.affine, 0) > 0
    return Volume(np.abs(data + noise), affine), inside, mask


@pytest.fixture(scope="module")
def transform(scan):
    return register_to_template(*scan)


def codes(image, brain, mask, transform):
    lesion = Lesion(mask, image.affine)
    return [remark.code for remark in placement_remarks(image, brain, lesion, transform)]


def test_points_of_the_brain_arrive_within_two_millimetres(transform):
    brain = mni_brain()
    voxels = np.argwhere(brain.mask)[::5000].T
    points = brain.affine[:3, :3] @ voxels + brain.affine[:3, 3:]
    true = pose()
    off = transform.to_participant(points) - (true[:3, :3] @ points + true[:3, 3:])
    assert np.linalg.norm(off, axis=0).mean() < 1.5
    assert np.linalg.norm(off, axis=0).max() < 4


def test_the_lesion_scores_in_mni_space_and_keeps_its_volume(scan, transform):
    image, _, mask = scan
    drawn = Lesion(mask, image.affine)
    lesion = to_template(drawn, transform)
    true = Lesion(mask, np.linalg.inv(pose()) @ image.affine)
    found, exact = (score_regions(placed, standard_atlas()) for placed in (lesion, true))
    for ours, theirs in zip(found.regions, exact.regions, strict=True):
        assert ours.fraction == pytest.approx(theirs.fraction, abs=0.08)
    assert sum(region.fraction for region in found.of("right")) == 0
    np.testing.assert_array_equal(lesion.mask, drawn.mask)
    shown = image_to_template(image, transform)
    np.testing.assert_allclose(shown.affine, lesion.affine)


def test_a_good_placement_is_not_doubted(scan, transform):
    assert codes(*scan, transform) == []


def test_a_mask_on_the_wrong_side_is_doubted(scan, transform):
    image, brain, mask = scan
    across = transform.affine @ np.diag([-1.0, 1, 1, 1]) @ np.linalg.inv(transform.affine)
    to_voxel = np.linalg.inv(image.affine) @ across @ image.affine
    mirrored = ndimage.affine_transform(
        mask.astype(np.uint8), to_voxel[:3, :3], to_voxel[:3, 3], order=0
    )
    assert codes(image, brain, mirrored > 0, transform) == ["side-doubtful"]


def test_an_image_upside_down_is_doubted(scan, transform):
    image, brain, mask = scan
    turned = codes(image, np.flip(brain, 2), mask, transform)
    assert "orientation-doubtful" in turned


def test_a_placement_far_off_is_doubted(scan, transform):
    off = transform.affine.copy()
    off[0, 3] += 25
    assert "poor-fit" in codes(*scan, SpaceTransform(off, None, transform.grid))


def test_a_displacement_comes_before_the_affine(transform):
    field = np.zeros((3, 5, 5, 5), np.float32)
    field[1] = 2.0
    moved = SpaceTransform(transform.affine, field, np.diag([3.0, 3, 3, 1]))
    points = np.array([[1.0, 4], [2, 5], [3, 6]])
    np.testing.assert_allclose(
        moved.to_participant(points), transform.to_participant(points + np.array([[0], [2], [0]]))
    )


def test_a_deformed_lesion_is_resampled_where_it_belongs(scan, transform):
    image, _, mask = scan
    shape = tuple(n // 3 for n in mni_brain().mask.shape)
    grid = np.diag([3.0, 3, 3, 1])
    grid[:3, 3] = mni_brain().affine[:3, 3]
    still = SpaceTransform(transform.affine, np.zeros((3, *shape), np.float32), grid)
    drawn = Lesion(mask, image.affine)
    exact = score_regions(to_template(drawn, transform), standard_atlas())
    found = score_regions(to_template(drawn, still), standard_atlas())
    for ours, theirs in zip(found.regions, exact.regions, strict=True):
        assert ours.lesion_ml == pytest.approx(theirs.lesion_ml, abs=0.2, rel=0.03)
