"""The infarct core in three dimensions: seen through a translucent brain, without a 3-D library.

Rays run along the axes of MNI space. On each, the first place where a smooth field passes one half
is the surface; its gradient gives the normal and thereby the light. The brain is most transparent
where it faces the viewer and opaque towards its outline, as glass is; what lies deep is dimmed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from aspects_scorer.dwi.mni_brain import MniBrain
from atlas_builder.core.lesion import Lesion

Array = NDArray[np.float32]
Field = NDArray[np.uint8]

_BOX_MM = ((-82.0, -118.0, -64.0), (82.0, 84.0, 94.0))  # MNI152: the brain without the cord
_HALF = 127  # in 1/255: the surface lies above it
_SMOOTHING = 1.0  # mm
_ROOM = 4  # voxels around the lesion, for its smooth border
_BRAIN_COLOUR = np.array([0.90, 0.92, 0.96], np.float32)
_LESION_COLOUR = np.array([1.0, 0.26, 0.16], np.float32)
_FACING_ALPHA, _GRAZING_ALPHA = 0.34, 0.9
_DIMMED_PER_MM = 0.006
_LIGHT = np.array([-0.45, 0.55, 0.70], np.float32)  # towards right, top and viewer of the picture
_AMBIENT, _DIFFUSE, _SHINE = 0.30, 0.62, 0.22
_EDGE = 2.0  # how steeply a silhouette passes from nothing to whole


@dataclass(frozen=True)
class View:
    """From where the brain is seen.

    Attributes
    ----------
    name : str
        In words.
    right, up, viewer : int
        Axes of MNI space, counted from 1 and negative where they run the other way, that point to
        the picture's right, to its top and to the viewer.
    marks : tuple of str
        What is at the picture's left and right.
    """

    name: str
    right: int
    up: int
    viewer: int
    marks: tuple[str, str]


VIEWS = (
    View("from the right", 2, 3, 1, ("back", "front")),
    View("from the front", -1, 3, 2, ("R", "L")),
    View("from the left", -2, 3, -1, ("front", "back")),
    View("from above", 1, 2, 3, ("L", "R")),
)


@dataclass(frozen=True)
class Scene:
    """Smooth fields of the brain and of a lesion in it, in 1/255: shape (x, y, z), 1 mm, RAS+."""

    brain: Field
    lesion: Field


def scene(brain: MniBrain, lesion: Lesion) -> Scene:
    """Put a lesion in MNI space and the average brain on one grid.

    Parameters
    ----------
    brain : MniBrain
        Its tissue is shown without the fluid, so that the large fissures are seen.
    lesion : Lesion
        In MNI152 millimetres.
    """
    low, high = (_indices(brain.affine, corner) for corner in _BOX_MM)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    # Rounded apart, the two may exceed the whole by one.
    tissue = brain.grey[box] + np.minimum(brain.white[box], 255 - brain.grey[box])
    return Scene(tissue, _smooth_on(lesion, brain.affine, low, tissue.shape))


def _indices(affine: NDArray[np.float64], point: tuple[float, float, float]) -> NDArray[np.intp]:
    inverse = np.linalg.inv(affine)
    return np.rint(inverse[:3, :3] @ point + inverse[:3, 3]).astype(np.intp)


def _smooth_on(
    lesion: Lesion,
    affine: NDArray[np.float64],
    start: NDArray[np.intp],
    shape: tuple[int, ...],
) -> Field:
    """Return a lesion without its steps on part of the brain's grid, which begins at `start`."""
    field = np.zeros(shape, np.uint8)
    if not lesion:
        return field
    to_lesion = np.linalg.inv(lesion.affine) @ affine
    from_lesion = np.linalg.inv(to_lesion)
    (found,) = ndimage.find_objects(lesion.mask.astype(np.uint8))
    corners = np.array(list(product(*((axis.start, axis.stop - 1) for axis in found)))).T
    reached = from_lesion[:3, :3] @ corners + from_lesion[:3, 3:] - start[:, np.newaxis]
    low = np.clip(np.floor(reached.min(axis=1)).astype(int) - _ROOM, 0, shape)
    high = np.clip(np.ceil(reached.max(axis=1)).astype(int) + _ROOM + 1, low, shape)
    part = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    inside = ndimage.affine_transform(
        lesion.mask.astype(np.float32),
        to_lesion[:3, :3],
        to_lesion[:3, :3] @ (start + low) + to_lesion[:3, 3],
        tuple(high - low),
        order=1,
    )
    field[part] = np.rint(255 * ndimage.gaussian_filter(inside, _SMOOTHING, truncate=3))
    return field


