"""The viewer in a real browser: what wheel, keys, buttons and rows show, and that nothing leaks.

The head is one grey of 30 HU with a disc of 75 HU, 30 mm to the left and 45 mm to the back.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from browser import Page

pytestmark = pytest.mark.slow

MARKER_MM, MIRRORED_MM, ELSEWHERE_MM = (30, 45), (-30, 45), (0, 10)


@pytest.fixture
def page(browser: Page, report: Path) -> Page:
    """The report, freshly opened and scrolled to the viewer."""
    browser.requests.clear()
    browser.complaints.clear()
    browser.open(report)
    browser.run("document.documentElement.style.scrollBehavior = 'auto'")
    browser.run("document.querySelector('#viewer').scrollIntoView()")
    browser.settle()
    return browser


def place(page: Page) -> int:
    """Which slice is shown, by the slider; the picture's text must say the same."""
    at = int(page.run("document.querySelector('#viewer input').value"))
    assert status(page).split(" · ")[0] == f"slice {at}"
    return at


def status(page: Page) -> str:
    return str(page.run("document.querySelector('[data-status]').textContent"))


def corner(page: Page) -> tuple[float, float]:
    """The middle of the canvas in the window."""
    x, y = page.run(
        "(() => { const box = document.querySelector('canvas').getBoundingClientRect();"
        " return [box.left + box.width / 2, box.top + box.height / 2]; })()"
    )
    return x, y


def press(page: Page, selector: str) -> None:
    page.run(f'document.querySelector("#viewer [{selector}]").click()')
    page.settle()


def colour(page: Page, mm: tuple[float, float], panel: int = 0, panels: int = 1) -> list[int]:
    """The colour of a place of the head in a panel, as painted."""
    return list(
        page.run(
            f"""(() => {{
              const canvas = document.querySelector('canvas');
              const content = JSON.parse(document.querySelector('#viewer-slices').textContent);
              const [width, height] = [canvas.width, canvas.height];
              const wide = {panels} > 1 ? (width - 6) / 2 : width;
              const scale = Math.min(wide / content.columns, height / content.rows);
              const start = (width - {panels} * content.columns * scale - ({panels} - 1) * 6) / 2;
              const left = start + {panel} * (content.columns * scale + 6);
              const x = left + (content.columns / 2 + {mm[0]} / content.pixelMm) * scale;
              const y = (content.rows / 2 + {mm[1]} / content.pixelMm) * scale;
              return [...canvas.getContext('2d').getImageData(x, y, 1, 1).data].slice(0, 3);
            }})()"""
        )
    )


def grey(hu: float, level: float, width: float) -> list[int]:
    share = min(1.0, max(0.0, (hu - level) / width + 0.5))
    return [int(share * 255 + 0.5)] * 3


def test_it_starts_at_the_key_slice_in_the_brain_window(page: Page) -> None:
    assert place(page) == 3
    assert colour(page, ELSEWHERE_MM) == grey(30, 40, 80)
    assert colour(page, MARKER_MM) == grey(75, 40, 80)
    assert colour(page, MIRRORED_MM) == grey(30, 40, 80)


def test_the_wheel_scrolls_slices_and_at_the_end_the_page(page: Page) -> None:
    x, y = corner(page)
    before = page.run("window.scrollY")
    page.mouse("mouseWheel", x, y, deltaX=0, deltaY=-100)
    assert place(page) == 4
    for _ in range(2):
        page.mouse("mouseWheel", x, y, deltaX=0, deltaY=120)
    assert place(page) == 2
    for _ in range(3):
        page.mouse("mouseWheel", x, y, deltaX=0, deltaY=-12)  # a touch pad's small steps
    assert place(page) == 3
    assert page.run("window.scrollY") == before
    for _ in range(4):
        page.mouse("mouseWheel", x, y, deltaX=0, deltaY=100)
    assert place(page) == 0
    assert page.run("window.scrollY") >= before


def test_keys_move_and_switch(page: Page) -> None:
    page.run("document.querySelector('canvas').focus({preventScroll: true})")
    places = {"ArrowUp": 4, "PageUp": 8, "ArrowDown": 7, "Home": 0, "End": 8, "PageDown": 3}
    for key, expected in places.items():
        page.key(key)
        assert place(page) == expected, key
    page.key("2")
    assert colour(page, ELSEWHERE_MM) == grey(30, 35, 30)
    page.key("m")
    assert page.run("document.querySelector('[data-compare=mirrored]').ariaPressed") == "true"
    page.key("m")
    assert page.run("document.querySelector('[data-compare=one]').ariaPressed") == "true"


