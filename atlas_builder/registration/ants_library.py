"""The one bridge to ANTs: its compiled library, called without the rest of its package.

``import ants`` takes one to two seconds, nearly all of it for pandas, statsmodels, scikit-learn and
matplotlib, which registration does not use; the compiled library loads in a few hundredths of one.
Its function ``antsRegistration`` takes the arguments of the program of the same name [1]_, with
pointers to images in the place of file names.

ITK runs on one thread: one registration a core is faster than threads inside one, and results then
repeat bit for bit.

References
----------
.. [1] Avants BB, Tustison NJ, Song G. Advanced normalization tools (ANTs). Insight J 2:1-35 (2009).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", bound=np.floating[Any])

_NAME = "ants.lib"
_NEEDED = (
    *("antsRegistration", "ptrstr", "setOrigin", "setSpacing", "toNumpy", "getShape"),
    *("getTransformParameters", "getTransformFixedParameters", "getTransformDimensionFromFile"),
    *("setTransformParameters", "setTransformFixedParameters", "writeTransform"),
    *("fromNumpyF2", "fromNumpyF3", "fromNumpyUC3", "imageReadVF2", "imageReadVF3"),
    *("newAntsTransformF2", "newAntsTransformF3", "readTransformF2", "readTransformF3"),
)


SEED = 1
"""Of ITK's sampling of pixels; the same for every registration, so order does not matter."""

_PIXELS = {"float32": "F", "uint8": "UC"}


class RegistrationError(Exception):
    """ANTs found no transform between two images; the message is one line."""


class Image:
    """An image in ITK's memory, which is that of an array.

    Parameters
    ----------
    data : ndarray of float32 or uint8, shape (x, y) or (x, y, z)
        Values, copied; masks are uint8.
    origin : sequence of float
        Millimetres of the first pixel's centre.
    spacing : float
        Pixel size in mm, along every axis.
    """

    def __init__(self, data: NDArray[Any], origin: Sequence[float], spacing: float) -> None:
        library = load_library()
        # ITK's fastest axis is the first; the array must live as long as the image.
        self._array = np.array(data.T, order="C", copy=True)
        make = getattr(library, f"fromNumpy{_PIXELS[data.dtype.name]}{data.ndim}")
        self._pointer = make(self._array, self._array.shape[::-1])
        library.setOrigin(self._pointer, tuple(map(float, origin)))
        library.setSpacing(self._pointer, (float(spacing),) * data.ndim)

    def __str__(self) -> str:
        """Return the image as ``antsRegistration`` takes it."""
        return str(load_library().ptrstr(self._pointer))


@cache
def load_library() -> Any:
    """Load the compiled library of ANTs, on one thread.

    Raises
    ------
    ImportError
        antspyx is not installed, or its library lacks what is used here.
    """
    os.environ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = "1"  # read when the library is loaded
    if _NAME in sys.modules:
        library = sys.modules[_NAME]
    else:
        package = find_spec("ants")
        folders = None if package is None else package.submodule_search_locations
        spec = None if folders is None else PathFinder.find_spec(_NAME, list(folders))
        if spec is None or spec.loader is None:
            raise ImportError("antspyx is not installed; install aspects-atlas again")
        library = module_from_spec(spec)
        sys.modules[_NAME] = library  # a later import of the whole package uses this one
        spec.loader.exec_module(library)
    missing = [name for name in _NEEDED if not hasattr(library, name)]
    if missing:
        raise ImportError(
            f"this version of antspyx lacks {', '.join(missing)}; install the one that "
            "aspects-atlas asks for"
        )
    return library


