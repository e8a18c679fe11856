"""The picture of a region map: sides, windows, scale, and what stands out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw

from atlas_builder.core.anatomy import Region, regions_of
from atlas_builder.core.flags import Flag
from atlas_builder.mapping.region_map import RegionMap
from atlas_builder.reporting.base.colours import REGION_COLOURS
from atlas_builder.reporting.mapping.overlay import draw_region_map, write_overlay
from atlas_builder.reporting.mapping.upright import UprightView, upright_views

MakeMap = Callable[..., RegionMap]
DARK = {(Region.M2, "right"), (Region.M5, "left")}
FLAGS = (Flag("tilt", "tilted by 18°"), Flag("poor-fit", "0.61", "SGL"))
HEAD, GAP, COLUMNS = 54, 8, 4


@dataclass(frozen=True)
class Panel:
    """One slice of the picture.

    Attributes
    ----------
    pixels : ndarray of uint8, shape (rows, columns, 3)
        What is drawn.
    view : UprightView
        What it shows.
    """

    pixels: NDArray[np.uint8]
    view: UprightView

    def mm(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where columns and rows lie, to the patient's left and to the back."""
        left, right, top, bottom = self.view.extent
        rows, columns, _ = self.pixels.shape
        x = left + (np.arange(columns) + 0.5) * (right - left) / columns
        return x, top + (np.arange(rows) + 0.5) * (bottom - top) / rows

    def count(self, colour: str) -> int:
        """How many pixels have a colour, but for the smoothing of edges."""
        away = np.abs(self.pixels.astype(int) - ImageColor.getrgb(colour)).max(axis=2)
        return int(np.count_nonzero(away < 12))


def panels(region_map: RegionMap) -> list[Panel]:
    """The panels of a map, a row of four a level."""
    pixels = np.asarray(draw_region_map(region_map))
    width = (pixels.shape[1] + GAP) // COLUMNS - GAP
    found, top = [], HEAD
    for view in upright_views(region_map):
        left, right, above, below = view.extent
        height = round(width * (below - above) / (right - left))
        for column in range(COLUMNS):
            first = column * (width + GAP)
            found.append(Panel(pixels[top : top + height, first : first + width], view))
        top += height + GAP
    return found


@dataclass(frozen=True)
class Text:
    """A text as it was written: its words, its box, its colour and the size of its picture."""

    words: str
    left: float
    top: float
    right: float
    bottom: float
    colour: Any
    picture: tuple[int, int]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[Text]:
    """What is written while a test draws."""
    found: list[Text] = []
    write = ImageDraw.ImageDraw.text

    def watched(
        self: Any, at: Any, text: str, fill: Any, font: Any, anchor: str, **how: Any
    ) -> None:
        box = self.textbbox(at, text, font, anchor)
        found.append(Text(text, *box, fill, self._image.size))
        write(self, at, text, fill, font, anchor, **how)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", watched)
    return found


@pytest.fixture(scope="module")
def marked(make_map: MakeMap) -> list[Panel]:
    return panels(make_map(dark=DARK, flags=FLAGS))


@pytest.mark.parametrize("angle", [15.0, -15.0])
def test_the_patients_left_is_at_the_right(make_map: MakeMap, angle: float) -> None:
    for panel in panels(make_map(angle=angle))[::4]:
        x, y = panel.mm()
        # The disc of 75 HU in a brain of 30, at 30 mm to the left and 45 mm to the back.
        brain = (x / 48) ** 2 + (y[:, np.newaxis] / 64) ** 2 < 1
        rows, columns = np.nonzero(brain & (panel.pixels[..., 0] > 200))
        assert x[columns].mean() == pytest.approx(30, abs=0.7)
        assert y[rows].mean() == pytest.approx(45, abs=0.7)