def render(drawn: Scene, view: View) -> NDArray[np.uint8]:
    """Draw a scene on black.

    Parameters
    ----------
    drawn : Scene
        From `scene`.
    view : View
        One of `VIEWS`.

    Returns
    -------
    ndarray of uint8, shape (rows, columns, 3)
        Red, green and blue; a pixel a millimetre.
    """
    brain, lesion = (_turned(field, view) for field in (drawn.brain, drawn.lesion))
    depth, normals, cover = _surface(brain)
    picture = np.zeros((*depth.shape, 3), np.float32)
    if (lesion > _HALF).any():
        core_depth, core_normals, core_cover = _surface(lesion)
        behind = np.maximum(core_depth - depth, 0) * (cover > 0.5)
        dimmed = np.exp(-_DIMMED_PER_MM * behind)
        picture = _lit(core_normals, _LESION_COLOUR) * (core_cover * dimmed)[..., np.newaxis]
    grazing = (1 - np.clip(normals[..., 2], 0, 1)) ** 2
    alpha = cover * (_FACING_ALPHA + (_GRAZING_ALPHA - _FACING_ALPHA) * grazing)
    glass = alpha[..., np.newaxis]
    picture = picture * (1 - glass) + _lit(normals, _BRAIN_COLOUR) * glass
    return np.rint(255 * np.clip(picture, 0, 1)).astype(np.uint8)


def _turned(field: Field, view: View) -> Field:
    """Turn a field so that its axes run down, right and away from the viewer."""
    down, right, away = -view.up, view.right, -view.viewer
    turned = np.transpose(field, [abs(axis) - 1 for axis in (down, right, away)])
    return np.flip(turned, [place for place, axis in enumerate((down, right, away)) if axis < 0])


def _surface(field: Field) -> tuple[Array, Array, Array]:
    """Return depth (mm), outward normals (right, up, viewer) and coverage (0-1) of each pixel."""
    hit = field > _HALF
    first = hit.argmax(axis=2)
    rows, columns = np.indices(first.shape)
    last = np.array(field.shape) - 1

    def at(down: int, right: int, away: int) -> Array:
        values = field[
            np.clip(rows + down, 0, last[0]),
            np.clip(columns + right, 0, last[1]),
            np.clip(first + away, 0, last[2]),
        ]
        return values / np.float32(255)

    before, here = at(0, 0, -1), at(0, 0, 0)
    rise = np.maximum(here - before, 1e-6)
    depth = first - np.clip((here - 0.5) / rise, 0, 1)
    gradient = np.stack(
        [at(0, 1, 0) - at(0, -1, 0), at(-1, 0, 0) - at(1, 0, 0), at(0, 0, -1) - at(0, 0, 1)],
        axis=2,
    )
    length = np.linalg.norm(gradient, axis=2, keepdims=True)
    highest = field.max(axis=2) / np.float32(255)
    cover = np.clip((highest - 0.5) * _EDGE + 0.5, 0, 1)
    return depth.astype(np.float32), -gradient / np.maximum(length, 1e-6), cover


def _lit(normals: Array, colour: Array) -> Array:
    light = _LIGHT / np.linalg.norm(_LIGHT)
    facing = np.clip(normals @ light, 0, 1)[..., np.newaxis]
    halfway = light + np.array([0, 0, 1], np.float32)
    shine = np.clip(normals @ (halfway / np.linalg.norm(halfway)), 0, 1)[..., np.newaxis] ** 24
    return np.asarray((_AMBIENT + _DIFFUSE * facing) * colour + _SHINE * shine, np.float32)
