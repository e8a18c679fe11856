"""Findings that are no early ischaemia, drawn into a head of fourteen slices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawn_head import ADULT
from numpy.typing import NDArray

from aspects_scorer.ncct.mapped_scan import MappedScan
from aspects_scorer.ncct.measures import measure_densities
from aspects_scorer.ncct.other_findings import find_other_findings
from atlas_builder.core.anatomy import Level, Region

COLUMNS, ROWS, SLICES = 190, 220, 14


def places() -> NDArray[np.float64]:
    """Return mm to the left and to the back of the middle, a pixel a mm."""
    return np.stack(
        [
            np.indices((COLUMNS, ROWS))[0] - (COLUMNS - 1) / 2,
            np.indices((COLUMNS, ROWS))[1] - (ROWS - 1) / 2,
        ]
    )


@pytest.fixture(scope="module")
def healthy() -> MappedScan:
    points = places()
    levels: list[Level] = ["BGL"] * 7 + ["SGL"] * 7
    hu = np.stack([ADULT.image(points, level) for level in levels], axis=2)
    hu += np.random.default_rng(1).normal(0, 3, hu.shape)
    affines = np.repeat(np.diag([-1.0, -1.0, 1.0, 1.0])[np.newaxis], SLICES, axis=0)
    affines[:, 2, 3] = 5.0 * np.arange(SLICES)
    labels = np.stack([ADULT.sided_labels(points, level) for level in levels], axis=2)
    brain = np.stack([ADULT.brain(points, level) for level in levels], axis=2)
    return MappedScan(hu.astype(np.float32), labels, brain, affines, 50.0)


def ball(scan: MappedScan, middle: tuple[float, float, float], radius: float) -> NDArray[np.bool_]:
    x, y = places()[:, :, :, np.newaxis]
    z = 5.0 * np.arange(SLICES)
    near = (x - middle[0]) ** 2 + (y - middle[1]) ** 2 + (z - middle[2]) ** 2
    return np.asarray(near < radius**2)


def painted(scan: MappedScan, where: NDArray[np.bool_], hu: float) -> MappedScan:
    noise = np.random.default_rng(2).normal(0, 3, scan.hu.shape)
    return replace(scan, hu=np.where(where, hu + noise, scan.hu).astype(np.float32))


def found(scan: MappedScan) -> dict[str, str]:
    flags = find_other_findings(scan, measure_densities(scan))
    return {flag.code: flag.reason for flag in flags}


def test_nothing_is_found_in_a_healthy_head(healthy: MappedScan) -> None:
    assert found(healthy) == {}


def test_early_ischaemia_is_no_other_finding(healthy: MappedScan) -> None:
    affected = np.isin(healthy.labels, [Region.M1, Region.M2, Region.M5, Region.L])
    darker = replace(healthy, hu=(healthy.hu - 6 * affected).astype(np.float32))
    assert found(darker) == {}


@pytest.mark.parametrize(("x", "side"), [(30.0, "left"), (-30.0, "right")])
@pytest.mark.parametrize("radius", [9.0, 20.0])
def test_blood_is_found_on_its_side(
    healthy: MappedScan, x: float, side: str, radius: float
) -> None:
    flags = found(painted(healthy, ball(healthy, (x, 5.0, 30.0), radius), 65.0))
    assert f"on the {side}" in flags["haemorrhage"]


def test_calcification_is_no_blood(healthy: MappedScan) -> None:
    flags = found(painted(healthy, ball(healthy, (25.0, -2.0, 15.0), 5.0), 200.0))
    assert set(flags) == {"calcification"}
    assert "left L" in flags["calcification"]


@pytest.mark.parametrize(("x", "side"), [(36.0, "left"), (-36.0, "right")])
def test_a_cavity_is_an_old_infarct(healthy: MappedScan, x: float, side: str) -> None:
    flags = found(painted(healthy, ball(healthy, (x, 10.0, 50.0), 13.0), 8.0))
    assert f"on the {side}" in flags["old-infarct"]
    assert "M5" in flags["old-infarct"]


def test_cavities_alike_on_both_sides_are_none(healthy: MappedScan) -> None:
    both = ball(healthy, (36.0, 10.0, 50.0), 13.0) | ball(healthy, (-36.0, 10.0, 50.0), 13.0)
    assert "old-infarct" not in found(painted(healthy, both, 8.0))


@pytest.mark.parametrize(("x", "side"), [(60.0, "left"), (-60.0, "right")])
def test_a_removed_bone_flap_is_a_skull_defect(healthy: MappedScan, x: float, side: str) -> None:
    flap = ball(healthy, (x, 0.0, 45.0), 22.0) & (healthy.hu > 300)
    flags = found(painted(healthy, flap, 20.0))
    assert f"on the {side}" in flags["skull-defect"]


def test_contrast_medium_is_told(healthy: MappedScan) -> None:
    vessels = np.zeros(healthy.hu.shape, bool)
    for x in (-45.0, -35.0, 35.0, 45.0):
        for y in (-20.0, 0.0, 20.0):
            for z in range(0, 30, 5):
                vessels |= ball(healthy, (x, y, z), 2.0)
    assert "contrast-medium" in found(painted(healthy, vessels, 300.0))


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_contrast_medium_on_one_side_needs_more_cuts(healthy: MappedScan, side: float) -> None:
    vessels = {
        count: np.any(
            [
                ball(healthy, (side * x, y, 5.0 * z), 2.0)
                for x in (35.0, 45.0)[:count]
                for y in (-20.0, 0.0, 20.0)
                for z in range(6)
            ],
            axis=0,
        )
        for count in (1, 2)
    }
    assert "one side" in found(painted(healthy, vessels[2], 300.0))["contrast-medium"]
    few = vessels[1] & (np.arange(SLICES) < 4)
    assert "contrast-medium" not in found(painted(healthy, few, 300.0))


def test_both_territories_darker_are_told(healthy: MappedScan) -> None:
    darker = np.where(healthy.labels > 0, 0.85 * healthy.hu, healthy.hu)
    flags = found(replace(healthy, hu=darker.astype(np.float32)))
    assert "bilateral-hypodensity" in flags


def test_a_moving_head_is_told(healthy: MappedScan) -> None:
    hu, brain, labels = healthy.hu.copy(), healthy.brain.copy(), healthy.labels.copy()
    for index in (3, 8, 10):
        for volume in (hu, brain, labels):
            volume[:, :, index] = np.roll(volume[:, :, index], 10, axis=0)
    assert "strong-motion" in found(replace(healthy, hu=hu, brain=brain, labels=labels))


@pytest.mark.parametrize(("pixels", "side"), [(10, "left"), (-10, "right")])
def test_a_shifted_midline_is_measured(healthy: MappedScan, pixels: int, side: str) -> None:
    inner = np.stack([ADULT.depth(places(), "BGL") > 14] * SLICES, axis=2)
    hu = np.where(inner, np.roll(healthy.hu, pixels, axis=0), healthy.hu)
    reason = found(replace(healthy, hu=hu))["midline-shift"]
    assert f"to the {side}" in reason
    assert abs(float(reason.split(" mm")[0].split()[-1]) - 10) <= 2


def test_metal_is_told(healthy: MappedScan) -> None:
    flags = found(painted(healthy, ball(healthy, (40.0, 0.0, 10.0), 3.0), 3500.0))
    assert "metal" in flags


def test_a_map_without_regions_has_no_findings(healthy: MappedScan) -> None:
    assert found(replace(healthy, labels=np.zeros_like(healthy.labels))) == {}
