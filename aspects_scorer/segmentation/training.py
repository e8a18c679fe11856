"""Training of the network: the same seed gives the same weights, interrupted or not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from aspects_scorer.segmentation.checkpoints import Progressed, load_checkpoint, save_checkpoint
from aspects_scorer.segmentation.network import MULTIPLES, build_network
from aspects_scorer.segmentation.tissue_scans import TissueScan
from aspects_scorer.segmentation.training_data import Example, draw_crop, whole_scan
from atlas_builder.construction.workers import Workers
from atlas_builder.errors import InputError

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn
    from torch.optim import AdamW

Record: TypeAlias = dict[str, float]
Report: TypeAlias = Callable[[int, Record], None]
"""Called after every step with its number and its loss, and what a validation found."""

_WARM_UP = 50
_CHECKPOINT_STEPS = 50
_DECAY = 0.4  # share of the steps, the last ones, over which the learning rate falls to 0
_GRADIENT_NORM = 2.0
_VALIDATION_INFARCTS = 2  # of each validation scan
_TRAINING, _VALIDATION = 11, 12  # keep the streams of random numbers apart


@dataclass(frozen=True)
class Settings:
    """What decides the weights, beside the scans.

    Attributes
    ----------
    seed : int
        Of weights, crops and signals.
    persons : int
        How many persons were simulated.
    steps : int
        Updates of the weights.
    batch : int
        Crops an update.
    learning_rate : float
        The greatest, of AdamW.
    weight_decay : float
        Of AdamW.
    validate_every : int
        Steps between validations.
    mixed_precision : bool
        Whether convolutions are computed in bfloat16.
    """

    seed: int
    persons: int
    steps: int
    batch: int = 2
    learning_rate: float = 1.5e-3
    weight_decay: float = 1e-4
    validate_every: int = 200
    mixed_precision: bool = True


@dataclass(frozen=True)
class Trained:
    """A trained network and how it got there.

    Attributes
    ----------
    network : nn.Module
        On the CPU.
    done : Progressed
        Wall time and history.
    """

    network: nn.Module
    done: Progressed


def learning_rate(step: int, settings: Settings) -> float:
    """Return the learning rate of a step: rising, level, then falling to 0."""
    rising = (step + 1) / _WARM_UP
    falling = (settings.steps - step) / max(_DECAY * settings.steps, 1)
    return settings.learning_rate * min(1.0, rising, falling)


def train(
    scans: Sequence[TissueScan],
    validation: Sequence[TissueScan],
    settings: Settings,
    checkpoint: Path,
    *,
    device: str = "cpu",
    threads: int = 1,
    report: Report = lambda step, record: None,
) -> Trained:
    """Train the network, going on from the checkpoint if there is one.

    Loss is Dice plus cross-entropy over a batch. On a CPU the result does not depend on
    interruptions; it may depend on the number of threads and on the machine's instructions.

    Parameters
    ----------
    scans, validation : sequence of TissueScan
        Disjoint persons with disjoint infarcts.
    settings : Settings
        What decides the weights.
    checkpoint : Path
        Where the state is kept.
    device : str
        ``cpu`` or ``cuda``.
    threads : int
        Threads of the CPU.
    report : callable
        Is told of every step.
    """
    import torch  # noqa: PLC0415 - takes seconds
    from monai.losses.dice import DiceCELoss  # noqa: PLC0415

    torch.set_num_threads(threads)
    torch.manual_seed(settings.seed)
    torch.backends.cudnn.deterministic = True
    place = torch.device(device)
    network = build_network().to(place)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    done = Progressed(0, settings.steps, 0.0, [], [])
    if checkpoint.exists():
        done = load_checkpoint(checkpoint, network, optimizer, _fixed(settings))
        _check_steps(checkpoint, done, settings)
    criterion = DiceCELoss(sigmoid=True, batch=True, smooth_nr=0.1, smooth_dr=0.1)
    examples = _validation_examples(validation, settings)
    history, losses = list(done.history), list(done.losses)
    start = time.monotonic() - done.seconds
    for step, crops in _batches(scans, settings, done.step, threads):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, settings)
        losses.append(_update(network, optimizer, criterion, crops, place, settings))
        record: Record = {"loss": losses[-1]}
        last = step + 1 == settings.steps
        if (step + 1) % settings.validate_every == 0 or last:
            found = _validate(network, examples, criterion, place, settings)
            record |= {"step": step + 1, "training_loss": float(np.mean(losses)), **found}
            history.append({k: v for k, v in record.items() if k != "loss"})
            losses = []
        done = Progressed(step + 1, settings.steps, time.monotonic() - start, history, losses)
        if (step + 1) % _CHECKPOINT_STEPS == 0 or "step" in record:
            save_checkpoint(checkpoint, network, optimizer, done, _fixed(settings))
        report(step + 1, record)
    return Trained(network.cpu().eval(), done)


def _update(
    network: nn.Module,
    optimizer: AdamW,
    criterion: nn.Module,
    crops: Sequence[Example],
    place: torch.device,
    settings: Settings,
) -> float:
    """Change the weights once, and return the loss there was."""
    import torch  # noqa: PLC0415

    channels, infarct = _tensors(crops, place)
    network.train()
    with torch.autocast(place.type, torch.bfloat16, enabled=settings.mixed_precision):
        logits = network(channels)
    loss = criterion(logits.float(), infarct)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), _GRADIENT_NORM)
    optimizer.step()
    return float(loss.detach())


def _fixed(settings: Settings) -> dict[str, Any]:
    """Return the settings without the number of steps, which may change until the last phase."""
    return {name: value for name, value in asdict(settings).items() if name != "steps"}


def _check_steps(checkpoint: Path, done: Progressed, settings: Settings) -> None:
    """Refuse another number of steps once either number has made the learning rate fall."""
    level = (1 - _DECAY) * min(done.planned, settings.steps)
    if done.planned != settings.steps and done.step > level:
        raise InputError(
            f"{checkpoint}: {done.step} of {done.planned} steps are done, too many to change their "
            f"number to {settings.steps}; give --steps {done.planned}, another --out, or --restart"
        )


def _batches(
    scans: Sequence[TissueScan], settings: Settings, first: int, threads: int
) -> Iterator[tuple[int, list[Example]]]:
    """Yield steps and their crops, drawn ahead; each crop's numbers come from its place alone."""

    def draw(step: int) -> list[Example]:
        seeds = [(settings.seed, _TRAINING, step, index) for index in range(settings.batch)]
        return [draw_crop(scans, np.random.default_rng(seed)) for seed in seeds]

    steps = range(first, settings.steps)
    with ThreadPoolExecutor(threads) as executor:
        yield from zip(steps, Workers(executor, threads).in_order(draw, steps), strict=True)


