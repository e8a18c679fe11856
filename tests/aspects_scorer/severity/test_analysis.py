"""The analysis of a simulated cohort, and what is withheld from cohorts that are too small."""

from __future__ import annotations

import re

import numpy as np
import pytest

from aspects_scorer.severity.analysis import (
    PatientArrays,
    analyse_severity,
    compare_with_readers,
)
from aspects_scorer.severity.groups import Severity
from atlas_builder.core.anatomy import Region
from atlas_builder.metrics.table_files import to_csv
from atlas_builder.reporting.severity.deduction_tables import pattern_in_words
from atlas_builder.reporting.severity.figures import (
    bland_altman_figure,
    boxes_figure,
    deductions_figure,
    nihss_figure,
    roc_figure,
)
from atlas_builder.reporting.severity.report import CohortCounts, facts_of, sections_of
from atlas_builder.reporting.severity.tables import published_thresholds_table, roc_table

COUNTS = CohortCounts(120, 3, 100, 120, {"bilateral": 4}, "nihss", ("sub-9",))


def simulated(patients: int = 100, seed: int = 1) -> PatientArrays:
    """Patients whose left M5 and volume follow the NIHSS, and whose other regions do not."""
    generator = np.random.default_rng(seed)
    nihss = generator.integers(0, 30, patients).astype(float)
    left = generator.random((patients, 10)) < 0.2
    left[:, Region.M5 - 1] = generator.random(patients) < nihss / 30
    right = np.zeros((patients, 10), bool)
    return PatientArrays(
        nihss,
        10.0 - left.sum(axis=1) - 3.0 * (nihss > 20),
        np.exp(generator.normal(nihss / 10, 0.8)),
        np.where(np.arange(patients) % 4 == 0, 0.2, 0.8),
        {"left": left, "right": right},
    )


@pytest.fixture(scope="module")
def analyses():
    return analyse_severity(simulated(), 1)[0]


def test_both_groups_and_both_markers(analyses):
    everyone, mca = analyses
    assert (len(everyone.patients), len(mca.patients)) == (100, 75)
    assert (mca.patients.mca_share >= 0.5).all()
    for analysis in analyses:
        aspects, volume = analysis.markers
        assert 0.5 < aspects.area.low < aspects.area.value < aspects.area.high
        assert volume.area.value > 0.7
        assert aspects.with_nihss.high < 0 < volume.with_nihss.low
        assert analysis.test.difference == pytest.approx(aspects.area.value - volume.area.value)
        assert aspects.published.threshold == 6
        assert volume.published.threshold == 27.86
        for result in analysis.markers:
            assert result.published.youden <= result.youden.youden + 1e-12
            assert result.threshold_low <= result.threshold_high


def test_the_regions_that_follow_severity_are_named(analyses):
    words = pattern_in_words(analyses[0])
    assert "As Wei et al. find for M1, M2, M3, M5, M6: M5." in words
    assert "Published but not seen here: M1, M2, M3, M6." in words
    assert "Seen here beside the published: none." in words


def test_published_figures_stand_beside(analyses):
    table = roc_table(analyses)
    assert [row[:2] for row in table.rows][-2:] == [
        ("DWI-ASPECTS", "published"),
        ("core volume", "published"),
    ]
    assert [row[3] for row in table.rows][-2:] == [0.762, 0.751]
    assert "≥ 27.86 mL" in to_csv(table)


def few(aspects: list[float], volume: list[float]) -> PatientArrays:
    """Return eight patients, the last two with moderate strokes, none with an MCA lesion."""
    nobody = np.zeros((8, 10), bool)
    return PatientArrays(
        np.array([1.0, 2, 3, 4, 5, 6, 9, 12]),
        np.array(aspects, float),
        np.array(volume, float),
        np.full(8, 0.2),
        {"left": nobody, "right": nobody},
    )


def test_tables_give_no_threshold_that_is_no_better_than_chance():
    # Everyone's ASPECTS is full, and the larger lesions are those of the mild strokes.
    (analysis,), _ = analyse_severity(few([10] * 8, [80, 70, 60, 50, 40, 30, 20, 10]), 1)
    table = roc_table([analysis])
    for row, area in ((0, "0.500"), (1, "0.000")):
        shown = [table.text(row, column) for column in range(3, 9)]
        assert shown == [area, "–", "–", "–", "–", "–"]
    assert "no threshold is better than chance" in table.note
    published = published_thresholds_table([analysis])
    assert [published.text(row, 6) for row in (0, 1)] == ["–", "–"]
    assert "no threshold is better than chance" in published.note
    assert not re.search("nan|inf|∞", to_csv(table) + table.note)


