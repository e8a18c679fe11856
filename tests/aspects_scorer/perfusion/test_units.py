"""Units are told by the flow of healthy tissue."""

from __future__ import annotations

import pytest

from aspects_scorer.perfusion.units import check_unit
from atlas_builder.core.errors import InputError


@pytest.mark.parametrize("factor", [1.0, 10.0, 100.0, 0.01])
def test_scaled_flow_is_recognised(factor: float) -> None:
    unit = check_unit(60 * factor, 25 * factor)
    assert unit.factor == factor
    assert (unit.grey, unit.white) == pytest.approx((60, 25))
    assert bool(unit.flags) == (factor != 1)


@pytest.mark.parametrize(
    ("grey", "white", "words"),
    [
        (4.5, 5.0, "time map"),  # MTT, s
        (20.0, 20.5, "time map"),  # TTP, s
        (4.0, 2.0, "CBV"),
        (16.0, 7.0, "no plausible flow"),
        (0.0, 0.0, "covers no grey"),
        (float("-inf"), 20.0, "covers no grey"),
    ],
)
def test_other_quantities_are_refused(grey: float, white: float, words: str) -> None:
    with pytest.raises(InputError, match=words):
        check_unit(grey, white)


def test_unusual_flow_is_flagged() -> None:
    assert [flag.code for flag in check_unit(24, 10).flags] == ["flow-unusual"]
    assert [flag.code for flag in check_unit(50, 35).flags] == ["flow-contrast"]
