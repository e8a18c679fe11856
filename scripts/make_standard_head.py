"""Make the standard head that scans are aligned with; the same bytes for the same arguments.

    python scripts/make_standard_head.py --kept PERSONS

Simulates the persons that the folder does not hold yet, a few seconds each, then averages them.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from atlas_builder.progress import console_progress
from slice_localizer.making_standard_head import make_standard_head
from slice_localizer.persons import keep_persons
from slice_localizer.standard_head import FILE, write_standard_head


def main() -> None:
    """Parse, make, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kept", type=Path, required=True, help="folder of simulated persons")
    parser.add_argument("--persons", type=int, default=96)
    parser.add_argument("--seed", type=int, default=2024)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path, default=FILE)
    given = parser.parse_args()
    with console_progress() as progress:
        paths = keep_persons(
            given.kept, given.persons, given.seed, jobs=given.jobs, progress=progress
        )
        head = make_standard_head(paths, progress)
    head = replace(head, provenance={**head.provenance, "seed": given.seed})
    write_standard_head(given.out, head)


if __name__ == "__main__":
    main()
