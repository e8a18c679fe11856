"""Compare the ASPECTS regions in MNI space with the published ASPECTS-281 atlases.

Usage: python scripts/benchmarks/score_mni_aspects.py PUBLISHED [--figures FOLDER]
    [--point 0 -5 4] [--pitch 0]

PUBLISHED holds the published files, such as ``subcortical_image_50_69.nii.gz``. The average brain
that the regions were drawn on is turned into a CT slice of each level, registered to the published
slice as an atlas is to a scan, and its regions are carried along. Printed are the Dice similarity
coefficient of each region, both sides together, and the correlation of the two slices. With
--figures, the regions are drawn every 4 mm in three planes, and the comparisons as outlines.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap
from nilearn import datasets
from numpy.typing import NDArray
from scipy import ndimage

from atlas_builder.catalogue.atlas import AtlasLevel
from atlas_builder.catalogue.mni_regions import BGL_PITCH, BGL_POINT, load_mni_aspects
from atlas_builder.construction.fitting import correlation
from atlas_builder.core.anatomy import AGE_GROUPS, LEVELS, AgeGroup, Level, Region, regions_of
from atlas_builder.core.scan import Slice
from atlas_builder.core.transform import sample, sample_labels
from atlas_builder.io.nifti.images import read_labels, read_scan
from atlas_builder.mapping.level import map_level
from atlas_builder.metrics.overlap import dice_by_label
from atlas_builder.preprocessing.key_slice import (
    key_slice_affine,
    key_slice_grid,
    make_key_slice,
    resample_labels,
)
from atlas_builder.reporting.base.colours import REGION_COLOURS
from atlas_builder.reporting.base.pictures import radiological

PUBLISHED_NAMES: dict[Level, str] = {"BGL": "subcortical", "SGL": "cortical"}
SGL_ABOVE_BGL = 20.0  # mm
GREY_HU, WHITE_HU, CSF_HU = 37.0, 29.0, 8.0
PIXEL, THICKNESS, BLUR = 0.5, 5.0, 0.6  # mm; the blur as a standard deviation
PIXELS = (400, 480)
COLOURS = ListedColormap([REGION_COLOURS[region] for region in Region])


@dataclass(frozen=True)
class Brain:
    """The average brain as CT, and its regions.

    Attributes
    ----------
    hu : ndarray, shape (nx, ny, nz)
        HU, 0 outside the brain.
    inside : ndarray, shape (nx, ny, nz)
        1 in the brain, 0 elsewhere.
    t1 : ndarray, shape (nx, ny, nz)
        The T1-weighted average it comes from.
    labels : ndarray of uint8, shape (nx, ny, nz)
        1-10 on both sides.
    affine : ndarray, shape (4, 4)
        From voxels to RAS+ mm.
    """

    hu: NDArray[np.float32]
    inside: NDArray[np.float32]
    t1: NDArray[np.float32]
    labels: NDArray[np.uint8]
    affine: NDArray[np.float64]


@dataclass(frozen=True)
class Comparison:
    """A level of an age group: the published slice, and the regions carried onto it.

    Attributes
    ----------
    image, warped : ndarray of float32, shape (460, 460)
        The published slice and the average brain's slice on it, HU.
    published, carried : ndarray of uint8, shape (460, 460)
        The regions of both, 1-10 on both sides.
    """

    image: NDArray[np.float32]
    warped: NDArray[np.float32]
    published: NDArray[np.uint8]
    carried: NDArray[np.uint8]


def load_brain() -> Brain:
    """Turn the averages that nilearn carries into CT."""
    t1, grey, white = (
        load(resolution=1).get_fdata(dtype=np.float32)
        for load in (
            datasets.load_mni152_template,
            datasets.load_mni152_gm_template,
            datasets.load_mni152_wm_template,
        )
    )
    inside = ndimage.binary_fill_holes(t1 > 0)
    fluid = np.clip(1 - grey - white, 0, 1)
    hu = np.where(inside, GREY_HU * grey + WHITE_HU * white + CSF_HU * fluid, 0)
    atlas = load_mni_aspects()
    labels = (atlas.labels - len(Region) * (atlas.labels > len(Region))).astype(np.uint8)
    return Brain(hu.astype(np.float32), inside.astype(np.float32), t1, labels, atlas.affine)


def plane_affine(point: tuple[float, float, float], pitch: float) -> NDArray[np.float64]:
    """Return the affine of a slice through a point, its front raised by `pitch` degrees."""
    tilt = np.deg2rad(pitch)
    affine = np.eye(4)
    affine[:3, 0] = -PIXEL, 0, 0
    affine[:3, 1] = 0, -PIXEL * np.cos(tilt), -PIXEL * np.sin(tilt)
    affine[:3, 2] = 0, -np.sin(tilt), np.cos(tilt)
    affine[:3, 3] = point - affine[:3, :2] @ ((np.array(PIXELS) - 1) / 2)
    return affine


def cut(brain: Brain, level: Level, affine: NDArray[np.float64]) -> tuple[Slice, Slice]:
    """Return the CT slice on a plane and the level's regions on it."""
    to_voxels = np.linalg.inv(brain.affine) @ affine
    pixels = np.indices((*PIXELS, 1), dtype=np.float64)[..., 0]
    homogeneous = np.concatenate([pixels, np.ones((1, *PIXELS))])
    middle = np.tensordot(to_voxels, homogeneous, axes=1)[:3]
    total, share = np.zeros(PIXELS), np.zeros(PIXELS)
    for offset in np.linspace(-THICKNESS / 2, THICKNESS / 2, 5):
        at = middle + (to_voxels[:3, 2] * offset)[:, np.newaxis, np.newaxis]
        total += ndimage.map_coordinates(brain.hu, at, order=1)
        share += ndimage.map_coordinates(brain.inside, at, order=1)
    total, blurred = (ndimage.gaussian_filter(part, BLUR / PIXEL) for part in (total, share))
    image = np.where(share > 2.5, total / np.maximum(blurred, 1e-3), 0).astype(np.float32)
    weights = [
        ndimage.map_coordinates((brain.labels == value).astype(np.float32), middle, order=1)
        for value in (0, *Region)
    ]
    labels = np.argmax(weights, axis=0).astype(np.uint8)
    labels[~np.isin(labels, regions_of(level))] = 0
    return Slice(image, affine), Slice(labels, affine)


