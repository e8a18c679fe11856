"""Figures: scales that can be compared, sides that cannot be mistaken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from atlas_builder.construction.build import Build
from atlas_builder.core.anatomy import Region
from atlas_builder.reporting.base.canvas import common_box, save_figure
from atlas_builder.reporting.base.colours import REGION_COLOURS
from atlas_builder.reporting.build.figures import (
    deformation_figure,
    iterations_figure,
    probability_figure,
    regions_figure,
)

MakeBuild = Callable[..., Build]


def test_deformations_share_one_scale(make_build: MakeBuild) -> None:
    build = make_build(deformation_mm=((4.0, 1.0), (2.0, 0.5)))
    figure = deformation_figure(build.results, build.jobs)
    *panels, bar = figure.axes
    shown = [axes.images[0] for axes in panels]
    assert [axes.get_title() for axes in panels] == [
        f"{level} iteration {number}" for level in ("BGL", "SGL") for number in (1, 2)
    ]
    assert {image.get_clim() for image in shown} == {(0.0, 4.0)}
    assert [image.get_array().max() for image in shown] == [4.0, 1.0, 2.0, 0.5]
    assert "mm" in bar.get_ylabel()


def test_deformations_of_zero_can_be_drawn(make_build: MakeBuild, tmp_path: Path) -> None:
    build = make_build(deformation_mm=((0.0, 0.0), (0.0, 0.0)))
    figure = deformation_figure(build.results, build.jobs)
    *panels, _ = figure.axes
    for axes in panels:
        assert np.ptp(axes.images[0].get_array()) == 0
        assert axes.images[0].get_clim()[0] == 0 < axes.images[0].get_clim()[1]
    save_figure(figure, tmp_path / "zero.png")
    # Four panels of the one colour of nothing, on white.
    none = panels[0].images[0].to_rgba(0.0)[:3]
    shown = np.abs(imread(tmp_path / "zero.png")[..., :3] - none).max(axis=2) < 0.05
    assert 0.2 < shown.mean() < 0.95


def test_probabilities_run_from_none_to_all(make_build: MakeBuild) -> None:
    build = make_build()
    panels = probability_figure(build.results, build.jobs).axes[:2]
    assert {axes.images[0].get_clim() for axes in panels} == {(0.0, 1.0)}
    for axes, result in zip(panels, build.results.values(), strict=True):
        shown = axes.images[0].get_array()
        assert set(np.unique(shown)) == {0.0, 1.0}  # all participants have the same blocks
        assert np.count_nonzero(shown) == np.count_nonzero(result.labels) > 0


def test_templates_are_shown_in_order(make_build: MakeBuild) -> None:
    build = make_build()
    figure = iterations_figure("SGL", build.results["SGL"], build.jobs["SGL"])
    assert [axes.get_title() for axes in figure.axes] == [
        "SGL start: average",
        "after iteration 1",
        "after iteration 2",
    ]


def test_the_patients_right_is_at_the_left(make_build: MakeBuild, tmp_path: Path) -> None:
    build = make_build()
    figure = regions_figure("BGL", build.results["BGL"], build.jobs["BGL"].crop)
    save_figure(figure, tmp_path / "regions.png")
    shown = imread(tmp_path / "regions.png")[..., :3]
    template = shown[:, : shown.shape[1] // 2].min(axis=2)
    template[: template.shape[0] // 4] = 0  # title and marks of the sides
    _, columns = np.nonzero(template > 0.95)
    assert columns.size > 100
    assert columns.max() < template.shape[1] / 2


def test_regions_are_named_on_both_sides_and_in_their_colours(
    make_build: MakeBuild, tmp_path: Path
) -> None:
    build = make_build()
    result = build.results["SGL"]
    figure = regions_figure("SGL", result, build.jobs["SGL"].crop)
    _, named = figure.axes
    for region in (Region.M4, Region.M5, Region.M6):
        places = [text.get_position() for text in named.texts if text.get_text() == region.name]
        assert [result.labels[x, y] for x, y in places] == [region, region]
        assert sorted(x < 230 for x, _ in places) == [False, True]
    save_figure(figure, tmp_path / "regions.png")
    shown = imread(tmp_path / "regions.png")[..., :3]
    for region in (Region.M4, Region.M5, Region.M6):
        distance = np.abs(shown - to_rgb(REGION_COLOURS[region])).max(axis=2)
        assert np.count_nonzero(distance < 0.05) > 50


def test_figures_name_no_software(make_build: MakeBuild, tmp_path: Path) -> None:
    build = make_build()
    save_figure(deformation_figure(build.results, build.jobs), tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    assert b"tEXt" not in content
    assert b"tIME" not in content


@pytest.mark.parametrize("order", [1, -1])
def test_common_box_holds_all(order: int) -> None:
    boxes = [(slice(2, 8), slice(5, 6)), (slice(4, 9), slice(1, 3))][::order]
    assert common_box(boxes) == (slice(2, 9), slice(1, 6))
