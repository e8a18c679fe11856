"""The twenty regions by the cascade: where they are, coarsely, then which is which.

The coarse network sees the whole scan and finds the box that holds all regions, the fine one tells
them apart inside [1]_. Neither is given an atlas, an alignment or key slices.

References
----------
.. [1] Cao Z, Xu J, Song B, et al. Deep learning derived automated ASPECTS on non-contrast CT scans
   of acute ischemic stroke patients. Hum Brain Mapp 43:3023-3036 (2022), section 2.3.
   doi:10.1002/hbm.25845
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import expit

from aspects_scorer.ncct.vb_net.network import COARSE, FINE, MULTIPLES, Stage, channels_of
from aspects_scorer.ncct.vb_net.volume import AIR_HU, Plane, Stack
from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Scan
from atlas_builder.networks.model import Model, open_model
from atlas_builder.networks.registry import REGION_LOCATOR, REGION_SEGMENTER
from slice_localizer.whole_head.whole_map import tissue_of

Array = NDArray[np.float32]

_LEAST_ML = 100.0  # the regions of both sides together have 300 to 600 mL


def segment_regions(
    scan: Scan, locator: Path = REGION_LOCATOR, segmenter: Path = REGION_SEGMENTER
) -> NDArray[np.uint8]:
    """Draw the regions on every slice of a head CT.

    Parameters
    ----------
    scan : Scan
        All slices, in HU; with or without the skull.
    locator, segmenter : Path
        What ``train-region-segmenter`` wrote; by default the networks that ship.

    Returns
    -------
    ndarray of uint8, shape (columns, rows, slices)
        1-10 on the patient's left, 11-20 on the right, 0 elsewhere; on the scan's own pixels.

    Raises
    ------
    InputError
        No regions are found, or the slices are not parallel.
    """
    stack = Stack.of(scan)
    box = _find_box(scan, stack, locator)
    window = _window(scan, box)
    slices = slice(box[2][0], box[2][1])
    seen = window.read(scan, stack)[:, :, slices]
    logits = _run(seen, FINE, segmenter)
    labels = np.zeros(scan.data.shape, np.uint8)
    columns, rows = window.back((scan.data.shape[0], scan.data.shape[1]))
    across, down = (np.flatnonzero(matrix.any(axis=1)) for matrix in (columns, rows))
    columns, rows = columns[across], rows[down]
    near = np.ix_(across, down)
    for index in range(len(scan)):
        weights = stack.apart[index, slices]
        if not weights.any():
            continue
        level = np.tensordot(logits, weights, axes=(3, 0))
        present = np.unique(level.argmax(axis=0))
        fine = np.einsum("ax,cxy,by->cab", columns, level[present], rows, optimize=True)
        found = present[fine.argmax(axis=0)].astype(np.uint8)
        labels[:, :, index][near] = np.where(tissue_of(scan.data[:, :, index][near]), found, 0)
    return labels


def _find_box(
    scan: Scan, stack: Stack, locator: Path
) -> tuple[tuple[float, float], tuple[float, float], tuple[int, int]]:
    """Return where the regions begin and end: mm along columns and rows, and thick slices."""
    plane = Plane.over(scan, COARSE.pixel_mm)
    logits = _run(plane.read(scan, stack), COARSE, locator)
    share = expit(logits[1] - logits[0])
    inside, count = ndimage.label(share > 0.5)
    sizes = ndimage.sum_labels(share > 0.5, inside, np.arange(1, count + 1))
    volume = COARSE.pixel_mm**2 * stack.thickness_mm / 1000
    # The two sides may be apart; specks are not the regions.
    kept = np.flatnonzero(sizes * volume > _LEAST_ML / 10) + 1
    if not kept.size or float(sizes[kept - 1].sum()) * volume < _LEAST_ML:
        raise InputError(
            "the network finds no regions; give a head CT that shows the basal ganglia"
        )
    places = np.nonzero(np.isin(inside, kept))
    ends = [
        (first + float(p.min()) * COARSE.pixel_mm, first + float(p.max()) * COARSE.pixel_mm)
        for first, p in zip(plane.first_mm, places[:2], strict=True)
    ]
    low = max(int(places[2].min()) - 1, 0)
    high = min(int(places[2].max()) + 2, len(stack.together))
    return ends[0], ends[1], (low, high)


def _window(
    scan: Scan, box: tuple[tuple[float, float], tuple[float, float], tuple[int, int]]
) -> Plane:
    """Return the fine network's window about a box: at least as large as its training's."""
    first, counts = [], []
    for (low, high), least in zip(box[:2], FINE.crop[:2], strict=True):
        count = max(least, int(np.ceil((high - low) / FINE.pixel_mm)) + 1)
        counts.append(count)
        first.append((low + high) / 2 - (count - 1) / 2 * FINE.pixel_mm)
    return Plane.of(scan, FINE.pixel_mm, (first[0], first[1]), (counts[0], counts[1]))


def _run(hu: Array, stage: Stage, path: Path) -> Array:
    """Return a network's logits on a volume, of which the sides may be any."""
    padding = [(0, -n % multiple) for n, multiple in zip(hu.shape, MULTIPLES, strict=True)]
    padded = np.pad(hu, padding, constant_values=AIR_HU)
    logits = _opened(path, stage.kind).run(hu=channels_of(padded)[np.newaxis])[0][0]
    x, y, z = hu.shape
    return np.asarray(logits[:, :x, :y, :z])


@cache
def _opened(path: Path, kind: str) -> Model:
    return open_model(path, kind)