def test_each_level_is_shown_in_both_windows(
    make_map: MakeMap, marked: list[Panel], written: list[Text]
) -> None:
    draw_region_map(make_map(dark=DARK, flags=FLAGS))
    captions = [text.words for text in written if text.words.startswith(("BGL", "SGL", "WL"))]
    windows = ["WL 40 WW 80"] * 2 + ["WL 35 WW 30"] * 2
    # Captions are written from below.
    expected = [[window, level] for level in ("BGL  slice 5", "SGL  slice 6") for window in windows]
    assert captions == [caption for pair in expected for caption in pair]
    # 30 HU: three eighths of the brain window, a third of the stroke window.
    for number, grey in ((0, 96), (2, 85)):
        shown = marked[number].pixels
        assert shown[len(shown) // 2, shown.shape[1] // 2].tolist() == [grey] * 3


def test_pixels_are_square_and_the_bar_is_50_mm(make_map: MakeMap, written: list[Text]) -> None:
    found = panels(make_map(spacing=(0.5, 1.0)))
    assert sum(text.words == "50 mm" for text in written) == len(found)
    for panel in found:
        x, y = panel.mm()
        assert np.diff(x).mean() == pytest.approx(np.diff(y).mean(), rel=2e-3)
        bar_y = panel.view.scale_bar[0, 1]
        row = panel.pixels[np.abs(y - bar_y).argmin(), :, 0]
        (bar,) = np.nonzero(row > 150)
        assert np.ptp(x[bar]) == pytest.approx(50, abs=1)


def test_every_second_slice_is_without_lines(marked: list[Panel]) -> None:
    for number, panel in enumerate(marked):
        colours = {
            region
            for region in regions_of(panel.view.level)
            if panel.count(REGION_COLOURS[region]) > 30
        }
        assert colours == (set(regions_of(panel.view.level)) if number % 2 else set())
        grey = np.ptp(panel.pixels.astype(int), axis=2) == 0
        assert grey.all() == (number % 2 == 0)


def test_what_stands_out_is_thick_and_named_on_white(
    make_map: MakeMap, marked: list[Panel], written: list[Text]
) -> None:
    draw_region_map(make_map(dark=DARK, flags=FLAGS))
    names = {region.name for region in Region}
    black = [text.words for text in written if text.words in names and text.colour == "black"]
    # Names on dark have a black halo below them, so each is twice in black, on either side.
    assert {name: black.count(name) for name in names} == dict.fromkeys(names, 2)
    white = [text.words for text in written if text.words in names and text.colour == "white"]
    assert {name: white.count(name) for name in names} == {
        name: 1 if name in ("M2", "M5") else 2 for name in names
    }
    for number, region, side in ((1, Region.M2, "right"), (5, Region.M5, "left")):
        x, y = marked[number].mm()
        brain = (x / 46) ** 2 + (y[:, np.newaxis] / 62) ** 2 < 1
        brain &= y[:, np.newaxis] < 15  # in front of the bright disc
        shown = np.where(brain[..., np.newaxis], marked[number].pixels, 0)
        right, left = (Panel(shown[:, half], marked[number].view) for half in (x < 0, x > 0))
        here, there = (right, left) if side == "right" else (left, right)
        colour = REGION_COLOURS[region]
        assert here.count(colour) > 1.5 * there.count(colour)
        # A white line within shows without colour; names are white on the other side too.
        bright = [np.count_nonzero(half.pixels.min(axis=2) > 170) for half in (here, there)]
        assert bright[0] > bright[1] + 80
    assert "Darker than the other side: right M2; left M5" in [text.words for text in written]


def test_what_is_flagged_is_told(make_map: MakeMap, written: list[Text]) -> None:
    draw_region_map(make_map(flags=FLAGS))
    assert "Check: tilt, poor fit (SGL)" in [text.words for text in written]
    written.clear()
    draw_region_map(make_map())
    assert "Quality: nothing flagged" in [text.words for text in written]


def test_many_flags_are_told_once_and_within_the_picture(
    make_map: MakeMap, written: list[Text]
) -> None:
    codes = [f"{word}-doubtful-{n}" for word in ("brain-mask", "key-slices") for n in range(8)]
    flags = tuple(Flag(code, "x", level) for level in ("BGL", "SGL") for code in codes)
    region_map = make_map(flags=(*flags, *flags))
    picture = draw_region_map(region_map)
    around = [text for text in written if text.picture == picture.size]
    told = " ".join(" ".join(text.words for text in around).split())
    for code in codes:
        assert told.count(f"{code.replace('-', ' ')} (BGL, SGL)") == 1
    width, height = picture.size
    below = sorted((text for text in around if text.top > HEAD), key=lambda text: text.top)
    assert len(below) > 2
    assert all(text.left >= 0 and text.right < width and text.bottom <= height for text in below)
    assert all(one.bottom <= other.top for one, other in pairwise(below))
    # The last of the slices ends above them.
    assert not np.asarray(picture)[int(below[0].top) - 2].any()


def test_the_atlas_is_named(make_map: MakeMap, written: list[Text]) -> None:
    draw_region_map(make_map(atlas_name="$\\alpha$ for $5 {"))
    assert "$\\alpha$ for $5 {, 50–69 years" in [text.words for text in written]


def test_the_file_is_the_picture_and_repeats(make_map: MakeMap, tmp_path: Path) -> None:
    for name in ("one.png", "two.png"):
        write_overlay(tmp_path / name, make_map(angle=3.0))
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    with Image.open(tmp_path / "one.png") as picture:
        assert picture.width == 1920
        assert (np.asarray(picture) == np.asarray(draw_region_map(make_map(angle=3.0)))).all()
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["one.png", "two.png"]


def test_a_notebook_shows_what_a_map_draws(make_map: MakeMap) -> None:
    assert draw_region_map(make_map())._repr_png_()  # type: ignore[no-untyped-call]
