"""Whether a whole scan holds Hounsfield units, asked before anything is looked for in it."""

from __future__ import annotations

import numpy as np

from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Scan
from atlas_builder.preprocessing.plausibility import find_brain, likely_cause

_STRIDE = 4  # pixels: shares need no more
_AIR_HU, _BELOW_AIR_HU = -300.0, -1500.0
_BRAIN_HU = (0.0, 100.0)
_SHARE = 0.01  # of the voxels: around a head is a third of air, and its brain has a twentieth
_TRIED = 3


def check_scan_values(scan: Scan) -> None:
    """Refuse a scan whose values are not HU, where the cause can be told.

    A scan with voxels like air and voxels like brain is taken for granted. Of any other, the slices
    with most in them are looked at as key slices are.

    Parameters
    ----------
    scan : Scan
        To be a CT of the head in HU.

    Raises
    ------
    InputError
        Values are shifted, scaled, inverted or those of a picture; the message, naming no file,
        says what to do.
    """
    sampled = np.asarray(scan.data[::_STRIDE, ::_STRIDE], np.float32)
    air = np.mean((sampled < _AIR_HU) & (sampled > _BELOW_AIR_HU))
    brain = np.mean((sampled > _BRAIN_HU[0]) & (sampled < _BRAIN_HU[1]))
    edge = np.concatenate([sampled[0], sampled[-1]])
    if min(air, brain) >= _SHARE and np.nanmedian(edge) < _AIR_HU:
        return
    finite = sampled[np.isfinite(sampled)]
    if not finite.size:
        return
    levels, counts = np.unique(np.rint(finite), return_counts=True)
    if len(levels) == 1:
        return  # an empty picture, which others refuse
    background = levels[counts.argmax()]
    shown = np.abs(sampled - background) > 1
    most = np.argsort(-shown.sum(axis=(0, 1)), kind="stable")[:_TRIED]
    causes = []
    for index in most:
        one = scan[int(index)]
        image = np.asarray(one.data, np.float32)
        try:
            find_brain(image, one.spacing)
        except InputError:
            causes.append(likely_cause(image, one.spacing))
        else:
            return
    told = next((cause for cause in causes if cause is not None), None)
    if told is not None:
        raise InputError(told)
