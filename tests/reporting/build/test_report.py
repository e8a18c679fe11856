"""The report of a build: what the page says and shows, and that it stands alone."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from in_process import HERE
from matplotlib.image import imread
from numpy.typing import NDArray

from atlas_builder.construction.build import Build
from atlas_builder.reporting.build.report import mean_dice, write_build_report

# As the build of conftest.py has them.
NAMES = tuple(f"sub-{number:02d}" for number in range(1, 7))
BAD = "sub-04"
REASON = 'sub-09/<b>"bad" & worse</b>.nii.gz: damaged; copy it again'

MakeBuild = Callable[..., Build]


class Page(HTMLParser):
    """The tags, links and text of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.source = path.read_text("utf-8")
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def article(self, participant: str) -> str:
        """The source of a participant's part."""
        found = re.findall(rf'<article id="{participant}".*?</article>', self.source, re.DOTALL)
        assert len(found) == 1
        return str(found[0])


def picture(uri: str) -> NDArray[Any]:
    """Grey levels of an embedded JPEG."""
    prefix = "data:image/jpeg;base64,"
    assert uri.startswith(prefix)
    shown = imread(io.BytesIO(base64.b64decode(uri[len(prefix) :])), format="jpeg")
    return shown.mean(axis=2)


def pictures(article: str) -> list[NDArray[Any]]:
    """A participant's pictures: BGL head, BGL on the atlas, SGL head, SGL on the atlas."""
    return [picture(uri) for uri in re.findall(r'href="(data:[^"]*)"', article)]


def centre(bright: NDArray[Any]) -> tuple[float, float]:
    """Column and row of the middle of what is bright."""
    rows, columns = np.nonzero(bright)
    return float(columns.mean()), float(rows.mean())


@pytest.fixture(scope="module")
def build(make_build: MakeBuild) -> Build:
    """A build that no test changes."""
    return make_build()


