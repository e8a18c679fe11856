"""Make the standard head that scans are aligned with; the same bytes for the same arguments.

    python scripts/authoring/make_standard_head.py --kept FOLDER

Simulates the subjects that the folder does not hold yet, a few seconds each. Some are averaged; to
the others, of another seed, the correction for the residuals of the alignment is fitted.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from standard_head_making.correction import learn_correction
from standard_head_making.head import make_standard_head

from atlas_builder.runtime.progress import console_progress
from slice_localizer.alignment.standard_head import FILE, read_standard_head, write_standard_head
from slice_localizer.training.subjects import keep_subjects


def main() -> None:
    """Parse, make, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kept", type=Path, required=True, help="folder of simulated subjects")
    parser.add_argument("--persons", type=int, default=96, help="to average")
    parser.add_argument("--seed", type=int, default=2024, help="of those")
    parser.add_argument("--learnt-from", type=int, default=300, help="other subjects")
    parser.add_argument("--learnt-seed", type=int, default=2026, help="of those")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path, default=FILE)
    given = parser.parse_args()
    if given.seed == given.learnt_seed:
        parser.error("--seed and --learnt-seed must differ: others are to be learnt from")
    with console_progress() as progress:
        averaged, others = (
            keep_subjects(given.kept, count, seed, jobs=given.jobs, progress=progress)
            for count, seed in (
                (given.persons, given.seed),
                (given.learnt_from, given.learnt_seed),
            )
        )
        head = make_standard_head(averaged, progress)
        with TemporaryDirectory() as folder:  # what is learnt is learnt with the head as stored
            stored = Path(folder) / given.out.name
            write_standard_head(stored, head)
            head = read_standard_head(stored)
        head = learn_correction(head, others, jobs=given.jobs, progress=progress)
    provenance = {
        **head.provenance,
        "seed": given.seed,
        "learnt_from": given.learnt_from,
        "learnt_seed": given.learnt_seed,
    }
    write_standard_head(given.out, replace(head, provenance=provenance))


if __name__ == "__main__":
    main()
