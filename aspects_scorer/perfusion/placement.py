"""A CBF map laid over the patient's CT: by their positions, and moved rigidly where that is off.

Both were acquired within minutes on one table, so their positions agree but for what the head moved
in between. The map is compared with the flow that is expected at each place from the CT: as much as
grey and white matter have, none in fluid and outside the brain. It is moved only where that makes
them resemble each other more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize
from scipy.spatial.transform import Rotation

from aspects_scorer.perfusion.brain_scan import BrainScan
from aspects_scorer.perfusion.cbf_map import CbfMap
from atlas_builder.core.errors import InputError
from atlas_builder.core.flags import Flag

Array = NDArray[np.float64]
Image = NDArray[np.float32]

GREY_FLOW, WHITE_FLOW = 60.0, 22.0
"""What is expected of healthy tissue, mL/100 g/min."""

LEAST_CORRELATION = 0.4
"""Of a map and the flow expected; with less it is no CBF map of this head, or lies elsewhere."""

_DOUBTFUL_CORRELATION = 0.55
_LEAST_SHARE = 0.5  # of the map's flow that must lie in the brain
_POINT_MM = 4.0
_SMOOTH_MM = 2.0
_STEPS = (4.0, 4.0, 4.0, 0.06, 0.06, 0.06)  # mm and radians
_FARTHEST_MM, _FARTHEST_TURN = 20.0, np.radians(15.0)
_MOVED_MM = 1.5  # less is not worth an interpolation by a transform that is itself that uncertain
_GAIN = 0.01  # of correlation


@dataclass(frozen=True)
class PlacedMap:
    """A CBF map on the voxels of a scan.

    Attributes
    ----------
    flow : ndarray of float32, shape (columns, rows, slices)
        In the map's unit, on the voxels of a `BrainScan`; NaN outside the brain and the map.
    correlation : float
        Of the map and the flow expected, as it was placed.
    moved_mm : float
        By how much the map was moved, on average over it; 0 where it was not.
    found_mm : float
        By how much the head seems to have moved.
    flags : tuple of Flag
        Reservations.
    """

    flow: Image
    correlation: float
    moved_mm: float
    found_mm: float
    flags: tuple[Flag, ...]


def place_map(cbf: CbfMap, scan: BrainScan) -> PlacedMap:
    """Lay a CBF map over a scan.

    Parameters
    ----------
    cbf : CbfMap
        The map.
    scan : BrainScan
        The scan, in the same patient's millimetres.

    Returns
    -------
    PlacedMap

    Raises
    ------
    InputError
        The map lies elsewhere, or resembles no flow of this brain.
    """
    points, flow = _points_of(cbf)
    expected = _Expected.of(scan)
    _check_overlap(points, flow, scan)
    before = expected.correlation(points, flow)
    centre = points.mean(axis=1, keepdims=True)
    found = _best_move(points, flow, expected, centre)
    back = _rigid(found, centre)
    moved = back[:3, :3] @ points + back[:3, 3:]
    after = expected.correlation(moved, flow)
    found_mm = float(np.sqrt(((moved - points) ** 2).sum(axis=0).mean()))
    flags = []
    used = np.eye(4)
    if found_mm > _MOVED_MM and after > before + _GAIN:
        used = back
        flags.append(
            Flag(
                "map-moved",
                f"the head moved by {found_mm:.1f} mm between the CT and the perfusion study: the "
                f"map was moved to fit (correlation {before:.2f}, then {after:.2f}); look at the "
                "overlay",
            )
        )
    correlation = before if used is not back else after
    if correlation < LEAST_CORRELATION:
        raise InputError(
            f"resembles no flow of this brain (correlation {correlation:.2f} with grey and white "
            "matter on the CT); give the CBF map of the same patient and examination"
        )
    if correlation < _DOUBTFUL_CORRELATION:
        flags.append(
            Flag(
                "map-unlike-brain",
                f"the map resembles the flow of grey and white matter little (correlation "
                f"{correlation:.2f}): a poor map, or another place; look at the overlay",
            )
        )
    on_scan = _on_scan(cbf, scan, np.linalg.inv(used))
    return PlacedMap(
        on_scan, correlation, found_mm if used is back else 0.0, found_mm, tuple(flags)
    )


def _points_of(cbf: CbfMap) -> tuple[Array, Array]:
    """Return an even choice of the map's points and the flow there, smoothed in plane."""
    known = np.isfinite(cbf.flow)
    sigma = (_SMOOTH_MM / cbf.spacing[0], _SMOOTH_MM / cbf.spacing[1], 0)
    smooth = ndimage.gaussian_filter(np.where(known, cbf.flow, 0), sigma)
    steps = [max(1, round(_POINT_MM / size)) for size in cbf.spacing]
    voxels = np.stack(
        np.meshgrid(
            *(np.arange(0, n, step) for n, step in zip(cbf.flow.shape, steps, strict=True)),
            indexing="ij",
        )
    ).reshape(3, -1)
    voxels = voxels[:, known[tuple(voxels)]]
    flow = smooth[tuple(voxels)].astype(np.float64)
    # Arteries would outweigh all tissue.
    flow = np.minimum(flow, 2 * np.median(flow[flow > 0]))
    return cbf.affine[:3, :3] @ voxels + cbf.affine[:3, 3:], flow


