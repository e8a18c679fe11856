"""CutMix: a part of each slice of one sample is replaced by the same part of another's [1]_.

References
----------
.. [1] Yun S, Han D, Oh SJ, et al. CutMix: regularization strategy to train strong classifiers with
   localizable features. ICCV 6023-6032 (2019). doi:10.1109/ICCV.2019.00612
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from slice_localizer.training.sample import Sample


@dataclass(frozen=True)
class Batch:
    """Slices of several samples, with their truth.

    Attributes
    ----------
    hu : Tensor, shape (slices, rows, columns)
        Of all samples, one after the other.
    lengths : tuple of int
        How many slices each sample has.
    truths : tuple of Truth
        What each slice shows; where two samples are mixed, both with their shares.
    """

    hu: Tensor
    lengths: tuple[int, ...]
    truths: tuple[Truth, ...]

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device.

        Parameters
        ----------
        device : torch.device
            Where to put its tensors.

        Returns
        -------
        Batch
        """
        return Batch(
            self.hu.to(device, non_blocking=True),
            self.lengths,
            tuple(truth.to(device) for truth in self.truths),
        )


@dataclass(frozen=True)
class Truth:
    """The truth about slices, or about a share of each.

    Attributes
    ----------
    share : Tensor, shape (slices,)
        Of the slice that this is true of.
    is_bgl : Tensor of float32, shape (slices,)
        1 for the basal ganglia slice, else 0.
    heights_mm : Tensor, shape (slices,)
        Above that level; NaN where it is not known.
    """

    share: Tensor
    is_bgl: Tensor
    heights_mm: Tensor

    def to(self, device: torch.device) -> Truth:
        """Return the truth on a device.

        Parameters
        ----------
        device : torch.device
            Where to put its tensors.

        Returns
        -------
        Truth
        """
        return Truth(self.share.to(device), self.is_bgl.to(device), self.heights_mm.to(device))


def collate(samples: Sequence[Sample]) -> Batch:
    """Join samples to a batch, unmixed.

    Parameters
    ----------
    samples : sequence of Sample
        With as many rows and columns.

    Returns
    -------
    Batch
    """
    lengths = tuple(len(sample.heights_mm) for sample in samples)
    truth = Truth(
        torch.ones(sum(lengths)),
        torch.cat(
            [_one_hot(sample.bgl, length) for sample, length in zip(samples, lengths, strict=True)]
        ),
        torch.cat([sample.heights_mm for sample in samples]),
    )
    return Batch(torch.cat([sample.hu for sample in samples]), lengths, (truth,))


def mix(samples: Sequence[Sample], alpha: float, rng: np.random.Generator) -> Batch:
    """Paste one box of each sample's neighbour in the batch, slice by slice, into the sample.

    Parameters
    ----------
    samples : sequence of Sample
        Each gets a box of the next one's, the last of the first's.
    alpha : float
        Of the beta distribution the share kept is drawn from.
    rng : Generator
        The only source of chance.

    Returns
    -------
    Batch
        With two truths: of the samples, and of the boxes pasted.
    """
    batch = collate(samples)
    size = batch.hu.shape[-1]
    kept = float(rng.beta(alpha, alpha))
    side = round(size * np.sqrt(1.0 - kept))
    top, left = (int(rng.integers(0, size - side + 1)) for _ in range(2))
    kept = 1.0 - side**2 / size**2
    hu, share = batch.hu.clone(), batch.truths[0].share.clone()
    other_bgl, other_heights = (torch.zeros(len(hu)) for _ in range(2))
    start = 0
    for place, sample in enumerate(samples):
        other = samples[(place + 1) % len(samples)]
        count = min(len(sample.heights_mm), len(other.heights_mm))
        box = slice(top, top + side), slice(left, left + side)
        part = slice(start, start + count)
        hu[part][:, box[0], box[1]] = other.hu[:count][:, box[0], box[1]]
        share[part] = kept
        other_bgl[part] = _one_hot(other.bgl, len(other.heights_mm))[:count]
        other_heights[part] = other.heights_mm[:count]
        start += len(sample.heights_mm)
    first = batch.truths[0]
    return Batch(
        hu,
        batch.lengths,
        (
            Truth(share, first.is_bgl, first.heights_mm),
            Truth(1.0 - share, other_bgl, other_heights),
        ),
    )


def _one_hot(place: int, length: int) -> Tensor:
    hot = torch.zeros(length)
    hot[place] = 1.0
    return hot
