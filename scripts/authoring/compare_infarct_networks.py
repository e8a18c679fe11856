"""Train the four networks that Deep-ASPECTS compares equally, for as long as there is time for.

Usage: python scripts/authoring/compare_infarct_networks.py HEADS --out DIR [--steps 250]

HEADS is the folder ``heads`` of a ``train-deep-aspects``. U-Net, UNet++ and LinkNet have the same
EfficientNet-B0 encoder; the transformer U-Net is UNETR. The same slices in the same order, the same
loss and optimizer; DIR/networks.tsv gets, over the validation heads: Dice overlap, sensitivity,
specificity, Dice by volume, parameters in millions and seconds a head on one thread.
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from monai.networks.nets.unetr import UNETR
from torch import Tensor, nn
from torch.nn import functional

from aspects_scorer.ncct.da_net.standard_view import STEP_MM
from aspects_scorer.ncct.deep_aspects.network import INFARCT
from aspects_scorer.ncct.deep_aspects.slices import CHANNELS, FRAME, unframed
from aspects_scorer.ncct.deep_aspects.training.cases import read_case
from aspects_scorer.ncct.deep_aspects.training.examples import plain_slices, truth_of
from aspects_scorer.ncct.deep_aspects.training.network import DECODER, build_network
from aspects_scorer.ncct.deep_aspects.training.recipe import Settings, SliceRecipe
from atlas_builder.networks.training.loop import train
from atlas_builder.runtime.tsv import write_tsv

VALIDATED = 10
VOLUMES_ML = ((0, 3), (3, 16), (16, 66), (66, np.inf))
ENCODER_FEATURES = (16, 24, 40, 112, 320)  # of EfficientNet-B0, at a half to a 32nd of the size
COLUMNS = ["network", "dice", "sensitivity", "specificity"]
COLUMNS += ["dice_below_3_ml", "dice_3_16_ml", "dice_16_66_ml", "dice_above_66_ml"]
COLUMNS += ["parameters_m", "seconds_a_head", "steps"]


def convolutions(given: int, wanted: int) -> nn.Sequential:
    """Return two convolutions with batch norm and ReLU."""
    layers: list[nn.Module] = []
    for features in (given, wanted):
        layers += [nn.Conv2d(features, wanted, 3, padding=1, bias=False)]
        layers += [nn.BatchNorm2d(wanted), nn.ReLU()]
    return nn.Sequential(*layers)


def doubled(image: Tensor) -> Tensor:
    """Return an image of twice the size."""
    return functional.interpolate(image, scale_factor=2.0, mode="nearest")


class UNetPlusPlus(nn.Module):
    """Nested decoder: each node sees all earlier ones of its level and the one below."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = build_network(INFARCT).encoder
        features = DECODER[::-1][1:]  # of the nodes, from a half of the size on
        self.nodes = nn.ModuleDict()
        depth = len(ENCODER_FEATURES)
        for column in range(1, depth):
            for level in range(depth - column):
                below = ENCODER_FEATURES[level + 1] if column == 1 else features[level + 1]
                given = below + ENCODER_FEATURES[level] + (column - 1) * features[level]
                self.nodes[f"{level}-{column}"] = convolutions(given, features[level])
        self.last = nn.Sequential(
            convolutions(features[0], DECODER[-1]), nn.Conv2d(DECODER[-1], 1, 3, padding=1)
        )

    def forward(self, slices: Tensor) -> Tensor:
        """Return logits."""
        rows = [[feature] for feature in self.encoder(slices)]
        for column in range(1, len(rows)):
            for level in range(len(rows) - column):
                seen = torch.cat([*rows[level], doubled(rows[level + 1][column - 1])], dim=1)
                rows[level].append(self.nodes[f"{level}-{column}"](seen))
        logits: Tensor = self.last(doubled(rows[0][-1]))
        return logits


