"""Pictures: the window and which way up."""

from __future__ import annotations

import base64
import io

import numpy as np
from matplotlib.image import imread

from atlas_builder.reporting.pictures import grey_levels, jpeg_uri, radiological


def test_window_is_that_of_the_brain() -> None:
    hu = np.array([-1000.0, 0.0, 40.0, 80.0, 3000.0])
    assert grey_levels(hu).tolist() == [0, 0, 128, 255, 255]


def test_the_patients_right_is_at_the_left_and_the_front_at_the_top() -> None:
    image = np.zeros((4, 6))
    image[0, -1] = 1  # right, back
    shown = radiological(image)
    assert shown.shape == (6, 4)
    assert shown[-1, 0] == 1


def test_an_embedded_picture_is_what_was_given() -> None:
    columns = np.linspace(0, 255, 48).astype(np.uint8)
    grey = np.repeat(columns[np.newaxis], 32, axis=0)
    uri = jpeg_uri(grey)
    shown = imread(io.BytesIO(base64.b64decode(uri.split(",")[1])), format="jpeg")
    assert shown.shape == (32, 48, 3)
    assert np.abs(shown.astype(float) - grey[..., np.newaxis]).max() < 6
