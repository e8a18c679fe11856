"""Score a cohort of real strokes and print every figure of docs/severity.md.

Usage: python scripts/benchmarks/score_soop.py DATA [--out DIR] [--jobs N] [--nihss-column NAME]
    [--rule segmented]

DATA holds ``participants.tsv`` with the NIHSS and, in it or in the folders of it, the participants'
lesion masks in MNI152 space, such as those of the Stroke Outcome Optimization Project. Every mask
is scored anew, the scores are analysed as `score-aspects --lesions` does, and the tables are
printed with the seconds it took. Without --out, tables, figures and the report are not kept.
"""

import argparse
import resource
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from atlas_builder.commands.options import available_cores
from atlas_builder.core.aspects import LESION_RULES
from atlas_builder.runtime.progress import console_progress
from atlas_builder.runtime.resumption import read_record
from atlas_builder.workflows.score_cohort import RECORD, CohortSettings, score_cohort


def cpu_seconds() -> float:
    """Return the processor's seconds of this process and of its workers that have ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def score(data: Path, out: Path, jobs: int, settings: CohortSettings) -> None:
    """Score the cohort and print its tables, what follows from them, and the time."""
    started = time.monotonic()
    with console_progress() as progress:
        score_cohort(
            data,
            out,
            participants=data / "participants.tsv",
            settings=settings,
            jobs=jobs,
            restart=True,
            progress=progress,
        )
    seconds = time.monotonic() - started
    record = read_record(out / RECORD)
    for table in record["tables"]:
        print((out / "tables" / f"{table}.md").read_text("utf-8"))
    for line in record["findings"]:
        print(f"{line}\n")
    print(
        f"{record['scored']} masks scored and analysed in {seconds:.1f} s by {jobs} processes "
        f"({cpu_seconds():.1f} s of processor time), of which scoring {record['scoring_seconds']} s"
    )


def main() -> None:
    """Read the arguments, score, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--jobs", type=int, default=available_cores())
    parser.add_argument("--nihss-column")
    parser.add_argument("--rule", choices=list(LESION_RULES), default="segmented")
    arguments = parser.parse_args()
    settings = CohortSettings(
        rule=LESION_RULES[arguments.rule], nihss_column=arguments.nihss_column
    )
    if arguments.out is not None:
        score(arguments.data, arguments.out, arguments.jobs, settings)
        return
    with TemporaryDirectory(prefix="aspects-atlas-") as folder:
        score(arguments.data, Path(folder), arguments.jobs, settings)


if __name__ == "__main__":
    main()
