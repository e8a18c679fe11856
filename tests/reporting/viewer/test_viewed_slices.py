"""Slices as text: nothing is lost, the same slices give the same text, and its size has a bound."""

from __future__ import annotations

import base64
import json
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from atlas_builder.core.anatomy import Region, map_value
from atlas_builder.reporting.base.pictures import Window
from atlas_builder.reporting.viewer.viewed_slices import (
    LESION,
    MOST_PIXELS,
    Comparison,
    ValueScale,
    ViewedSlices,
    areas_of,
    page_content,
)

Bytes = NDArray[np.uint8]
HU = ValueScale(-40.0, 1.0, "HU")


def viewed(values: Bytes, labels: Bytes) -> ViewedSlices:
    return ViewedSlices(
        values,
        labels,
        0.5,
        HU,
        (Window("brain", 40.0, 80.0),),
        Comparison((12.0, 80.0), 2.0, 8.0),
        [f"slice {place}" for place in range(len(values))],
        {"BGL": 0},
        {map_value(Region.M2, "right"): 0},
        {(Region.M2, "right")},
    )


def unpacked(text: str, shape: tuple[int, ...]) -> Bytes:
    return np.frombuffer(zlib.decompress(base64.b64decode(text), -15), np.uint8).reshape(shape)


def restored(left_over: Bytes) -> Bytes:
    """Undo the prediction pixel by pixel, as its definition says."""
    values = np.zeros(np.add(left_over.shape, 1), np.uint8)
    for row, column in np.ndindex(left_over.shape):
        mean = (int(values[row + 1, column]) + int(values[row, column + 1])) // 2
        values[row + 1, column + 1] = (int(left_over[row, column]) + mean) % 256
    return values[1:, 1:]


@given(arrays.arrays(np.uint8, st.tuples(st.just(2), st.integers(1, 9), st.integers(1, 9))))
def test_every_pixel_comes_back(values: Bytes) -> None:
    labels = (values % 21).astype(np.uint8)
    content = json.loads(json.dumps(page_content(viewed(values, labels))))
    assert (content["rows"], content["columns"]) == values.shape[1:]
    for place, held in enumerate(content["slices"]):
        found = restored(unpacked(held["values"], values.shape[1:]))
        np.testing.assert_array_equal(found, values[place])
        if labels[place].any():
            np.testing.assert_array_equal(unpacked(held["labels"], values.shape[1:]), labels[place])
        else:
            assert held["labels"] == ""


def test_noise_that_cannot_be_compressed_stays_within_four_megabytes() -> None:
    rng = np.random.default_rng(1)
    values = rng.integers(0, 256, (30, 100, MOST_PIXELS // 3000), dtype=np.uint8)
    labels = np.repeat(rng.integers(0, 21, (30, 10, MOST_PIXELS // 3000), dtype=np.uint8), 10, 1)
    content = page_content(viewed(values, labels))
    assert sum(len(held["values"]) for held in content["slices"]) < 4.02e6  # type: ignore[attr-defined]


def test_values_are_stored_to_half_a_step_and_clipped() -> None:
    hu = np.array([-1000.0, -40.0, 0.4, 35.5, 80.0, 215.0, 3000.0, np.nan], np.float32)
    assert HU.stored(hu).tolist() == [0, 0, 40, 76, 120, 255, 255, 0]
    percent = ValueScale(0.0, 100 / 255, "%")
    assert percent.stored(np.array([0.0, 40.0, 100.0])).tolist() == [0, 102, 255]


@pytest.mark.parametrize(("lesion", "told"), [(False, 0), (True, LESION)])
def test_a_lesion_is_told_where_there_is_one(lesion: bool, told: int) -> None:
    labels = np.full((1, 4, 4), map_value(Region.M2, "right"), np.uint8)
    labels[0, 0, 0] += LESION * lesion
    assert page_content(viewed(labels, labels))["lesion"] == told


def test_regions_have_their_home_and_whether_they_stand_out() -> None:
    content = page_content(viewed(*2 * [np.zeros((1, 4, 4), np.uint8)]))
    found = {(one["name"], one["side"]): one for one in content["regions"]}  # type: ignore[attr-defined]
    assert len(found) == 20
    assert found["M2", "right"]["value"] == 16
    assert (found["M2", "right"]["home"], found["M2", "right"]["standsOut"]) == (0, True)
    assert (found["M2", "left"]["home"], found["M2", "left"]["standsOut"]) == (None, False)


def test_areas_are_counted_slice_by_slice() -> None:
    labels = np.zeros((2, 3, 3), np.uint8)
    labels[1, :2] = 7
    areas = areas_of(labels)
    assert areas[:, 7].tolist() == [0, 6]
    assert areas.sum(axis=1).tolist() == [9, 9]
