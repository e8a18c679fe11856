"""Registration of volumes through ANTs: rounds of rigid and affine, then SyN.

Both volumes lie on grids along the axes of their own space, so neither array order nor shear of a
file's affine reaches ANTs, and transforms are in the millimetres of those spaces. As with slices,
ITK runs on one thread and with one seed: the same volumes give the same transform.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from atlas_builder.core.transform import FloatArray
from atlas_builder.registration.ants_transforms import (
    RegistrationError,
    load_ants,
    read_affine,
    read_field,
    write_affine,
)

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
        Above 0 where the participant's volume may be compared; by default everywhere.

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
    with _failing_clearly(), tempfile.TemporaryDirectory(prefix="aspects-atlas-") as folder:
        images = _to_ants(fixed), _to_ants(moving)
        mask = None if compared is None else _to_ants(compared)
        for number, each in enumerate(rounds):
            path = Path(folder) / f"start-{number}.mat"
            write_affine(affine, path)
            found = load_ants().registration(
                *images,
                type_of_transform=each.kind,
                initial_transform=str(path),
                outprefix=f"{folder}/round-{number}-",
                moving_mask=mask,
                mask_all_stages=mask is not None,
                aff_metric="mattes",
                aff_iterations=each.iterations,
                aff_shrink_factors=each.shrink_factors,
                aff_smoothing_sigmas=each.smoothing,
                aff_random_sampling_rate=each.sampling,
            )["fwdtransforms"]
            affine = read_affine(Path(found[0]))
            if not np.isfinite(affine).all():
                raise RegistrationError.not_finite()
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
        Above 0 where the participant's volume may be compared; by default everywhere.

    Returns
    -------
    SpaceTransform
        Its displacement is in mm on the voxels of `fixed`.

    Raises
    ------
    RegistrationError
        ANTs gives up, as it does where the volumes have nothing in common.
    """
    with _failing_clearly(), tempfile.TemporaryDirectory(prefix="aspects-atlas-") as folder:
        path = Path(folder) / "affine.mat"
        write_affine(affine, path)
        load_ants().registration(
            _to_ants(fixed),
            _to_ants(moving),
            type_of_transform="SyNOnly",
            initial_transform=str(path),
            outprefix=f"{folder}/syn",
            moving_mask=None if compared is None else _to_ants(compared),
            mask_all_stages=compared is not None,
            syn_metric="mattes",
            syn_sampling=32,
            grad_step=_SYN_STEP,
            reg_iterations=_SYN_ITERATIONS,
        )
        displacement = read_field(Path(folder) / "syn1Warp.nii.gz")
    return SpaceTransform(affine, displacement, fixed.affine)


@contextmanager
def _failing_clearly() -> Iterator[None]:
    """Turn what ANTs raises into one `RegistrationError`."""
    try:
        yield
    except (RuntimeError, ValueError, OSError, IndexError) as error:
        raise RegistrationError.of(error) from error


def _to_ants(volume: PlacedVolume) -> Any:
    return load_ants().from_numpy(
        np.ascontiguousarray(volume.data, np.float32),
        origin=volume.origin,
        spacing=(volume.spacing,) * 3,
    )
