"""The report of a map: complete, self-contained, and right about sides."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib.image import imread

from atlas_builder.core.anatomy import Region
from atlas_builder.core.flags import Flag
from atlas_builder.mapping.region_map import RegionMap
from atlas_builder.reporting.mapping.findings import written
from atlas_builder.reporting.mapping.report import write_mapping_report

MakeMap = Callable[..., RegionMap]
DARK = {(Region.M2, "right"), (Region.I, "right"), (Region.M5, "left")}
REASON = "Atlas & slice agree <b>poorly</b>: 0.61"
_VOID = {"meta", "br", "img", "input", "hr", "link"}


class Page(HTMLParser):
    """Elements of a page, and whether every one of them is closed."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in {"style", "title"}:
            self.text.append(data)

    def of(self, tag: str) -> Iterator[dict[str, str | None]]:
        return (attributes for name, attributes in self.elements if name == tag)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


@pytest.fixture(scope="module")
def write(tmp_path_factory: pytest.TempPathFactory) -> Callable[[RegionMap], Page]:
    def write(region_map: RegionMap) -> Page:
        path = tmp_path_factory.mktemp("report") / "report.html"
        write_mapping_report(path, region_map)
        assert [file.name for file in path.parent.iterdir()] == ["report.html"]
        return Page(path.read_text("utf-8"))

    return write


@pytest.fixture(scope="module")
def page(make_map: MakeMap, write: Callable[[RegionMap], Page]) -> Page:
    """The report of a turned head, dark on both sides, with reservations."""
    flags = (Flag("poor-fit", REASON, "SGL"), Flag("gantry-tilt", "tilted by 18.5 degrees"))
    return write(
        make_map(
            angle=10.0,
            dark=DARK,
            flags=flags,
            atlas_name='my <atlas> & "co"',
            atlas_provenance={"licence": "MIT", "source": "https://example.org/<atlas>"},
        )
    )


def rows(page: Page) -> dict[str, str]:
    """The rows of the table of regions by region, as words."""
    table = page.source.split('class="measures"')[1].split("</table>")[0]
    texts = [Page(row).words for row in re.findall(r"<tr.*?</tr>", table, re.DOTALL)]
    return {text.split()[0]: text for text in texts}


def test_the_page_is_well_formed_and_needs_nothing_else(page: Page) -> None:
    assert page.open == []
    assert not list(page.of("script"))
    assert not list(page.of("link"))
    links = [a[key] for _, a in page.elements for key in ("src", "href", "action") if key in a]
    assert links
    assert all(link.startswith(("data:", "#")) for link in links if link)
    assert "url(" not in page.source
    assert "@import" not in page.source


def test_what_is_shown_by_reference_is_there(page: Page) -> None:
    named = {a["id"] for _, a in page.elements if "id" in a}
    used = {link[1:] for a in page.of("use") if (link := a["href"])}
    assert used == {"BGL-brain", "BGL-stroke", "SGL-brain", "SGL-stroke"}
    assert used <= named


def test_text_is_escaped(page: Page) -> None:
    assert "<atlas>" not in page.source
    assert "<b>poorly" not in page.source
    assert 'my <atlas> & "co"' in page.words
    assert REASON in page.words


def test_flags_come_before_the_slices_with_reasons(page: Page) -> None:
    head = page.words.split("Slices")[0]
    assert f"SGL. {REASON}" in head
    assert "Tilted by 18.5 degrees gantry-tilt" in head


def test_findings_name_side_and_difference(page: Page) -> None:
    head = page.words.split("Slices")[0]
    assert "3 of 20 regions are darker than the other side" in head
    assert "Right I −5.0 HU M2 −5.0 HU" in head
    assert "Left M5 −5.0 HU" in head


def test_a_map_without_findings_says_so(
    make_map: MakeMap, write: Callable[[RegionMap], Page]
) -> None:
    clean = write(make_map())
    assert "No region is darker than the other side by more than normal" in clean.words
    assert "Quality: nothing flagged." in clean.words
    assert not [a for a in clean.of("path") if a.get("class") == "core"]


def test_the_table_gives_right_before_left(page: Page) -> None:
    table = rows(page)
    values = r"308 308 25\.0 30\.0 −5\.0 0\.83 0\.87 0\.87 ▼ right"
    assert re.fullmatch(rf"M2 .* {values}", table["M2"])
    assert re.fullmatch(r"M5 .* 308 308 30\.0 25\.0 \+5\.0 1\.20 0\.87 0\.87 ▼ left", table["M5"])
    assert re.fullmatch(r"M1 .* 30\.0 30\.0 0\.0 1\.00 0\.87 0\.87", table["M1"])
    assert {region.name for region in Region} <= set(table)


