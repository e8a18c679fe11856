"""The page of a validation: every table and figure, nothing from elsewhere, text that is text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from matplotlib.figure import Figure

from atlas_builder.cohorts.labelled_scans import Refusal
from atlas_builder.metrics.tables import MeanSd, Table
from atlas_builder.reporting.base.sections import (
    Fact,
    Illustration,
    Section,
    write_validation_report,
)

BAD = '<b>"x" & y</b>'
TABLE = Table(
    "agreement", "Agreement", ("region", "DSC"), (("C", MeanSd(0.9, 0.01)), (BAD, 2.0)), "A note."
)
INPUTS = {"settings": {"raters": ["expert", "rater1"]}, "versions": {"numpy": "2.0.1"}}


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def write(out):
    figure = Figure((2, 1))
    figure.subplots().plot([0, 1], [0, 1])
    section = Section(
        "agreement",
        "Agreement of all",
        "What to know.",
        (Illustration("line", figure, "A line that rises."),),
        (TABLE,),
    )
    out.mkdir()
    return write_validation_report(
        out,
        "Validation of discs",
        [Fact("Participants", "8", "1 left out")],
        [section],
        [Refusal("sub-09", BAD)],
        INPUTS,
    )


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report") / "out"
    write(folder)
    return folder


@pytest.fixture(scope="module")
def page(out):
    return Page((out / "report.html").read_text("utf-8"))


def test_everything_is_on_the_page(page) -> None:
    for text in ("0.900 ± 0.010", "A note.", "What to know.", "1 left out", "expert, rater1"):
        assert text in page.text
    assert page.text.count(BAD) == 2  # a cell and a reason, as text
    assert "b" not in [tag for tag, _ in page.tags]


def test_links_lead_to_files_and_sections_that_exist(out, page) -> None:
    identifiers = {attributes.get("id") for _, attributes in page.tags}
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert {"tables/agreement.csv", "figures/line.svg", "#left-out"} <= set(links)
    for link in links:
        if link.startswith("#"):
            assert link[1:] in identifiers
        else:
            assert (out / link).is_file()


def test_nothing_comes_from_elsewhere(out, page) -> None:
    sources = [attributes["src"] for tag, attributes in page.tags if tag == "img"]
    assert [source.split(";")[0] for source in sources] == ["data:image/png"]
    assert not [tag for tag, _ in page.tags if tag in ("script", "link", "iframe")]
    assert not re.search(r"https?://", (out / "report.html").read_text("utf-8"))


def test_pictures_have_a_description(page) -> None:
    for tag, attributes in page.tags:
        if tag == "img":
            assert attributes["alt"] == "A line that rises."


def test_the_files_are_named_and_repeat(out, tmp_path) -> None:
    files = write(tmp_path / "again")
    assert {path.relative_to(tmp_path / "again").as_posix() for path in files} == {
        "tables/agreement.csv",
        "tables/agreement.md",
        "tables/agreement.tex",
        "figures/line.png",
        "figures/line.svg",
        "report.html",
    }
    for path in files:
        assert path.read_bytes() == (out / path.relative_to(tmp_path / "again")).read_bytes()
