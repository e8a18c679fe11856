"""The picture of a region map: sides, windows, scale, and what stands out."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imread
from numpy.typing import NDArray

from atlas_builder.core.anatomy import Region
from atlas_builder.core.flags import Flag
from atlas_builder.mapping.region_map import RegionMap
from atlas_builder.reporting.mapping.overlay import draw_region_map, write_overlay

MakeMap = Callable[..., RegionMap]
DARK = {(Region.M2, "right"), (Region.M5, "left")}
FLAGS = (Flag("tilt", "tilted by 18°"), Flag("poor-fit", "0.61", "SGL"))


@pytest.fixture(scope="module")
def marked(make_map: MakeMap) -> Figure:
    return draw_region_map(make_map(dark=DARK, flags=FLAGS))


def panels(figure: Figure) -> list[NDArray[Any]]:
    """The panels as they are drawn, shape (rows, columns, 3)."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    drawn = np.asarray(canvas.buffer_rgba())[..., :3]
    boxes = [axes.get_window_extent() for axes in figure.axes]
    return [
        drawn[
            round(len(drawn) - box.y1) : round(len(drawn) - box.y0), round(box.x0) : round(box.x1)
        ]
        for box in boxes
    ]


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.texts]


@pytest.mark.parametrize("angle", [15.0, -15.0])
def test_the_patients_left_is_at_the_right(make_map: MakeMap, angle: float) -> None:
    figure = draw_region_map(make_map(angle=angle))
    for axes, shown in zip(figure.axes[::4], panels(figure)[::4], strict=True):
        height, width, _ = shown.shape
        left, right = axes.get_xlim()
        bottom, top = axes.get_ylim()
        x = left + (np.arange(width) + 0.5) * (right - left) / width
        y = top + (np.arange(height) + 0.5) * (bottom - top) / height
        # The disc of 75 HU in a brain of 30, at 30 mm to the left and 45 mm to the back.
        brain = (x / 48) ** 2 + (y[:, np.newaxis] / 64) ** 2 < 1
        rows, columns = np.nonzero(brain & (shown[..., 0] > 200))
        assert x[columns].mean() == pytest.approx(30, abs=0.7)
        assert y[rows].mean() == pytest.approx(45, abs=0.7)


def test_each_level_is_shown_in_both_windows(marked: Figure) -> None:
    captions = [" ".join(text.get_text() for text in axes.texts) for axes in marked.axes]
    assert len(marked.axes) == 8
    for row, level in enumerate(("BGL  slice 5", "SGL  slice 6")):
        for column, window in enumerate(("WL 40 WW 80",) * 2 + ("WL 35 WW 30",) * 2):
            assert level in captions[4 * row + column]
            assert window in captions[4 * row + column]
    # 30 HU: three eighths of the brain window, a third of the stroke window.
    shown_panels = panels(marked)
    for number, grey in ((0, 96), (2, 85)):
        shown = shown_panels[number]
        middle = shown[len(shown) // 2, shown.shape[1] // 2]
        assert middle.tolist() == [grey] * 3


def test_pixels_are_square_and_the_bar_is_50_mm(make_map: MakeMap) -> None:
    figure = draw_region_map(make_map(spacing=(0.5, 1.0)))
    scales = set()
    for axes in figure.axes:
        box = axes.get_window_extent()
        left, right = axes.get_xlim()
        bottom, top = axes.get_ylim()
        scales |= {round(box.width / (right - left), 3), round(box.height / (bottom - top), 3)}
        assert "50 mm" in [text.get_text() for text in axes.texts]
        bar = axes.lines[0].get_xdata()
        assert np.ptp(bar) == pytest.approx(50)
    assert len(scales) == 1


def test_every_second_slice_is_without_lines(marked: Figure) -> None:
    assert [len(axes.collections) for axes in marked.axes] == [0, 14, 0, 14, 0, 6, 0, 6]


def test_what_stands_out_is_thick_last_and_named_on_white(marked: Figure) -> None:
    for number, name in ((1, "M2"), (5, "M5")):
        axes = marked.axes[number]
        widths = [collection.get_linewidths()[0] for collection in axes.collections]
        assert max(widths) == widths[-1] > 2 * widths[0]
        assert len(set(widths[:-1])) == 1
        on_white = [t.get_text() for t in axes.texts if t.get_bbox_patch() is not None]
        assert on_white == [name]
    assert "Darker than the other side: right M2; left M5" in texts(marked)


def test_what_stands_out_and_what_is_flagged_is_told(make_map: MakeMap, marked: Figure) -> None:
    """The mark is white, so it shows without colour; the other side's outline has none of it."""
    shown = panels(marked)[5].min(axis=2)
    middle = shown.shape[1] // 2
    rows = slice(len(shown) // 4, len(shown) // 2)
    sides = shown[rows, middle // 2 : middle], shown[rows, middle : 3 * middle // 2]
    right, left = (np.count_nonzero(side > 200) for side in sides)
    assert left > right + 80
    assert "Check: tilt, poor fit (SGL)" in texts(marked)
    assert "Quality: nothing flagged" in texts(draw_region_map(make_map()))


def test_many_flags_are_told_once_and_within_the_picture(make_map: MakeMap) -> None:
    codes = [f"{word}-doubtful-{n}" for word in ("brain-mask", "key-slices") for n in range(8)]
    flags = tuple(Flag(code, "x", level) for level in ("BGL", "SGL") for code in codes)
    figure = draw_region_map(make_map(flags=(*flags, *flags)))
    FigureCanvasAgg(figure).draw()
    told = " ".join(" ".join(texts(figure)).split())
    boxes = [text.get_window_extent() for text in figure.texts]
    for code in codes:
        assert told.count(f"{code.replace('-', ' ')} (BGL, SGL)") == 1
    lowest = min(axes.get_window_extent().y0 for axes in figure.axes)
    below = sorted((box for box in boxes if box.y0 < lowest), key=lambda box: box.y0)
    assert len(below) > 2
    assert all(box.x1 < figure.bbox.x1 and box.y0 >= 0 and box.y1 <= lowest for box in below)
    assert all(one.y1 <= other.y0 for one, other in pairwise(below))


def test_an_atlas_s_name_is_no_formula(make_map: MakeMap) -> None:
    figure = draw_region_map(make_map(atlas_name="$\\alpha$ for $5 {"))
    FigureCanvasAgg(figure).draw()
    assert "$\\alpha$ for $5 {, 50–69 years" in texts(figure)


def test_the_file_is_the_picture_and_repeats(make_map: MakeMap, tmp_path: Path) -> None:
    for name in ("one.png", "two.png"):
        write_overlay(tmp_path / name, make_map(angle=3.0))
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert imread(tmp_path / "one.png").shape[1] == 1920
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["one.png", "two.png"]


def test_a_notebook_shows_what_a_map_draws(make_map: MakeMap) -> None:
    figure = draw_region_map(make_map())
    assert isinstance(figure, Figure)
    assert imread(io.BytesIO(figure._repr_png_()), format="png").shape[1] == 1920
