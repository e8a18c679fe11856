"""Ventricles and sulci of a subject: where fluid is added to the standard head, and tissue is lost.

Ventricles and sulci are sources of a flow that pushes the tissue around them aside, white matter is
the sink that makes room. Nuclei and labels move along, so the caudate stays on the wall of a
large ventricle.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from head_phantom.head.coarse_head import CoarseHead
from head_phantom.head.deformation import smooth_noise
from head_phantom.person.person import Person

_VENTRICLE_REACH_MM = 12.0
_SULCUS_REACH_MM = 8.0
_GREY_LOSS = 0.4  # a cell of grey matter shrinks that much less than one of white matter


def fluid_gain(head: CoarseHead, person: Person, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return how much fluid wells up in each cell of the standard head.

    Parameters
    ----------
    head : CoarseHead
        The standard head.
    person : Person
        Whose ventricles and sulci to make.
    rng : numpy.random.Generator
        Decides which sulci are wide.

    Returns
    -------
    ndarray of float32, shape (x, y, z)
        Share of the cell's volume in unit time, negative where fluid goes.
    """
    to_mni = 1 / float(np.prod(person.scale))
    cells_ml = head.cell_ml
    now = float(head.ventricles.sum()) * cells_ml
    gain = (person.ventricle_ml * to_mni - now) / now * head.ventricles
    sulci = (head.csf - head.ventricles) * _sulcal_atrophy(head, rng)
    wanted = person.sulcal_csf_gain * person.intracranial_ml * to_mni
    return np.asarray(gain + sulci * (wanted / (float(sulci.sum()) * cells_ml)), dtype=np.float32)


def tissue_loss(head: CoarseHead, gain: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the change of tissue that makes room for fluid, near it; adds up to minus the gain.

    Parameters
    ----------
    head : CoarseHead
        The standard head.
    gain : ndarray of float32, shape (x, y, z)
        From `fluid_gain`: share of each cell's volume in unit time.

    Returns
    -------
    ndarray of float32, shape (x, y, z)
        In the same unit; negative where tissue goes.
    """
    loss = np.zeros_like(gain)
    tissue = head.white + _GREY_LOSS * head.grey
    for source, reach in (
        (np.where(head.ventricles > 0, gain, 0), _VENTRICLE_REACH_MM),
        (np.where(head.ventricles > 0, 0, gain), _SULCUS_REACH_MM),
    ):
        sigma = reach / head.lattice.spacing
        share = tissue * ndimage.gaussian_filter(source, sigma)
        loss -= share * (source.sum() / share.sum() if share.sum() else 0)
    return loss


def _sulcal_atrophy(head: CoarseHead, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return how readily each place loses tissue to sulci, about 1.

    Frontal, parietal and Sylvian sulci widen most with age, the posterior fossa least (Raz N,
    Lindenberger U, Rodrigue KM, et al. Regional brain changes in aging healthy adults. Cereb Cortex
    15:1676-1689 (2005). doi:10.1093/cercor/bhi044). Single sulci differ from subject to subject.
    """
    x, y, z = head.lattice.points()
    frontal = 1 + 0.4 / (1 + np.exp(-(y - 10) / 10))
    sylvian = 1 + 0.9 * np.exp(
        -(((np.abs(x) - 42) / 10) ** 2) - ((y + 2) / 22) ** 2 - ((z - 4) / 12) ** 2
    )
    # Between the hemispheres the falx holds the brain.
    midline = 1 - 0.6 * np.exp(-((x / 6) ** 2))
    cisterns = 1 - 0.6 * np.exp(
        -((x / 16) ** 2) - ((y + 38) / 18) ** 2 - ((z + 2) / 16) ** 2
    )  # of the quadrigeminal plate and above the vermis
    below = 0.3 + 0.7 / (1 + np.exp(-(z + 22 + 0.3 * (y + 60)) / 4))
    single = np.exp(0.45 * smooth_noise(head.lattice, 9.0, rng))
    # The layer under the skull is as thick as the brain is far from it; sulci open inwards.
    inward = 0.25 + 1.25 * np.clip((head.depth - 3) / 5, 0, 1)
    return np.asarray(
        frontal * sylvian * midline * cisterns * below * single * inward, dtype=np.float32
    )
