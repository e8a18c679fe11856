"""Which place of the standard head each voxel of a subject shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from atlas_builder.catalogue.mni_head import Head
from atlas_builder.catalogue.tissues import Tissue
from head_phantom.head.coarse_head import CoarseHead
from head_phantom.head.deformation import Flow, Lattice
from head_phantom.head.resampling import Box, halve_spacing
from head_phantom.person.person import Person

_NODE_VOXELS = 2  # nodes lie on every second voxel of 1 mm
_MARGIN_MM = 4.0


@dataclass(frozen=True)
class Correspondence:
    """From a subject's voxels to the standard head.

    Attributes
    ----------
    nodes : Lattice
        Every second voxel of the subject.
    origins : ndarray of float32, shape (3, x, y, z)
        Millimetres of MNI space for each node.
    welled : ndarray of float32, shape (x, y, z)
        `Flow.welled` at each node.
    box : tuple of slice
        The voxels around the brain.
    inside : ndarray of bool, shape of `box`
        The voxels of the box that are brain, sulci and ventricles included.
    """

    nodes: Lattice
    origins: NDArray[np.float32]
    welled: NDArray[np.float32]
    box: Box
    inside: NDArray[np.bool_]

    @property
    def affine(self) -> NDArray[np.float64]:
        """From the subject's voxels to RAS+ millimetres."""
        affine = np.eye(4)
        affine[:3, 3] = self.nodes.origin
        return affine

    def voxel_indices(self, head: Head) -> NDArray[np.float32]:
        """Return the standard head's fractional voxel for every voxel of the subject.

        Parameters
        ----------
        head : Head
            The standard head, whose voxels are meant.

        Returns
        -------
        ndarray of float32, shape (3, x, y, z)
            Indices counted from 0; x, y and z are the subject's voxels of 1 mm.
        """
        inverse = np.linalg.inv(head.affine)
        at_nodes = np.tensordot(inverse[:3, :3], self.origins, axes=1)
        at_nodes += inverse[:3, 3].reshape(3, 1, 1, 1)
        return halve_spacing(at_nodes.astype(np.float32))

    def grown(self) -> NDArray[np.float32]:
        """Return by how much fluid has enlarged the volume at each voxel inside, 1-D."""
        return np.asarray(np.exp(self._refined(self.welled)[self.inside]))

    def in_brain(self, lattice: Lattice, field: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return a field of the standard head at each voxel of the subject's brain.

        Parameters
        ----------
        lattice : Lattice
            The grid of the field, in MNI space.
        field : ndarray, shape (x, y, z)
            One value a node of `lattice`.

        Returns
        -------
        ndarray of float32, shape (n,)
            In the order of ``inside.nonzero()``.
        """
        return self._refined(lattice.sample(field, self.origins))[self.inside]

    def place_of(self, point: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where a point of the standard head lies in the subject.

        Parameters
        ----------
        point : ndarray, shape (3,)
            In MNI space, mm.

        Returns
        -------
        ndarray, shape (3,)
            In the subject's RAS+ mm.
        """
        offsets = self.origins - np.reshape(point, (3, 1, 1, 1))
        nearest = np.unravel_index(np.argmin((offsets**2).sum(axis=0)), self.nodes.shape)
        x, y, z = (int(n) for n in nearest)
        around = self.origins[:, x - 1 : x + 2, y - 1 : y + 2, z - 1 : z + 2]
        gradients = np.gradient(around.astype(np.float64), axis=(1, 2, 3))
        derivative = np.stack([g[:, 1, 1, 1] for g in gradients], axis=1)
        step = np.linalg.solve(derivative, offsets[:, x, y, z].astype(np.float64))
        return np.asarray(self.nodes.origin + self.nodes.spacing * (np.array(nearest) - step))

    def _refined(self, field: NDArray[np.float32]) -> NDArray[np.float32]:
        return _refined(field, self.box)


def correspondence(
    head: Head, coarse: CoarseHead, person: Person, shape: Flow, interior: Flow
) -> Correspondence:
    """Compose a subject's size, shape and the flow inside the brain.

    Parameters
    ----------
    head : Head
        The standard head.
    coarse : CoarseHead
        Its brain.
    person : Person
        Whose size to give it.
    shape : Flow
        The shape of the head, applied last but for the size.
    interior : Flow
        What moves inside the brain, applied first.
    """
    nodes = _nodes_around(head, person)
    scale = np.array(person.scale, np.float32).reshape(3, 1, 1, 1)
    standard_size = nodes.points() / scale
    shaped = shape.origins(standard_size)
    origins = interior.origins(shaped)
    welled = interior.lattice.sample(interior.welled, shaped)
    depth = coarse.lattice.sample(coarse.depth, origins)
    found = ndimage.find_objects((depth > 0).astype(np.uint8))[0]
    x, y, z = (
        slice(_NODE_VOXELS * max(s.start - 2, 0), _NODE_VOXELS * min(s.stop + 1, n - 1) + 1)
        for s, n in zip(found, nodes.shape, strict=True)
    )
    inside = _refined(depth, (x, y, z)) > 0
    return Correspondence(nodes, origins, welled, (x, y, z), inside)


def _refined(field: NDArray[np.float32], box: Box) -> NDArray[np.float32]:
    """Interpolate a field at the nodes to the voxels of a box."""
    x, y, z = (slice(s.start // _NODE_VOXELS, (s.stop - 1) // _NODE_VOXELS + 1) for s in box)
    return halve_spacing(field[x, y, z])


def _nodes_around(head: Head, person: Person) -> Lattice:
    """Return the lattice over the subject's head."""
    scale = np.array(person.scale)
    flesh = head.tissues[Tissue.AIR] < 255
    ends = []
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        along = np.flatnonzero(flesh.any(axis=others))
        ends.append((along[0], along[-1]))
    corners = np.array(ends) * head.affine[0, 0] + head.affine[:3, 3:]
    first = np.floor(corners[:, 0] * scale - _MARGIN_MM)
    # The standard head ends below where its volume does; there is no margin there.
    first[2] = np.ceil(corners[2, 0] * scale[2])
    last = corners[:, 1] * scale + _MARGIN_MM
    nx, ny, nz = (int(n) + 1 for n in np.ceil((last - first) / _NODE_VOXELS))
    return Lattice((nx, ny, nz), float(_NODE_VOXELS), first)
