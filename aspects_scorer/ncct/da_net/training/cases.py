"""Heads on the standard grid with their truth, as trainings read them."""

from __future__ import annotations

import numpy as np

from aspects_scorer.ncct.da_net.standard_view import places_of, read_at, view_of
from aspects_scorer.ncct.da_net.training.examples import StandardCase
from aspects_scorer.ncct.mapped_scan import MappedScan
from atlas_builder.cohorts.stroke_subjects import StrokeSubject
from atlas_builder.core.anatomy import SIDES, Region
from atlas_builder.core.scan import Scan


def case_of(subject: StrokeSubject, mapped: MappedScan) -> StandardCase:
    """Return a subject of a stroke cohort on the standard grid.

    Parameters
    ----------
    subject : StrokeSubject
        The scan and the truth.
    mapped : MappedScan
        The same scan, mapped as it is for scoring.

    Returns
    -------
    StandardCase
    """
    view = view_of(mapped)
    lesion = Scan(subject.lesion.astype(np.float32), subject.scan.affines)
    share = read_at(lesion, places_of(mapped), 0.0)
    shares = [[subject.truth.shares[side, region] for region in Region] for side in SIDES]
    return StandardCase(
        view.hu.astype(np.float16),
        view.labels,
        np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8),
        np.array(shares, np.float64),
    )
