from __future__ import annotations

import numpy as np
import pytest

from slice_localizer.alignment.lattice import Lattice, interpolated

COARSE = Lattice(np.array([-30.0, -20.0, 0.0]), 20.0, (4, 3, 3))


def linear(points: np.ndarray) -> np.ndarray:
    matrix = np.array([[0.1, 0.02, 0.0], [0.0, -0.1, 0.05], [0.03, 0.0, 0.2]])
    return matrix @ points + np.array([[1.0], [2.0], [3.0]])


def test_what_is_linear_is_reproduced_within_the_lattice() -> None:
    points = np.random.default_rng(1).uniform([-30, -20, 0], [30, 20, 40], (50, 3)).T
    values = (COARSE.weights(points) @ linear(COARSE.nodes()).T).T
    np.testing.assert_allclose(values, linear(points), atol=1e-4)


def test_beyond_the_lattice_its_border_holds() -> None:
    beyond, border = np.array([[500.0], [0.0], [10.0]]), np.array([[30.0], [0.0], [10.0]])
    np.testing.assert_allclose(COARSE.weights(beyond).toarray(), COARSE.weights(border).toarray())


def test_only_what_bends_costs() -> None:
    bending = COARSE.bending()
    straight, (x, *_) = linear(COARSE.nodes())[0], COARSE.nodes()
    assert straight @ (bending @ straight) == pytest.approx(0, abs=1e-9)
    curved = (x / 20) ** 2
    # Second differences of 2, at the two inner nodes of each of nine rows.
    assert curved @ (bending @ curved) == pytest.approx(4 * 2 * 9)


def test_a_finer_lattice_takes_over_a_displacement() -> None:
    finer = Lattice(COARSE.origin, 10.0, (7, 5, 5))
    found = interpolated(linear(COARSE.nodes()), COARSE, finer)
    np.testing.assert_allclose(found, linear(finer.nodes()), atol=1e-4)
