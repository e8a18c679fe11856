"""Fit how much `asymmetry` and `da-net` count in `ensemble`.

Usage: python scripts/authoring/fit_ensemble.py COHORT --seen 35 [--work DIR] [--jobs 2]

COHORT is the one that ``train-da-net`` was given, which kept every sixth head back for its
calibration. `asymmetry` was fitted to the first subjects of each age group, so many as --seen says.
The weights are fitted to the heads kept back that it has not seen either.
"""

import argparse
from functools import partial
from pathlib import Path

import numpy as np
from mapped_strokes import TRUTH
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from aspects_scorer.ncct.asymmetry.model import load_models
from aspects_scorer.ncct.da_net.scoring import judge_by_da_net
from aspects_scorer.ncct.ensemble.scoring import FILE, log_odds_of
from aspects_scorer.ncct.measures import measure_densities
from atlas_builder import __version__
from atlas_builder.cohorts.participants import Participant
from atlas_builder.cohorts.stroke_subjects import read_stroke_cohort, read_stroke_subject
from atlas_builder.cohorts.stroke_truth import StrokeTruth
from atlas_builder.core.anatomy import SIDES, Region
from atlas_builder.core.errors import InputError
from atlas_builder.runtime.files import replacing, write_json
from atlas_builder.runtime.workers import open_workers
from atlas_builder.workflows.ncct.score import map_scan_for_scoring

KEPT_BACK = 6  # one head of so many, as in atlas_builder.workflows.training.da_net
STRENGTH = 1.0  # inverse of the penalty on the weights


def main() -> None:
    """Judge, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cohort", type=Path)
    parser.add_argument("--seen", type=int, required=True)
    parser.add_argument("--out", type=Path, default=FILE)
    parser.add_argument("--work", type=Path, default=Path("ensemble-log-odds"))
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    subjects = unseen(read_stroke_cohort(arguments.cohort)[0], arguments.seen)
    with open_workers(arguments.jobs) as workers:
        found = workers.in_order(partial(judge, arguments.work), subjects)
        heads = [one for one in found if one is not None]
    rules = {name: fit(heads, index, name) for index, name in enumerate(TRUTH)}
    content = {
        "fitted_by": "scripts/authoring/fit_ensemble.py",
        "version": __version__,
        "heads": len(heads),
        "rules": rules,
    }
    write_json(arguments.out, content)
    print(f"{len(heads)} heads: {arguments.out}: {rules}")


def unseen(
    subjects: list[tuple[Participant, StrokeTruth]], seen: int
) -> list[tuple[Participant, StrokeTruth]]:
    """Return the heads that neither scorer has learned from; identifiers end in sNNN."""
    kept_back = subjects[KEPT_BACK // 2 :: KEPT_BACK]
    return [one for one in kept_back if int(one[0].participant_id.rpartition("s")[2]) > seen]


def judge(
    work: Path, subject: tuple[Participant, StrokeTruth]
) -> dict[str, NDArray[np.float64]] | None:
    """Return both scorers' log-odds by every rule, and the truth; None without a map."""
    participant, truth = subject
    file = work / f"{participant.participant_id}.npz"
    if not file.exists():
        case = read_stroke_subject(participant, truth)
        try:
            mapped = map_scan_for_scoring(case.scan, participant.age)
        except InputError as error:
            print(f"left out {participant.participant_id}: {error}")
            return None
        densities = measure_densities(mapped)
        models = load_models()
        asymmetry = [log_odds_of(models[rule].probabilities(densities)) for rule in TRUTH]
        da_net = [judge_by_da_net(mapped, rule).log_odds for rule in TRUTH]
        shares = [[truth.shares[side, region] for region in Region] for side in SIDES]
        with replacing(file) as partial_file, partial_file.open("wb") as opened:
            np.savez(opened, asymmetry=asymmetry, da_net=da_net, shares=shares)
    with np.load(file, allow_pickle=False) as stored:
        return {key: stored[key] for key in stored}


def fit(heads: list[dict[str, NDArray[np.float64]]], index: int, name: str) -> dict[str, float]:
    """Fit one rule's weights."""
    signs = np.stack(
        [[head["asymmetry"][index], head["da_net"][index]] for head in heads]
    )  # heads, scorers, sides, regions
    ill = np.array(
        [
            [
                [
                    TRUTH[name].loses_point(region, share)
                    for region, share in zip(Region, row, strict=True)
                ]
                for row in head["shares"]
            ]
            for head in heads
        ]
    )
    rows = signs.transpose(0, 2, 3, 1).reshape(-1, 2)
    known = ~np.isnan(rows).any(axis=1)
    fitted = LogisticRegression(C=STRENGTH).fit(rows[known], ill.ravel()[known])
    asymmetry, da_net = fitted.coef_[0]
    return {
        "asymmetry": round(float(asymmetry), 4),
        "da_net": round(float(da_net), 4),
        "intercept": round(float(fitted.intercept_[0]), 4),
    }


if __name__ == "__main__":
    main()
