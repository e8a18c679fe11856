"""Compare how fast samples are drawn with how fast the network learns from them.

Usage: python scripts/benchmarks/bench_localizer_training.py [--cohort DIR] [--device auto|cpu|cuda]
           [--backbone resnet50] [--batch 3] [--sizes 112,224] [--steps 5] [--threads N]

Samples are drawn by one process on one thread, as one loader does, of simulated subjects or from a
cohort's scans; steps are those of a training, forward and backward. The device is never starved as
long as there are at least as many loaders as the last column says.
"""

import argparse
import math
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from atlas_builder.commands.options import available_cores
from atlas_builder.networks.training.device import choose_device
from slice_localizer.training.aspectslocnet import AspectsLocNet
from slice_localizer.training.cohort_samples import CohortSamples, keep_scans
from slice_localizer.training.cutmix import collate
from slice_localizer.training.loss import training_loss
from slice_localizer.training.recipe import DrawSample
from slice_localizer.training.simulated_samples import SimulatedSamples
from slice_localizer.training.subjects import keep_subjects

SEED = 1


def draws_a_second(draw: DrawSample, size: int, count: int) -> float:
    """Return how many samples one process draws in a second."""
    torch.set_num_threads(1)
    draw(0, size)
    began = time.perf_counter()
    for number in range(1, count + 1):
        draw(number, size)
    return count / (time.perf_counter() - began)


def learns_a_second(
    network: AspectsLocNet, draw: DrawSample, size: int, arguments: argparse.Namespace
) -> float:
    """Return how many samples the network learns from in a second."""
    device = next(network.parameters()).device
    torch.set_num_threads(arguments.threads)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-5)
    batch = collate([draw(number, size) for number in range(arguments.batch)]).to(device)

    def step() -> None:
        with torch.autocast(device.type, torch.bfloat16):
            features = network.features(batch.hu)
        loss = training_loss(network.score(features, batch.lengths), batch.truths)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        loss.item()  # waits for the device

    step()
    began = time.perf_counter()
    for _ in range(arguments.steps):
        step()
    return arguments.steps * arguments.batch / (time.perf_counter() - began)


def main() -> None:
    """Read the arguments; measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cohort", type=Path)
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--backbone", default="resnet50")
    parser.add_argument("--batch", type=int, default=3)
    parser.add_argument(
        "--sizes", type=lambda text: [int(n) for n in text.split(",")], default=[112, 224]
    )
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--threads", type=int, default=available_cores())
    arguments = parser.parse_args()
    device = choose_device(arguments.device)
    with TemporaryDirectory(prefix="aspects-atlas-") as folder:
        draw: DrawSample
        if arguments.cohort is None:
            draw = SimulatedSamples(tuple(keep_subjects(Path(folder), 2, SEED)), SEED)
        else:
            scans, _ = keep_scans(arguments.cohort, Path(folder), "expert", ["build"])
            draw = CohortSamples(tuple(scan.path for scan in scans), SEED)
        network = AspectsLocNet(arguments.backbone).to(device).train()
        network = network.to(memory_format=torch.channels_last)
        print(f"{arguments.backbone}, {arguments.batch} samples a step, {device.type}")
        print(f"{'pixels':>7}{'drawn a second':>16}{'learnt a second':>17}{'loaders':>9}")
        for size in arguments.sizes:
            drawn = draws_a_second(draw, size, arguments.draws)
            learnt = learns_a_second(network, draw, size, arguments)
            print(f"{size:7}{drawn:16.2f}{learnt:17.2f}{math.ceil(learnt / drawn):9}")


if __name__ == "__main__":
    main()
