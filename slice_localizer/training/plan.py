"""Everything that decides a training of ASPECTSLoc-Net but the samples."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from atlas_builder.networks.training.schedule import Cosine

_UNNAMED = ("context_units", "watched_samples", "calibration_samples")


@dataclass(frozen=True)
class Stage:
    """A part of the training in which slices have one size.

    Attributes
    ----------
    size : int
        Rows and columns.
    steps : int
        How many batches.
    """

    size: int
    steps: int


@dataclass(frozen=True)
class Plan:
    """Everything that decides a training but the samples.

    Attributes
    ----------
    stages : tuple of Stage
        Small slices first: most is learnt from them in a fraction of the time.
    batch : int
        Samples a step.
    learning_rate : float
        The highest of Adam's; it rises over the first twentieth and falls along a cosine to 0.
    cutmix_share : float
        The share of batches that are mixed, see `slice_localizer.training.cutmix`.
    cutmix_alpha : float
        See `slice_localizer.training.cutmix.mix`.
    backbone : str
        See `AspectsLocNet`.
    pretrained : str or None
        See `AspectsLocNet`.
    start : str or None
        Which network the training goes on from: the SHA-256 of its file of weights. By default
        the network is new.
    seed : int
        Of everything random.
    check_every : int
        Steps between evaluations, after each of which the training can be resumed.
    context_units : int
        See `AspectsLocNet`.
    watched_samples : int
        How many samples each evaluation is of.
    calibration_samples : int
        How many others the calibration is fitted to.
    """

    stages: tuple[Stage, ...] = (Stage(112, 1500), Stage(224, 300))
    batch: int = 3
    learning_rate: float = 1e-3
    cutmix_share: float = 0.2
    cutmix_alpha: float = 1.0
    backbone: str = "resnet50"
    pretrained: str | None = None
    start: str | None = None
    seed: int = 1
    check_every: int = 100
    context_units: int = 512
    watched_samples: int = 24
    calibration_samples: int = 200

    @property
    def steps(self) -> int:
        """Of all stages."""
        return sum(stage.steps for stage in self.stages)

    @property
    def sizes(self) -> list[int]:
        """Of the slices, step by step."""
        return [stage.size for stage in self.stages for _ in range(stage.steps)]

    @property
    def schedule(self) -> Cosine:
        """The learning rate of every step."""
        return Cosine(self.learning_rate, self.steps)

    def describe(self) -> dict[str, Any]:
        """Return every parameter as JSON can hold it."""
        described = asdict(self)
        # Files of earlier versions do not name these.
        for one in fields(self):
            if one.name in _UNNAMED and described[one.name] == one.default:
                del described[one.name]
        # As files of earlier versions call it.
        described["exams"] = described.pop("batch")
        return described
