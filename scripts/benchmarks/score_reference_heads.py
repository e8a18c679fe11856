"""Find the key slices of atlases of real heads, and compare them with a registration.

    python scripts/benchmarks/score_reference_heads.py FOLDER [--weights FILE]

FOLDER holds miplab-ncct_sym_brain.nii.gz, miplab-ncct_asym_brain.nii.gz, scct_stripped.nii.gz and
scct.nii.gz. The plane they are compared with comes from the phantom's brain, registered with each
atlas by ANTs (rigid, affine, SyN), which neither network nor alignment uses. Brains without a skull
are read as they are and within a simulated one. All are averaged to slices of 5 mm first.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from atlas_builder.catalogue.mni_head import load_head
from atlas_builder.catalogue.tissues import Tissue, mean_hu
from atlas_builder.core.scan import Scan
from atlas_builder.io.nifti.images import read_scan
from atlas_builder.registration.volumes import (
    PlacedVolume,
    Round,
    register_deformation,
    register_rounds,
)
from atlas_builder.validation.intensities import to_hounsfield
from slice_localizer.alignment.coarse_scan import AIR_HU
from slice_localizer.locating import locate_slices
from slice_localizer.positions import heights_of

HEADS = {
    "miplab-ncct_sym_brain": "miplab-ncct_sym_brain",
    "miplab-ncct_asym_brain": "miplab-ncct_asym_brain",
    "scct_stripped": "scct_stripped",
    "scct": "scct_stripped",  # the same head: its brain is registered
}
SLICE_MM, GRID_MM = 5.0, 2.0
SHELLS = ((13.0, 30.0), (8.0, 900.0), (2.0, 8.0))
"""A simulated skull: skin, bone and fluid, each up to so many mm from the brain, and its HU."""

ROUNDS = (
    Round("Rigid", (200, 200, 100), (4, 2, 1), (2, 1, 0)),
    Round("Affine", (200, 200, 100), (4, 2, 1), (2, 1, 0)),
)
BRAIN = (0.0, 80.0)


def brain_of_phantom() -> tuple[PlacedVolume, NDArray[np.float64]]:
    """Return the phantom's brain in HU, and its BGL point."""
    head = load_head()
    tissues = (Tissue.GREY, Tissue.WHITE, Tissue.CSF)
    hu = sum(np.float32(mean_hu(t, 70.0) / 255) * head.tissues[t] for t in tissues)
    origin = tuple(float(v) for v in head.affine[:3, 3])
    return shrunk(PlacedVolume(np.asarray(hu, np.float32), 1.0, origin)), head.bgl_point


def volume_of(scan: Scan) -> PlacedVolume:
    """Return a scan along the axes of its space as a volume, brain window."""
    affine = scan.affines[0].copy()
    affine[:3, 2] *= float(np.diff(heights_of(scan.affines)[:2])[0])
    data = np.asarray(scan.data, np.float32)
    for axis in range(3):
        if affine[axis, axis] < 0:
            data = np.flip(data, axis)
            affine[axis, 3] += affine[axis, axis] * (data.shape[axis] - 1)
            affine[axis, axis] *= -1
    spacing = np.diag(affine)[:3]
    if not np.allclose(affine[:3, :3], np.eye(3) * spacing[0], atol=1e-3):
        raise SystemExit("the volume does not lie along the axes of its space in cubes")
    origin = tuple(float(v) for v in affine[:3, 3])
    return shrunk(PlacedVolume(np.clip(data, *BRAIN), float(spacing[0]), origin))


