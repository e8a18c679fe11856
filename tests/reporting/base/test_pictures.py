"""Pictures: the window and which way up."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from matplotlib.image import imread

from atlas_builder.reporting.base.pictures import (
    BRAIN_WINDOW,
    STROKE_WINDOW,
    Window,
    grey_levels,
    jpeg_uri,
    radiological,
)


@pytest.mark.parametrize(
    ("window", "hu"),
    [(BRAIN_WINDOW, [0.0, 40.0, 80.0]), (STROKE_WINDOW, [20.0, 35.0, 50.0])],
)
def test_windows_are_exact_at_their_ends(window: Window, hu: list[float]) -> None:
    outside = np.array([-1000.0, hu[0] - 0.01, *hu, hu[2] + 0.01, 3000.0])
    assert grey_levels(outside, window).tolist() == [0, 0, 0, 128, 255, 255, 255]
    shades = grey_levels(np.linspace(*window.limits, 500), window)
    assert (np.diff(shades.astype(int)) >= 0).all()
    assert len(np.unique(shades)) == 256


def test_the_brain_window_is_the_default() -> None:
    hu = np.linspace(-20, 100, 50)
    assert (grey_levels(hu) == grey_levels(hu, BRAIN_WINDOW)).all()


def test_what_is_not_a_number_is_black() -> None:
    assert grey_levels(np.array([np.nan, np.inf, -np.inf]), STROKE_WINDOW).tolist() == [0, 255, 0]


def test_windows_are_named_as_readers_of_ct_do() -> None:
    assert BRAIN_WINDOW.setting == "WL 40 WW 80"
    assert STROKE_WINDOW.setting == "WL 35 WW 30"


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