class LinkNet(nn.Module):
    """Decoder blocks whose outputs the encoder's features are added to."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = build_network(INFARCT).encoder
        wanted = (*ENCODER_FEATURES[-2::-1], 32)
        self.blocks = nn.ModuleList(
            self._block(given, out)
            for given, out in zip(ENCODER_FEATURES[::-1], wanted, strict=True)
        )
        self.last = nn.Conv2d(32, 1, 3, padding=1)

    @staticmethod
    def _block(given: int, out: int) -> nn.Sequential:
        narrow = given // 4
        return nn.Sequential(
            nn.Conv2d(given, narrow, 1, bias=False),
            nn.BatchNorm2d(narrow),
            nn.ReLU(),
            nn.ConvTranspose2d(narrow, narrow, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(narrow),
            nn.ReLU(),
            nn.Conv2d(narrow, out, 1, bias=False),
            nn.BatchNorm2d(out),
            nn.ReLU(),
        )

    def forward(self, slices: Tensor) -> Tensor:
        """Return logits."""
        features = self.encoder(slices)
        image = features[-1]
        for block, skipped in zip(self.blocks, [*features[-2::-1], None], strict=True):
            image = block(image)
            image = image if skipped is None else image + skipped
        logits: Tensor = self.last(image)
        return logits


def build_unetr() -> nn.Module:
    """Return a transformer U-Net whose size is about that of the others."""
    return UNETR(
        in_channels=CHANNELS,
        out_channels=1,
        img_size=FRAME,
        feature_size=16,
        hidden_size=192,
        mlp_dim=768,
        num_heads=6,
        spatial_dims=2,
    )


NETWORKS = {
    "U-Net": lambda: build_network(INFARCT),
    "UNet++": UNetPlusPlus,
    "LinkNet": LinkNet,
    "transformer U-Net": build_unetr,
}


@dataclass(frozen=True)
class ComparedRecipe(SliceRecipe):
    """The recipe of Deep-ASPECTS for another network."""

    name: str = "U-Net"

    def build(self) -> nn.Module:
        """Return the network of the name."""
        return NETWORKS[self.name]()


def main() -> None:
    """Train each, measure each, write a row a network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("heads", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=250)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cases = [read_case(path) for path in sorted(arguments.heads.glob("*.npz"))]
    validation = cases[VALIDATED // 2 :: VALIDATED]
    kept = {id(case) for case in validation}
    trained_on = [case for case in cases if id(case) not in kept]
    settings = Settings(seed=1, steps=arguments.steps, validate_every=arguments.steps)
    rows = []
    for name in NETWORKS:
        recipe = ComparedRecipe(INFARCT, trained_on, validation, settings, name=name)
        folder = arguments.out / name.replace(" ", "-").lower()
        network = train(recipe, folder, device=torch.device("cpu")).network
        rows.append([name, *measure(network, validation), str(arguments.steps)])
        print(*rows[-1], flush=True)
        write_tsv(arguments.out / "networks.tsv", COLUMNS, rows)


def measure(network: nn.Module, validation: list) -> list[str]:
    """Return the cells of a network's row."""
    found = []
    started = time.process_time()
    for case in validation:
        with torch.inference_mode():
            logits = network(torch.from_numpy(plain_slices(case)))[:, 0].numpy()
        ours = np.moveaxis(unframed(logits), 0, 2) > 0
        true = truth_of(case, INFARCT) > 0
        both, size = float((ours & true).sum()), float(true.sum())
        found.append(
            (
                size * float(np.prod(STEP_MM)) / 1000,
                2 * both / (size + float(ours.sum())) if size else np.nan,
                both / size if size else np.nan,
                1 - float((ours & ~true).sum()) / float((~true).sum()),
            )
        )
    seconds = (time.process_time() - started) / len(validation)
    ml, dice, sensitivity, specificity = np.array(found).T
    by_volume = [dice[(ml > low) & (ml <= high)] for low, high in VOLUMES_ML]
    values = [np.nanmean(dice), np.nanmean(sensitivity), np.nanmean(specificity[ml > 0])]
    values += [part.mean() if part.size else np.nan for part in by_volume]
    parameters = sum(p.numel() for p in network.parameters()) / 1e6
    return [*(f"{value:.3f}" for value in values), f"{parameters:.1f}", f"{seconds:.2f}"]


if __name__ == "__main__":
    main()