def shrunk(volume: PlacedVolume) -> PlacedVolume:
    """Average a volume to about 2 mm."""
    step = max(1, round(GRID_MM / volume.spacing))
    shape = [n // step for n in volume.data.shape]
    kept = volume.data[tuple(slice(n * step) for n in shape)]
    x, y, z = shape
    data = kept.reshape(x, step, y, step, z, step).mean(axis=(1, 3, 5))
    origin = [place + volume.spacing * (step - 1) / 2 for place in volume.origin]
    return PlacedVolume(data, volume.spacing * step, (origin[0], origin[1], origin[2]))


def registered_height(scan: Scan) -> float:
    """Return the height of the BGL point by registration, as `heights_of`."""
    fixed, point = brain_of_phantom()
    moving = volume_of(scan)
    start = np.eye(4)
    start[:3, 3] = middle(moving) - middle(fixed)
    affine = register_rounds(fixed, moving, start=start, rounds=ROUNDS)
    transform = register_deformation(fixed, moving, affine=affine)
    return float(transform.to_participant(point[:, np.newaxis])[2, 0])


def middle(volume: PlacedVolume) -> NDArray[np.float64]:
    """Return the middle of what is brighter than air, in mm."""
    voxels = np.argwhere(volume.data > 5.0).mean(axis=0)
    return voxels * volume.spacing + np.array(volume.origin)


def with_skull(scan: Scan) -> Scan:
    """Put a brain into fluid, bone and skin."""
    brain = ndimage.binary_fill_holes(np.asarray(scan.data) > 0.5)
    steps = [*np.linalg.norm(scan.affines[0, :3, :2], axis=0)]
    steps.append(float(abs(np.diff(heights_of(scan.affines)[:2])[0])))
    room = [int(np.ceil(SHELLS[0][0] / step)) + 1 for step in steps[:2]]
    pad = [(room[0], room[0]), (room[1], room[1]), (0, 0)]
    brain = np.pad(brain, pad)
    away = ndimage.distance_transform_edt(~brain, sampling=steps)
    hu = np.full(brain.shape, AIR_HU, np.float32)
    for reach, density in SHELLS:
        hu[away <= reach] = density
    hu[brain] = np.pad(np.asarray(scan.data, np.float32), pad)[brain]
    affines = scan.affines.copy()
    affines[:, :3, 3] -= affines[:, :3, 0] * room[0] + affines[:, :3, 1] * room[1]
    return Scan(hu, affines)


def thick(scan: Scan) -> Scan:
    """Average slices to 5 mm."""
    step = round(SLICE_MM / float(abs(np.diff(heights_of(scan.affines)[:2])[0])))
    count = len(scan) // step
    columns, rows = scan.data.shape[:2]
    data = np.asarray(scan.data[:, :, : count * step], np.float32)
    data = data.reshape(columns, rows, count, step).mean(axis=3)
    affines = scan.affines[: count * step].reshape(count, step, 4, 4).mean(axis=1)
    return Scan(data, affines)


def main() -> None:
    """Register, find, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", type=Path)
    given = parser.parse_args()

    def read(name: str) -> Scan:
        scan = read_scan(given.folder / f"{name}.nii.gz")
        hu, _ = to_hounsfield(np.asarray(scan.data, np.float32))
        return Scan(hu, scan.affines)

    planes: dict[str, float] = {}
    print("head\tskull\tregistered_mm\tslice\talignment\tnetwork\tconfidence\tflags")
    for name, brain in HEADS.items():
        if brain not in planes:
            planes[brain] = registered_height(read(brain))
        scan = read(name)
        kinds = {"its own": scan}
        if name == brain:
            kinds = {"none": scan, "simulated": with_skull(scan)}
        for kind, shown in kinds.items():
            slices = thick(shown)
            found = locate_slices(slices, given.weights)
            level = planes[brain]
            network = "" if found.network_mm is None else f"{found.network_mm - level:.1f}"
            print(
                f"{name}\t{kind}\t{level:.1f}\t{found.heights[found.bgl_slice] - level:.1f}"
                f"\t{found.second_opinion.height_mm - level:.1f}\t{network}"
                f"\t{found.confidence:.2f}\t{','.join(flag.code for flag in found.flags)}",
                flush=True,
            )


if __name__ == "__main__":
    main()
