"""Fitting the machine: a grid of kernels and penalties, five folds of subjects, probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from aspects_scorer.cta.radiomics_svm.machine import Machine
from aspects_scorer.ncct.measures import Array

FOLDS = 5
_PENALTIES = (0.1, 1.0, 10.0)
_GRID = [
    {"svc__kernel": ["linear"], "svc__C": _PENALTIES},
    {"svc__kernel": ["rbf"], "svc__C": _PENALTIES, "svc__gamma": [0.1, 0.3, 1.0]},
]


@dataclass(frozen=True)
class Fitted:
    """A machine and how well it told regions that it had not seen.

    Attributes
    ----------
    machine : Machine
        Fitted to all regions.
    aucs : tuple of float
        Area under the curve in each fold, whose subjects took no part in the fit; NaN in a fold
        with regions of one kind only.
    kernel : str
        ``linear`` or ``rbf``.
    penalty : float
        C.
    """

    machine: Machine
    aucs: tuple[float, ...]
    kernel: str
    penalty: float


def fit_machine(
    features: tuple[str, ...],
    values: Array,
    ill: NDArray[np.bool_],
    subjects: NDArray[np.intp],
) -> Fitted:
    """Fit a machine.

    Parameters
    ----------
    features : tuple of str
        Names.
    values : ndarray, shape (regions, features)
        Of each region less its counterpart; finite.
    ill : ndarray of bool, shape (regions,)
        Which regions are affected.
    subjects : ndarray of int, shape (regions,)
        Whose each is: no subject is in two folds.

    Returns
    -------
    Fitted
    """
    chosen = _search(values, ill, subjects)
    unseen = np.zeros(len(ill))
    aucs = []
    for learn, judge in GroupKFold(FOLDS).split(values, ill, subjects):
        # Kernel and penalty are chosen without the regions that are judged.
        own = _search(values[learn], ill[learn], subjects[learn])
        unseen[judge] = own.decision_function(values[judge])
        both = 0 < ill[judge].sum() < len(judge)
        aucs.append(float(roc_auc_score(ill[judge], unseen[judge])) if both else float("nan"))
    curve = LogisticRegression(C=1e6).fit(unseen[:, np.newaxis], ill)
    scaler, svc = chosen.named_steps["standardscaler"], chosen.named_steps["svc"]
    machine = Machine(
        features,
        scaler.mean_,
        scaler.scale_,
        None if svc.kernel == "linear" else float(svc.gamma),
        svc.support_vectors_,
        svc.dual_coef_[0],
        float(svc.intercept_[0]),
        float(curve.coef_[0, 0]),
        float(curve.intercept_[0]),
    )
    return Fitted(machine, tuple(aucs), str(svc.kernel), float(svc.C))


def _search(values: Array, ill: NDArray[np.bool_], subjects: NDArray[np.intp]) -> Pipeline:
    pipeline = make_pipeline(StandardScaler(), SVC(class_weight="balanced"))
    folds = list(GroupKFold(min(FOLDS, len(np.unique(subjects)))).split(values, ill, subjects))
    usable = [fold for fold in folds if all(0 < ill[part].sum() < len(part) for part in fold)]
    search = GridSearchCV(pipeline, _GRID, scoring="roc_auc", cv=usable or folds)
    return search.fit(values, ill).best_estimator_