def test_tables_give_no_interval_to_groups_that_are_separated():
    # Volume separates the groups, ASPECTS all but one pair of patients.
    patients = few([10, 10, 9, 9, 8, 6, 7, 5], [1, 2, 3, 4, 5, 6, 7, 8])
    (analysis,), _ = analyse_severity(patients, 1)
    table = roc_table([analysis])
    assert [table.text(1, column) for column in (3, 4, 5)] == ["1.000", "–", "≥ 7.00 mL"]
    assert " to " in table.text(0, 4)
    separated = "no interval can be given where the groups are separated or tied completely"
    assert separated in table.note
    assert "better than chance" not in table.note
    assert "beside a difference" not in table.note
    (legend,) = (axes.get_legend() for axes in roc_figure([analysis]).axes)
    assert "core volume: 1.000 (–)" in [text.get_text() for text in legend.get_texts()]
    facts = {fact.name: fact for fact in facts_of(COUNTS, [analysis])}
    assert facts["AUC, core volume"].remark == "–; published 0.751"


def test_tables_give_no_interval_to_a_difference_without_variance():
    (analysis,), _ = analyse_severity(few([10] * 8, [1, 2, 3, 4, 5, 6, 7, 8]), 1)
    note = roc_table([analysis]).note
    assert "all patients −0.500 (–), p withheld" in note
    assert "beside a difference: no interval can be given" in note


def test_notes_name_nothing_missing_where_nothing_is(analyses):
    notes = roc_table(analyses).note + published_thresholds_table(analyses).note
    assert "better than chance" not in notes
    assert "no interval can be given" not in notes


def test_everything_is_on_the_page(analyses):
    sections = sections_of(COUNTS, analyses, ["nobody: too few"], (), {})
    assert [section.name for section in sections] == ["roc", "deductions", "severity", "flags"]
    names = [figure.name for section in sections for figure in section.figures]
    assert names == [
        "roc",
        "deductions_all_patients",
        "deductions_mostly_mca_lesions",
        "nihss",
        "boxes",
    ]
    tables = [table for section in sections for table in section.tables]
    assert len({table.name for table in tables}) == len(tables) == 9
    for table in tables:
        assert all(len(row) == len(table.columns) for row in table.rows)
    text = sections[0].text
    assert "20 of 120 scored participants have none" in text
    assert "sub-9" in text
    assert "All of the 120 masks are in MNI152 space" in text
    assert "nobody: too few." in text
    facts = {fact.name: fact for fact in facts_of(COUNTS, analyses)}
    assert facts["AUC, DWI-ASPECTS"].value == f"{analyses[0].markers[0].area.value:.3f}"


def test_the_roc_figure_shows_both_curves_and_their_thresholds(analyses):
    figure = roc_figure(analyses)
    assert len(figure.axes) == len(analyses)
    for axes, analysis in zip(figure.axes, analyses, strict=True):
        diagonal, *drawn = axes.lines
        assert diagonal.get_linestyle() == ":"
        curves = [line for line in drawn if line.get_marker() == "None"]
        points = [line for line in drawn if line.get_marker() == "o"]
        for result, curve, point in zip(analysis.markers, curves, points, strict=True):
            np.testing.assert_array_equal(curve.get_xdata(), result.curve.false_positive)
            np.testing.assert_array_equal(curve.get_ydata(), result.curve.true_positive)
            assert point.get_xdata()[0] == 1 - result.youden.specificity.value
            assert point.get_ydata()[0] == result.youden.sensitivity.value
        shown = [text.get_text() for text in axes.get_legend().get_texts()]
        assert len(shown) == 4
        assert shown[0].startswith(f"DWI-ASPECTS: {analysis.markers[0].area.value:.3f} (")


