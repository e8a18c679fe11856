"""The diffusion weighting that is stated beside an image, and the volumes to score.

Converters write a ``.bval`` file beside a diffusion series: one b value (s/mm^2) a volume,
separated by blanks or on lines of their own. Nothing in NIfTI itself states b values.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aspects_scorer.dwi.diffusion import read_volumes
from atlas_builder.core.errors import InputError
from atlas_builder.core.flags import Flag
from atlas_builder.core.volume import Volume
from atlas_builder.io.nifti.storage import load

_WANTED = 1000.0  # s/mm^2, what the network is trained on
_USUAL = (800.0, 1300.0)  # contrast hardly differs
_LEAST = 300.0  # below, an image shows T2 rather than diffusion
_SAME = 50.0  # scanners state b 995 or 1005 for one direction of b 1000
_MOST_WITHOUT = 50.0  # b 0 is stated as 5, for example, where crushers weight it a little
_ENDINGS = (".nii.gz", ".nii", ".hdr.gz", ".hdr", ".img.gz", ".img")

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Weighted:
    """A diffusion image with what is stated about its weighting.

    Attributes
    ----------
    image : Volume
        The volume to score.
    adc : ndarray of float32, shape (x, y, z), or None
        In 10^-3 mm^2/s, 0 where it is unknown; where the file holds volumes of b 0 as well.
    flags : tuple of Flag
        ``volumes-chosen`` or ``b-value``.
    """

    image: Volume
    adc: Array | None
    flags: tuple[Flag, ...]


def read_weighted(path: Path, *, least_b: float = _LEAST) -> Weighted:
    """Read a diffusion image of one volume, or the volumes nearest b 1000 of several.

    Parameters
    ----------
    path : Path
        A NIfTI file. One of several volumes needs a ``.bval`` file beside it.
    least_b : float
        The least b value (s/mm^2) that will do; 0 where the image serves to place a mask only.

    Returns
    -------
    Weighted
        Of several volumes of about the same b value the image is the geometric mean, as a
        trace-weighted image is that of its three directions.

    Raises
    ------
    InputError
        See `read_diffusion`; or the file holds several volumes and nothing tells which is which,
        the ``.bval`` file does not fit, or it states less than `least_b` for all of them.
    """
    path = Path(path)
    count = math.prod(load(path).shape[3:])
    stated = _stated(path, count)
    data, affine = read_volumes(path, count)
    if stated is None:
        return Weighted(Volume(data[..., 0], affine), None, ())
    nearest = float(stated[np.argmin(np.abs(stated - _WANTED))])
    if nearest < least_b:
        raise InputError(
            f"{path}: the .bval file beside it states b {nearest:g}; give the image of b 1000"
        )
    chosen = np.abs(stated - nearest) <= _SAME
    image = _geometric_mean(data[..., chosen])
    unweighted = stated <= _MOST_WITHOUT
    adc = None
    if nearest >= _LEAST and unweighted.any():
        apart = float(stated[chosen].mean() - stated[unweighted].mean())
        adc = _adc(_geometric_mean(data[..., unweighted]), image, apart)
    flags = (*_on_choice(stated, nearest, chosen, adc is not None), *_on_weighting(nearest))
    return Weighted(Volume(image, affine), adc, flags)


def _stated(path: Path, count: int) -> NDArray[np.float64] | None:
    """Return the b value of each volume, None where one volume has none stated."""
    ending = next((end for end in _ENDINGS if path.name.lower().endswith(end)), path.suffix)
    file = path.with_name(path.name[: len(path.name) - len(ending)] + ".bval")
    if not file.is_file():
        if count == 1:
            return None
        raise InputError(
            f"{path}: holds {count} volumes, and no {file.name} beside it tells their b values; "
            "give the b 1000 volume alone, or put the .bval file of dcm2niix beside it"
        )
    try:
        values = np.array([float(word) for word in file.read_text("utf-8").split()])
    except (OSError, ValueError):  # ValueError: also text that is not UTF-8
        values = np.array([np.nan])
    if not (np.isfinite(values).all() and (values >= 0).all()):
        raise InputError(f"{file}: not a list of b values; convert the series again, or remove it")
    if len(values) != count:
        if count == 1:  # left behind by the series that the volume was taken from
            return None
        raise InputError(
            f"{file}: states {len(values)} b values for {count} volumes; convert the series again"
        )
    return values


def _geometric_mean(volumes: Array) -> Array:
    """Return the geometric mean over the last axis; one volume as it is."""
    if volumes.shape[-1] == 1:
        return np.ascontiguousarray(volumes[..., 0])
    with np.errstate(divide="ignore"):  # the logarithm of 0 comes back as 0
        return np.exp(np.log(np.maximum(volumes, 0)).mean(axis=-1, dtype=np.float32))


def _adc(unweighted: Array, weighted: Array, b_apart: float) -> Array:
    known = (unweighted > 0) & (weighted > 0)
    ratio = np.divide(unweighted, weighted, out=np.ones_like(weighted), where=known)
    return np.asarray(np.maximum(np.log(ratio), 0) * np.float32(1000 / b_apart), np.float32)


def _on_choice(
    stated: NDArray[np.float64], nearest: float, chosen: NDArray[np.bool_], with_adc: bool
) -> Iterator[Flag]:
    if len(stated) == 1:
        return
    used = int(np.count_nonzero(chosen))
    which = "the one" if used == 1 else f"the mean of the {used}"
    adc = "; where no ADC map is given, it follows from that and b 0" if with_adc else ""
    yield Flag(
        "volumes-chosen",
        f"the diffusion file holds {len(stated)} volumes: {which} of b {nearest:.0f} is used{adc}",
    )


def _on_weighting(b_value: float) -> Iterator[Flag]:
    least, most = _USUAL
    if _LEAST <= b_value < least or b_value > most:
        yield Flag(
            "b-value",
            f"the .bval file beside the diffusion image states b {b_value:.0f}; infarcts are found "
            "on b 1000, and less reliably on other weightings",
        )
