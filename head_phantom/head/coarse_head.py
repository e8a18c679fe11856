"""The brain of the standard head on a lattice of 2 mm, where its deformations are worked out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from atlas_builder.catalogue.mni_head import Head
from atlas_builder.catalogue.tissues import Tissue
from head_phantom.head.deformation import Lattice

_BLOCK = 2
_MARGIN_MM = 8.0


@dataclass(frozen=True)
class CoarseHead:
    """The brain's tissues on a lattice that leaves a margin around it.

    Attributes
    ----------
    lattice : Lattice
        The grid, in MNI space.
    grey, white, csf : ndarray of float32, shape (x, y, z)
        Shares of each cell.
    ventricles : ndarray of float32, shape (x, y, z)
        The part of `csf` in the lateral and third ventricles.
    depth : ndarray of float32, shape (x, y, z)
        Distance from the outer border of the intracranial space in mm; 0 outside.
    """

    lattice: Lattice
    grey: NDArray[np.float32]
    white: NDArray[np.float32]
    csf: NDArray[np.float32]
    ventricles: NDArray[np.float32]
    depth: NDArray[np.float32]

    @property
    def cell_ml(self) -> float:
        """The volume of a cell in mL."""
        return self.lattice.spacing**3 / 1000


def coarse_head(head: Head) -> CoarseHead:
    """Average the standard head's brain over blocks of 2 x 2 x 2 voxels.

    Parameters
    ----------
    head : Head
        The standard head, with cubic voxels of 1 mm.

    Returns
    -------
    CoarseHead
        On a lattice of 2 mm, 8 mm wider than the brain on every side.
    """
    brain = head.tissues[Tissue.GREY].astype(np.uint16) + head.tissues[Tissue.WHITE]
    brain += head.tissues[Tissue.CSF]
    margin = round(_MARGIN_MM)
    box = []
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        inside = np.flatnonzero((brain > 127).any(axis=others))
        first, last = inside[0] - margin, inside[-1] + margin + 1
        box.append((int(first), int(last + (last - first) % _BLOCK)))
    grey, white, csf = (
        _block_mean(head.tissues[t], box) for t in (Tissue.GREY, Tissue.WHITE, Tissue.CSF)
    )
    first_voxel = np.array([b[0] for b in box]) + (_BLOCK - 1) / 2
    origin = head.affine[:3, :3] @ first_voxel + head.affine[:3, 3]
    lattice = Lattice(grey.shape, float(_BLOCK * head.affine[0, 0]), origin)
    inside = ndimage.binary_fill_holes(grey + white + csf > 0.5)
    depth = ndimage.distance_transform_edt(inside, sampling=lattice.spacing).astype(np.float32)
    return CoarseHead(lattice, grey, white, csf, csf * _near_ventricles(lattice.points()), depth)


def _block_mean(volume: NDArray[np.uint8], box: list[tuple[int, int]]) -> NDArray[np.float32]:
    padding = [(max(-a, 0), max(b - n, 0)) for (a, b), n in zip(box, volume.shape, strict=True)]
    inner = tuple(slice(max(a, 0), max(b, 0)) for a, b in box)
    block = np.pad(volume[inner], padding)
    nx, ny, nz = (n // _BLOCK for n in block.shape)
    shape = (nx, _BLOCK, ny, _BLOCK, nz, _BLOCK)
    return np.asarray(block.reshape(shape).mean(axis=(1, 3, 5), dtype=np.float32) / 255)


def _near_ventricles(points: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tell where fluid belongs to the lateral or third ventricle, from places in MNI space (mm)."""
    x, y, z = np.abs(points[0]), points[1], points[2]
    cistern = (x < 8) & (y < -22) & (z < 14)
    interhemispheric = (x < 4) & ((z > 22) | (y > 28))
    bodies = (x < 30) & (y > -48) & (y < 40) & (z > 2) & (z < 34)
    frontal_horns = (x < 24) & (y > 4) & (y < 40) & (z > -12) & (z <= 2)
    atria = (x > 11) & (x < 40) & (y > -54) & (y < -26) & (z > -6) & (z < 26)
    occipital_horns = (x > 17) & (x < 36) & (y > -80) & (y <= -54) & (z > -4) & (z < 20)
    temporal_horns = (x > 20) & (x < 40) & (y > -44) & (y < -2) & (z > -26) & (z <= -6)
    third = (x < 5) & (y > -26) & (y < 6) & (z > -14) & (z <= 2)
    lateral = bodies | frontal_horns | atria | occipital_horns | temporal_horns
    return (lateral & ~cistern & ~interhemispheric) | third
