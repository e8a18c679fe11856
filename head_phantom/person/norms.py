"""Published sizes of heads and of what ages in them.

The curves are medians in healthy people, from 10 to 89 years.

References
----------
.. [1] Matsumae M, Kikinis R, Mórocz IA, et al. Age-related changes in intracranial compartment
   volumes in normal adults assessed by magnetic resonance imaging. J Neurosurg 84:982-991 (1996).
   Intracranial volume 1469 (SD 102) mL in men, 1289 (SD 111) mL in women, at every age; brains
   shrink after 40 years.
.. [2] Chung SC, Lee BY, Tack GR, et al. Effects of gender, age, and body parameters on the
   ventricular volume of Korean people. Neurosci Lett 395:155-158 (2006).
   doi:10.1016/j.neulet.2005.10.066. All ventricles 16.2 mL in the twenties, 24.9 mL in the
   forties, larger in men.
.. [3] Kaye JA, DeCarli C, Luxenberg JS, Rapoport SI. The significance of age-related enlargement of
   the cerebral ventricles in healthy men and women measured by quantitative computed X-ray
   tomography. J Am Geriatr Soc 40:225-231 (1992). doi:10.1111/j.1532-5415.1992.tb02073.x.
   20% a decade, faster from the fifth decade of men and the sixth of women.
.. [4] Yamada S, Otani T, Ii S, et al. Aging-related volume changes in the brain and cerebrospinal
   fluid using artificial intelligence-automated segmentation. Eur Radiol 33:7099-7112 (2023).
   doi:10.1007/s00330-023-09632-x. All CSF from 18.7% of the intracranial volume in the twenties to
   33.7% above 80 years, about 2% a decade, most of it outside the ventricles.
.. [5] de Kort FAS, Vinke EJ, van der Lelij EJ, et al. Cerebral white matter hyperintensity volumes:
   normative age- and sex-specific values from 15 population-based cohorts comprising 14,876
   individuals. Neurobiol Aging (2025). doi:10.1016/j.neurobiolaging.2024.11.006. Medians 0.25 mL
   before 45 years, 2.0 mL at 64, 7.3 mL in men and 12.8 mL in women above 85.
.. [6] Kwak R, Takeuchi F, Ito S, Kadoya S. Intracranial physiological calcification on computed
   tomography, part 1: calcification of pineal region. No To Shinkei 40:569-574 (1988). Pineal
   calcification rises steeply from 10 to 39 years, to 81.5% in the seventies; 82.6% of men and
   68.0% of women above 20 years. Choroid plexus 57.6%, basal ganglia 7.5% at all ages together.
.. [7] Daghighi MH, Rezaei V, Zarrintan S, Pourfathi H. Intracranial physiological calcifications in
   adults on computed tomography in Tabriz, Iran. Folia Morphol 66:115-119 (2007). Pineal 71.0%,
   choroid plexus 66.2%, basal ganglia 0.8%.
.. [8] Vermeer SE, Longstreth WT, Koudstaal PJ. Silent brain infarcts: a systematic review. Lancet
   Neurol 6:611-619 (2007). doi:10.1016/S1474-4422(07)70170-9. In 8-28% of old people, more with
   age, most of them lacunes.
.. [9] Age-related changes in the proportion of intracranial cerebrospinal fluid space measured
   using volumetric computerized tomography scanning. J Neurosurg 97:607-610 (2002).
   doi:10.3171/jns.2002.97.3.0607. The proportion rises rapidly after the sixth decade.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

Sex: TypeAlias = Literal["F", "M"]

INTRACRANIAL_ML: dict[Sex, tuple[float, float]] = {"F": (1289.0, 111.0), "M": (1469.0, 102.0)}
"""Mean and standard deviation of the intracranial volume [1]_."""

_VENTRICLES_AT_25_ML: dict[Sex, float] = {"F": 14.5, "M": 17.9}  # 16.2 together, ratio as in [2]
_ACCELERATION_YEARS: dict[Sex, float] = {"F": 60.0, "M": 50.0}


def ventricle_ml(age: float, sex: Sex) -> float:
    """Return the median volume of the lateral and third ventricles in mL [2]_ [3]_.

    A fifth a decade, a third from the age on at which the growth quickens.

    Parameters
    ----------
    age : float
        In years.
    sex : {'F', 'M'}
        The growth quickens at 60 years in women, at 50 in men.

    Returns
    -------
    float
        In mL.
    """
    late = max(age - _ACCELERATION_YEARS[sex], 0)
    early = age - 25 - late
    growth = 1.2 ** (early / 10) * 1.34 ** (late / 10)
    return float(_VENTRICLES_AT_25_ML[sex] * growth)


def sulcal_csf_gain(age: float) -> float:
    """Return the CSF outside the ventricles that was gained since 25 years.

    As a share of the intracranial volume; negative in the young. Slow at first [1]_, faster from
    the sixth decade on [9]_, to the total of [4]_ less the ventricles' part.

    Parameters
    ----------
    age : float
        In years.

    Returns
    -------
    float
        From -0.015 to 0.12.
    """
    return float(np.interp(age, (10, 25, 50, 85), (-0.015, 0.0, 0.035, 0.12)))


def white_matter_lesion_ml(age: float, sex: Sex) -> float:
    """Return the median volume of white matter hyperintensities in mL, in MNI space [5]_.

    Parameters
    ----------
    age : float
        In years.
    sex : {'F', 'M'}
        Matters above 64 years.

    Returns
    -------
    float
        In mL.
    """
    ages = (15, 40, 64, 87)
    volumes = (0.05, 0.25, 2.0, {"F": 12.8, "M": 7.3}[sex])
    return float(np.exp(np.interp(age, ages, np.log(volumes))))


def lacunes(age: float) -> float:
    """Return the mean number of lacunes; the share of people who have any follows [8]_.

    Parameters
    ----------
    age : float
        In years.

    Returns
    -------
    float
        From 0 to 0.33.
    """
    return float(np.interp(age, (40, 60, 85), (0.0, 0.08, 0.33)))


def pineal_calcification(age: float, sex: Sex) -> float:
    """Return the probability of a calcified pineal gland [6]_.

    Parameters
    ----------
    age : float
        In years.
    sex : {'F', 'M'}
        Men have more.

    Returns
    -------
    float
        From 0 to 1.
    """
    both = np.interp(age, (8, 25, 40, 75), (0.02, 0.60, 0.74, 0.815))
    return float(np.clip(both * {"F": 0.90, "M": 1.10}[sex], 0, 1))


def choroid_plexus_calcification(age: float) -> float:
    """Return the probability of a calcified choroid plexus in an atrium [6]_ [7]_.

    Parameters
    ----------
    age : float
        In years.

    Returns
    -------
    float
        From 0 to 1.
    """
    return float(np.interp(age, (5, 20, 45, 75), (0.02, 0.35, 0.66, 0.85)))


def basal_ganglia_calcification(age: float) -> float:
    """Return the probability of calcified pallida, between the figures of [6]_ and [7]_.

    Parameters
    ----------
    age : float
        In years.

    Returns
    -------
    float
        From 0 to 1.
    """
    return float(np.interp(age, (30, 50, 80), (0.0, 0.02, 0.12)))
