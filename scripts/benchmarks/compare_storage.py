"""What storing the key-slice network in 8 bits a weight costs.

    python scripts/benchmarks/compare_storage.py TRAINING [--samples 60] [--threads N]

TRAINING is a folder of `train-localizer --persons`, with ``persons`` beside it. The network
as it was trained and as it is stored are evaluated on the same samples, of subjects that it was not
trained on.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import load_file

from atlas_builder.commands.options import available_cores
from atlas_builder.networks.training.checkpoint import CHECKPOINT
from atlas_builder.networks.training.state import set_state
from atlas_builder.workflows.training.localizer import NETWORK, WATCHED_PERSONS
from slice_localizer.training.aspectslocnet import AspectsLocNet
from slice_localizer.training.evaluation import evaluate
from slice_localizer.training.simulated_samples import SimulatedSamples
from slice_localizer.training.subjects import keep_subjects
from slice_localizer.training.trained import read_trained

_PART = "network."
_SEED = 99  # of samples that neither training nor calibration has drawn


def main() -> None:
    """Read both, evaluate, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("training", type=Path)
    parser.add_argument("--samples", type=int, default=60)
    parser.add_argument("--threads", type=int, default=available_cores())
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    stored = read_trained(given.training / NETWORK)
    settings = json.loads((given.training / "training.json").read_text("utf-8"))
    trained = AspectsLocNet(settings["plan"]["backbone"])
    tensors = load_file(given.training / CHECKPOINT)
    set_state(
        trained, {k.removeprefix(_PART): v for k, v in tensors.items() if k.startswith(_PART)}
    )
    persons, seed = settings["exams"]["persons"], settings["exams"]["seed"]
    folder = given.training.resolve().parent / "persons"
    paths = keep_subjects(folder, persons + WATCHED_PERSONS, seed, jobs=given.threads)
    draw = SimulatedSamples(tuple(paths[persons:]), _SEED)
    samples = [draw(number, stored.size) for number in range(given.samples)]
    print("weights\tright_by_score\tright_by_height\tlevel_error_mm")
    for name, network in (("as trained", trained), ("as stored", stored.network)):
        found = evaluate(network, samples, torch.device("cpu"))
        print(f"{name}\t{found.by_score:.3f}\t{found.by_height:.3f}\t{found.level_error_mm:.3f}")


if __name__ == "__main__":
    main()
