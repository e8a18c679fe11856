"""Which participants stand out from the others of their cohort."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

_SPREADS = 3.0
_MAD_TO_SD = 1.4826
LEAST_DROP = 0.05
"""A correlation or DSC this close to the median is no cause for a look, however alike the rest."""


def lower_bound(values: Iterable[float]) -> float:
    """Return the value below which a correlation or a DSC is an outlier.

    The median less three robust standard deviations (1.4826 times the median absolute deviation),
    but at least `LEAST_DROP` below the median. A few bad values move neither. NaN when no value is
    finite.

    Parameters
    ----------
    values : iterable of float
        Of one cohort; what is not finite is left out.

    Returns
    -------
    float

    References
    ----------
    Leys C, Ley C, Klein O, Bernard P, Licata L. Detecting outliers: do not use standard deviation
    around the mean, use absolute deviation around the median. J Exp Soc Psychol 49:764-766 (2013).
    doi:10.1016/j.jesp.2013.03.013
    """
    given = np.array(list(values), dtype=np.float64)
    finite = given[np.isfinite(given)]
    if finite.size == 0:
        return float("nan")
    median = float(np.median(finite))
    spread = _MAD_TO_SD * float(np.median(np.abs(finite - median)))
    return median - max(_SPREADS * spread, LEAST_DROP)


def is_low(value: float, bound: float) -> bool:
    """Tell whether a value lies below its cohort's bound; one that could not be computed does.

    Parameters
    ----------
    value : float
        A correlation or a DSC; NaN where it could not be computed.
    bound : float
        From `lower_bound`.

    Returns
    -------
    bool
        True for NaN in either.
    """
    return not value >= bound
