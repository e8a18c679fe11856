"""Registration of volumes through ANTs: rounds of rigid and affine, then SyN.

Both volumes lie on grids along the axes of their own space, so neither array order nor shear of a
file's affine reaches ANTs, and transforms are in the millimetres of those spaces. As with slices,
ITK runs on one thread and with one seed: the same volumes give the same transform.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from atlas_builder.core.transform import FloatArray
from atlas_builder.registration.ants_library import (
    Image,
    read_affine,
    read_field,
    run_registration,
    write_affine,
)

_BINS = 32  # of the histograms of mutual information
_SYN_STEP = 0.15
_SYN_ITERATIONS = (60, 40, 20)


@dataclass(frozen=True)
class Round:
    """One optimisation, from where the round before it ended.

    Attributes
    ----------
    kind : {'Rigid', 'Affine'}
        What may change.
    iterations : tuple of int
        At most, at each resolution.
    shrink_factors : tuple of int
        Of the resolutions, coarse first.
    smoothing : tuple of float
        Standard deviation in voxels at each.
    sampling : float
        Share of the voxels that are compared.
    """

    kind: Literal["Rigid", "Affine"]
    iterations: tuple[int, ...]
    shrink_factors: tuple[int, ...]
    smoothing: tuple[float, ...]
    sampling: float = 0.3


@dataclass(frozen=True)
class PlacedVolume:
    """A volume on a grid of cubes along the axes of its space.

    Attributes
    ----------
    data : ndarray of float32, shape (x, y, z)
        Values.
    spacing : float
        Voxel size in mm.
    origin : tuple of float
        The centre of voxel (0, 0, 0) in mm.
    """

    data: NDArray[np.float32]
    spacing: float
    origin: tuple[float, float, float]

    @property
    def affine(self) -> NDArray[np.float64]:
        """From voxels to mm, shape (4, 4)."""
        affine = np.diag([self.spacing] * 3 + [1.0])
        affine[:3, 3] = self.origin
        return affine

    def like(self, data: NDArray[np.generic]) -> PlacedVolume:
        """Return other values on the same grid.

        Parameters
        ----------
        data : ndarray, shape (x, y, z)
            Any type; stored as float32.

        Returns
        -------
        PlacedVolume
        """
        return PlacedVolume(np.asarray(data, np.float32), self.spacing, self.origin)


@dataclass(frozen=True)
class SpaceTransform:
    """From a template's space to a participant's: a displacement, then an affine.

    Attributes
    ----------
    affine : ndarray, shape (4, 4)
        In mm.
    displacement : ndarray of float32, shape (3, x, y, z), or None
        In mm, on the voxels of the template that was registered.
    grid : ndarray, shape (4, 4)
        From those voxels to mm.
    """

    affine: NDArray[np.float64]
    displacement: NDArray[np.float32] | None
    grid: NDArray[np.float64]

    def to_participant(self, points: FloatArray) -> NDArray[np.float64]:
        """Carry points of the template to the participant.

        Outside `grid` the displacement keeps the value of its border.

        Parameters
        ----------
        points : ndarray, shape (3, n)
            mm of the template's space.

        Returns
        -------
        ndarray of float64, shape (3, n)
            mm of the participant's space.
        """
        moved = np.asarray(points, np.float64)
        if self.displacement is not None:
            inverse = np.linalg.inv(self.grid)
            voxels = inverse[:3, :3] @ moved + inverse[:3, 3:]
            moved = moved + [
                ndimage.map_coordinates(field, voxels, order=1, mode="nearest")
                for field in self.displacement
            ]
        return self.affine[:3, :3] @ moved + self.affine[:3, 3:]


def register_rounds(
    fixed: PlacedVolume,
    moving: PlacedVolume,
    *,
    start: NDArray[np.float64],
    rounds: Sequence[Round],
    compared: PlacedVolume | None = None,
) -> NDArray[np.float64]:
    """Align a volume with a template by mutual information, one round after the other.

    Parameters
    ----------
    fixed, moving : PlacedVolume
        Template and participant; their contrasts may differ.
    start : ndarray, shape (4, 4)
        Where the first round starts, template to participant in mm.
    rounds : sequence of Round
        In order.
    compared : PlacedVolume, optional
        Not 0 where the participant's volume may be compared; by default everywhere.

    Returns
    -------
    ndarray, shape (4, 4)
        Template to participant in mm.

    Raises
    ------
    RegistrationError
        ANTs gives up, as it does where the volumes have nothing in common.
    """
    affine = start
    with tempfile.TemporaryDirectory(prefix="aspects-atlas-") as folder:
        images, mask = (_image(fixed), _image(moving)), _mask(compared)
        for number, each in enumerate(rounds):
            path, prefix = Path(folder) / f"start-{number}.mat", f"{folder}/round-{number}-"
            write_affine(affine, path)
            run_registration(
                *images,
                dimension=3,
                metric=f"mattes[{{}},1,{_BINS},regular,{each.sampling}]",
                transform=f"{each.kind}[0.25]",
                convergence="x".join(map(str, each.iterations)),
                smoothing=each.smoothing,
                shrinking=each.shrink_factors,
                start=path,
                prefix=prefix,
                moving_mask=mask,
            )
            affine = read_affine(Path(f"{prefix}0GenericAffine.mat"))
    return affine


def register_deformation(
    fixed: PlacedVolume,
    moving: PlacedVolume,
    *,
    affine: NDArray[np.float64],
    compared: PlacedVolume | None = None,
) -> SpaceTransform:
    """Deform a template onto a volume with SyN and mutual information, from an affine.

    Parameters
    ----------
    fixed, moving : PlacedVolume
        Template and participant; their contrasts may differ.
    affine : ndarray, shape (4, 4)
        Template to participant in mm, from `register_rounds`.
    compared : PlacedVolume, optional
        Not 0 where the participant's volume may be compared; by default everywhere.

    Returns
    -------
    SpaceTransform
        Its displacement is in mm on the voxels of `fixed`.

    Raises
    ------
    RegistrationError
        ANTs gives up, as it does where the volumes have nothing in common.
    """
    with tempfile.TemporaryDirectory(prefix="aspects-atlas-") as folder:
        path = Path(folder) / "affine.mat"
        write_affine(affine, path)
        levels = range(len(_SYN_ITERATIONS) - 1, -1, -1)
        run_registration(
            _image(fixed),
            _image(moving),
            dimension=3,
            metric=f"mattes[{{}},1,{_BINS}]",
            transform=f"SyN[{_SYN_STEP},3,0]",
            convergence=f"[{'x'.join(map(str, _SYN_ITERATIONS))},1e-7,8]",
            smoothing=levels,
            shrinking=[2**level for level in levels],
            start=path,
            prefix=f"{folder}/syn",
            moving_mask=_mask(compared),
        )
        displacement = read_field(Path(folder) / "syn1Warp.nii.gz", 3)
    return SpaceTransform(affine, displacement, fixed.affine)


def _image(volume: PlacedVolume) -> Image:
    return Image(np.asarray(volume.data, np.float32), volume.origin, volume.spacing)


def _mask(volume: PlacedVolume | None) -> Image | None:
    if volume is None:
        return None
    return Image((volume.data != 0).astype(np.uint8), volume.origin, volume.spacing)
