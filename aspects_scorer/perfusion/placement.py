"""A CBF map laid over the patient's CT by their positions, and whether it belongs there.

Both were acquired within minutes on one table. The map is compared with the flow that is expected
at each place from the CT: as much as grey and white matter have, none in fluid and outside the
brain. It is not registered to it: the low flow of the stroke pulls such a registration by
millimetres, more than heads move (docs/label-perfusion.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

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


@dataclass(frozen=True)
class PlacedMap:
    """A CBF map on the voxels of a scan.

    Attributes
    ----------
    flow : ndarray of float32, shape (columns, rows, slices)
        In the map's unit, on the voxels of a `BrainScan`; NaN outside the brain and the map.
    correlation : float
        Of the map and the flow expected.
    in_brain : float
        Share of the map's flow that lies in the brain, 0-1.
    flags : tuple of Flag
        Reservations.
    """

    flow: Image
    correlation: float
    in_brain: float
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
    in_brain = _check_overlap(points, flow, scan)
    correlation = expected.correlation(points, flow)
    flags = []
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
    return PlacedMap(_on_scan(cbf, scan), correlation, in_brain, tuple(flags))


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


def _check_overlap(points: Array, flow: Array, scan: BrainScan) -> float:
    """Return how much of the flow lies in the brain; refuse a map that lies elsewhere."""
    having = points[:, flow > np.median(flow[flow > 0]) / 2]
    places = np.nan_to_num(scan.indices(having), nan=-2.0)
    share = ndimage.map_coordinates(
        scan.brain.astype(np.float32), places, order=1, mode="constant"
    ).mean()
    if share >= _LEAST_SHARE:
        return float(share)
    middle = np.mean([affine[:3, 3] for affine in scan.affines], axis=0)
    middle = middle + scan.affines[0, :3, :2] @ (np.array(scan.hu.shape[:2]) - 1) / 2
    apart = float(np.linalg.norm(having.mean(axis=1) - middle))
    raise InputError(
        f"lies elsewhere than the brain on the CT ({share:.0%} of its flow is in it, the middles "
        f"are {apart:.0f} mm apart); give maps and CT of one examination, whose positions agree"
    )


def _on_scan(cbf: CbfMap, scan: BrainScan) -> Image:
    flow = np.full(scan.brain.shape, np.nan, np.float32)
    for index, here, points in scan.on_slices(scan.brain):
        flow[:, :, index][here] = cbf.at(points)
    return flow
