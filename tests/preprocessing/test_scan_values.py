"""A scan in other units than HU is refused with the cause, before anything is looked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Scan
from atlas_builder.preprocessing.scan_values import check_scan_values


@pytest.fixture
def scan(make_head: Callable[..., Any]) -> Scan:
    """A head of one cross-section, with slices of air below and above it."""
    head = make_head()
    air = np.full_like(head.image, -1000.0)
    data = np.stack([air, air, head.image, head.image, head.image, air], axis=2)
    affines = np.repeat(np.diag([*head.spacing, 5.0, 1.0])[np.newaxis], 6, axis=0)
    affines[:, 2, 3] = 5.0 * np.arange(6)
    return Scan(data.astype(np.float32), affines)


def test_a_head_in_hu_passes(scan: Scan) -> None:
    check_scan_values(scan)
    padded = np.where(scan.data < -900, np.float32(-3024), scan.data)
    check_scan_values(Scan(padded, scan.affines))


def test_a_stripped_head_passes(scan: Scan) -> None:
    brain = np.where((scan.data > 0) & (scan.data < 100), scan.data, 0)
    check_scan_values(Scan(brain.astype(np.float32), scan.affines))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda hu: hu + 1024, "shifted by 1024: subtract 1024"),
        (lambda hu: hu + 1000, "shifted by 1000: subtract 1000"),
        (lambda hu: hu - 1024, "shifted by -1024: add 1024"),
        (lambda hu: hu * 10, "multiplied by 10: divide them by 10"),
        (lambda hu: -hu, "contrast is inverted"),
        (lambda hu: np.clip(hu, 0, 80) * (255 / 80), "values span only 0 to 255"),
    ],
    ids=["+1024", "+1000", "-1024", "x10", "inverted", "0-255"],
)
def test_other_units_are_refused_with_the_cause(
    scan: Scan, change: Callable[[Any], Any], says: str
) -> None:
    changed = Scan(change(scan.data).astype(np.float32), scan.affines)
    with pytest.raises(InputError, match=says):
        check_scan_values(changed)


def test_values_cut_off_below_0_pass(scan: Scan) -> None:
    check_scan_values(Scan(np.maximum(scan.data, 0), scan.affines))
