"""One iteration of template estimation: average, sharpen, move towards the average shape.

The workflow is that of ``antsMultivariateTemplateConstruction2.sh`` [1]_: every participant is
registered to the template; the mean of the warped images, sharpened, is deformed by the inverse of
the mean transform, so that the template drifts to the middle of the cohort's shapes.

References
----------
.. [1] Avants BB, Yushkevich P, Pluta J, et al. The optimal template effect in hippocampus studies
   of diseased populations. NeuroImage 49:2457-2466 (2010). doi:10.1016/j.neuroimage.2009.09.062
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.linalg import expm, logm

from atlas_builder.core.transform import (
    FloatArray,
    PlaneGrid,
    Transform,
    apply_affine,
    displace,
    sample,
)

GRADIENT_STEP = 0.25
"""Share of the mean deformation taken back in one step of the shape update."""

_SHAPE_STEPS = 4  # as the ANTs script composes the step


@dataclass
class RunningMean:
    """The sums over participants of one iteration; its size does not depend on their number.

    Attributes
    ----------
    image : ndarray, shape (nx, ny)
        Sum of the warped images, HU.
    brain : ndarray, shape (nx, ny)
        Sum of the warped brains: how many participants `image` is the sum of, fractions included.
    displacement : ndarray, shape (2, mx, my)
        Sum of the deformations, mm.
    log_affine : ndarray, shape (3, 3)
        Sum of the logarithms of the affines: a mean of matrices, not of their entries.
    count : int
        Participants added.
    """

    image: NDArray[np.float64]
    brain: NDArray[np.float64]
    displacement: NDArray[np.float64]
    log_affine: NDArray[np.float64]
    count: int = 0

    @classmethod
    def empty(cls, grid: PlaneGrid) -> RunningMean:
        """Return sums of nothing; deformations lie on the halved grid.

        Parameters
        ----------
        grid : PlaneGrid
            Of the images; an even number of pixels along both axes.

        Returns
        -------
        RunningMean
        """
        image, brain = np.zeros((2, *grid.shape))
        return cls(image, brain, np.zeros((2, *grid.halved().shape)), np.zeros((3, 3)))

    def add(self, warped: FloatArray, brain: FloatArray, transform: Transform) -> None:
        """Add a participant; the order of the calls decides the last bits.

        Parameters
        ----------
        warped : ndarray, shape (nx, ny)
            The participant's image on the template, HU; 0 outside the brain. See `Fit`.
        brain : ndarray, shape (nx, ny)
            The participant's brain on the template, 0 to 1.
        transform : Transform
            Template to participant; its fields lie on the halved grid.
        """
        self.image += warped
        self.brain += brain
        self.displacement += transform.displacement
        self.log_affine += logm(transform.affine).real
        self.count += 1


@dataclass(frozen=True)
class ShapeUpdate:
    """The step of a template towards the mean shape.

    Attributes
    ----------
    affine : ndarray, shape (3, 3)
        The mean affine, template to participants.
    displacement : ndarray, shape (2, mx, my)
        The mean deformation, mm on `grid`.
    grid : PlaneGrid
        The grid of `displacement`.
    gradient_step : float
        Share of the deformation taken back in each of four steps.
    """

    affine: NDArray[np.float64]
    displacement: NDArray[np.float64]
    grid: PlaneGrid
    gradient_step: float

    @classmethod
    def from_mean(cls, mean: RunningMean, grid: PlaneGrid, gradient_step: float) -> ShapeUpdate:
        """Return the shape update from the sums of an iteration.

        Parameters
        ----------
        mean : RunningMean
            Of at least one participant.
        grid : PlaneGrid
            Of the images; the update's displacement lies on the halved grid.
        gradient_step : float
            Share of the mean deformation taken back in each of four steps.

        Returns
        -------
        ShapeUpdate
        """
        return cls(
            expm(mean.log_affine / mean.count),
            mean.displacement / mean.count,
            grid.halved(),
            gradient_step,
        )

    def points(self, points: FloatArray) -> NDArray[np.float64]:
        """Return where the old template holds what the new one shows at `points`.

        Parameters
        ----------
        points : ndarray, shape (2, ...)
            x and y in mm on the new template.

        Returns
        -------
        ndarray of float64, shape (2, ...)
            x and y in mm on the old template.
        """
        moved = apply_affine(np.linalg.inv(self.affine), points)
        for _ in range(_SHAPE_STEPS):
            moved = displace(moved, -self.gradient_step * self.displacement, self.grid)
        return moved

    def initial_affine(self, affine: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return a participant's affine to the new template, given that to the old one.

        Parameters
        ----------
        affine : ndarray, shape (3, 3)
            Old template to participant, on points in mm.

        Returns
        -------
        ndarray of float64, shape (3, 3)
            New template to participant, on points in mm.
        """
        return np.asarray(affine @ np.linalg.inv(self.affine), dtype=np.float64)


