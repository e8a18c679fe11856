"""One level of a build: what it is made from, what it keeps on the disk, what comes out."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from atlas_builder.construction.preparation import PreparedLevel, load_level
from atlas_builder.core.anatomy import Level
from atlas_builder.core.transform import PlaneGrid
from atlas_builder.preprocessing.key_slice import KEY_SLICE_SHAPE
from atlas_builder.registration.slices import Metric
from atlas_builder.runtime.files import replacing

Value = TypeVar("Value", bound=np.generic)


@dataclass(frozen=True)
class LevelJob:
    """What one level is built from.

    Attributes
    ----------
    level : str
        BGL or SGL.
    participants : tuple of str
        Ids, in the order in which they are averaged.
    prepared : Path
        Folder of the prepared participants.
    folder : Path
        Where this level's work is kept.
    grid : PlaneGrid
        The part of the key-slice grid that holds every brain.
    crop : tuple of slice
        That part, as indices into a key slice.
    iterations : int
        How many times every participant is registered.
    metric : Metric
        Of SyN.
    gradient_step, sharpening : float
        See `ShapeUpdate` and `update_template`.
    initial : str
        A participant's id, or ``average``.
    """

    level: Level
    participants: tuple[str, ...]
    prepared: Path
    folder: Path
    grid: PlaneGrid
    crop: tuple[slice, slice]
    iterations: int
    metric: Metric
    gradient_step: float
    sharpening: float
    initial: str

    def load(self, participant: str) -> PreparedLevel:
        """Return a participant's key slice, its image and labels cropped to the grid.

        Parameters
        ----------
        participant : str
            The id, one of `participants`.

        Returns
        -------
        PreparedLevel
            Image (HU) and labels of shape (nx, ny) on `grid`; the head is not cropped.
        """
        whole = load_level(self.prepared / f"{participant}.npz", self.level)
        return PreparedLevel(whole.image[self.crop], whole.labels[self.crop], whole.head)

    def on_key_slice(self, image: NDArray[Value]) -> NDArray[Value]:
        """Return an image of the grid on the whole key-slice grid, 0 around it.

        Parameters
        ----------
        image : ndarray, shape (nx, ny)
            Values on `grid`; any type.

        Returns
        -------
        ndarray, shape (460, 460)
            The type of `image`.
        """
        whole = np.zeros(KEY_SLICE_SHAPE, image.dtype)
        whole[self.crop] = image
        return whole

    def fits(self, number: int) -> Path:
        """Return the folder of an iteration's fits.

        Parameters
        ----------
        number : int
            Of the iteration, from 1.

        Returns
        -------
        Path
        """
        return self.folder / f"iteration-{number}"

    def carried(self, participant: str) -> Path:
        """Return the file of a participant's regions on the atlas.

        Parameters
        ----------
        participant : str
            The id.

        Returns
        -------
        Path
            ``.npy`` of uint8 labels, shape (nx, ny).
        """
        return self.folder / f"{participant}-regions.npy"

    def template(self, number: int) -> Path:
        """Return the file of the template after an iteration.

        Parameters
        ----------
        number : int
            Of the iteration, from 1; 0 is the initial template.

        Returns
        -------
        Path
            Of an `Estimate`.
        """
        return self.folder / f"template-{number}.npz"


@dataclass(frozen=True)
class IterationRecord:
    """What happened in one iteration.

    Attributes
    ----------
    iteration : int
        From 1.
    mean_deformation_mm, max_deformation_mm : float
        Of the participants' mean deformation field: what the shape update takes back.
    mean_magnitude_mm : float
        Mean over participants of the magnitude of their deformations.
    correlation : float
        Mean over participants of the correlation of the warped image with the template.
    entropy : float
        Of the template that comes out, in bits, rounded to whole HU on the key-slice grid.
    """

    iteration: int
    mean_deformation_mm: float
    max_deformation_mm: float
    mean_magnitude_mm: float
    correlation: float
    entropy: float


@dataclass(frozen=True)
class Estimate:
    """A template with all that the next iteration, or the atlas, needs of it.

    Attributes
    ----------
    image : ndarray of float32, shape (nx, ny)
        HU.
    mean_affine : ndarray, shape (3, 3)
        Of the participants.
    displacement : ndarray, shape (2, mx, my)
        The participants' mean deformation in mm, on the halved grid.
    initial_affines : ndarray, shape (participants, 3, 3)
        Where the next registration of each participant starts.
    correlations : ndarray, shape (participants,)
        Of each warped image with the template before.
    record : IterationRecord or None
        None for the initial template, of which only the image means anything.
    """

    image: NDArray[np.float32]
    mean_affine: NDArray[np.float64]
    displacement: NDArray[np.float64]
    initial_affines: NDArray[np.float64]
    correlations: NDArray[np.float64]
    record: IterationRecord | None

    @classmethod
    def initial(cls, image: NDArray[np.float32]) -> Estimate:
        """Return an initial template.

        Parameters
        ----------
        image : ndarray of float32, shape (nx, ny)
            HU; 0 outside the brain.

        Returns
        -------
        Estimate
            Without a record; the other arrays are empty.
        """
        none = np.zeros(0)
        return cls(image, none, none, none, none, None)

    def save(self, path: Path) -> None:
        """Write it as one ``.npz`` file without pickles.

        Parameters
        ----------
        path : Path
            The file; one that is there is replaced. Its folder must exist.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        record = json.dumps(None if self.record is None else asdict(self.record))
        with replacing(path) as partial:
            np.savez(
                partial,
                image=self.image,
                mean_affine=self.mean_affine,
                displacement=self.displacement,
                initial_affines=self.initial_affines,
                correlations=self.correlations,
                record=np.array(record),
            )

    @classmethod
    def load(cls, path: Path) -> Estimate:
        """Read it back.

        Parameters
        ----------
        path : Path
            A file that `save` wrote.

        Returns
        -------
        Estimate
        """
        with np.load(path, allow_pickle=False) as arrays:
            record = json.loads(str(arrays["record"]))
            return cls(
                arrays["image"],
                arrays["mean_affine"],
                arrays["displacement"],
                arrays["initial_affines"],
                arrays["correlations"],
                None if record is None else IterationRecord(**record),
            )


@dataclass(frozen=True)
class LevelResult:
    """A level's finished template and regions, on the key-slice grid.

    Attributes
    ----------
    image : ndarray of float32, shape (460, 460)
        HU; 0 outside the brain.
    labels : ndarray of uint8, shape (460, 460)
        The fused regions.
    probabilities : ndarray of float32, shape (regions, 460, 460)
        Share of the participants' votes.
    records : tuple of IterationRecord
        One an iteration.
    templates : tuple of ndarray of float32, shape (460, 460)
        The initial template and the one after each iteration, HU.
    deformations : tuple of ndarray of float32, shape (mx, my)
        Magnitude in mm of each iteration's mean deformation, on the halved cropped grid.
    correlation, dice : mapping of str to float
        Each participant's fit to the template, and how its own regions, carried there, agree with
        the fused ones.
    """

    image: NDArray[np.float32]
    labels: NDArray[np.uint8]
    probabilities: NDArray[np.float32]
    records: tuple[IterationRecord, ...]
    templates: tuple[NDArray[np.float32], ...]
    deformations: tuple[NDArray[np.float32], ...]
    correlation: dict[str, float]
    dice: dict[str, float]