def test_slider_and_buttons_move(page: Page) -> None:
    page.run(
        "(() => { const slider = document.querySelector('#viewer input'); slider.value = 7;"
        " slider.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )
    page.settle()
    assert place(page) == 7
    for selector, expected in (("data-step='1'", 8), ("data-step='1'", 8), ("data-mark='4'", 4)):
        press(page, selector)
        assert place(page) == expected


def test_window_presets_change_the_greys(page: Page) -> None:
    press(page, "data-window='1'")
    assert colour(page, ELSEWHERE_MM) == grey(30, 35, 30)
    assert colour(page, MARKER_MM) == [255, 255, 255]
    press(page, "data-window='0'")
    assert colour(page, ELSEWHERE_MM) == grey(30, 40, 80)


def test_the_mirror_image_stands_beside_the_slice(page: Page) -> None:
    press(page, "data-compare='mirrored'")
    bright, plain = grey(75, 40, 80), grey(30, 40, 80)
    assert [colour(page, mm, 0, 2) for mm in (MARKER_MM, MIRRORED_MM)] == [bright, plain]
    assert [colour(page, mm, 1, 2) for mm in (MARKER_MM, MIRRORED_MM)] == [plain, bright]


def test_the_difference_is_coloured_by_its_sign(page: Page) -> None:
    press(page, "data-compare='difference'")
    red, _, blue = colour(page, MARKER_MM, 1, 2)
    assert red > blue + 50  # brighter than the other side: orange
    red, _, blue = colour(page, MIRRORED_MM, 1, 2)
    assert blue > red + 50
    assert colour(page, ELSEWHERE_MM, 1, 2) == grey(30, 40, 80)
    assert colour(page, MARKER_MM, 0, 2) == grey(75, 40, 80)


def coloured_pixels(page: Page) -> int:
    return int(
        page.run(
            """(() => {
              const canvas = document.querySelector('canvas');
              const context = canvas.getContext('2d');
              const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
              let count = 0;
              for (let k = 0; k < data.length; k += 4) {
                count += Math.max(data[k], data[k + 1], data[k + 2])
                  - Math.min(data[k], data[k + 1], data[k + 2]) > 40;
              }
              return count;
            })()"""
        )
    )


def test_regions_are_shown_on_the_key_slices_and_can_be_hidden(page: Page) -> None:
    assert coloured_pixels(page) > 2000
    press(page, "data-show='regions'")
    assert coloured_pixels(page) == 0
    press(page, "data-show='regions'")
    assert coloured_pixels(page) > 2000
    press(page, "data-step='-1'")
    assert coloured_pixels(page) == 0


@pytest.mark.parametrize(("region", "home"), [("M5", 4), ("IC", 3)])
def test_a_click_on_a_row_leads_to_the_region(page: Page, region: str, home: int) -> None:
    press(page, "data-mark='4'" if home == 3 else "data-mark='3'")
    x, y = page.run(
        f"(() => {{ const row = document.querySelector('tr[data-region={region}]');"
        " row.scrollIntoView(); const box = row.getBoundingClientRect();"
        " return [box.left + 300, box.top + box.height / 2]; })()"
    )
    page.click(x, y)
    assert place(page) == home
    assert status(page).endswith(f" · {region}")
    assert page.run("document.querySelector('tr.chosen').dataset.region") == region
    top, bottom = page.run(
        "(() => { const box = document.querySelector('.viewer').getBoundingClientRect();"
        " return [box.top, box.bottom]; })()"
    )
    assert top >= -1  # the viewer has come into the window
    assert bottom <= 901


def test_a_row_s_button_can_be_reached_by_keyboard(page: Page) -> None:
    label = page.run("document.querySelector('tr[data-region=M6] button').ariaLabel")
    assert label == "Show M6 in the viewer"
    page.run("document.querySelector('tr[data-region=M6] button').click()")
    page.settle()
    assert place(page) == 4


def test_the_pointer_tells_density_here_and_on_the_other_side(page: Page) -> None:
    x, y = corner(page)
    scale = page.run(
        "document.querySelector('canvas').getBoundingClientRect().height /"
        " JSON.parse(document.querySelector('#viewer-slices').textContent).rows / "
        " JSON.parse(document.querySelector('#viewer-slices').textContent).pixelMm"
    )
    page.mouse("mouseMoved", x + MARKER_MM[0] * scale, y + MARKER_MM[1] * scale)
    assert re.search(r"7[0-5] HU, other side 30", status(page))
    page.mouse("mouseMoved", x + MIRRORED_MM[0] * scale, y + MIRRORED_MM[1] * scale)
    assert re.search(r"30 HU, other side 7[0-5]", status(page))


def test_nothing_is_asked_of_any_network_and_nothing_complained_of(
    page: Page, report: Path
) -> None:
    for selector in ("data-compare='mirrored'", "data-compare='difference'", "data-window='1'"):
        press(page, selector)
    for _ in range(8):
        press(page, "data-step='1'")
    assert page.complaints == []
    assert {url.split(":")[0] for url in page.requests} <= {"file", "data", "blob"}
    assert [url for url in page.requests if url.startswith("file:")] == [report.as_uri()]


def test_the_page_s_policy_forbids_requests_and_other_scripts(page: Page) -> None:
    refused = page.run("fetch('http://127.0.0.1:9/').then(() => false, () => true)")
    assert refused
    assert any("Content Security Policy" in complaint for complaint in page.complaints)
    assert not [url for url in page.requests if url.startswith("http")]
    page.run(
        "(() => { const script = document.createElement('script');"
        " script.textContent = 'window.intruder = true'; document.body.append(script); })()"
    )
    assert page.run("window.intruder === undefined")


def test_without_javascript_the_page_is_as_it_was(browser: Page, report: Path) -> None:
    browser.open(report, script=False)
    assert browser.run("document.querySelector('#viewer').hidden")
    assert browser.run("getComputedStyle(document.querySelector('#viewer')).display") == "none"
    assert browser.run("document.querySelectorAll('#slices svg[role=img]').length") == 8
    assert browser.run("document.querySelectorAll('button.show').length") == 0


def test_panels_stand_one_above_the_other_on_a_phone(browser: Page, report: Path) -> None:
    browser.open(report, width=390, height=844)
    assert browser.run("document.documentElement.scrollWidth") <= 390
    alone = browser.run("document.querySelector('canvas').clientHeight")
    press(browser, "data-compare='mirrored'")
    assert browser.run("document.documentElement.scrollWidth") <= 390
    both = browser.run("document.querySelector('canvas').clientHeight")
    assert alone < both < 844
