"""Truth tables and folders of scores made up for a test, with known errors."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np

from atlas_builder.core.anatomy import SIDES, Region
from atlas_builder.core.aspects import BARBER

PLACES = tuple(product(SIDES, Region))
COLUMNS = [f"{side}_{region.name}" for side, region in PLACES]


def made_truth(participants: int, seed: int = 1) -> tuple[list[str], np.ndarray]:
    """Names and the share of each of the twenty regions that is affected; a fifth are healthy."""
    generator = np.random.default_rng(seed)
    shares = np.zeros((participants, 20))
    for row in shares:
        if generator.random() > 0.2:
            side = generator.integers(2) * 10
            ill = generator.random(10) < generator.uniform(0.05, 0.8)
            row[side : side + 10] = np.where(ill, np.round(generator.uniform(0.05, 1, 10), 3), 0)
    return [f"sub-{number:03d}" for number in range(participants)], shares


def affected_of(shares: np.ndarray) -> np.ndarray:
    """The regions that the default rule takes points for."""
    return np.array(
        [[BARBER.loses_point(PLACES[p][1], row[p]) for p in range(20)] for row in shares]
    )


def made_probabilities(shares: np.ndarray, noise: float, seed: int) -> np.ndarray:
    """Probabilities of a scorer whose errors grow with the noise."""
    generator = np.random.default_rng(seed)
    raised = 4 * affected_of(shares) - 2.5 + noise * generator.normal(size=shares.shape)
    return np.round(1 / (1 + np.exp(-raised)), 4)


def write_truth(path: Path, names: list[str], shares: np.ndarray, **extra: list[object]) -> Path:
    lines = ["\t".join(["participant_id", *COLUMNS, *extra])]
    for place, (name, row) in enumerate(zip(names, shares, strict=True)):
        cells = [name, *(f"{share:g}" for share in row), *(str(of[place]) for of in extra.values())]
        lines.append("\t".join(cells))
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def write_scores(
    folder: Path,
    names: list[str],
    probabilities: np.ndarray,
    method: str = "asymmetry",
    threshold: float = 0.5,
) -> Path:
    """A cohort's ``scores.tsv`` and ``regions.tsv``: affected from the threshold on."""
    folder.mkdir(parents=True)
    affected = probabilities >= threshold
    scores = ["participant_id\taspects_left\taspects_right\taspects\tmethod"]
    regions = ["participant_id\tside\tregion\tprobability\taffected"]
    for name, row, ill in zip(names, probabilities, affected, strict=True):
        left, right = 10 - ill[:10].sum(), 10 - ill[10:].sum()
        scores.append(f"{name}\t{left}\t{right}\t{min(left, right)}\t{method}")
        for (side, region), probability, lost in zip(PLACES, row, ill, strict=True):
            word = "yes" if lost else "no"
            regions.append(f"{name}\t{side}\t{region.name}\t{probability:g}\t{word}")
    (folder / "scores.tsv").write_text("\n".join(scores) + "\n", "utf-8")
    (folder / "regions.tsv").write_text("\n".join(regions) + "\n", "utf-8")
    return folder
