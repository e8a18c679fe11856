"""What each voxel of a diffusion scan holds, before any signal: tissues, artefacts and infarcts.

Making a subject takes seconds, a signal milliseconds. So a limited number of subjects is scanned
once, without contrast, many real lesion shapes are planted in each scan, and training draws the
signal anew each time it uses one (`aspects_scorer.dwi.segmentation.training.signal`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from atlas_builder.catalogue.mni_head import Head, load_head
from atlas_builder.runtime.files import replacing
from head_phantom.anatomy import make_anatomy, places_of
from head_phantom.head.coarse_head import CoarseHead, coarse_head
from head_phantom.infarct.infarct import LesionMask, lesion_extent, no_ischaemia
from head_phantom.infarct.lesion_shapes import mirrored, read_shape
from head_phantom.infarct.old_lesions import OldInfarct
from head_phantom.person.correspondence import Correspondence
from head_phantom.person.leukoaraiosis import white_matter_lesions
from head_phantom.person.person import draw_person
from head_phantom.person.volumes import Anatomy
from head_phantom.scanner.dwi import distorted_indices, enclosed_air

_AGES = (20, 90)
_PIXELS_MM, _THICKNESSES_MM = (0.9, 2.5), (2.0, 4.0, 7.0)
_MARGIN_MM = np.array([34.0, 34.0, 10.0])  # in plane scalp is seen, above and below little
_OLD_INFARCT_ODDS = 0.4
_BORDER_MM = 2.0  # over which cerebellum becomes cerebrum
_TURNS_DEG = (8, 7, 8)  # about x, y and z; patients who cannot lie straight are turned by 15


@dataclass(frozen=True)
class TissueScan:
    """A diffusion scan before any signal; shares are in 1/255.

    Attributes
    ----------
    spacing : ndarray, shape (3,)
        Voxel size in mm.
    grey, white, csf : ndarray of uint8, shape (x, y, z)
        Shares of the brain's tissues; x runs to the right, y to the front, z up, up to the pose.
    leukoaraiosis : ndarray of uint8, shape (x, y, z)
        Share of the voxel that is white matter changed by age.
    fat, flesh : ndarray of uint8, shape (x, y, z)
        Shares of fat, and of muscle, eyes and other watery tissue outside the brain.
    air : ndarray of uint8, shape (x, y, z)
        Nearness of air-filled cavities in the skull, against the nearest place in the scan.
    pile_up : ndarray of uint8, shape (x, y, z)
        How much the echo-planar distortion compresses the tissue along y, 100 where not at all.
    hindbrain : ndarray of uint8, shape (x, y, z)
        Share of the voxel that is cerebellum or brain stem.
    lesions : ndarray of uint8, shape (n, x, y, z)
        Share of each voxel that is infarcted, one infarct at a time.
    """

    spacing: NDArray[np.float64]
    grey: NDArray[np.uint8]
    white: NDArray[np.uint8]
    csf: NDArray[np.uint8]
    leukoaraiosis: NDArray[np.uint8]
    fat: NDArray[np.uint8]
    flesh: NDArray[np.uint8]
    air: NDArray[np.uint8]
    pile_up: NDArray[np.uint8]
    hindbrain: NDArray[np.uint8]
    lesions: NDArray[np.uint8]


@dataclass(frozen=True)
class ScanTask:
    """One subject to scan once, with the infarcts to plant.

    Attributes
    ----------
    file : Path
        Where the scan goes.
    seed : tuple of int
        Decides the subject and the scan.
    lesions, old : tuple of Path
        Masks of the infarcts to plant, and of infarcts of which one may have left a cavity.
    """

    file: Path
    seed: tuple[int, ...]
    lesions: tuple[Path, ...]
    old: tuple[Path, ...]


def simulate_tissue_scan(task: ScanTask) -> Path:
    """Make a subject, scan it and plant infarcts, unless the file is there.

    Parameters
    ----------
    task : ScanTask
        The subject, the infarcts and the file.

    Returns
    -------
    Path
        The file.
    """
    if not task.file.exists():
        rng = np.random.default_rng(task.seed)
        scan = draw_tissue_scan(load_head(), task.lesions, task.old, rng)
        write_tissue_scan(task.file, scan)
    return task.file


def draw_tissue_scan(
    head: Head, lesions: Sequence[Path], old: Sequence[Path], rng: np.random.Generator
) -> TissueScan:
    """Draw a subject of 20 to 89 years, scan it and plant infarcts.

    Parameters
    ----------
    head : Head
        The standard head.
    lesions : sequence of Path
        Masks in MNI space; half of them change sides.
    old : sequence of Path
        Masks of which some subjects have one as a cavity.
    rng : numpy.random.Generator
        Draws the subject, voxels (0.9-2.5 mm, slices 2-7 mm), pose and distortion.
    """
    person = draw_person(rng.uniform(*_AGES), "F" if rng.random() < 0.5 else "M", rng)
    past = []
    if old and rng.random() < _OLD_INFARCT_ODDS:
        past.append(
            OldInfarct(read_shape(old[int(rng.integers(len(old)))]), int(rng.integers(2**31)))
        )
    anatomy = make_anatomy(head, person, old_infarcts=past)
    coarse = coarse_head(head)
    places = places_of(head, coarse, person, no_ischaemia(coarse))
    pixel = float(np.exp(rng.uniform(*np.log(_PIXELS_MM))))
    spacing = np.array([pixel, pixel, rng.triangular(*_THICKNESSES_MM)])
    affine, shape = _turned_stack(anatomy, spacing, rng)
    view = _View(distorted_indices(anatomy, affine, shape, pixel, rng), spacing)

    affected = white_matter_lesions(coarse, person, rng)
    aged, hindbrain = np.zeros((2, *anatomy.hu.shape), np.float32)
    aged[places.box][places.inside] = places.in_brain(coarse.lattice, affected)
    hindbrain[places.box][places.inside] = places.in_brain(coarse.lattice, _hindbrain(coarse))
    solid = (anatomy.grey | anatomy.white | anatomy.csf) == 0
    flesh = solid & (anatomy.hu > -20) & (anatomy.hu < 110)
    fat = solid & (anatomy.hu > -150) & (anatomy.hu < -40)
    planted = np.zeros((len(lesions), *shape), np.uint8)
    for place, file in zip(planted, lesions, strict=True):
        lesion = read_shape(file)
        _plant(
            place,
            mirrored(lesion) if rng.random() < 0.5 else lesion,
            _Brain(head, coarse, places, anatomy),
            view,
        )
    return TissueScan(
        spacing=spacing,
        grey=_bytes(view.of(anatomy.grey / np.float32(255))),
        white=_bytes(view.of(anatomy.white / np.float32(255))),
        csf=_bytes(view.of(anatomy.csf / np.float32(255))),
        leukoaraiosis=_bytes(view.of(aged * (anatomy.white / np.float32(255)))),
        fat=_bytes(view.of(fat.astype(np.float32))),
        flesh=_bytes(view.of(flesh.astype(np.float32))),
        air=_air(anatomy, view),
        pile_up=_pile_up(view),
        hindbrain=_bytes(view.of(hindbrain)),
        lesions=planted,
    )


def write_tissue_scan(file: Path, scan: TissueScan) -> None:
    """Write a scan as ``.npz``.

    Parameters
    ----------
    file : Path
        Its folder exists.
    scan : TissueScan
        What to write.
    """
    with replacing(file) as partial:
        np.savez_compressed(partial, **{f.name: getattr(scan, f.name) for f in fields(TissueScan)})


def read_tissue_scan(file: Path) -> TissueScan:
    """Read what `write_tissue_scan` wrote.

    Parameters
    ----------
    file : Path
        The ``.npz``.

    Returns
    -------
    TissueScan
    """
    with np.load(file, allow_pickle=False) as arrays:
        return TissueScan(**{f.name: arrays[f.name] for f in fields(TissueScan)})


@dataclass(frozen=True)
class _Brain:
    head: Head
    coarse: CoarseHead
    places: Correspondence
    anatomy: Anatomy


@dataclass(frozen=True)
class _View:
    """The subject's voxel (1 mm) that each voxel of the scan shows, and the scan's voxel size."""

    indices: NDArray[np.float64]
    spacing: NDArray[np.float64]

    def of(self, volume: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what the scan's voxels hold of a volume of the subject, 0 beyond its ends."""
        blurred = ndimage.gaussian_filter(volume, self.spacing / np.sqrt(12), truncate=2.5)
        return np.asarray(ndimage.map_coordinates(blurred, self.indices, np.float32, order=1))