def test_bars_point_to_the_darker_side(page: Page) -> None:
    bars = re.findall(r"margin-left: ([\d.]+)%; width: ([\d.]+)%", page.source)
    found = {name: tuple(map(float, bar)) for name, bar in zip(Region, bars, strict=True)}
    assert found[Region.M2] == (0.0, 50.0)
    assert found[Region.M5] == (50.0, 50.0)
    assert found[Region.C] == (50.0, 0.0)


def test_regions_of_which_there_is_too_little_are_not_numbers(
    make_map: MakeMap, write: Callable[[RegionMap], Page]
) -> None:
    nan = float("nan")
    made = make_map()
    measures = tuple(
        replace(m, mean_hu=nan, contralateral_mean_hu=nan, difference_hu=nan, relative_hu=nan)
        if m.region == Region.C
        else m
        for m in made.measures
    )
    written_page = write(replace(made, measures=measures, age=None))
    assert re.fullmatch(r"C caudate 308 308 n/a n/a n/a n/a 0\.87 0\.87", rows(written_page)["C"])
    assert "nan" not in written_page.words.lower().split()
    assert "not known" in written_page.words


def test_pictures_are_described_and_tables_have_scopes(page: Page) -> None:
    pictures = [a for a in page.of("svg") if a.get("role") == "img"]
    described = [a["aria-label"] or "" for a in pictures]
    assert len(described) == 8
    assert described[0] == "BGL slice 5, brain window (WL 40 WW 80), without outlines"
    assert described[1].endswith("standing out: right I, right M2")
    assert described[7].startswith("SGL slice 6, stroke window (WL 35 WW 30)")
    assert all("scope" in a for a in page.of("th"))
    assert next(page.of("html"))["lang"] == "en"


def test_the_patients_left_is_at_the_right(page: Page) -> None:
    """The marker, 30 mm to the left and 45 mm to the back, in the picture that is embedded."""
    image = next(a for a in page.of("image") if a["id"] == "BGL-brain")
    shown = imread(io.BytesIO(base64.b64decode((image["href"] or "").split(",")[1])), "jpeg")
    left, top, width, height = (float(image[k] or "") for k in ("x", "y", "width", "height"))
    x = left + (np.arange(shown.shape[1]) + 0.5) * width / shown.shape[1]
    y = top + (np.arange(shown.shape[0]) + 0.5) * height / shown.shape[0]
    brain = (x / 48) ** 2 + (y[:, np.newaxis] / 64) ** 2 < 1
    bright_rows, bright_columns = np.nonzero(brain & (shown[..., 0] > 200))
    assert x[bright_columns].mean() == pytest.approx(30, abs=0.5)
    assert y[bright_rows].mean() == pytest.approx(45, abs=0.5)


def test_outlines_of_the_left_lie_at_the_right(page: Page) -> None:
    titled = re.findall(
        r"<title>(\w+) (left|right): .*?</title>\s*<path [^>]* d=\"(.*?)\"", page.source
    )
    assert len(titled) == 2 * 20  # a slice in each window
    for _, side, path in titled:
        x = [float(value) for value in re.findall(r"(-?[\d.]+) -?[\d.]+", path)]
        assert all((value > 0) == (side == "left") for value in x)


def test_the_method_names_slices_versions_and_atlas(page: Page) -> None:
    method = page.words.split("Method")[1]
    for text in ("Index, of 28 slices 5 6", "antspyx 0.", "registration 1.92", "licence MIT"):
        assert text in method
    assert "SGL above BGL 20.0 mm" in page.words
    assert page.words.count("not a medical device") == 1


def test_the_method_says_what_was_averaged(
    make_map: MakeMap, write: Callable[[RegionMap], Page], page: Page
) -> None:
    made = make_map()
    levels = tuple(replace(m, averaged_slices=5, averaged_mm=5.0) for m in made.levels)
    words = write(replace(made, levels=levels)).words
    assert "Averaged of thin slices 5 (5.0 mm)" in words
    assert ", mean of 5 slices" in words.split("Slices")[0]
    assert "mean of" not in page.words.split("Slices")[0]
    assert "Averaged of thin slices no no" in page.words


def test_a_simulated_atlas_is_named_as_such(
    make_map: MakeMap, write: Callable[[RegionMap], Page]
) -> None:
    words = write(make_map(atlas_is_simulated=True)).words
    assert "built from simulated heads" in words.split("Slices")[0]


def test_the_same_map_gives_the_same_bytes(
    make_map: MakeMap, write: Callable[[RegionMap], Page]
) -> None:
    assert write(make_map(angle=4.0)).source == write(make_map(angle=4.0)).source


@pytest.mark.parametrize(
    ("value", "spec", "text"),
    [
        (-5.04, ".1f", "−5.0"),
        (-0.04, ".1f", "0.0"),
        (0.04, "+.1f", "0.0"),
        (2.0, "+.1f", "+2.0"),
        (float("nan"), ".2f", "n/a"),
    ],
)
def test_numbers_as_printed(value: float, spec: str, text: str) -> None:
    assert written(value, spec) == text
