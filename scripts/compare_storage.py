"""What storing the key-slice network in 8 bits a weight costs.

    python scripts/compare_storage.py TRAINING [--exams 60] [--threads N]

TRAINING is a folder of `train-localizer --persons`, with ``persons`` beside it. The network
as it was trained and as it is stored read the same exams of persons it was not trained on.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import load_file

from atlas_builder.commands.options import available_cores
from slice_localizer.evaluation import evaluate
from slice_localizer.network import AspectsLocNet
from slice_localizer.persons import keep_persons
from slice_localizer.simulated import SimulatedExams
from slice_localizer.training import CHECKPOINT
from slice_localizer.training_folder import WEIGHTS
from slice_localizer.training_run import WATCHED_PERSONS
from slice_localizer.weights import read_weights

_PART = "network."
_SEED = 99  # of exams that neither training nor calibration has drawn


def main() -> None:
    """Read both, evaluate, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("training", type=Path)
    parser.add_argument("--exams", type=int, default=60)
    parser.add_argument("--threads", type=int, default=available_cores())
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    stored = read_weights(given.training / WEIGHTS)
    asked = json.loads((given.training / "training.json").read_text("utf-8"))
    trained = AspectsLocNet(asked["plan"]["backbone"])
    tensors = load_file(given.training / CHECKPOINT)
    trained.load_state_dict(
        {k.removeprefix(_PART): v for k, v in tensors.items() if k.startswith(_PART)}
    )
    persons, seed = asked["exams"]["persons"], asked["exams"]["seed"]
    folder = given.training.resolve().parent / "persons"
    paths = keep_persons(folder, persons + WATCHED_PERSONS, seed, jobs=given.threads)
    draw = SimulatedExams(tuple(paths[persons:]), _SEED)
    exams = [draw(number, stored.size) for number in range(given.exams)]
    print("weights\tright_by_score\tright_by_height\tlevel_error_mm")
    for name, network in (("as trained", trained), ("as stored", stored.network)):
        found = evaluate(network, exams, torch.device("cpu"))
        print(f"{name}\t{found.by_score:.3f}\t{found.by_height:.3f}\t{found.level_error_mm:.3f}")


if __name__ == "__main__":
    main()
