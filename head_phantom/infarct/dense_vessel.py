"""The hyperdense artery sign: a clot in the internal carotid or the middle cerebral artery.

Clot has lost serum and attenuates more than flowing blood: it measures 50 to 80 HU, where blood
measures about 40 [2]_. The sign is seen in half of the occlusions of these arteries [1]_ and marks
a side well before its tissue darkens.

References
----------
.. [1] Mair G, Boyd EV, Chappell FM, et al. Sensitivity and specificity of the hyperdense artery
   sign for arterial obstruction in acute ischemic stroke. Stroke 46:102-107 (2015).
   doi:10.1161/STROKEAHA.114.007036. Sensitivity 52%, specificity 95% over 15 studies.
.. [2] Koo CK, Teasdale E, Muir KW. What constitutes a true hyperdense middle cerebral artery sign?
   Cerebrovasc Dis 10:419-423 (2000). doi:10.1159/000016101. Above 43 HU and 1.2 times the other
   side.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from atlas_builder.catalogue.mni_head import Head
from atlas_builder.core.anatomy import Side

# The course on the right in MNI space, mm, inside the cisterns of the standard head.
_CAROTID = ((12.0, 7.0, -30.0), (11.5, 5.5, -25.0), (13.0, 4.0, -21.0))
_TRUNK = (
    (13.0, 4.0, -21.0),
    (20.0, 5.0, -19.0),
    (27.0, 6.5, -18.5),
    (34.0, 10.0, -18.0),
    (40.0, 10.0, -16.0),
    (43.0, 6.0, -12.0),
)
_STEP_MM = 0.5
_HU = (60.0, 80.0)  # the denser half: in slices of 5 mm the others do not show
_RADII_MM = (1.6, 2.2)  # the trunk measures 3 to 4.5 mm across, wall and clot included
_LENGTHS_MM = (8.0, 26.0)


class Segment(Enum):
    """Which artery the clot is in."""

    CAROTID = "ICA"
    TRUNK = "M1"


@dataclass(frozen=True)
class DenseVessel:
    """A clot that shows.

    Attributes
    ----------
    side : {'left', 'right'}
        The patient's side.
    segment : Segment
        The internal carotid artery below and at its end, or the trunk of the middle cerebral one.
    hu : float
        Density of the clot.
    radius_mm : float
        Of the artery.
    from_mm, length_mm : float
        Where the clot begins along the segment, and how far it reaches.
    """

    side: Side
    segment: Segment
    hu: float
    radius_mm: float
    from_mm: float
    length_mm: float


def draw_dense_vessel(side: Side, rng: np.random.Generator) -> DenseVessel:
    """Draw a clot of 60 to 80 HU; one in five lies in the carotid artery.

    Parameters
    ----------
    side : {'left', 'right'}
        The side of the infarct.
    rng : numpy.random.Generator
        Draws place, size and density.

    Returns
    -------
    DenseVessel
    """
    segment = Segment.CAROTID if rng.random() < 0.2 else Segment.TRUNK
    return DenseVessel(
        side,
        segment,
        hu=float(rng.uniform(*_HU)),
        radius_mm=float(rng.uniform(*_RADII_MM)),
        from_mm=0.0 if segment is Segment.CAROTID else float(rng.uniform(0.0, 10.0)),
        length_mm=float(rng.uniform(*_LENGTHS_MM)),
    )


def clot_share(head: Head, vessel: DenseVessel) -> NDArray[np.float32]:
    """Return how much of each voxel of the standard head is clot, 0 to 1.

    Parameters
    ----------
    head : Head
        The standard head.
    vessel : DenseVessel
        The clot.

    Returns
    -------
    ndarray of float32, shape (x, y, z)
        A tube with a soft rim.
    """
    share = np.zeros(head.regions.shape, np.float32)
    inverse = np.linalg.inv(head.affine)
    course = _course(vessel)
    middles = course @ inverse[:3, :3].T + inverse[:3, 3]
    reach = vessel.radius_mm + 2
    first = np.floor(middles.min(axis=0) - reach).astype(int)
    last = np.ceil(middles.max(axis=0) + reach).astype(int)
    first, last = np.maximum(first, 0), np.minimum(last, np.array(share.shape) - 1)
    box = tuple(slice(a, b + 1) for a, b in zip(first, last, strict=True))
    voxels = np.indices(share[box].shape) + first.reshape(3, 1, 1, 1)
    distance = np.full(share[box].shape, np.inf)
    for middle in middles:
        offsets = voxels - middle.reshape(3, 1, 1, 1)
        np.minimum(distance, np.sqrt((offsets**2).sum(axis=0)), out=distance)
    share[box] = np.clip(vessel.radius_mm + 0.5 - distance, 0, 1)
    return share


def _course(vessel: DenseVessel) -> NDArray[np.float64]:
    """Return points of the clot's axis in MNI space, mm; it may run into the next segment."""
    corners = _TRUNK if vessel.segment is Segment.TRUNK else (*_CAROTID, *_TRUNK[1:])
    points = np.array(corners) * (1 if vessel.side == "right" else -1, 1, 1)
    lengths = np.linalg.norm(np.diff(points, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    last = min(vessel.from_mm + vessel.length_mm, along[-1])
    places = np.arange(vessel.from_mm, last, _STEP_MM)
    return np.stack([np.interp(places, along, points[:, axis]) for axis in range(3)], axis=1)