@dataclass(frozen=True)
class _Expected:
    """The flow that is expected from the CT, looked up anywhere."""

    image: Image
    scan: BrainScan

    @classmethod
    def of(cls, scan: BrainScan) -> _Expected:
        grey, white = scan.grey_and_white
        sigma = (_SMOOTH_MM / scan.spacing[0], _SMOOTH_MM / scan.spacing[1], 0)
        image = ndimage.gaussian_filter(GREY_FLOW * grey + WHITE_FLOW * white, sigma)
        return cls(image, scan)

    def correlation(self, points: Array, flow: Array) -> float:
        places = self.scan.indices(points)
        inside = np.isfinite(places[2])
        if inside.sum() < 2:
            return 0.0
        expected = ndimage.map_coordinates(self.image, places[:, inside], np.float64, order=1)
        seen = flow[inside]
        if not expected.std() or not seen.std():
            return 0.0
        return float(np.corrcoef(expected, seen)[0, 1])


def _check_overlap(points: Array, flow: Array, scan: BrainScan) -> None:
    """Refuse a map whose flow lies elsewhere than the brain."""
    having = points[:, flow > np.median(flow[flow > 0]) / 2]
    places = np.nan_to_num(scan.indices(having), nan=-2.0)
    share = ndimage.map_coordinates(
        scan.brain.astype(np.float32), places, order=1, mode="constant"
    ).mean()
    if share >= _LEAST_SHARE:
        return
    middle = np.mean([affine[:3, 3] for affine in scan.affines], axis=0)
    middle = middle + scan.affines[0, :3, :2] @ (np.array(scan.hu.shape[:2]) - 1) / 2
    apart = float(np.linalg.norm(having.mean(axis=1) - middle))
    raise InputError(
        f"lies elsewhere than the brain on the CT ({share:.0%} of its flow is in it, the middles "
        f"are {apart:.0f} mm apart); give maps and CT of one examination, whose positions agree"
    )


def _rigid(move: Array, centre: Array) -> Array:
    """Return a move (mm along the axes, turns in radians about the centre) as a matrix."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec(move[3:]).as_matrix()
    matrix[:3, 3:] = centre - matrix[:3, :3] @ centre + move[:3, np.newaxis]
    return matrix


def _best_move(points: Array, flow: Array, expected: _Expected, centre: Array) -> Array:
    """Return the move of the map's points after which they resemble what is expected most."""

    def unlike(move: Array) -> float:
        matrix = _rigid(move, centre)
        return -expected.correlation(matrix[:3, :3] @ points + matrix[:3, 3:], flow)

    bounds = [(-_FARTHEST_MM, _FARTHEST_MM)] * 3 + [(-_FARTHEST_TURN, _FARTHEST_TURN)] * 3
    found = optimize.minimize(
        unlike,
        np.zeros(6),
        method="Powell",
        bounds=bounds,
        options={"direc": np.diag(_STEPS), "xtol": 0.02, "ftol": 1e-4, "maxiter": 10},
    )
    return np.asarray(found.x)


def _on_scan(cbf: CbfMap, scan: BrainScan, to_map: Array) -> Image:
    flow = np.full(scan.brain.shape, np.nan, np.float32)
    for index, here, points in scan.on_slices(scan.brain):
        flow[:, :, index][here] = cbf.at(to_map[:3, :3] @ points + to_map[:3, 3:])
    return flow