def compare(
    brain: Brain,
    published: Path,
    group: AgeGroup,
    point: tuple[float, float, float] = BGL_POINT,
    pitch: float = BGL_PITCH,
) -> dict[Level, Comparison]:
    """Register the average brain's key slices to those of a published atlas."""
    grid = key_slice_grid()
    comparisons: dict[Level, Comparison] = {}
    for level in LEVELS:
        stem = f"{PUBLISHED_NAMES[level]}_{{}}_{group.stem}.nii.gz"
        target = make_key_slice(read_scan(published / stem.format("image"))[0])
        drawn = resample_labels(read_labels(published / stem.format("label"))[0], target)
        affine = plane_affine(point, pitch)
        affine[:3, 3] += affine[:3, 2] * (SGL_ABOVE_BGL if level == "SGL" else 0)
        image, labels = cut(brain, level, affine)
        key = make_key_slice(image)
        transform = map_level(AtlasLevel(target.image, drawn, key_slice_affine()), key)
        points = transform.to_participant(grid.points())
        warped = sample(key.image, grid, points)
        carried = sample_labels(resample_labels(labels, key), grid, points)
        comparisons[level] = Comparison(target.image, warped, drawn, carried)
    return comparisons


def dice_of(comparisons: dict[Level, Comparison]) -> dict[int, float]:
    """Return the Dice coefficient of each of the ten regions."""
    scores: dict[int, float] = {}
    for level, both in comparisons.items():
        scores |= dice_by_label(both.carried, both.published, regions_of(level))
    return scores


