"""Pages with a viewer, and a browser to open them in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from browser import NAMES, Page, find_browser, open_browser
from viewed_head import labels_of, scan_about

from atlas_builder.core.anatomy import Region
from atlas_builder.mapping.region_map import RegionMap
from atlas_builder.reporting.mapping.report import write_mapping_report
from atlas_builder.reporting.viewer.page_parts import Viewer
from atlas_builder.reporting.viewer.upright_scan import view_scan


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A headless Chromium; its tests are skipped where there is none."""
    found = find_browser()
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed")
    with open_browser(found, tmp_path_factory.mktemp("browser")) as page:
        yield page


@pytest.fixture(scope="session")
def report(make_map: Callable[..., RegionMap], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a turned head in nine slices; right M2 and left M5 stand out."""
    made = make_map(angle=8.0, dark={(Region.M2, "right"), (Region.M5, "left")})
    levels = tuple(replace(level, index=3 + n) for n, level in enumerate(made.levels))
    region_map = replace(made, levels=levels)
    scan = scan_about(region_map)
    viewer = Viewer.of(view_scan(scan, labels_of(region_map, scan), region_map), "CT")
    path = tmp_path_factory.mktemp("viewer") / "report.html"
    write_mapping_report(path, region_map, viewer)
    return path