def _tensors(crops: Sequence[Example], place: torch.device) -> tuple[Tensor, Tensor]:
    import torch  # noqa: PLC0415

    channels = torch.from_numpy(np.stack([crop.channels for crop in crops]))
    infarct = torch.from_numpy(np.stack([crop.infarct for crop in crops])[:, None])
    return channels.to(place), infarct.to(place, torch.float32)


def _validation_examples(scans: Sequence[TissueScan], settings: Settings) -> list[Example]:
    examples = []
    for index, scan in enumerate(scans):
        for lesion in range(min(_VALIDATION_INFARCTS, len(scan.lesions))):
            rng = np.random.default_rng((settings.seed, _VALIDATION, index, lesion))
            example = whole_scan(scan, lesion, lesion % 2 == 0, rng)
            padding = [(0, -n % m) for n, m in zip(example.infarct.shape, MULTIPLES, strict=True)]
            examples.append(
                Example(
                    np.pad(example.channels, [(0, 0), *padding]), np.pad(example.infarct, padding)
                )
            )
    return examples


def _validate(
    network: nn.Module,
    examples: Sequence[Example],
    criterion: nn.Module,
    place: torch.device,
    settings: Settings,
) -> Record:
    """Return the mean loss and Dice of whole scans."""
    import torch  # noqa: PLC0415

    network.eval()
    losses, dice = [], []
    with torch.inference_mode():
        for example in examples:
            channels, infarct = _tensors([example], place)
            with torch.autocast(place.type, torch.bfloat16, enabled=settings.mixed_precision):
                logits = network(channels).float()
            losses.append(float(criterion(logits, infarct)))
            found = logits > 0
            both, truth = float((found * infarct).sum()), float(infarct.sum())
            total = float(found.sum()) + truth
            dice.append(2 * both / total if total else 1.0)
    return {"validation_loss": float(np.mean(losses)), "validation_dice": float(np.mean(dice))}