def draw_comparison(both: Comparison, level: Level, path: Path) -> None:
    """Draw the published regions dotted and the carried ones solid, on either slice."""
    figure, axes = plt.subplots(1, 2, figsize=(16, 9), layout="constrained")
    for axis, image in zip(axes, (both.image, both.warped), strict=True):
        axis.imshow(radiological(image), cmap="gray", vmin=10, vmax=50)
        for region in regions_of(level):
            for labels, style in ((both.published, ":"), (both.carried, "-")):
                mask = radiological((labels == region).astype(float))
                colour = REGION_COLOURS[region]
                axis.contour(mask, [0.5], colors=[colour], linestyles=style, linewidths=1.2)
        axis.set_axis_off()
    figure.savefig(path, dpi=80)
    plt.close(figure)


def _planes(brain: Brain) -> Iterator[tuple[str, int, range, tuple[slice, slice]]]:
    labelled = ndimage.find_objects((brain.labels > 0).astype(np.uint8))[0]
    for axis, name in ((2, "axial"), (1, "coronal"), (0, "sagittal")):
        first = int(brain.affine[axis, 3])
        extent = range((labelled[axis].start + first) // 4 * 4, labelled[axis].stop + first + 4, 4)
        inside = ndimage.find_objects((brain.inside > 0).any(axis=axis).astype(np.uint8))[0]
        yield name, axis, extent, inside


def draw_atlas(brain: Brain, folder: Path) -> None:
    """Draw the regions on the T1-weighted average every 4 mm in three planes."""
    for name, axis, heights, box in _planes(brain):
        rows = -(-len(heights) // 7)
        figure, axes = plt.subplots(rows, 7, figsize=(21, 3.4 * rows), layout="constrained")
        for panel in axes.flat:
            panel.set_axis_off()
        for panel, height in zip(axes.flat, heights, strict=False):
            at = height - int(brain.affine[axis, 3])
            t1, labels = (
                np.take(volume, at, axis=axis)[box].T for volume in (brain.t1, brain.labels)
            )
            panel.imshow(t1, cmap="gray", origin="lower", vmin=0.3, vmax=1)
            shown = np.ma.masked_equal(labels, 0)
            panel.imshow(shown, cmap=COLOURS, origin="lower", vmin=0.5, vmax=10.5, alpha=0.45)
            panel.set_title(f"{'zyx'[2 - axis]} = {height} mm", fontsize=9)
        figure.savefig(folder / f"{name}.png", dpi=70)
        plt.close(figure)


def main() -> None:
    """Read the arguments, compare every age group, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("published", type=Path)
    parser.add_argument("--figures", type=Path)
    parser.add_argument("--point", type=float, nargs=3, default=BGL_POINT, metavar="MM")
    parser.add_argument("--pitch", type=float, default=BGL_PITCH, metavar="DEGREES")
    arguments = parser.parse_args()
    brain = load_brain()
    if arguments.figures:
        arguments.figures.mkdir(parents=True, exist_ok=True)
        draw_atlas(brain, arguments.figures)
    print("group  " + "".join(f"{region.name:>7}" for region in Region) + "   mean  r BGL  r SGL")
    for group in AGE_GROUPS:
        comparisons = compare(
            brain, arguments.published, group, tuple(arguments.point), arguments.pitch
        )
        dice = dice_of(comparisons)
        similar = [correlation(both.image, both.warped) for both in comparisons.values()]
        values = [*(dice[region] for region in Region), np.mean(list(dice.values())), *similar]
        print(f"{group!s:7}" + "".join(f"{value:7.3f}" for value in values), flush=True)
        if arguments.figures:
            for level, both in comparisons.items():
                draw_comparison(both, level, arguments.figures / f"{level}_{group.stem}.png")


if __name__ == "__main__":
    main()
