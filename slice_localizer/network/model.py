"""ASPECTSLoc-Net as a model that is run, with the calibration of its predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atlas_builder.networks.model import Model, open_model, read_description, refusal_of
from slice_localizer.network.calibration import Calibration

KIND = "aspectslocnet"
"""The network's name in its model."""


@dataclass(frozen=True)
class Localizer:
    """The network that ships or that `train-localizer` wrote, ready to run.

    Attributes
    ----------
    model : Model
        Takes slices, gives a logit and a height for each.
    calibration : Calibration
        From its scores and heights to probabilities.
    size : int
        Rows and columns of a slice.
    training : mapping
        How it was trained.
    """

    model: Model
    calibration: Calibration
    size: int
    training: Mapping[str, Any]

    def predict(self, hu: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the network's logit and height of each slice.

        Parameters
        ----------
        hu : ndarray of float32, shape (slices, rows, columns)
            HU, from the feet to the head, laid out as `view_scan` does.

        Returns
        -------
        logits : ndarray of float64, shape (slices,)
            Of being the basal ganglia slice.
        heights_mm : ndarray of float64, shape (slices,)
            Above the basal ganglia level.
        """
        logits, heights = self.model.run(hu=np.asarray(hu, np.float32))
        return logits.astype(np.float64), heights.astype(np.float64)


def read_localizer(path: Path) -> Localizer:
    """Read a network that `train-localizer` wrote.

    Parameters
    ----------
    path : Path
        The ONNX file; a JSON file lies beside it.

    Returns
    -------
    Localizer

    Raises
    ------
    InputError
        A file is missing, damaged or of another network.
    """
    model = open_model(path, KIND)
    description = read_description(path, KIND)
    try:
        calibration = Calibration(**description["calibration"])
        size, training = int(description["size"]), description["training"]
    except (KeyError, TypeError, ValueError) as error:
        raise refusal_of(path.with_suffix(".json"), KIND, f"{error} is missing") from None
    return Localizer(model, calibration, size, training)
