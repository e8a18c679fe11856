"""The acute infarct on a patient's diffusion scan."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from nibabel import orientations
from numpy.typing import NDArray
from scipy.special import expit

from aspects_scorer.dwi.segmentation.brain import extract_brain
from aspects_scorer.dwi.segmentation.network import CROP, KIND, MULTIPLES
from aspects_scorer.dwi.segmentation.preprocessing import Array, network_grid, relative_signals
from aspects_scorer.dwi.segmentation.windows import run_on_windows
from atlas_builder.core.errors import InputError
from atlas_builder.networks.model import Model, open_model
from atlas_builder.networks.registry import INFARCT_SEGMENTER

THRESHOLD, THRESHOLD_WITHOUT_ADC = 0.5, 0.2
"""Probability from which on a voxel is infarct, with an ADC map and without one, chosen on scans
with validation lesions. The network is less sure without the map."""

_OVERLAP = 0.25  # of neighbouring windows
_RAS = np.array([[0.0, 1.0], [1.0, 1.0], [2.0, 1.0]])


def segment_infarct(
    b1000: Array,
    affine: NDArray[np.float64],
    adc: Array | None = None,
    *,
    brain: NDArray[np.bool_] | None = None,
    network: Path = INFARCT_SEGMENTER,
) -> NDArray[np.bool_]:
    """Find the acute infarct on diffusion-weighted MR.

    Parameters
    ----------
    b1000 : ndarray of float32, shape (x, y, z)
        Signal at b about 1000 s/mm^2, in any unit; axial slices in any orientation and order.
    affine : ndarray, shape (4, 4)
        From voxels to RAS+ millimetres.
    adc : ndarray of float32, shape (x, y, z), optional
        Apparent diffusion coefficient on the same grid, in any unit.
    brain : ndarray of bool, shape (x, y, z), optional
        Of `extract_brain`, where it is known already.
    network : Path
        What `train-infarct-segmenter` wrote; by default the network that ships.

    Returns
    -------
    ndarray of bool, shape (x, y, z)
        The infarct on the same grid; empty where none is found.

    Raises
    ------
    InputError
        The image shows no brain as diffusion images do, or the ADC map lies on another grid.
    """
    if adc is not None and adc.shape != b1000.shape:
        raise InputError(
            f"the ADC map has shape {adc.shape}, the b 1000 image {b1000.shape}; "
            "resample the map to the image, or leave it out"
        )
    if brain is None:
        brain = extract_brain(b1000, affine)
    found = _infarct_share(b1000, affine, adc, brain, network)
    return np.asarray(found > (THRESHOLD_WITHOUT_ADC if adc is None else THRESHOLD))


def _infarct_share(
    b1000: Array,
    affine: NDArray[np.float64],
    adc: Array | None,
    brain: NDArray[np.bool_],
    network: Path,
) -> Array:
    """Return the probability of infarct on the grid of the image."""
    stored = _orientation(affine)

    def upright(volume: NDArray[Any]) -> NDArray[Any]:
        return _reoriented(volume, stored)

    spacing = np.linalg.norm(np.asarray(affine)[:3, :3], axis=0)[np.argsort(stored[:, 0])]
    inside = upright(brain)
    map_ = None if adc is None else upright(_finite(adc))
    channels = relative_signals(upright(_finite(b1000)), map_, inside)
    grid = network_grid(inside, spacing)
    seen = np.stack([grid.of(channel) for channel in channels])
    probability = grid.back(predict(seen, network), inside.shape)
    back: Any = orientations.ornt_transform(_RAS, stored)  # type: ignore[no-untyped-call]
    return _reoriented(probability, back)


def _finite(volume: Array) -> Array:
    return np.nan_to_num(volume, nan=0.0, posinf=0.0, neginf=0.0)


def _orientation(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return which axis of the patient each axis of an array follows, and in which direction."""
    found: Any = orientations.io_orientation(np.asarray(affine))  # type: ignore[no-untyped-call]
    if np.isnan(found).any():
        raise InputError("the affine of the diffusion image is singular; convert the scan again")
    return np.asarray(found)


def _reoriented(volume: NDArray[Any], turn: NDArray[np.float64]) -> NDArray[Any]:
    turned: Any = orientations.apply_orientation(volume, turn)  # type: ignore[no-untyped-call]
    return np.asarray(turned)


def predict(channels: Array, network: Path = INFARCT_SEGMENTER) -> Array:
    """Return the probability of infarct: the greater of what two views of the image give.

    One view is the whole image, averaged with its mirror image, which shows an infarct against
    the rest of the brain; the other is windows of the size of the training's crops, whose
    statistics, which instance normalisation depends on, are those the network has learned from.

    Parameters
    ----------
    channels : ndarray of float32, shape (3, x, y, z)
        On the network's grid, as `relative_signals` makes them.
    network : Path
        The network.
    """
    shape = channels.shape[1:]
    padding = [(0, -n % multiple) for n, multiple in zip(shape, MULTIPLES, strict=True)]
    image = np.pad(channels, [(0, 0), *padding])[None].astype(np.float32)
    model = _opened(network)

    def logits(seen: Array) -> Array:
        return model.run(channels=np.ascontiguousarray(seen))[0]

    straight = expit(logits(image))
    mirrored = expit(logits(image[:, :, ::-1]))[:, :, ::-1]
    windows = expit(run_on_windows(image, CROP, _OVERLAP, logits))
    probability = np.maximum((straight + mirrored) / 2, windows)
    x, y, z = shape
    return np.asarray(probability[0, 0, :x, :y, :z], np.float32)


@cache
def _opened(path: Path) -> Model:
    return open_model(path, KIND)
