"""White matter lesions of age: hypodense caps and bands around the ventricles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from head_phantom.head.coarse_head import CoarseHead
from head_phantom.head.deformation import smooth_noise
from head_phantom.person.person import Person

DROP_HU = 8.0
"""How far white matter falls where it is fully affected, about half way to fluid."""


def white_matter_lesions(
    head: CoarseHead, person: Person, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return how far the white matter of each cell is affected, 0 to 1.

    Lesions begin at the ventricles' walls and spread outwards, with irregular borders; a band of
    4 mm under the cortex is spared (Wen W, Sachdev P. The topography of white matter
    hyperintensities on brain MRI in healthy 60- to 64-year-old individuals. NeuroImage 22:144-154
    (2004). doi:10.1016/j.neuroimage.2003.12.009).

    Parameters
    ----------
    head : CoarseHead
        The standard head.
    person : Person
        Whose `white_matter_lesion_ml` to reach.
    rng : numpy.random.Generator
        Draws the borders.
    """
    spacing = head.lattice.spacing
    from_wall = ndimage.distance_transform_edt(head.ventricles < 0.5, sampling=spacing)
    white = head.white > 0.6
    deep = ndimage.distance_transform_edt(white, sampling=spacing) > 2.5
    above = head.lattice.points()[2] > -8
    candidates = white & above & (deep | (from_wall < 4))
    reach = from_wall + 5.0 * smooth_noise(head.lattice, 4.0, rng)
    wanted = round(person.white_matter_lesion_ml / head.cell_ml)
    affected = np.zeros(head.lattice.shape, np.float32)
    order = np.argsort(np.where(candidates, reach, np.inf), axis=None, kind="stable")
    affected.flat[order[: min(wanted, int(candidates.sum()))]] = 1
    return np.asarray(ndimage.gaussian_filter(affected, 0.6), dtype=np.float32)
