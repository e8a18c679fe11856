"""Build an atlas of all but one of the published ASPECTS-281 atlases and map it onto that one.

Usage: python scripts/benchmarks/leave_one_out.py FOLDER [--out OUT] [--jobs 2]

FOLDER holds the published files, such as ``subcortical_image_50_69.nii.gz``. Four averaged brains
of four age groups are taken as four participants. Printed is the mean Dice similarity coefficient
over the ten regions for each choice, and over the four. With --out, the atlases are kept, and one
of all four is built as well.
"""

import argparse
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from atlas_builder.catalogue.atlas import read_atlas
from atlas_builder.cohorts.labelled_scans import read_labelled_slices, read_participants
from atlas_builder.construction.build import BuildSettings
from atlas_builder.core.anatomy import AGE_GROUPS, AgeGroup, Level
from atlas_builder.mapping.agreement import score_level
from atlas_builder.workflows.build import build_atlas

EVERY_AGE = AgeGroup(10, 89)
PUBLISHED_NAMES: dict[Level, str] = {"BGL": "subcortical", "SGL": "cortical"}


def write_cohort(published: Path, cohort: Path, groups: Iterable[AgeGroup]) -> Path:
    """Lay out published atlases as a cohort, one participant an age group."""
    cohort.mkdir(parents=True)
    rows = ["participant_id\tage"]
    for group in groups:
        name = f"sub-{group.first}"
        rows.append(f"{name}\t{(group.first + group.last) / 2:g}")
        folder = cohort / name
        folder.mkdir()
        for level, published_name in PUBLISHED_NAMES.items():
            stem = f"{name}_level-{level}"
            for kind, ending in (("image", "ct"), ("label", "rater-expert_labels")):
                source = published / f"{published_name}_{kind}_{group.stem}.nii.gz"
                shutil.copy(source, folder / f"{stem}_{ending}.nii.gz")
    (cohort / "participants.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return cohort


def score(atlas_folder: Path, cohort: Path) -> dict[str, float]:
    """Return each region's Dice coefficient on the only participant of a cohort."""
    atlas = read_atlas(atlas_folder)
    (participant,), _ = read_participants(cohort, EVERY_AGE, "build")
    scores: dict[str, float] = {}
    for level, drawn in read_labelled_slices(participant, "expert").items():
        agreement = score_level(atlas.levels[level], level, drawn)
        scores |= {region.name: dice for region, dice in agreement.dice.items()}
    return scores


def main() -> None:
    """Build and score every choice."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        out = arguments.out or Path(temporary) / "atlases"
        means = []
        for left_out in AGE_GROUPS:
            others = [group for group in AGE_GROUPS if group != left_out]
            work = Path(temporary) / left_out.stem
            cohort = write_cohort(arguments.folder, work / "others", others)
            target = write_cohort(arguments.folder, work / "one", [left_out])
            atlas = out / f"without_{left_out.stem}"
            build_atlas(cohort, atlas, BuildSettings(EVERY_AGE), jobs=arguments.jobs, restart=True)
            scores = score(atlas, target)
            means.append(np.mean(list(scores.values())))
            print(
                f"without {left_out}: mean {means[-1]:.3f}  "
                + "  ".join(f"{region} {value:.3f}" for region, value in scores.items()),
                flush=True,
            )
        print(f"mean of the four choices {np.mean(means):.3f}")
        if arguments.out:
            cohort = write_cohort(arguments.folder, Path(temporary) / "all", AGE_GROUPS)
            build_atlas(
                cohort, out / "all", BuildSettings(EVERY_AGE), jobs=arguments.jobs, restart=True
            )


if __name__ == "__main__":
    main()
