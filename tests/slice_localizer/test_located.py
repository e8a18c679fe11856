"""Network and alignment are weighed against each other, and their quarrels are told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas_builder.errors import InputError
from slice_localizer.located import combine, judge
from slice_localizer.second_opinion import SecondOpinion

HEIGHTS = np.arange(0.0, 100.0, 5.0)


def opinion(height: float, correlation: float = 0.95, upside_down: bool = False) -> SecondOpinion:
    return SecondOpinion(height, np.zeros(3), correlation, upside_down, np.eye(4))


def network(index: int, sure: float = 0.8) -> np.ndarray:
    probabilities = np.full(len(HEIGHTS), (1 - sure) / (len(HEIGHTS) - 1))
    probabilities[index] = sure
    return probabilities


def codes(located) -> set[str]:
    return {flag.code for flag in located.flags}


def test_both_agreeing_are_surer_than_one() -> None:
    located = judge(HEIGHTS, network(8), 40.3, opinion(40.5), {})
    assert (located.bgl_slice, located.sgl_slice) == (8, 12)
    assert located.confidence > 0.97
    assert located.second_opinion_mm == pytest.approx(0.2)
    assert located.flags == ()


def test_a_difference_of_more_than_5_mm_is_flagged() -> None:
    assert codes(judge(HEIGHTS, network(8), 40.0, opinion(44.9), {})) <= {"slices-unsure"}
    assert "slices-disagree" in codes(judge(HEIGHTS, network(8), 40.0, opinion(45.1), {}))
    far = judge(HEIGHTS, network(8), 40.0, opinion(60.0), {})
    assert "slices-disagree" in codes(far)
    assert far.bgl_slice in {8, 12}
    assert far.confidence < judge(HEIGHTS, network(8), 40.0, opinion(40.0), {}).confidence - 0.05


def test_without_a_brain_in_the_alignment_the_network_decides_alone() -> None:
    located = judge(HEIGHTS, network(8), 40.0, opinion(70.0, correlation=0.3), {})
    assert located.bgl_slice == 8
    assert located.confidence == pytest.approx(0.8)
    assert codes(located) == {"second-opinion-failed"}


def test_thin_slices_are_not_unsure_for_being_thin() -> None:
    heights = np.arange(0.0, 100.0, 1.0)
    bell = np.exp(-0.5 * ((heights - 40.0) / 1.0) ** 2)
    located = judge(heights, bell / bell.sum(), 40.0, opinion(40.0), {})
    assert located.bgl_slice == 40
    assert located.confidence < 0.6
    assert located.flags == ()


def test_a_picture_upside_down_has_its_sgl_on_the_other_side() -> None:
    located = judge(HEIGHTS, network(8), 40.0, opinion(40.0, upside_down=True), {})
    assert (located.bgl_slice, located.sgl_slice) == (8, 4)
    assert "upside-down" in codes(located)


@pytest.mark.parametrize(("height", "where"), [(-30.0, "below"), (130.0, "above")])
def test_a_scan_that_does_not_reach_the_level_is_refused(height: float, where: str) -> None:
    with pytest.raises(InputError, match=f"lies about .* mm {where}"):
        judge(HEIGHTS, network(8), 40.0, opinion(height), {})


@given(st.floats(-5.0, 100.0), st.integers(0, 19), st.permutations(range(20)))
def test_probabilities_add_up_and_do_not_depend_on_the_order(
    level: float, index: int, order: list[int]
) -> None:
    together = combine(network(index), HEIGHTS, level)
    assert together.sum() == pytest.approx(1.0)
    shuffled = combine(network(index)[order], HEIGHTS[order], level)
    np.testing.assert_allclose(shuffled, together[order], rtol=1e-6, atol=1e-12)


def test_an_even_network_leaves_the_choice_to_the_alignment() -> None:
    even = np.full(len(HEIGHTS), 1 / len(HEIGHTS))
    together = combine(even, HEIGHTS, 42.4)
    assert together.argmax() == 8  # 42.4 is nearer to 40 than to 45, just
    assert together[8] == pytest.approx(0.53, abs=0.03)


def test_what_is_printed_holds_plain_values() -> None:
    described = judge(HEIGHTS, network(8), 40.0, opinion(41.0), {"network": 0.5}).describe()
    assert described["bgl_slice"] == 8
    assert described["positions_mm"][8] == 0.0
    assert described["positions_mm"][12] == described["distance_mm"] == 20.0
    assert described["second_opinion"]["slice"] == 8
