"""Blood within the skull: bodies of clotted blood, and blood spread through sulci and cisterns.

Clotted blood measures 50 to 90 HU, calcification more than 100 [1]_. The falx, the tentorium and
vessels are as dense as blood but thin, the large sinuses lie at the middle or beside bone.

References
----------
.. [1] Parizel PM, Makkat S, Van Miert E, et al. Intracranial hemorrhage: principles of CT and MRI
   interpretation. Eur Radiol 11:1770-1783 (2001). doi:10.1007/s003300000800
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from aspects_scorer.ncct.other_findings.bodies import Body, bodies_of
from aspects_scorer.ncct.other_findings.coarse_head import CoarseHead, Mask
from atlas_builder.core.flags import Flag

_BLOOD_HU = (52.0, 95.0)
_ABOVE_BRAIN_HU = 14.0  # the brain of a child or of a scan calibrated high is dense
_CALCIFIED_HU = 110.0  # averaged with its surroundings
_CALCIFIED_SHARE = 0.1  # of a body
_LEAST_RADIUS_MM = 2.5  # wider than the falx, the tentorium and vessels
_LEAST_BODY_HU_ML = 50.0  # 2 mL that are 25 HU denser than brain
_LEAST_SPREAD_ML = 12.0
_SPREAD_DEPTH_MM = 8.0  # nearer the skull, beam hardening brightens
_SINUS_MM = 12.0  # from the middle plane, near the skull in front and behind
_SINUS_DEPTH_MM = 22.0


def find_blood(head: CoarseHead) -> Iterator[Flag]:
    """Tell haemorrhage.

    Parameters
    ----------
    head : CoarseHead
        The head.

    Yields
    ------
    Flag
        ``haemorrhage``, at most one.
    """
    usual = _usual(head)
    dense = dense_as_blood(head)
    found = [
        body
        for body in bodies_of(head, head.opened(dense, _LEAST_RADIUS_MM), dense)
        if body.volume_ml * (body.mean_hu - usual) >= _LEAST_BODY_HU_ML and _is_blood(head, body)
    ]
    if found:
        largest = max(found, key=lambda body: body.volume_ml)
        others = f" and {len(found) - 1} more" if len(found) > 1 else ""
        yield Flag(
            "haemorrhage",
            f"{largest.volume_ml:.1f} mL of {largest.mean_hu:.0f} HU on the {largest.side} around "
            f"slice {largest.index}{others}: looks like blood; the score does not apply to "
            "haemorrhage, read the scan",
        )
        return
    dense &= head.depth > _SPREAD_DEPTH_MM
    spread = head.volume_ml(dense)
    if spread >= _LEAST_SPREAD_ML:
        index = head.indices[np.count_nonzero(dense, axis=(0, 1)).argmax()]
        yield Flag(
            "haemorrhage",
            f"{spread:.0f} mL of {head.smooth[dense].mean():.0f} HU in thin layers, most on slice "
            f"{index}: looks like subarachnoid blood; the score does not apply to haemorrhage, "
            "read the scan",
        )


def dense_as_blood(head: CoarseHead) -> Mask:
    """Return what is as dense as blood, away from bone, the midline's folds and sinuses."""
    low = max(_BLOOD_HU[0], _usual(head) + _ABOVE_BRAIN_HU)
    at_sinus = (np.abs(head.lateral) < _SINUS_MM) & (head.depth < _SINUS_DEPTH_MM)
    in_fold = np.abs(head.lateral) < 3.0
    dense = head.clear & (head.smooth > low) & (head.smooth < _BLOOD_HU[1])
    return np.asarray(dense & ~at_sinus & ~in_fold & head.cerebrum)


def _is_blood(head: CoarseHead, body: Body) -> bool:
    """Return whether a body is no rim of a calcification or of bone."""
    around = ndimage.binary_dilation(body.where, head.disk(3.0))
    dense = head.hu[body.box][around] > _CALCIFIED_HU
    return bool(np.count_nonzero(dense) < _CALCIFIED_SHARE * np.count_nonzero(body.where))


def _usual(head: CoarseHead) -> float:
    """Return the usual density of the brain, HU."""
    tissue = head.smooth[head.brain & head.clear]
    return float(np.median(tissue)) if tissue.size else 0.0
