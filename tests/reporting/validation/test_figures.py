"""The figures of a validation: what they show, in the right place, the same bytes each time."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread
from pictures import coloured, picture_of

from atlas_builder.core.anatomy import Region
from atlas_builder.metrics.statistics import compare_paired, with_holm
from atlas_builder.reporting.base.figure_files import write_figure
from atlas_builder.reporting.base.sources import colour_of
from atlas_builder.reporting.validation.difference_maps import (
    Difference,
    difference_figure,
    differences,
)
from atlas_builder.reporting.validation.forest import forest_figure
from atlas_builder.reporting.validation.heat_map import heat_map_figure
from atlas_builder.reporting.validation.violins import violin_figure
from atlas_builder.validation.age_tables import AgeMatrix
from atlas_builder.validation.mapped import MappedLevel, MappedParticipant

GROUPS = ("10-29", "50-69")


def dsc(mean: float, count: int = 8) -> np.ndarray:
    noise = np.random.default_rng(int(mean * 1000)).normal(0, 0.02, (count, 10))
    return np.clip(mean + noise, 0, 1)


def mapped_participant() -> MappedParticipant:
    """Region M5 on the patient's right (low x) is drawn; the atlas lies 12 pixels further back."""
    shape = (300, 300)
    regions = np.zeros(shape, np.uint8)
    regions[40:90, 100:180] = Region.M5
    atlas = np.roll(regions, 12, axis=1)
    to_slice = np.diag([300 / 460, 300 / 460, 1.0])
    i, j = np.indices((460, 460)) - 229.5
    brain = np.where(np.hypot(i / 200, j / 220) < 1, 90, 0).astype(np.uint8)
    left = np.indices(shape)[0] > 150
    sources = {"atlas": atlas, "expert": regions, "rater1": regions}
    return MappedParticipant({"SGL": MappedLevel((0.7, 0.7), left, sources, to_slice, brain)})


def test_violins_show_median_and_quartiles_of_each_region() -> None:
    values = {"atlas": dsc(0.95), "rater1": dsc(0.85)}
    axes = violin_figure(values, "expert").axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        *(region.name for region in Region),
        "mean",
    ]
    medians = [line for line in axes.lines if line.get_marker() == "o"]
    bars = [line for line in axes.lines if line.get_marker() == "None" and line.get_lw() > 2]
    assert len(medians) == len(bars) == 22
    for place, of_source in enumerate(values.values()):
        found = [line.get_ydata()[0] for line in medians[11 * place : 11 * (place + 1)]]
        np.testing.assert_allclose(found[:10], np.median(of_source, axis=0))
        assert found[10] == pytest.approx(np.median(of_source.mean(axis=1)))
        low, high = bars[11 * place].get_ydata()
        np.testing.assert_allclose([low, high], np.percentile(of_source[:, 0], [25, 75]))
    assert axes.get_ylabel() == "DSC with expert"
    assert axes.get_ylim()[1] <= 1.0


