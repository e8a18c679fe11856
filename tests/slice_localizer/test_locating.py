"""Network and alignment are weighed against each other, and their quarrels are told."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Scan
from slice_localizer import locating as located_module
from slice_localizer.alignment.level import LevelAlignment
from slice_localizer.combination import EstimateWeights
from slice_localizer.locating import choose_key_slices, locate_slices
from slice_localizer.network.inference import NetworkPrediction
from slice_localizer.positions import heights_of

HEIGHTS = np.arange(0.0, 100.0, 5.0)
SMALL = np.diag([0.6, 0.6, 0.55, 1.0])  # so small a head that the slices reach its top
TRUST = EstimateWeights(alignment_sd_mm=0.5, alignment_failure=0.01, network_share=0.98)


def alignment(
    height: float, correlation: float = 0.95, upside_down: bool = False
) -> LevelAlignment:
    return LevelAlignment(height, np.zeros(3), correlation, upside_down, SMALL)


def network(index: int, sure: float = 0.8) -> np.ndarray:
    probabilities = np.full(len(HEIGHTS), (1 - sure) / (len(HEIGHTS) - 1))
    probabilities[index] = sure
    return probabilities


def codes(located) -> set[str]:
    return {flag.code for flag in located.flags}


def test_both_agreeing_are_surer_than_one() -> None:
    located = choose_key_slices(HEIGHTS, network(8), 40.3, alignment(40.5), {})
    assert (located.bgl_slice, located.sgl_slice) == (8, 12)
    assert located.confidence > 0.97
    assert located.alignment_difference_mm == pytest.approx(0.2)
    assert located.flags == ()


def test_a_difference_of_more_than_5_mm_is_flagged() -> None:
    assert codes(choose_key_slices(HEIGHTS, network(8), 40.0, alignment(44.9), {})) <= {
        "slices-unsure"
    }
    assert "slices-disagree" in codes(
        choose_key_slices(HEIGHTS, network(8), 40.0, alignment(45.1), {})
    )
    sure = network(8, sure=0.999)
    far = choose_key_slices(HEIGHTS, sure, 40.0, alignment(60.0), {}, TRUST)
    assert "slices-disagree" in codes(far)
    assert far.bgl_slice == 12  # the alignment fails less often
    assert (
        far.confidence
        < choose_key_slices(HEIGHTS, sure, 40.0, alignment(40.0), {}, TRUST).confidence - 0.05
    )


def test_what_neither_takes_for_a_brain_is_refused() -> None:
    with pytest.raises(InputError, match="no brain found"):
        choose_key_slices(HEIGHTS, network(8, 0.2), 40.0, alignment(70.0, correlation=0.3), {})


@pytest.mark.parametrize(
    ("stated", "true", "says"), [(3.0, 5.0, "40% flatter"), (5.0, 3.0, "6[67]% taller")]
)
def test_a_head_out_of_proportion_is_flagged(stated: float, true: float, says: str) -> None:
    seen = alignment(40.0)
    scale = SMALL @ np.diag([1.0, 1.0, stated / true, 1.0])
    heights = HEIGHTS * 1.6
    located = choose_key_slices(heights, network(8), 64.0, replace(seen, affine=scale), {})
    assert "head-proportions" in codes(located)
    reason = next(f.reason for f in located.flags if f.code == "head-proportions")
    assert re.search(says, reason)
    usual = replace(seen, affine=SMALL)
    assert choose_key_slices(HEIGHTS, network(8), 40.0, usual, {}).flags == ()


@pytest.mark.parametrize(("size", "flagged"), [(0.6, False), (0.65, False), (0.9, True)])
def test_a_scan_that_ends_below_the_vertex_is_flagged(size: float, flagged: bool) -> None:
    """The slices end 55 mm above the level; a head reaches 90 mm times its size."""
    seen = replace(alignment(40.0), affine=np.diag([size, size, size, 1.0]))
    located = choose_key_slices(HEIGHTS, network(8), 40.0, seen, {})
    assert ("head-cut-short" in codes(located)) == flagged


def test_without_a_brain_in_the_alignment_the_network_decides_alone() -> None:
    located = choose_key_slices(HEIGHTS, network(8), 40.0, alignment(70.0, correlation=0.3), {})
    assert located.bgl_slice == 8
    assert located.confidence == pytest.approx(0.8)
    assert codes(located) == {"second-opinion-failed"}


def test_thin_slices_are_not_unsure_for_being_thin() -> None:
    heights = np.arange(0.0, 100.0, 1.0)
    bell = np.exp(-0.5 * ((heights - 40.0) / 1.0) ** 2)
    located = choose_key_slices(heights, bell / bell.sum(), 40.0, alignment(40.0), {}, TRUST)
    assert located.bgl_slice == 40
    assert located.confidence < 0.9
    assert located.probabilities[39:42].sum() > 0.95
    assert located.flags == ()


def test_a_picture_upside_down_has_its_sgl_on_the_other_side() -> None:
    located = choose_key_slices(HEIGHTS, network(8), 40.0, alignment(40.0, upside_down=True), {})
    assert (located.bgl_slice, located.sgl_slice) == (8, 4)
    assert "upside-down" in codes(located)


def test_a_network_is_shown_an_upside_down_head_upright(monkeypatch) -> None:
    """Spacing is uneven: what lies 5 mm below the top of the file lies 5 mm above the bottom."""
    heights = np.array([0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 35.0, 45.0, 55.0])
    affines = np.repeat(np.eye(4)[np.newaxis], len(heights), axis=0)
    affines[:, 2, 3] = heights
    scan = Scan(np.zeros((4, 4, len(heights)), np.float32), affines)
    shown = []

    def predict_scan(upright, _network, about_mm):
        shown.append(heights_of(upright.affines))
        assert about_mm == pytest.approx(55.0 - 36.0)
        return NetworkPrediction(network(6)[: len(heights)], 18.0, 1.0)

    monkeypatch.setattr(located_module, "open_ahead", lambda _: None)
    monkeypatch.setattr(located_module, "open_network", lambda _: None)
    monkeypatch.setattr(located_module, "predict_scan", predict_scan)
    monkeypatch.setattr(located_module, "align_level", lambda _: alignment(36.0, 0.95, True))
    located = locate_slices(scan)
    np.testing.assert_allclose(shown[0], 55.0 - heights)
    assert located.network_mm == pytest.approx(37.0)
    assert (located.bgl_slice, located.sgl_slice) == (6, 3)


@pytest.mark.parametrize(("height", "where"), [(-30.0, "below"), (130.0, "above")])
def test_a_scan_that_does_not_reach_the_level_is_refused(height: float, where: str) -> None:
    with pytest.raises(InputError, match=f"lies about .* mm {where}"):
        choose_key_slices(HEIGHTS, network(8), 40.0, alignment(height), {})


def test_what_is_printed_holds_plain_values() -> None:
    described = choose_key_slices(
        HEIGHTS, network(8), 40.0, alignment(41.0), {"network": 0.5}
    ).describe()
    assert described["bgl_slice"] == 8
    assert described["positions_mm"][8] == 0.0
    assert described["positions_mm"][12] == described["distance_mm"] == 20.0
    assert described["second_opinion"]["slice"] == 8
