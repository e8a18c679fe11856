"""Fit the weights of network and alignment, on simulated scans that neither was made from.

    python scripts/benchmarks/fit_combination.py [--weights FILE] [--persons 100] [--seed 177]
    [--jobs N]

Two scans a subject, as `score_alignment.py` draws them. Prints the constants ``FITTED`` of
`slice_localizer.combination`, how often each way of choosing is right, and how often slices of a
stated confidence are: fitted on every other subject, checked on the rest.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from score_alignment import draw_scans

from atlas_builder.commands.options import available_cores
from atlas_builder.core.errors import InputError
from atlas_builder.networks.registry import LOCALIZER
from atlas_builder.runtime.progress import console_progress
from atlas_builder.runtime.workers import open_workers
from slice_localizer.alignment.level import LEAST_CORRELATION
from slice_localizer.combination import Array, EstimateWeights, LevelEstimates, combine, fit_weights
from slice_localizer.locating import locate_slices
from slice_localizer.positions import nearest, normal_of

_CONFIDENCES = (0.0, 0.7, 0.9, 0.97, 0.99, 1.0)


def estimate(task: tuple[int, int, Path]) -> list[tuple[LevelEstimates, int, float]]:
    """Return both estimates for a subject's scans, with the truth; in a worker."""
    index, seed, weights = task
    torch.set_num_threads(1)
    found = []
    for drawn in draw_scans(index, seed, matrix=128):
        try:
            located = locate_slices(drawn.acquired.scan, weights)
        except InputError:
            continue  # the scan does not reach both levels
        network, alignment = located.network_probabilities, located.alignment
        if network is None or alignment.upside_down or alignment.correlation < LEAST_CORRELATION:
            continue  # they are not weighed against each other
        estimates = LevelEstimates(network, located.heights, alignment.height_mm)
        level = float(normal_of(drawn.acquired.scan.affines) @ drawn.point)
        found.append((estimates, drawn.acquired.bgl_index, level))
    return found


def columns(
    cases: list[tuple[LevelEstimates, int, float]],
) -> tuple[list[LevelEstimates], list[int], Array]:
    """Return the estimates for scans, their BGL slices and their levels."""
    estimates, true, levels = zip(*cases, strict=True)
    return list(estimates), list(true), np.array(levels)


def fit(cases: list[tuple[LevelEstimates, int, float]]) -> EstimateWeights:
    """Fit the weights to scans."""
    return fit_weights(*columns(cases))


def show(name: str, probabilities: list[np.ndarray], true: list[int]) -> None:
    """Print how often the most probable slice is right, and how likely the true ones were."""
    right = np.mean([p.argmax() == k for p, k in zip(probabilities, true, strict=True)])
    likely = np.mean([np.log(max(p[k], 1e-9)) for p, k in zip(probabilities, true, strict=True)])
    print(f"{name}\t{len(true)}\t{right:.3f}\t{likely:.3f}")


def main() -> None:
    """Parse, estimate, fit, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, default=LOCALIZER)
    parser.add_argument("--persons", type=int, default=100)
    parser.add_argument("--seed", type=int, default=177)
    parser.add_argument("--jobs", type=int, default=available_cores())
    given = parser.parse_args()
    tasks = [(index, given.seed, given.weights) for index in range(given.persons)]
    by_subject = []
    with console_progress() as progress, open_workers(given.jobs) as workers:
        for done, found in enumerate(workers.in_order(estimate, tasks), start=1):
            by_subject.append(found)
            progress("Asking both", done, len(tasks))
    fitted = [case for found in by_subject[::2] for case in found]
    checked = [case for found in by_subject[1::2] for case in found]
    of_half, of_all = fit(fitted), fit(fitted + checked)
    print(f"fitted on half\t{of_half}\nfitted on all\t{of_all}")
    estimates, true, levels = columns(checked)
    errors = np.array([one.level for one in estimates]) - levels
    print(
        f"the alignment's errors, rest\tSD {errors.std():.2f} mm\tlargest {abs(errors).max():.2f}"
    )
    even = [
        LevelEstimates(np.full(len(one.heights), 1 / len(one.heights)), one.heights, one.level)
        for one in estimates
    ]
    both = [combine(one, of_half) for one in estimates]
    print("the rest\tscans\tright\tmean_log_probability")
    show("network", [one.network for one in estimates], true)
    show("alignment", [combine(one, of_half) for one in even], true)
    show("both", both, true)
    near = [nearest(e.heights, e.level) == k for e, k in zip(estimates, true, strict=True)]
    print(f"slice nearest to the alignment's level\t{len(true)}\t{np.mean(near):.3f}")
    print("confidence\tscans\tmean\tright")
    sure = np.array([p.max() for p in both])
    right = np.array([p.argmax() == k for p, k in zip(both, true, strict=True)])
    for low, high in pairwise(_CONFIDENCES):
        chosen = (sure > low) & (sure <= high)
        if chosen.any():
            mean, share = sure[chosen].mean(), right[chosen].mean()
            print(f"{low}-{high}\t{chosen.sum()}\t{mean:.3f}\t{share:.3f}")


if __name__ == "__main__":
    main()