@pytest.mark.parametrize(
    "values",
    [np.full((1, 10), 0.9), np.full((3, 10), 0.9), np.where(np.eye(8, 10), np.nan, 0.9)],
)
def test_violins_of_few_or_equal_or_missing_scores(values, tmp_path) -> None:
    figure = violin_figure({"atlas": values}, "expert")
    (axes,) = figure.axes
    medians = [line.get_ydata()[0] for line in axes.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(medians, np.full(11, 0.9))  # the mean of a participant too
    dots = [line for line in axes.lines if line.get_marker() == "."]
    # The mean of participants who lack a region is that of the others.
    counts = [*np.isfinite(values).sum(axis=0), np.isfinite(values).any(axis=1).sum()]
    assert [len(line.get_ydata()) for line in dots] == counts
    png, _ = write_figure(figure, tmp_path, "violins")
    drawn = coloured(picture_of(png), colour_of(0), 0.2)
    assert np.ptp(np.flatnonzero(drawn.any(axis=0))) > 0.7 * drawn.shape[1]  # from C to the mean


def test_every_pixel_is_one_kind_of_difference() -> None:
    source = np.array([[1, 1, 0, 0, 2]], np.uint8)
    reference = np.array([[1, 0, 3, 0, 3]], np.uint8)
    found = differences(source, reference)
    assert {kind.name: np.flatnonzero(mask).tolist() for kind, mask in found.items()} == {
        "OVERLAP": [0],
        "OVER": [1],
        "UNDER": [2],
        "EXCHANGED": [4],
    }


def test_difference_maps_show_what_is_missed_and_added_on_the_right_side(tmp_path) -> None:
    figure = difference_figure("SGL", {"one": mapped_participant()}, ["atlas", "rater1"], "expert")
    assert [axes.get_title() for axes in figure.axes] == ["atlas, one", "rater1, one"]
    png, _ = write_figure(figure, tmp_path, "maps")
    shown = imread(png)[..., :3]
    legend = shown.shape[0] * 93 // 100
    panels = shown[:legend, : shown.shape[1] // 2], shown[:legend, shown.shape[1] // 2 :]
    places = {}
    for kind in (Difference.UNDER, Difference.OVER):
        near = [np.abs(panel - kind.rgba[:3]).max(axis=2) < 0.12 for panel in panels]
        assert near[0].sum() > 200
        assert near[1].sum() == 0  # rater1 drew what the expert drew
        rows, columns = np.nonzero(near[0])
        assert columns.max() < panels[0].shape[1] / 2  # the patient's right at the left
        places[kind] = rows.mean()
    # The atlas lies too far back, which is down: it misses at the front, adds at the back.
    assert places[Difference.UNDER] < places[Difference.OVER]


def test_the_heat_map_frames_the_diagonal_and_marks_the_best() -> None:
    values = {
        "10-29": np.array([[0.95, 0.90], [0.93, 0.90]]),
        "50-69": np.array([[0.92, 0.91], [0.94, 0.91], [0.93, 0.90]]),
    }
    members = {"10-29": ("a", "b"), "50-69": ("c", "d", "e")}
    axes = heat_map_figure(AgeMatrix(GROUPS, members, values), "expert").axes[0]
    np.testing.assert_allclose(
        axes.images[0].get_array(), [[0.94, 0.90], [0.93, 0.90667]], atol=1e-5
    )
    texts = {text.get_position(): text for text in axes.texts}
    assert texts[(0, 0)].get_text() == "0.940 ± 0.014"
    bold = {place for place, text in texts.items() if text.get_fontweight() == "bold"}
    assert bold == {(0, 0), (0, 1)}  # of 50-69, the young atlas is best here
    assert [patch.get_xy() for patch in axes.patches] == [(-0.5, -0.5), (0.5, 0.5)]
    assert axes.get_yticklabels()[1].get_text() == "50-69\nn = 3"


def test_a_heat_map_without_participants_can_be_drawn(tmp_path) -> None:
    empty = {group: np.empty((0, 2)) for group in GROUPS}
    matrix = AgeMatrix(GROUPS, dict.fromkeys(GROUPS, ()), empty)
    figure = heat_map_figure(matrix, "expert")
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.texts] == ["–"] * 4
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        f"{group}\nn = 0" for group in GROUPS
    ]
    png, _ = write_figure(figure, tmp_path, "empty")
    framed = coloured(picture_of(png), "#e66100", 0.1)
    rows, columns = np.nonzero(framed)
    assert framed.sum() > 500  # the frames along the diagonal, and no cell is filled
    assert np.ptp(rows) > 0.4 * framed.shape[0]
    assert np.ptp(columns) > 0.4 * framed.shape[1]


def test_differences_show_intervals_and_what_is_significant() -> None:
    first, second = dsc(0.95), dsc(0.9)
    second[:, 0] = first[::-1, 0]
    columns = (
        np.column_stack([first, first.mean(axis=1)]),
        np.column_stack([second, second.mean(axis=1)]),
    )
    family = with_holm([compare_paired(columns[0][:, k], columns[1][:, k], 1) for k in range(11)])
    axes = forest_figure({"a less b": family}).axes[0]
    marks = [line for line in axes.lines if line.get_marker() == "o"]
    assert [mark.get_ydata()[0] for mark in marks] == [one.difference for one in family]
    filled = [mark.get_markerfacecolor() == colour_of(1) for mark in marks]
    assert filled == [one.p_t_holm < 0.05 for one in family]
    assert filled[0] is False
    assert any(filled)


def test_withheld_tests_leave_a_figure(tmp_path) -> None:
    family = [compare_paired(np.ones(3), np.zeros(3), 1)] * 11
    figure = forest_figure({"a less b": family})
    marks = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert [mark.get_ydata()[0] for mark in marks] == [1.0] * 11
    assert {mark.get_markerfacecolor() for mark in marks} == {"white"}
    png, _ = write_figure(figure, tmp_path, "few")
    rings = coloured(picture_of(png), colour_of(1), 0.1)
    columns = np.flatnonzero(rings.any(axis=0))
    assert np.ptp(columns) > 0.7 * rings.shape[1]


def test_the_same_figure_gives_the_same_bytes(tmp_path) -> None:
    contents = []
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        figure = difference_figure("SGL", {"one": mapped_participant()}, ["atlas"], "expert")
        files = write_figure(figure, folder, "maps")
        assert [path.name for path in files] == ["maps.png", "maps.svg"]
        files += write_figure(violin_figure({"atlas": dsc(0.9)}, "expert"), folder, "violins")
        contents.append([path.read_bytes() for path in files])
    assert contents[0] == contents[1]
    for content in contents[0]:
        assert b"matplotlib" not in content.lower().split(b"<svg")[0]
    assert b"<dc:date>" not in contents[0][3]


def test_sources_look_different() -> None:
    colours = [np.array(to_rgb(colour_of(place))) for place in range(6)]
    for place, colour in enumerate(colours):
        for other in colours[:place]:
            assert np.abs(colour - other).max() > 0.2
