"""ASPECTSLoc-Net: which slice of a scan is the basal ganglia level.

The network of the ASPECTS-281 paper [1]_: a ResNet-50 turns each slice into 2048 features, and a
bidirectional LSTM relates each slice's features to those of the others. The class values of both
are joined and pass two blocks of dilated convolutions along the slices; a second bidirectional LSTM
scores every slice.

It goes beyond the paper in one point: wherever it predicts whether a slice is the basal ganglia
level, it also predicts how far above that level the slice lies. So the network learns from every
slice and, since the slices' positions are known, every slice gives an estimate of the level.

References
----------
.. [1] Sun X, et al. Sci Data 11, 1132 (2024). doi:10.1038/s41597-024-03973-y
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from slice_localizer.training.torchvision_models import load_resnets
from slice_localizer.training.windows import windowed

HEIGHT_UNIT_MM = 20.0
CONTEXT_UNITS = 512
"""Of the first LSTM, in each direction."""

_FEATURES = {"resnet50": 2048, "resnet34": 512, "resnet18": 512}
_CLASSES = 32  # class values a slice, of the features and of the first LSTM
_SCORING_UNITS = 128
_DILATIONS = (1, 2, 4, 8)
_DROPOUT = 0.2


@dataclass(frozen=True)
class SliceScores:
    """The network's scores of each slice.

    Attributes
    ----------
    logits : Tensor, shape (slices,)
        Of being the basal ganglia slice.
    heights_mm : Tensor, shape (slices,)
        How far above that level the slice lies, as predicted.
    """

    logits: Tensor
    heights_mm: Tensor


class AspectsLocNet(nn.Module):
    """Scores the slices of scans.

    Parameters
    ----------
    backbone : {'resnet50', 'resnet34', 'resnet18'}
        The first is the paper's; the others train faster.
    weights : str, optional
        Which weights of torchvision the backbone starts with, such as ``IMAGENET1K_V2``; they are
        downloaded. By default it starts at random.
    context_units : int
        Of the first LSTM, in each direction.
    """

    def __init__(
        self,
        backbone: str = "resnet50",
        weights: str | None = None,
        context_units: int = CONTEXT_UNITS,
    ) -> None:
        super().__init__()
        self.backbone = getattr(load_resnets(), backbone)(weights=weights)
        self.backbone.fc = nn.Identity()
        features = _FEATURES[backbone]
        self.dropout = nn.Dropout(_DROPOUT)
        self.of_features = nn.Linear(features, _CLASSES)
        self.context = nn.LSTM(features, context_units, batch_first=True, bidirectional=True)
        self.of_context = nn.Linear(2 * context_units, _CLASSES)
        self.blocks = nn.ModuleList([MultiResolutionBlock(2 * _CLASSES) for _ in range(2)])
        self.scoring = nn.LSTM(2 * _CLASSES, _SCORING_UNITS, batch_first=True, bidirectional=True)
        self.of_scoring = nn.Linear(2 * _SCORING_UNITS, 2)

    def features(self, hu: Tensor) -> Tensor:
        """Return the backbone's features of slices of any scans.

        Parameters
        ----------
        hu : Tensor, shape (slices, rows, columns)
            HU; see `slice_localizer.network.views`.

        Returns
        -------
        Tensor of float32, shape (slices, 2048)
        """
        images = windowed(hu).contiguous(memory_format=torch.channels_last)
        found: Tensor = self.backbone(images).float()
        return found

    def score(self, features: Tensor, lengths: Sequence[int]) -> tuple[SliceScores, ...]:
        """Score slices whose features are known.

        Parameters
        ----------
        features : Tensor, shape (slices, 2048)
            Of all scans, one after the other, each from the feet to the head.
        lengths : sequence of int
            How many slices each scan has.

        Returns
        -------
        tuple of SliceScores
            The final scores, then those of the first LSTM and of the features alone, which are
            trained as well. Slices are in the order given.
        """
        features = self.dropout(features)
        alone = self.of_features(features)
        in_context = self.of_context(self.dropout(_along(self.context, features, lengths)))
        joined = torch.cat([alone, in_context], dim=1)
        for block in self.blocks:
            joined = block(joined, lengths)
        final = self.of_scoring(_along(self.scoring, joined, lengths))
        return tuple(
            SliceScores(scores[:, 0], scores[:, 1] * HEIGHT_UNIT_MM)
            for scores in (final, in_context, alone)
        )

    def forward(self, hu: Tensor, lengths: Sequence[int]) -> tuple[SliceScores, ...]:
        """Score the slices of scans: `features`, then `score`.

        Parameters
        ----------
        hu : Tensor, shape (slices, rows, columns)
            HU of all scans, one after the other, each from the feet to the head.
        lengths : sequence of int
            How many slices each scan has.

        Returns
        -------
        tuple of SliceScores
            As `score` returns them.
        """
        return self.score(self.features(hu), lengths)


class MultiResolutionBlock(nn.Module):
    """Convolutions along the slices, near and far neighbours side by side.

    Parameters
    ----------
    width : int
        Values a slice, in and out.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        share = width // len(_DILATIONS)
        self.branches = nn.ModuleList(
            [
                nn.Conv1d(width, share, kernel_size=3, padding=step, dilation=step)
                for step in _DILATIONS
            ]
        )
        self.norm = nn.LayerNorm(width)
        self.mix = nn.Linear(width, width)

    def forward(self, values: Tensor, lengths: Sequence[int]) -> Tensor:
        """Mix each slice's values with those of its neighbours in the scan.

        Parameters
        ----------
        values : Tensor, shape (slices, width)
            Of all scans, one after the other.
        lengths : sequence of int
            How many slices each scan has.

        Returns
        -------
        Tensor, shape (slices, width)
        """
        # Beyond a scan's ends there are zeros, whatever else is in the batch.
        along = _side_by_side(values, lengths).transpose(1, 2)
        seen = torch.cat([branch(along) for branch in self.branches], dim=1).transpose(1, 2)
        flat = _one_after_the_other(seen, lengths)
        mixed: Tensor = values + self.mix(torch.relu(self.norm(flat)))
        return mixed


def _along(lstm: nn.LSTM, values: Tensor, lengths: Sequence[int]) -> Tensor:
    """Run an LSTM along each scan's slices."""
    padded = _side_by_side(values, lengths)
    if len(lengths) == 1:
        run = lstm(padded)[0]
    else:
        packed = pack_padded_sequence(
            padded, torch.as_tensor(list(lengths)), batch_first=True, enforce_sorted=False
        )
        run, _ = pad_packed_sequence(lstm(packed)[0], batch_first=True)
    return _one_after_the_other(run, lengths)


def _side_by_side(values: Tensor, lengths: Sequence[int]) -> Tensor:
    """Lay scans out side by side, shape (scans, most slices, values); zeros fill the short ones."""
    if len(lengths) == 1:  # nothing depends on how long it is: a model is written from this way
        return values[None]
    return pad_sequence(list(torch.split(values, list(lengths))), batch_first=True)


def _one_after_the_other(padded: Tensor, lengths: Sequence[int]) -> Tensor:
    """Undo `_side_by_side`."""
    if len(lengths) == 1:
        return padded[0]
    return torch.cat([scan[:length] for scan, length in zip(padded, lengths, strict=True)])