def _turned_stack(
    anatomy: Anatomy, spacing: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.float64], tuple[int, int, int]]:
    """Return affine and shape of slices around the brain of a head that lies as patients do."""
    found = ndimage.find_objects((anatomy.grey > 127).astype(np.uint8))[0]
    ends = np.array([[s.start, s.stop - 1] for s in found])
    corners = anatomy.affine[:3, :3] @ ends + anatomy.affine[:3, 3:]
    centre = corners.mean(axis=1) + rng.normal(0, 3, 3)
    extent = corners[:, 1] - corners[:, 0] + 2 * _MARGIN_MM * rng.uniform(0.3, 1.0, 3)
    turn = Rotation.from_euler("xyz", rng.normal(0, _TURNS_DEG), degrees=True).as_matrix()
    nx, ny, nz = (int(n) for n in np.ceil(extent / spacing))
    affine = np.eye(4)
    affine[:3, :3] = turn * spacing
    affine[:3, 3] = centre - affine[:3, :3] @ (np.array([nx, ny, nz]) - 1) / 2
    return affine, (nx, ny, nz)


def _plant(place: NDArray[np.uint8], mask: LesionMask, brain: _Brain, view: _View) -> None:
    """Write the share of an infarct into the scan's voxels; only those near it are looked at."""
    extent = lesion_extent(brain.coarse, brain.head, mask, np.random.default_rng(0))
    anatomy, places = brain.anatomy, brain.places
    inside = places.in_brain(brain.coarse.lattice, extent)
    tissue = anatomy.grey[places.box].astype(np.uint16) + anatomy.white[places.box]
    lesion = np.zeros(places.inside.shape, np.bool_)
    lesion[places.inside] = (inside >= 0.5) & (tissue[places.inside] >= 128)
    found = ndimage.find_objects(lesion.astype(np.uint8))
    if not found:
        return
    margin = np.ceil(view.spacing).astype(int) + 2
    corner = [max(s.start - m, 0) for s, m in zip(found[0], margin, strict=True)]
    box = tuple(slice(c, s.stop + m) for c, s, m in zip(corner, found[0], margin, strict=True))
    part = lesion[box].astype(np.float32)
    blurred = ndimage.gaussian_filter(part, view.spacing / np.sqrt(12), truncate=2.5)
    first = np.add([s.start for s in places.box], corner)
    local = view.indices - first.reshape(3, 1, 1, 1)
    size = np.reshape(part.shape, (3, 1, 1, 1))
    near = ((local > -1) & (local < size)).all(axis=0)
    place[near] = _bytes(ndimage.map_coordinates(blurred, local[:, near], np.float32, order=1))


