"""The scores of a cohort as arrays, in the order of the patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from aspects_scorer.severity.analysis import AUTOMATED, PatientArrays, compare_with_readers
from aspects_scorer.severity.patients import Patient, Patients
from aspects_scorer.severity.scored_patient import ScoredPatient
from atlas_builder.core.anatomy import SIDES
from atlas_builder.metrics.reliability import ReaderAgreement


def with_nihss(
    scored: Sequence[ScoredPatient], by_name: Mapping[str, Patient]
) -> list[ScoredPatient]:
    """Return the scored patients whose NIHSS is known.

    Parameters
    ----------
    scored : sequence of ScoredPatient
        Any number.
    by_name : mapping of str to Patient
        By participant identifier.

    Returns
    -------
    list of ScoredPatient
        In the order of `scored`.
    """
    return [
        patient
        for patient in scored
        if patient.participant_id in by_name and np.isfinite(by_name[patient.participant_id].nihss)
    ]


def patient_arrays(
    scored: Sequence[ScoredPatient], by_name: Mapping[str, Patient]
) -> PatientArrays:
    """Return patients with scores and NIHSS as arrays.

    Parameters
    ----------
    scored : sequence of ScoredPatient
        See `with_nihss`.
    by_name : mapping of str to Patient
        By participant identifier; holds all of them.

    Returns
    -------
    PatientArrays
        In the order of `scored`.
    """
    return PatientArrays(
        np.array([by_name[patient.participant_id].nihss for patient in scored], np.float64),
        np.array([patient.aspects for patient in scored], np.float64),
        np.array([patient.core_volume_ml for patient in scored], np.float64),
        np.array([patient.mca_share for patient in scored], np.float64),
        {
            side: np.array([patient.loses_points(side) for patient in scored], bool).reshape(-1, 10)
            for side in SIDES
        },
    )


def against_readers(
    scored: Sequence[ScoredPatient], patients: Patients
) -> tuple[tuple[ReaderAgreement, ...], dict[str, NDArray[np.float64]]]:
    """Return how the sources of scores agree, and the ASPECTS of each.

    Parameters
    ----------
    scored : sequence of ScoredPatient
        The automated scores.
    patients : Patients
        With the readers' scores.

    Returns
    -------
    agreements : tuple of ReaderAgreement
        From `compare_with_readers`.
    scores : dict of str to ndarray, shape (patients,)
        By source, in the order of `scored`; NaN where a reader did not read.
    """
    automated = np.array([patient.aspects for patient in scored], np.float64)
    readers = {
        reader: np.array([scores.get(p.participant_id, np.nan) for p in scored], np.float64)
        for reader, scores in patients.readers.items()
    }
    return compare_with_readers(automated, readers), {AUTOMATED: automated} | readers
