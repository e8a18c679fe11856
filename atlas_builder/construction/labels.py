"""Label fusion: participants' regions on the template become the atlas's regions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from atlas_builder.construction.template import ShapeUpdate
from atlas_builder.core.anatomy import Level, regions_of
from atlas_builder.core.transform import PlaneGrid, Transform, sample_labels
from atlas_builder.preprocessing.components import largest_component


@dataclass(frozen=True)
class CarryTask:
    """A participant's regions and the way they take to the atlas.

    Attributes
    ----------
    labels : ndarray of uint8, shape (nx, ny)
        The participant's regions on `grid`.
    grid : PlaneGrid
        Of the participant's key slice and of the atlas.
    transform : Transform
        Last template to participant.
    update : ShapeUpdate
        Last template to atlas.
    """

    labels: NDArray[np.uint8]
    grid: PlaneGrid
    transform: Transform
    update: ShapeUpdate


def carry(task: CarryTask) -> NDArray[np.uint8]:
    """Carry a participant's regions onto the atlas.

    Registration and shape update are composed, so labels are interpolated once.

    Parameters
    ----------
    task : CarryTask
        The participant's regions, and the transform and the shape update to apply.

    Returns
    -------
    ndarray of uint8, shape (nx, ny)
        Label values 0-10 on `task.grid`.
    """
    points = task.update.points(task.grid.points())
    return sample_labels(task.labels, task.grid, task.transform.to_participant(points))


class Votes:
    """How many participants put each region at each pixel of the template.

    Its size does not depend on the number of participants.
    """

    def __init__(self, level: Level, shape: tuple[int, int]) -> None:
        self.regions = regions_of(level)
        self.counts = np.zeros((len(self.regions), *shape), dtype=np.uint32)
        self.voters = 0

    def add(self, labels: NDArray[np.uint8]) -> None:
        """Add a participant's labels, carried onto the template.

        Parameters
        ----------
        labels : ndarray of uint8, shape (nx, ny)
            Label values 0-10, from `carry`.
        """
        for index, region in enumerate(self.regions):
            self.counts[index] += labels == region
        self.voters += 1

    def probabilities(self) -> NDArray[np.float32]:
        """Return the share of the votes of each region, shape (regions, nx, ny)."""
        return (self.counts / self.voters).astype(np.float32)

    def majority(self) -> NDArray[np.uint8]:
        """Return the label with the most votes at each pixel, shape (nx, ny).

        Participants who put no region there vote for the background. A tie goes to the background,
        then to the smaller label value.
        """
        background = self.voters - self.counts.sum(axis=0)
        values = np.array([0, *self.regions], dtype=np.uint8)
        return values[np.argmax(np.concatenate([background[np.newaxis], self.counts]), axis=0)]


def tidy(labels: NDArray[np.uint8], midline: float) -> NDArray[np.uint8]:
    """Keep one component a region a side, without holes.

    Parameters
    ----------
    labels : ndarray of uint8, shape (nx, ny)
        Regions of both sides.
    midline : float
        Where along the first axis the midline lies, in pixels; smaller indices are the patient's
        right.

    Returns
    -------
    ndarray of uint8, shape (nx, ny)
        The largest component of each region on each side, its holes filled.
    """
    on_left = np.arange(labels.shape[0])[:, np.newaxis] > midline
    kept = np.zeros_like(labels)
    for value in np.unique(labels[labels > 0]):
        for side in (~on_left, on_left):
            kept[largest_component((labels == value) & side)] = value
    filled = kept.copy()
    whole = [
        (ndimage.binary_fill_holes((kept == value) & side), value)
        for value in np.unique(kept[kept > 0])
        for side in (~on_left, on_left)
    ]
    # Of regions around the same hole the innermost, which is the smallest, fills it.
    for region, value in sorted(whole, key=lambda pair: np.count_nonzero(pair[0])):
        filled[region & (filled == 0)] = value
    return filled
