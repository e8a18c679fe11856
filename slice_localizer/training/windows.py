"""The three windows in which the network is given a slice.

Brain, subdural and bone window become the three channels of an image, as in the key-slice network
of the ASPECTS-281 paper [1]_.

References
----------
.. [1] Sun X, et al. Sci Data 11, 1132 (2024). doi:10.1038/s41597-024-03973-y
"""

from __future__ import annotations

import torch
from torch import Tensor

WINDOWS = ((40.0, 80.0), (75.0, 215.0), (600.0, 2800.0))
"""Level and width in HU."""

_MEAN, _SD = 0.45, 0.225  # of photographs' channels, about: what ImageNet's weights expect


def windowed(hu: Tensor) -> Tensor:
    """Turn slices into images of three channels.

    Parameters
    ----------
    hu : Tensor, shape (slices, rows, columns)
        HU.

    Returns
    -------
    Tensor of float32, shape (slices, 3, rows, columns)
        Each window's grey values, scaled as ImageNet's are.
    """
    hu = hu.float()
    channels = [((hu - level) / width + 0.5).clamp(0.0, 1.0) for level, width in WINDOWS]
    return (torch.stack(channels, dim=1) - _MEAN) / _SD