def update_template(
    mean: RunningMean, update: ShapeUpdate, grid: PlaneGrid, sharpening: float
) -> NDArray[np.float32]:
    """Return the next template: the mean image, sharpened and moved towards the mean shape.

    Parameters
    ----------
    mean : RunningMean
        The sums of the iteration.
    update : ShapeUpdate
        Their shape update.
    grid : PlaneGrid
        The grid of the images.
    sharpening : float
        Weight of the Laplacian-sharpened mean against the mean itself, 0 to 1.

    Returns
    -------
    ndarray of float32, shape (nx, ny)
        HU.
    """
    average = average_brain(mean.image, mean.brain, mean.count)
    brain = average != 0
    sharpened = (1 - sharpening) * average + sharpening * sharpen(average, brain)
    points = update.points(grid.points())
    # Interpolation fades the rim; where the brain still has half of the weight that is undone.
    inside = sample(brain.astype(np.float64), grid, points)
    image = sample(sharpened, grid, points)
    return np.where(inside >= 0.5, image / np.maximum(inside, 0.5), 0).astype(np.float32)


def average_brain(total: FloatArray, brain: FloatArray, count: int) -> NDArray[np.float64]:
    """Return the mean of images over those that have brain at a pixel.

    Pixels where less than half of `count` images have brain are 0, so the rim of the mean is as
    sharp and as bright as that of one image.

    Parameters
    ----------
    total : ndarray, shape (nx, ny)
        Sum of the images, HU.
    brain : ndarray, shape (nx, ny)
        How many images have brain at each pixel, fractions included.
    count : int
        Images in the sums.

    Returns
    -------
    ndarray of float64, shape (nx, ny)
        HU; 0 outside the brain.
    """
    inside = brain >= count / 2
    return np.where(inside, total / np.where(inside, brain, 1), 0)


def sharpen(image: FloatArray, brain: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Sharpen a brain by its Laplacian with the strength of ITK's filter.

    The Laplacian is taken away from the image, stretched so that its range is that of the image, as
    ``itk::LaplacianSharpeningImageFilter`` does; the mean and the range are kept. At the rim the
    Laplacian is that of the brain going on outwards, not of the step to the background, which would
    leave a bright line there.

    Parameters
    ----------
    image : ndarray, shape (nx, ny)
        HU; the background counts for the range only.
    brain : ndarray of bool, shape (nx, ny)
        Where to sharpen; not empty.

    Returns
    -------
    ndarray, shape (nx, ny)
        HU; 0 outside `brain`.
    """
    values = np.asarray(image, dtype=np.float64)
    laplacian_range = np.ptp(ndimage.laplace(values, mode="nearest"))
    gain = np.ptp(values) / laplacian_range if laplacian_range > 0 else 0.0
    nearest = ndimage.distance_transform_edt(~brain, return_distances=False, return_indices=True)
    change = gain * ndimage.laplace(values[tuple(nearest)], mode="nearest")[brain]
    inside = values[brain]
    sharpened = np.zeros_like(values)
    sharpened[brain] = np.clip(inside - change + change.mean(), inside.min(), inside.max())
    return sharpened
