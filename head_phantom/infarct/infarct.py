"""The acute infarct: where it is, how much water its tissue took up, how it swells.

Net water uptake is the share by which the density of ischaemic tissue lies below normal [2]_;
density falls as its water grows [1]_. The share reaches 11.5% about 4.5 hours after onset [2]_ and
levels off after a day; since water adds to the tissue, the same share gives the swelling.

References
----------
.. [1] Dzialowski I, Weber J, Doerfler A, Forsting M, von Kummer R. Brain tissue water uptake after
   middle cerebral artery occlusion assessed with CT. J Neuroimaging 14:42-48 (2004).
   doi:10.1111/j.1552-6569.2004.tb00214.x. 1.8 HU for 1% of water.
.. [2] Minnerup J, Broocks G, Kalkoffen J, et al. Computed tomography-based quantification of lesion
   water uptake identifies patients within 4.5 hours of stroke onset. Ann Neurol 80:924-934 (2016).
   doi:10.1002/ana.24818
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from atlas_builder.catalogue.mni_head import Head
from atlas_builder.core.anatomy import Region, Side, map_value
from head_phantom.head.coarse_head import CoarseHead
from head_phantom.head.deformation import Lattice, smooth_noise

GREY_UPTAKE, WHITE_UPTAKE = 1.2, 0.8
"""Uptake of grey and of white matter against the mean of both: contrast is lost as well."""

_PLATEAU = 0.33
_HOURS = 10.5  # 0.33 (1 - exp(-4.5 / 10.5)) = 0.115
_COMPRESSION_REACH_MM = 20.0
_BORDER_MM = 3.5
_BORDER_WAVELENGTH_MM = 5.0
_BORDER_SHARE = 0.3  # of the lesion's half width
_SOFTNESS_MM = 4.0  # over which the border fades


@dataclass(frozen=True)
class Territory:
    """Regions of one side, or a part of them.

    Attributes
    ----------
    side : {'left', 'right'}
        The patient's side.
    regions : tuple of Region
        The regions affected.
    extent : float
        Share of their volume, 0-1; a part is one piece around a random place.
    """

    side: Side
    regions: tuple[Region, ...]
    extent: float = 1.0


@dataclass(frozen=True)
class LesionMask:
    """A lesion given as a volume in MNI space.

    Attributes
    ----------
    data : ndarray, shape (x, y, z)
        Above 0 in the lesion.
    affine : ndarray, shape (4, 4)
        From voxels to RAS+ millimetres of MNI space.
    """

    data: NDArray[np.generic]
    affine: NDArray[np.float64]


@dataclass(frozen=True)
class Infarct:
    """An acute infarct.

    Attributes
    ----------
    place : Territory or LesionMask
        Where it is.
    hours : float
        Time since onset.
    seed : int
        Decides its border and texture.
    """

    place: Territory | LesionMask
    hours: float
    seed: int = 0


@dataclass(frozen=True)
class Ischaemia:
    """An infarct in the standard head.

    Attributes
    ----------
    extent : ndarray of float32, shape (x, y, z)
        1 in the infarct, 0 outside, in between at its border.
    uptake : ndarray of float32, shape (x, y, z)
        Net water uptake of each cell, a share of the tissue's HU.
    tissue_gain, fluid_loss : ndarray of float32, shape (x, y, z)
        Volume that appears in the tissue and that leaves sulci and ventricles for it.
    """

    extent: NDArray[np.float32]
    uptake: NDArray[np.float32]
    tissue_gain: NDArray[np.float32]
    fluid_loss: NDArray[np.float32]


def net_water_uptake(hours: float) -> float:
    """Return the mean net water uptake of an infarct.

    Parameters
    ----------
    hours : float
        Since onset; a negative number counts as 0.

    Returns
    -------
    float
        A share of the tissue's HU, from 0 to 0.33.
    """
    return float(_PLATEAU * (1 - np.exp(-max(hours, 0) / _HOURS)))


def no_ischaemia(coarse: CoarseHead) -> Ischaemia:
    """Return the ischaemia of a subject without an infarct: 0 everywhere.

    Parameters
    ----------
    coarse : CoarseHead
        Gives the lattice.

    Returns
    -------
    Ischaemia
    """
    nothing = np.zeros(coarse.lattice.shape, np.float32)
    return Ischaemia(nothing, nothing, nothing, nothing)


def ischaemia(coarse: CoarseHead, head: Head, infarct: Infarct) -> Ischaemia:
    """Place an infarct in the standard head.

    Parameters
    ----------
    coarse : CoarseHead
        The standard head's brain.
    head : Head
        The standard head.
    infarct : Infarct
        Its seed decides border and texture.

    Returns
    -------
    Ischaemia
        On the lattice of `coarse`.
    """
    rng = np.random.default_rng(infarct.seed)
    extent = lesion_extent(coarse, head, infarct.place, rng)
    tissue = coarse.grey + coarse.white
    mean = net_water_uptake(infarct.hours)
    texture = np.clip(1 + 0.15 * smooth_noise(coarse.lattice, 6.0, rng), 0.5, 1.5)
    inside = extent * tissue
    texture /= float((texture * inside).sum() / max(inside.sum(), 1e-6))
    uptake = (mean * texture * extent).astype(np.float32)
    gain = (uptake / (1 - uptake) * tissue).astype(np.float32)
    near = coarse.csf * ndimage.gaussian_filter(
        extent, _COMPRESSION_REACH_MM / coarse.lattice.spacing
    )
    loss = -near * (gain.sum() / max(float(near.sum()), 1e-6))
    return Ischaemia(extent, uptake, gain, loss.astype(np.float32))


def lesion_extent(
    coarse: CoarseHead, head: Head, place: Territory | LesionMask, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return where a lesion is in the standard head; the border of a territory is irregular.

    Parameters
    ----------
    coarse : CoarseHead
        The standard head's brain.
    head : Head
        The standard head, whose regions a territory consists of.
    place : Territory or LesionMask
        Where the lesion is.
    rng : numpy.random.Generator
        Decides border and part of a territory; not used for a mask.

    Returns
    -------
    ndarray of float32, shape (x, y, z)
        On the lattice of `coarse`: 1 in the lesion, 0 outside, in between at its border.
    """
    if isinstance(place, LesionMask):
        return _given_extent(coarse.lattice, place)
    labels = [map_value(region, place.side) for region in place.regions]
    member = np.isin(head.regions, labels).astype(np.float32)
    points = coarse.lattice.points()
    spacing = coarse.lattice.spacing
    share = _at_nodes(member, head.affine, points)
    inside = ndimage.binary_closing(share > 0.5, iterations=round(4 / spacing))
    ragged = smooth_noise(coarse.lattice, _BORDER_WAVELENGTH_MM, rng)
    if place.extent < 1 and inside.any():
        core = points[:, inside][:, int(rng.integers(int(inside.sum())))]
        distance = np.sqrt(((points - core.reshape(3, 1, 1, 1)) ** 2).sum(axis=0))
        spread = distance + 2 * _BORDER_MM * ragged
        inside &= spread <= np.quantile(spread[inside], place.extent)
    # Signed distance in mm, positive inside; the outermost cells lie half a cell from the border.
    signed = ndimage.distance_transform_edt(
        inside, sampling=spacing
    ) - ndimage.distance_transform_edt(~inside, sampling=spacing)
    own_side = points[0] < 0 if place.side == "left" else points[0] > 0
    # A border may not swallow a thin structure such as the internal capsule, nor its neighbours.
    border = min(_BORDER_MM, _BORDER_SHARE * float(signed.max()))
    level = np.clip((signed + border * ragged) / _SOFTNESS_MM + 0.5, 0, 1)
    return np.asarray(level * own_side, dtype=np.float32)


def _given_extent(lattice: Lattice, mask: LesionMask) -> NDArray[np.float32]:
    lesion = (np.asarray(mask.data) > 0).astype(np.float32)
    soft = ndimage.gaussian_filter(lesion, 0.7)
    return _at_nodes(soft, mask.affine, lattice.points())


def _at_nodes(
    volume: NDArray[np.float32], affine: NDArray[np.float64], points: NDArray[np.float32]
) -> NDArray[np.float32]:
    inverse = np.linalg.inv(affine)
    indices = np.tensordot(inverse[:3, :3], points, axes=1) + inverse[:3, 3].reshape(3, 1, 1, 1)
    sampled: NDArray[np.float32] = ndimage.map_coordinates(
        volume, indices, np.float32, order=1, mode="constant"
    )
    return sampled
