"""The arteries and veins of the standard head: courses, calibres, what supplies what.

Courses are polylines of the right side in MNI space, laid through the cisterns and sulci of the
standard head by `course_of`. Calibres are those of anatomical and angiographic studies [1]_ [2]_:
3.6 mm for the end of the internal carotid artery, 2.7 mm for the trunk of the middle cerebral one,
2.1 mm for the anterior and the posterior cerebral ones, 3.2 mm for the basilar one; branches taper
to 0.8 mm on the convexity. The dural sinuses are tissue of the standard head (`Tissue.BLOOD`).

References
----------
.. [1] Gabrielsen TO, Greitz T. Normal size of the internal carotid, middle cerebral and anterior
   cerebral arteries. Acta Radiol Diagn 10:1-10 (1970). doi:10.1177/028418517001000101
.. [2] Kamath S. Observations on the length and diameter of vessels forming the circle of Willis.
   J Anat 133:419-423 (1981).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from atlas_builder.catalogue.mni_head import Head
from atlas_builder.catalogue.tissues import Tissue
from atlas_builder.core.anatomy import Side

Array = NDArray[np.float64]
Point = tuple[float, float, float]

STEP_MM = 0.5
"""Distance of the points of a course."""

_REACH = 4  # voxels of 1 mm that a point may move to lie in fluid
_PULL_MM = 4.0  # how dear that way is
_SMOOTHING_MM = 2.0


class Segment(Enum):
    """Which part of the tree a vessel belongs to."""

    CAROTID = "ICA"
    TRUNK = "M1"
    SUPERIOR = "M2 superior"
    INFERIOR = "M2 inferior"
    ANTERIOR = "ACA"
    POSTERIOR = "posterior circulation"
    VEIN = "vein"


@dataclass(frozen=True)
class Vessel:
    """One vessel of the right side.

    Attributes
    ----------
    name : str
        Such as ``M1``.
    segment : Segment
        What it belongs to.
    corners : tuple of tuple of float
        Its course in MNI space, mm, in the direction of the flow.
    diameters_mm : tuple of float
        At its beginning and at its end.
    paired : bool
        Whether the left side has one as well.
    """

    name: str
    segment: Segment
    corners: tuple[Point, ...]
    diameters_mm: tuple[float, float]
    paired: bool = True


_ICA, _M1, _SUP, _INF = Segment.CAROTID, Segment.TRUNK, Segment.SUPERIOR, Segment.INFERIOR
_ACA, _POST, _VEIN = Segment.ANTERIOR, Segment.POSTERIOR, Segment.VEIN
_LIMEN: Point = (33.0, 8.0, -16.0)  # where the trunk divides
_SUP_END: Point = (39.0, 8.0, 8.0)  # on the insula, where branches turn over the operculum
_INF_END: Point = (40.0, -12.0, 4.0)

VESSELS = (
    Vessel("ICA", _ICA, ((12, 6, -30), (11.5, 5.5, -25), (13, 4, -21)), (4.2, 3.6)),
    Vessel("M1", _M1, ((13, 4, -21), (20, 5, -19), (27, 6.5, -18.5), _LIMEN), (2.9, 2.6)),
    Vessel("M2 superior", _SUP, (_LIMEN, (37, 14, -10), (39, 14, 0), _SUP_END), (2.2, 1.7)),
    Vessel("orbitofrontal", _SUP, ((37, 14, -10), (44, 24, -10), (48, 36, -8)), (1.3, 0.8)),
    Vessel("prefrontal", _SUP, ((39, 14, 0), (46, 20, 4), (52, 30, 14), (46, 42, 26)), (1.5, 0.8)),
    Vessel(
        "precentral",
        _SUP,
        (_SUP_END, (50, 8, 10), (60, 8, 20), (57, 10, 36), (46, 12, 52)),
        (1.5, 0.8),
    ),
    Vessel(
        "central",
        _SUP,
        (_SUP_END, (52, -4, 12), (64, -6, 22), (60, -8, 40), (48, -16, 58)),
        (1.5, 0.8),
    ),
    Vessel("M2 inferior", _INF, (_LIMEN, (39, 4, -11), (41, -4, -4), _INF_END), (2.3, 1.8)),
    Vessel(
        "parietal",
        _INF,
        (_INF_END, (46, -22, 12), (60, -24, 18), (62, -28, 34), (50, -36, 54)),
        (1.5, 0.8),
    ),
    Vessel(
        "angular",
        _INF,
        (_INF_END, (44, -28, 12), (56, -38, 18), (58, -54, 28), (46, -68, 42)),
        (1.6, 0.8),
    ),
    Vessel(
        "temporo-occipital",
        _INF,
        ((46, -22, 12), (60, -36, 8), (60, -54, 4), (50, -74, 4)),
        (1.4, 0.8),
    ),
    Vessel(
        "posterior temporal",
        _INF,
        (_INF_END, (58, -16, 2), (68, -26, -4), (64, -42, -10)),
        (1.3, 0.8),
    ),
    Vessel("middle temporal", _INF, ((41, -4, -4), (58, 0, -8), (66, -10, -16)), (1.3, 0.8)),
    Vessel("anterior temporal", _M1, ((27, 6.5, -18.5), (40, 14, -22), (52, 8, -28)), (1.2, 0.8)),
    Vessel("A1", _ACA, ((13, 4, -21), (8, 9, -19), (2, 13, -16)), (2.3, 2.1)),
    Vessel(
        "A2",
        _ACA,
        ((2, 13, -16), (2, 26, -10), (2, 37, 4), (2, 30, 18), (2, 8, 28), (2, -20, 30)),
        (2.1, 1.2),
    ),
    Vessel(
        "callosomarginal",
        _ACA,
        ((2, 37, 4), (3, 46, 16), (3, 36, 36), (3, 14, 50), (3, -10, 58)),
        (1.6, 0.8),
    ),
    Vessel("frontopolar", _ACA, ((2, 26, -10), (3, 46, -8), (4, 64, 0)), (1.3, 0.8)),
    Vessel("vertebral", _POST, ((12, -34, -64), (7, -24, -55), (0, -14, -47)), (3.2, 2.8)),
    Vessel(
        "basilar",
        _POST,
        ((0, -14, -47), (0, -11, -38), (0, -10, -28), (0, -13, -19)),
        (3.4, 3.0),
        paired=False,
    ),
    Vessel(
        "PCA",
        _POST,
        ((0, -13, -19), (11, -17, -15), (18, -26, -11), (19, -36, -4), (12, -52, 2), (9, -72, 6)),
        (2.2, 1.2),
    ),
    Vessel("PCA temporal", _POST, ((18, -26, -11), (28, -42, -14), (36, -62, -14)), (1.4, 0.8)),
    Vessel("PCom", _POST, ((13, 2, -21), (12, -8, -19), (11, -17, -15)), (1.4, 1.2)),
    Vessel("SCA", _POST, ((0, -13, -21), (13, -20, -22), (20, -38, -24)), (1.5, 0.8)),
    Vessel("internal cerebral vein", _VEIN, ((2, -8, 12), (2, -26, 13), (1, -40, 8)), (1.4, 2.0)),
    Vessel("vein of Galen", _VEIN, ((1, -40, 8), (0, -45, 10)), (3.5, 4.0), paired=False),
    Vessel(
        "basal vein", _VEIN, ((12, -4, -17), (18, -22, -8), (8, -38, 3), (1, -42, 8)), (1.2, 2.0)
    ),
    Vessel(
        "superficial middle cerebral vein",
        _VEIN,
        ((62, -10, 10), (52, 10, 0), (42, 22, -14)),
        (1.5, 2.5),
    ),
    Vessel(
        "superior anastomotic vein",
        _VEIN,
        ((62, -10, 10), (60, -22, 40), (34, -32, 72)),
        (1.5, 2.5),
    ),
    Vessel(
        "inferior anastomotic vein",
        _VEIN,
        ((62, -10, 10), (66, -40, -2), (52, -60, -18)),
        (1.5, 2.5),
    ),
    Vessel("frontal cortical vein", _VEIN, ((46, 34, 30), (32, 30, 52), (8, 26, 64)), (1.2, 2.0)),
    Vessel(
        "parietal cortical vein", _VEIN, ((52, -52, 40), (34, -54, 62), (6, -52, 74)), (1.2, 2.0)
    ),
)
"""All vessels that a CT angiography shows in the simulated heads."""


def fluid_of(head: Head) -> NDArray[np.float32]:
    """Return how much fluid lies around each voxel of the standard head, which courses follow.

    Parameters
    ----------
    head : Head
        The standard head.

    Returns
    -------
    ndarray of float32, shape (x, y, z)
        0 to 1.
    """
    share = np.asarray(head.tissues[Tissue.CSF], np.float32) / 255
    return np.asarray(ndimage.gaussian_filter(share, 0.7), np.float32)


def course_of(
    vessel: Vessel, side: Side, head: Head, fluid: NDArray[np.float32], rng: np.random.Generator
) -> Array:
    """Lay a vessel through cisterns and sulci.

    Parameters
    ----------
    vessel : Vessel
        Which.
    side : {'left', 'right'}
        Of the patient.
    head : Head
        The standard head.
    fluid : ndarray of float32, shape (x, y, z)
        From `fluid_of`.
    rng : numpy.random.Generator
        Draws how the course departs from the usual one, about 1 mm.

    Returns
    -------
    ndarray, shape (points, 3)
        Points every 0.5 mm, in MNI space, in the direction of the flow.
    """
    corners = np.array(vessel.corners, float) * (1 if side == "right" else -1, 1, 1)
    points = resampled(corners)
    sway = ndimage.gaussian_filter1d(rng.standard_normal(points.shape), 12, axis=0, mode="nearest")
    points = points + sway * 4.0
    points = np.array([_to_fluid(point, head, fluid) for point in points[::4]])
    if len(points) > 3:
        inner = ndimage.gaussian_filter1d(points, _SMOOTHING_MM / 2, axis=0, mode="nearest")
        points = np.vstack([points[:1], inner[1:-1], points[-1:]])
    return resampled(points) if len(points) > 1 else resampled(corners)


def resampled(corners: Array) -> Array:
    """Return points every `STEP_MM` along a polyline.

    Parameters
    ----------
    corners : ndarray, shape (n, 3)
        At least two, mm.

    Returns
    -------
    ndarray, shape (points, 3)
    """
    lengths = np.linalg.norm(np.diff(corners, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    places = np.arange(0.0, along[-1] + STEP_MM / 2, STEP_MM)
    return np.stack([np.interp(places, along, corners[:, axis]) for axis in range(3)], axis=1)


def _to_fluid(point: Array, head: Head, fluid: NDArray[np.float32]) -> Array:
    """Return the place near a point with the most fluid, less what the way there costs."""
    at = np.rint(point - head.affine[:3, 3]).astype(int)
    low = np.maximum(at - _REACH, 0)
    high = np.minimum(at + _REACH + 1, fluid.shape)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    away = np.indices(fluid[box].shape) + (low - at).reshape(3, 1, 1, 1)
    worth = fluid[box] - np.sqrt((away**2).sum(axis=0)) / (_PULL_MM * _REACH)
    best = np.unravel_index(int(worth.argmax()), worth.shape)
    return np.asarray(point + away[:, best[0], best[1], best[2]])
