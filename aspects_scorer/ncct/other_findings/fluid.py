"""Old infarcts: fluid inside parenchyma that the other side does not have.

Infarcts of months ago are cavities and scars as light as fluid; early ischaemia stays above 18 HU.
Ventricles and sulci are alike on both sides, those of atrophy too, and sulci are thin.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from aspects_scorer.ncct.other_findings.bodies import bodies_of, regions_in
from aspects_scorer.ncct.other_findings.coarse_head import CoarseHead, Mask
from atlas_builder.core.flags import Flag

_FLUID_HU, _SCAR_HU = 15.0, 20.0
_BELOW_BRAIN_HU = 9.0
_TOLERANCE_MM = 9.0  # between a place and its mirror image
_LEAST_RADIUS_MM = 3.0  # wider than sulci
_LEAST_ML, _LEAST_CORE_ML = 4.0, 2.0  # with the scar around it; of fluid
_MIDDLE_MM = 8.0
_LEAST_DEPTH_MM = 3.0


def find_old_infarcts(head: CoarseHead) -> Iterator[Flag]:
    """Tell cavities of old infarcts.

    Parameters
    ----------
    head : CoarseHead
        The head.

    Yields
    ------
    Flag
        ``old-infarct``, one for each, the largest first.
    """
    tissue = head.smooth[head.brain & head.clear]
    usual = float(np.median(tissue)) if tissue.size else 0.0
    light = _without_twin(head, head.smooth < min(_SCAR_HU, usual - _BELOW_BRAIN_HU))
    core = _without_twin(head, head.smooth < min(_FLUID_HU, usual - _BELOW_BRAIN_HU))
    core = head.opened(core, _LEAST_RADIUS_MM)
    found = [
        body
        for body in bodies_of(head, head.opened(light | core, _LEAST_RADIUS_MM), light | core)
        if body.volume_ml >= _LEAST_ML
        and np.count_nonzero(body.where & core[body.box], axis=(0, 1)) @ head.voxel_ml[body.box[2]]
        >= _LEAST_CORE_ML
    ]
    for body in sorted(found, key=lambda body: -body.volume_ml):
        where = np.zeros(head.hu.shape, bool)
        where[body.box] = body.where
        yield Flag(
            "old-infarct",
            f"{body.volume_ml:.1f} mL of fluid and scar ({body.mean_hu:.0f} HU) on the {body.side} "
            f"around slice {body.index}, in {regions_in(head, where)}, not on the other side: "
            "looks like an old defect, not early ischaemia; judge these regions by eye",
        )


def _without_twin(head: CoarseHead, light: Mask) -> Mask:
    """Return what is light inside the skull, and not so near its mirror image."""
    light = head.inside & light
    elsewhere = head.grown(head.mirrored(light).astype(bool), _TOLERANCE_MM)
    own = light & ~elsewhere & head.cerebrum & (np.abs(head.lateral) > _MIDDLE_MM)
    return np.asarray(own & (head.depth > _LEAST_DEPTH_MM))
