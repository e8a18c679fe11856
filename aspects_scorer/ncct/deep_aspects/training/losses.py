"""The loss of Deep-ASPECTS: focal, boundary and Dice loss at 3 : 1 : 1 (equation 2 of the paper).

References
----------
Lin T, Goyal P, Girshick RB, He K, Dollar P. Focal loss for dense object detection. ICCV (2017).
arXiv:1708.02002; Kervadec H, Bouchtiba J, Desrosiers C, et al. Boundary loss for highly unbalanced
segmentation. Med Image Anal 67:101851 (2021). doi:10.1016/j.media.2020.101851; Sudre CH, Li W,
Vercauteren T, et al. Generalised Dice overlap as a deep learning loss function for highly
unbalanced segmentations. DLMIA (2017). arXiv:1707.03237
"""

from __future__ import annotations

import torch
from monai.losses.dice import DiceLoss
from monai.losses.focal_loss import FocalLoss
from torch import Tensor, nn

FOCAL, BOUNDARY, DICE = 3.0, 1.0, 1.0
"""Weights of the three losses, which the paper found by a grid search."""


class OverlapLoss(nn.Module):
    """The weighted sum of the three losses over a batch.

    Parameters
    ----------
    outputs : int
        Of the network: 1 for a mask, else one a class, the first of which is nothing.
    """

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.outputs = outputs
        several = outputs > 1
        self.focal = FocalLoss(use_softmax=several, to_onehot_y=several, gamma=2.0)
        self.dice = DiceLoss(
            sigmoid=not several,
            softmax=several,
            to_onehot_y=several,
            include_background=not several,
            batch=True,
            smooth_nr=1.0,
            smooth_dr=1.0,
        )

    def forward(self, logits: Tensor, classes: Tensor, distances: Tensor) -> Tensor:
        """Return the loss.

        Parameters
        ----------
        logits : Tensor, shape (n, outputs, x, y)
            Of the network.
        classes : Tensor of int64, shape (n, 1, x, y)
            The truth.
        distances : Tensor, shape (n, outputs, x, y)
            To the border of each class, negative inside.

        Returns
        -------
        Tensor
            A scalar.
        """
        shares = torch.sigmoid(logits) if self.outputs == 1 else torch.softmax(logits, dim=1)
        truth = classes.float() if self.outputs == 1 else classes
        loss: Tensor = (
            FOCAL * self.focal(logits, truth)
            + BOUNDARY * (shares * distances).mean()
            + DICE * self.dice(logits, truth)
        )
        return loss