def test_the_nihss_figure_shows_every_patient(analyses):
    everyone = analyses[0]
    panels = nihss_figure(everyone).axes
    for axes, wanted, off in zip(
        panels,
        (everyone.patients.aspects, everyone.patients.core_volume_ml),
        (0.25, 0.0),
        strict=True,
    ):
        (dots,) = axes.collections
        assert np.abs(dots.get_offsets()[:, 0] - everyone.patients.nihss).max() <= 0.25
        drawn = np.maximum(wanted, 0.1)
        assert np.abs(dots.get_offsets()[:, 1] - drawn).max() <= off + 0.1 * (off > 0)
        assert [line.get_xdata()[0] for line in axes.lines] == [7.5, 16.5]
        assert axes.get_title(loc="left").startswith("Spearman ")
    assert panels[1].get_yscale() == "log"


def test_the_box_plots_have_the_medians_of_each_group(analyses):
    patients = analyses[0].patients
    for axes, values in zip(
        boxes_figure(analyses[0]).axes, (patients.aspects, patients.core_volume_ml), strict=True
    ):
        names = [label.get_text().split("\n")[0] for label in axes.get_xticklabels()]
        assert len(names) == len(axes.patches) == 3
        medians = [line.get_ydata()[0] for line in axes.lines if line.get_color() == "#f28e2b"]
        of_group = [np.median(values[patients.severity == group]) for group in Severity]
        np.testing.assert_allclose(medians, np.maximum(of_group, 0.1))


def test_the_deductions_figure_shows_every_bar(analyses):
    figure = deductions_figure(analyses[0])
    right, left, either = figure.axes
    tops = [max(bar.get_height() for bar in axes.patches) for axes in (right, left, either)]
    assert tops[0] == 0
    assert tops[1] == tops[2] > 0.6
    assert all(axes.get_ylim()[1] >= max(tops) for axes in figure.axes)
    assert len(left.patches) == 30


def test_too_few_patients_are_withheld_in_one_line():
    patients = simulated()
    mild = patients.keeping(patients.nihss < 8)
    analyses, withheld = analyse_severity(mild, 1)
    assert analyses == ()
    assert re.fullmatch(
        rf"all patients: 0 with NIHSS ≥ 8 and {len(mild)} below; the analysis .* is left out",
        withheld[0],
    )
    (section, flags) = sections_of(COUNTS, analyses, withheld, (), {})
    assert withheld[0] in section.text
    assert flags.name == "flags"


def test_without_patients_nothing_fails():
    nobody = simulated().keeping(np.zeros(100, bool))
    analyses, withheld = analyse_severity(nobody, 1)
    assert analyses == ()
    assert len(withheld) == 2


def test_a_cohort_without_severe_strokes_is_analysed():
    patients = simulated()
    analyses, _ = analyse_severity(patients.keeping(patients.nihss < 17), 1)
    assert analyses[0].by_side[0].freedom == 1
    assert len(sections_of(COUNTS, analyses, (), (), {})) == 4


def test_readers_against_the_software_and_each_other():
    automated = np.array([10.0, 9, 8, 7, 6, 5, 4, 3])
    readers = {"one": automated - 1, "two": np.array([10, 9, 8, 7, 6, 5, 4, np.nan])}
    agreements = compare_with_readers(automated, readers)
    assert [(a.first, a.second, a.n) for a in agreements] == [
        ("automated", "one", 8),
        ("automated", "two", 7),
        ("one", "two", 7),
    ]
    assert [a.bias for a in agreements] == [1, 0, -1]
    figure = bland_altman_figure(agreements, {"automated": automated} | readers)
    assert [axes.get_title(loc="left").split(":")[0] for axes in figure.axes] == [
        "automated − one",
        "automated − two",
        "one − two",
    ]
    for axes, agreement in zip(figure.axes, agreements, strict=True):
        heights = [line.get_ydata()[0] for line in axes.lines]
        assert heights == [agreement.bias, agreement.low, agreement.high]
    dots = [axes.collections[0].get_offsets() for axes in figure.axes]
    np.testing.assert_array_equal(dots[0][:, 1], np.ones(8))  # one reader is a point stricter
    np.testing.assert_array_equal(dots[0][:, 0], np.sort(automated) - 0.5)
    np.testing.assert_array_equal(dots[1][:, 1], np.zeros(7))
    (section, *_) = sections_of(COUNTS, (), (), agreements, {"automated": automated} | readers)
    assert [row[1] for row in section.tables[0].rows] == [8, 7, 7]
