"""Stored values to HU: whatever a template is stored as, the same HU come out."""

from __future__ import annotations

import numpy as np
import pytest

from atlas_builder.core.errors import InputError
from atlas_builder.validation.intensities import READINGS, to_hounsfield


def head(seed: int = 0, skull: bool = True) -> np.ndarray:
    """HU of a ball of brain with fluid inside, and skull and scalp around it, in air."""
    x, y, z = np.indices((40, 44, 40)) - np.array([19.5, 21.5, 19.5]).reshape(3, 1, 1, 1)
    radius = np.sqrt(x**2 + y**2 + z**2)
    hu = np.full(x.shape, -1000.0)
    for outermost, value in ((18, -60), (16, 900), (13, 33)):
        if skull or value == 33:
            hu[radius < outermost] = value
    hu[radius < 3] = 6
    noisy = hu + np.random.default_rng(seed).normal(0, 4, hu.shape) * (hu > -500)
    return noisy.astype(np.float32)


def stretched(hu: np.ndarray) -> np.ndarray:
    """The Clinical Toolbox's units, from its own description."""
    return np.interp(hu, [-1000, -100, 100, 3000], [0, 900, 3100, 6000]).astype(np.float32)


STORED = {
    "HU": lambda hu: hu,
    "HU + 1024": lambda hu: hu + 1024,
    "HU + 1000": lambda hu: hu + 1000,
    "HU, -100 to 100 stretched elevenfold": stretched,
}


@pytest.mark.parametrize("skull", [True, False])
@pytest.mark.parametrize("name", list(READINGS))
def test_hu_come_back(name, skull):
    hu = head(skull=skull)
    found, reading = to_hounsfield(STORED[name](hu))
    if name in ("HU + 1000", "HU + 1024"):  # 24 HU apart: told apart by the brain's density
        assert reading in ("HU + 1000", "HU + 1024")
    assert reading == name
    np.testing.assert_allclose(found, hu, atol=0.01)


@pytest.mark.parametrize("values", [lambda hu: hu * 5 + 7000, lambda hu: (hu > 0) * 1.0 + 4000])
def test_what_is_no_ct_is_refused(values):
    with pytest.raises(InputError, match="neither in HU nor in HU with the usual offsets"):
        to_hounsfield(values(head()).astype(np.float32))


def test_an_empty_volume_is_refused():
    with pytest.raises(InputError):
        to_hounsfield(np.full((5, 5, 5), 9000, np.float32))
