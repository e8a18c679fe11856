"""Where a scanner's slices lie, and how the subject lies in the scanner.

The scanner's space is that of the scan: RAS+ millimetres of an upright patient, the table moving
along its third axis. A gantry tilts about the first axis through the isocentre while the table
still moves along the third, so tilted slices are not stacked along their normal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from atlas_builder.core.anatomy import SGL_ABOVE_BGL_MM
from head_phantom.person.volumes import Anatomy
from head_phantom.scanner.acquisition import Acquisition

Array = NDArray[np.float64]

_HEAD_HU = -300.0


@dataclass(frozen=True)
class Stack:
    """The slices of a scan.

    Attributes
    ----------
    affines : ndarray, shape (slices, 4, 4)
        As in `atlas_builder.core.scan.Scan`.
    heights : ndarray, shape (slices,)
        Of the slices' middles in mm along their normal from the subject's BGL point.
    thickness : ndarray, shape (slices,)
        In mm.
    """

    affines: Array
    heights: Array
    thickness: Array

    @property
    def key_slices(self) -> tuple[int, int]:
        """The slices nearest to the BGL point and to 20 mm above it."""
        bgl, sgl = (int(np.abs(self.heights - at).argmin()) for at in (0.0, SGL_ABOVE_BGL_MM))
        return bgl, sgl


def lay_head(anatomy: Anatomy, acquisition: Acquisition) -> Array:
    """Lay the subject on the table.

    Parameters
    ----------
    anatomy : Anatomy
        The subject.
    acquisition : Acquisition
        Gives turns in degrees, shift and table position in mm.

    Returns
    -------
    ndarray, shape (4, 4)
        From the subject's RAS+ mm to the scanner's.
    """
    first, last = head_extent(anatomy)
    middle = np.append((first + last)[:2] / 2.0, anatomy.bgl_point[2])
    turned = rotation(acquisition.pitch_deg, acquisition.roll_deg, acquisition.yaw_deg, middle)
    turned[:3, 3] -= middle
    turned[:3, 3] += (*acquisition.shift_mm, acquisition.table_mm)
    return turned


def rotation(pitch_deg: float, roll_deg: float, yaw_deg: float, centre: Array) -> Array:
    """Return the turn about a point: chin down, then ear to the shoulder, then in the plane.

    Parameters
    ----------
    pitch_deg, roll_deg, yaw_deg : float
        In degrees, in this order.
    centre : ndarray, shape (3,)
        The point that stays in place, in mm.

    Returns
    -------
    ndarray, shape (4, 4)
        From mm to mm.
    """
    matrix = np.eye(4)
    angles = (-pitch_deg, roll_deg, yaw_deg)
    matrix[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    matrix[:3, 3] = centre - matrix[:3, :3] @ centre
    return matrix


def lay_slices(anatomy: Anatomy, acquisition: Acquisition, pose: Array) -> Stack:
    """Place the slices from below the base of the skull to the vertex.

    Parameters
    ----------
    anatomy : Anatomy
        The subject.
    acquisition : Acquisition
        Slices, tilt and coverage.
    pose : ndarray, shape (4, 4)
        From `lay_head`.
    """
    tilt = np.radians(0.0 if acquisition.straightened else acquisition.tilt_deg)
    normal = np.array([0.0, -np.sin(tilt), np.cos(tilt)])
    bgl_point = pose[:3, :3] @ anatomy.bgl_point + pose[:3, 3]
    level = float(normal @ bgl_point)
    top = _vertex(anatomy, pose, normal) - level + acquisition.beyond_vertex_mm
    heights, thickness = _heights(acquisition, top)
    if acquisition.descending:
        heights, thickness = heights[::-1], thickness[::-1]
    columns = np.array([-1.0, 0.0, 0.0]) * acquisition.pixel_mm
    rows = np.array([0.0, -np.cos(tilt), -np.sin(tilt)]) * acquisition.pixel_mm
    corner = -(columns + rows) * (acquisition.matrix - 1) / 2.0
    affines = np.tile(np.eye(4), (len(heights), 1, 1))
    affines[:, :3, 0], affines[:, :3, 1], affines[:, :3, 2] = columns, rows, normal
    affines[:, :3, 3] = corner
    affines[:, 2, 3] += (heights + level) / normal[2]
    return Stack(affines, heights, thickness)


def _heights(acquisition: Acquisition, top: float) -> tuple[Array, Array]:
    """Return the heights and the thickness of slices, from the base up to `top`."""
    heights, thickness = [], []
    height = acquisition.start_mm
    while height <= top:
        heights.append(height)
        if height < acquisition.base_top_mm:
            thickness.append(acquisition.base_thickness_mm)
            above = height + acquisition.base_thickness_mm
            # Where the thickness changes, slices still lie edge to edge.
            changes = above >= acquisition.base_top_mm
            step = (acquisition.thickness_mm - acquisition.base_thickness_mm) / 2.0
            height = above + (step if changes else 0.0)
        else:
            thickness.append(acquisition.thickness_mm)
            height += acquisition.spacing_mm
    return np.array(heights), np.array(thickness)


def head_extent(anatomy: Anatomy) -> tuple[Array, Array]:
    """Return the corners of the box around the head above the BGL point.

    Parameters
    ----------
    anatomy : Anatomy
        The head is what exceeds -300 HU.

    Returns
    -------
    first, last : ndarray, shape (3,)
        In the subject's RAS+ mm; only x and y are bounds, z is that of the first voxel in both.
    """
    level = np.linalg.inv(anatomy.affine) @ np.append(anatomy.bgl_point, 1.0)
    shadow = (anatomy.hu[:, :, round(level[2]) :] > _HEAD_HU).any(axis=2)
    inside = np.argwhere(shadow)
    corners = np.column_stack([[inside.min(axis=0), inside.max(axis=0)], [0, 0], [1, 1]])
    first, last = (corners @ anatomy.affine.T)[:, :3]
    return first, last


def _vertex(anatomy: Anatomy, pose: Array, normal: Array) -> float:
    """Return how far the head reaches along a normal, in mm."""
    highest = np.argmax((anatomy.hu > _HEAD_HU)[:, :, ::-1], axis=2)
    columns = np.argwhere((anatomy.hu > _HEAD_HU).any(axis=2))
    height = anatomy.hu.shape[2] - 1 - highest[tuple(columns.T)]
    voxels = np.column_stack([columns, height, np.ones(len(columns))])
    points = voxels @ (pose @ anatomy.affine).T
    return float((points[:, :3] @ normal).max())
