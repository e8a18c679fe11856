"""Build the simulated atlases that ship, one an age group, into atlases/simulated.

Usage: python scripts/authoring/make_simulated_atlases.py [--subjects 24]
    [--seed 1] [--jobs 2] [--work DIR]

Simulates a cohort for each of the four age groups and builds its atlas. What is kept of an atlas
folder are the images, the regions, their probabilities and a description without times, so that the
same command writes the same bytes again. Cohorts stay in the work folder: an interrupted run goes
on, and a second one only checks.
"""

import argparse
import shutil
from pathlib import Path

from atlas_builder.catalogue.atlas import image_name, read_metadata, write_metadata
from atlas_builder.construction.build import BuildSettings
from atlas_builder.core.anatomy import AGE_GROUPS, LEVELS, AgeGroup
from atlas_builder.runtime.progress import console_progress
from atlas_builder.workflows.build import build_atlas
from atlas_builder.workflows.simulate import CohortPlan, simulate_cohort

SHIPPED = Path(__file__).resolve().parents[2] / "atlases" / "simulated"
KINDS = ("image", "label", "probseg")


def make_atlas(group: AgeGroup, arguments: argparse.Namespace) -> None:
    """Simulate a cohort, build its atlas and keep what ships."""
    cohort = arguments.work / f"cohort_{group.stem}"
    built = arguments.work / f"atlas_{group.stem}"
    plan = CohortPlan((group,), arguments.subjects, arguments.seed)
    with console_progress() as progress:
        simulate_cohort(cohort, plan, jobs=arguments.jobs, progress=progress)
        settings = BuildSettings(group, seed=arguments.seed)
        build_atlas(cohort, built, settings, jobs=arguments.jobs, progress=progress)
    out = arguments.out / str(group)
    out.mkdir(parents=True, exist_ok=True)
    files = [out / image_name(level, kind, group) for level in LEVELS for kind in KINDS]
    for path in files:
        shutil.copyfile(built / path.name, path)
    metadata = read_metadata(built)
    assert metadata is not None
    inputs = metadata["inputs"]
    assert isinstance(inputs, dict)
    kept = {
        name: metadata[name] for name in ("age_group", "participants", "left_out", "iterations")
    }
    description = {
        "name": "simulated",
        "simulated": True,
        "command": "python scripts/authoring/make_simulated_atlases.py "
        f"--subjects {arguments.subjects} "
        f"--seed {arguments.seed}",
        "cohort": plan.describe(),
        "inputs": {name: inputs[name] for name in ("settings", "versions")},
    }
    write_metadata(out, kept | description, files)
    print(f"{group}: {len(kept['participants'])} participants in {out}")


def main() -> None:
    """Read the arguments and make every age group's atlas."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subjects", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--work", type=Path, default=Path("simulated-atlases"))
    parser.add_argument("--out", type=Path, default=SHIPPED)
    arguments = parser.parse_args()
    for group in AGE_GROUPS:
        make_atlas(group, arguments)


if __name__ == "__main__":
    main()
