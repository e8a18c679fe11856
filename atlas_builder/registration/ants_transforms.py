"""The one door to ANTs: how it is loaded, and its transforms as files.

ITK runs on one thread: one registration a core is faster than threads inside one, and results then
repeat bit for bit. ANTs is imported on first use, because importing it takes seconds.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

SEED = 1
"""Of ITK's sampling of pixels; the same for every registration, so order does not matter."""


class RegistrationError(Exception):
    """ANTs found no transform between two images; says why in one line."""

    @classmethod
    def of(cls, error: Exception) -> RegistrationError:
        """Return what to raise for what ANTs raised.

        Parameters
        ----------
        error : Exception
            Its message may have many lines, or none.

        Returns
        -------
        RegistrationError
        """
        return cls(" ".join(str(error).split()) or type(error).__name__)

    @classmethod
    def not_finite(cls) -> RegistrationError:
        """Return what to raise for a transform that leads nowhere.

        Returns
        -------
        RegistrationError
        """
        return cls("the transform that ANTs found is not finite")


def load_ants() -> ModuleType:
    """Import ANTs with one thread and one seed, so that the same images give the same transform."""
    os.environ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = "1"
    import ants  # noqa: PLC0415 - takes seconds, and the thread count must be set before

    # ants.registration takes any keyword, random_seed too, and ignores those it does not know.
    ants.config.set_ants_deterministic(True, SEED)
    return ants


def write_affine(affine: NDArray[np.float64], path: Path) -> None:
    """Write an affine as ANTs reads it.

    Parameters
    ----------
    affine : ndarray, shape (n + 1, n + 1)
        Of points in mm, in n = 2 or 3 dimensions.
    path : Path
        A ``.mat`` file.
    """
    ants = load_ants()
    n = len(affine) - 1
    transform = ants.create_ants_transform(
        "AffineTransform",
        dimension=n,
        parameters=np.concatenate([affine[:n, :n].ravel(), affine[:n, n]]),
        fixed_parameters=np.zeros(n),
    )
    ants.write_transform(transform, str(path))


def read_affine(path: Path) -> NDArray[np.float64]:
    """Read an affine that ANTs wrote.

    Parameters
    ----------
    path : Path
        A ``.mat`` file.

    Returns
    -------
    ndarray, shape (n + 1, n + 1)
        Of points in mm, in n = 2 or 3 dimensions; not finite where ANTs went astray.
    """
    transform = load_ants().read_transform(str(path))
    parameters, centre = np.asarray(transform.parameters), np.asarray(transform.fixed_parameters)
    n = len(centre)
    matrix = np.reshape(parameters[: n * n], (n, n))
    affine = np.eye(n + 1)
    affine[:n, :n] = matrix
    # ITK's translation is about a centre of rotation.
    affine[:n, n] = parameters[n * n :] + centre - matrix @ centre
    return affine


def read_field(path: Path) -> NDArray[np.float32]:
    """Read a displacement field that ANTs wrote.

    Parameters
    ----------
    path : Path
        A NIfTI file.

    Returns
    -------
    ndarray of float32, shape (n, ...)
        Displacements in mm along each of n axes, on the fixed image's grid.
    """
    field = load_ants().image_read(str(path)).numpy()
    return np.ascontiguousarray(np.moveaxis(field, -1, 0), dtype=np.float32)