@pytest.fixture(scope="module")
def files(build: Build, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_build_report(build, tmp_path_factory.mktemp("report"), HERE)


@pytest.fixture(scope="module")
def page(files: list[Path]) -> Page:
    return Page(files[-1])


def test_the_same_build_gives_the_same_files(
    build: Build, files: list[Path], tmp_path: Path
) -> None:
    folder = files[-1].parent
    names = {path.relative_to(folder).as_posix() for path in files}
    assert names == {
        "report.html",
        *(
            f"figures/{name}.png"
            for name in (
                "BGL_regions",
                "SGL_regions",
                "BGL_iterations",
                "SGL_iterations",
                "probabilities",
                "deformations",
                "convergence",
                "participants",
            )
        ),
    }
    assert {path for path in folder.rglob("*") if path.is_file()} == set(files)
    for one, other in zip(files, write_build_report(build, tmp_path, HERE), strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_page_needs_nothing_else(page: Page) -> None:
    assert not page.all("script")
    assert not page.all("link")
    assert not re.search(r"url\(|@import", page.source)
    for _, attributes in page.tags:
        for name in ("src", "href", "data", "srcset"):
            value = attributes.get(name)
            assert value is None or value.startswith(("#", "data:image/"))
    anchors = {attributes["id"] for _, attributes in page.tags if attributes.get("id")}
    for _, attributes in page.tags:
        target = attributes.get("href") or ""
        assert not target.startswith("#") or target[1:] in anchors


def test_every_picture_has_words(page: Page) -> None:
    assert len(page.all("img")) == 8
    assert all(image["alt"] for image in page.all("img"))
    drawings = [svg for svg in page.all("svg") if svg.get("aria-hidden") != "true"]
    assert len(drawings) == 4 * len(NAMES)
    assert all(svg["role"] == "img" and svg["aria-label"] for svg in drawings)


def test_reasons_are_shown_as_they_are(page: Page) -> None:
    assert REASON in page.texts
    assert REASON not in page.source
    assert "age 9 is outside 50-69" in page.texts


def test_page_says_what_it_is_not(page: Page) -> None:
    assert "".join(page.texts).count("Research software, not a medical device.") == 1


def test_every_participant_is_there_once(page: Page) -> None:
    assert sorted(str(part["id"]) for part in page.all("article")) == list(NAMES)
    text = page.article(NAMES[0])
    for shown in ("61 years, F", "-3.2", "151", "0.900", "0.950"):
        assert shown in text


def test_only_the_outlier_is_flagged_and_it_comes_first(page: Page) -> None:
    parts = page.all("article")
    assert parts[0]["id"] == BAD
    assert [part["id"] for part in parts[1:]] == [name for name in NAMES if name != BAD]
    flagged = [part["id"] for part in parts if "flagged" in str(part["class"]).split()]
    assert flagged == [BAD]
    assert "SGL correlation 0.410, below" in page.article(BAD)
    assert "SGL DSC 0.220, below" in page.article(BAD)
    assert "Check:" not in page.article(NAMES[0])
    assert page.article(BAD).count(' low"') == 2
    assert "1 of 6 participants needs a look" in page.texts


def test_iterations_are_in_the_table(page: Page) -> None:
    rows = re.findall(r"<tr><td>BGL</td>(.*?)</tr>", page.source)
    cells = [re.findall(r">([^<>]+)</td>", row) for row in rows]
    assert cells == [
        ["1", "1.600", "2.000", "2.500", "0.8125", "2.250"],
        ["2", "0.400", "0.500", "2.500", "0.8125", "2.250"],
    ]


def test_parameters_and_versions_are_in_tables(page: Page) -> None:
    for text in ("gradient_step", "registration.seed", "numpy", "2.0.1"):
        assert text in page.texts


def test_the_patients_right_is_at_the_left_of_every_picture(page: Page) -> None:
    for shown in pictures(page.article(NAMES[0])):
        column, row = centre(shown > 200)
        assert column < 0.4 * shown.shape[1]
        assert 0.4 * shown.shape[0] < row < 0.6 * shown.shape[0]


def test_outlines_lie_on_the_pictures(page: Page) -> None:
    svg = re.findall(r"<svg viewBox.*?</svg>", page.article(NAMES[0]), re.DOTALL)[0]
    # The blocks of C: key-slice pixels 196-215 and 244-263, from 180 to 193; 1 mm is two of them.
    path = re.search(r'class="C" d="([^"]*)"', svg)
    assert path is not None
    points = np.array(re.findall(r"([\d.]+) ([\d.]+)", path[1]), float)
    right, left = points[points[:, 0] < 115], points[points[:, 0] > 115]
    for side, (first, last) in ((right, (196, 216)), (left, (244, 264))):
        expected = [first / 2 + 0.25, 90.25, last / 2 + 0.25, 97.25]
        assert [*side.min(axis=0), *side.max(axis=0)] == pytest.approx(expected, abs=0.31)


def test_warped_images_lie_on_the_atlas(make_build: MakeBuild, tmp_path: Path) -> None:
    """The last shape update, here a shift to the left, moves them as it moved the template."""
    shift = 6.0
    build = make_build(shift_mm=shift)
    page = Page(write_build_report(build, tmp_path, HERE)[-1])
    _, warped, *_ = pictures(page.article(NAMES[0]))
    column, _ = centre(warped > 200)
    # The mark covers key-slice pixels 180-189.
    first = build.jobs["BGL"].crop[0].start
    assert column == pytest.approx((184.5 - first) / 2 - 0.25 + shift, abs=0.3)


def test_a_participant_takes_little_room(page: Page) -> None:
    assert max(len(page.article(name)) for name in NAMES) < 60_000


def test_what_could_not_be_computed_is_flagged_and_left_out_of_means(
    make_build: MakeBuild, tmp_path: Path
) -> None:
    build = make_build()
    build.results["BGL"].dice[NAMES[2]] = float("nan")
    page = Page(write_build_report(build, tmp_path, HERE)[-1])
    flagged = [part["id"] for part in page.all("article") if "flagged" in str(part["class"])]
    assert flagged == [NAMES[2], BAD]
    means = mean_dice(build.results)
    assert means["BGL"] == pytest.approx(0.95)
    assert means["SGL"] == pytest.approx((5 * 0.95 + 0.22) / 6)
