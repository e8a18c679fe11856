"""How long finding the key slices of a scan takes, and the share of each stage.

    python scripts/benchmarks/bench_locate.py SCAN

Starts a new process each time, so that what has to be imported is counted; prints the median.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

_PROGRAM = "from atlas_builder.cli import locate_slices_main; locate_slices_main()"


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scan", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    totals: list[float] = []
    stages: dict[str, list[float]] = {}
    for _ in range(given.repeats):
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM, str(given.scan)],
            capture_output=True,
            text=True,
            check=True,
        )
        totals.append(time.perf_counter() - started)
        timings = json.loads(done.stdout)["timings_s"]
        timings["start and the rest"] = totals[-1] - sum(timings.values())
        for stage, seconds in timings.items():
            stages.setdefault(stage, []).append(seconds)
    total = median(totals)
    for stage, seconds in stages.items():
        print(f"{stage}\t{median(seconds):.2f} s\t{median(seconds) / total:.0%}")
    print(f"in all\t{total:.2f} s")


if __name__ == "__main__":
    main()