def run_registration(
    fixed: Image,
    moving: Image,
    *,
    dimension: int,
    metric: str,
    transform: str,
    convergence: str,
    smoothing: Sequence[float],
    shrinking: Sequence[int],
    start: Path,
    prefix: str,
    moving_mask: Image | None = None,
    match_histograms: bool = False,
) -> None:
    """Run one stage of ``antsRegistration``; what it finds is written to files.

    Parameters
    ----------
    fixed, moving : Image
        Template and participant.
    dimension : int
        2 or 3.
    metric : str
        Name and parameters, with ``{}`` where the two images belong: ``mattes[{},1,32]``.
    transform : str
        Kind and step, such as ``Affine[0.25]``.
    convergence : str
        Iterations at each level, such as ``200x50``.
    smoothing : sequence of float
        Standard deviation in pixels at each level.
    shrinking : sequence of int
        How many pixels become one at each level.
    start : Path
        The affine to start from.
    prefix : str
        Of the files, such as ``FOLDER/affine``.
    moving_mask : Image, optional
        Not 0 where the participant is compared; by default everywhere.
    match_histograms : bool
        Bring both images to one scale of values first.

    Raises
    ------
    RegistrationError
        ANTs gives up, as it does where the images have nothing in common.
    """
    arguments = {
        "--dimensionality": dimension,
        "-r": start,
        "--metric": metric.format(f"{fixed},{moving}"),
        "--transform": transform,
        "--convergence": convergence,
        "--smoothing-sigmas": "x".join(map(str, smoothing)),
        "--shrink-factors": "x".join(map(str, shrinking)),
        "-u": int(match_histograms),
        "-z": 1,
        "--output": prefix,
        "-x": f"[NA,{moving_mask or 'NA'}]",
        "--random-seed": SEED,
        "--float": 1,
        "--write-composite-transform": 0,
    }
    words = [str(word) for option in arguments.items() for word in option]
    try:
        status = load_library().antsRegistration(words)
    except (RuntimeError, ValueError, OSError) as error:
        raise RegistrationError(" ".join(str(error).split()) or type(error).__name__) from error
    if status:
        raise RegistrationError(f"ANTs ended with status {status}")


def write_affine(affine: NDArray[np.float64], path: Path) -> None:
    """Write an affine as ITK's transform file.

    Parameters
    ----------
    affine : ndarray, shape (3, 3) or (4, 4)
        On points in mm.
    path : Path
        The file, ``.mat``.
    """
    library = load_library()
    n = len(affine) - 1
    transform = getattr(library, f"newAntsTransformF{n}")("float", n, "AffineTransform")
    library.setTransformParameters(transform, [*affine[:n, :n].ravel().tolist(), *affine[:n, n]])
    library.setTransformFixedParameters(transform, [0.0] * n)
    library.writeTransform(transform, str(path))


def read_affine(path: Path) -> NDArray[np.float64]:
    """Read an affine that ANTs wrote.

    Parameters
    ----------
    path : Path
        The file, ``.mat``.

    Returns
    -------
    ndarray, shape (n + 1, n + 1)
        On points in mm, in n = 2 or 3 dimensions.

    Raises
    ------
    RegistrationError
        The file is missing, or its numbers are not finite.
    """
    library = load_library()
    try:
        n = library.getTransformDimensionFromFile(str(path))
        transform = getattr(library, f"readTransformF{n}")(str(path), n, "float")
    except (RuntimeError, OSError) as error:
        raise RegistrationError("ANTs wrote no affine") from error
    parameters = np.asarray(library.getTransformParameters(transform))
    centre = np.asarray(library.getTransformFixedParameters(transform))
    matrix = np.reshape(parameters[: n * n], (n, n))
    affine = np.eye(n + 1)
    affine[:n, :n] = matrix
    # ITK's translation is about a centre of rotation.
    affine[:n, n] = parameters[n * n :] + centre - matrix @ centre
    return _finite(affine)


def read_field(path: Path, dimension: int) -> NDArray[np.float32]:
    """Read a displacement field that ANTs wrote.

    Parameters
    ----------
    path : Path
        The file, NIfTI.
    dimension : int
        2 or 3.

    Returns
    -------
    ndarray of float32, shape (dimension, x, y) or (dimension, x, y, z)
        In mm.

    Raises
    ------
    RegistrationError
        The file is missing, or its numbers are not finite.
    """
    library = load_library()
    try:
        image = getattr(library, f"imageReadVF{dimension}")(str(path))
    except (RuntimeError, OSError) as error:
        raise RegistrationError("ANTs wrote no deformation") from error
    shape = tuple(library.getShape(image))
    values = np.asarray(library.toNumpy(image)).view(np.float32).reshape(*shape[::-1], dimension)
    return _finite(np.array(values.T, np.float32, order="C"))


def _finite(values: NDArray[Number]) -> NDArray[Number]:
    if not np.isfinite(values).all():
        raise RegistrationError("the transform that ANTs found is not finite")
    return values