def _hindbrain(coarse: CoarseHead) -> NDArray[np.float32]:
    """Return 1 below the tentorium and behind the temporal lobes, as they lie in MNI space."""
    x, y, z = coarse.lattice.points()
    below = z < -4 - 0.4 * np.abs(x)
    behind = y < np.where(np.abs(x) < 18, -10, -36)
    inside = (below & behind).astype(np.float32)
    return np.asarray(ndimage.gaussian_filter(inside, _BORDER_MM / coarse.lattice.spacing))


def _air(anatomy: Anatomy, view: _View) -> NDArray[np.uint8]:
    cavities = ndimage.gaussian_filter(enclosed_air(anatomy), 2.0)
    scale = np.divide(cavities.shape, anatomy.hu.shape).reshape(3, 1, 1, 1)
    seen = ndimage.map_coordinates(cavities, view.indices * scale, np.float32, order=1)
    return _bytes(seen / max(float(seen.max()), 1e-6))


def _pile_up(view: _View) -> NDArray[np.uint8]:
    """Return the length of the subject between neighbouring rows, 100 for their spacing.

    Signal is kept when space is compressed, so it grows by that factor.
    """
    step = np.sqrt((np.gradient(view.indices, axis=2) ** 2).sum(axis=0)) / view.spacing[1]
    return np.clip(np.round(100 * step), 0, 255).astype(np.uint8)


def _bytes(share: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.round(255 * np.clip(share, 0, 1)).astype(np.uint8)
