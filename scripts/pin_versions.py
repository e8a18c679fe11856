"""Write constraints.txt: the newest versions that satisfy pyproject.toml, for each Python given.

Usage: python scripts/pin_versions.py python3.10 python3.11 python3.12 python3.13

Each Python resolves the project with its dev extra on its own. Where they differ, a pin carries a
marker. Run it on Linux: no pin is for another system alone.
"""

import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEADER = """\
# The version of every package that scripts/run and scripts/test install, direct or not.
# Written by scripts/pin_versions.py: change pyproject.toml, run that, then the tests.
"""

Minor = tuple[int, int]


def resolve(python: str) -> tuple[Minor, dict[str, str]]:
    """Return the interpreter's minor version and the version pip chooses for each package."""
    command = [python, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet"]
    targets = ["pip", "setuptools", f"{ROOT}[dev]"]
    output = subprocess.run(
        [*command, "--report", "-", *targets], check=True, stdout=subprocess.PIPE
    ).stdout
    report = json.loads(output)
    major, minor = report["environment"]["python_version"].split(".")
    packages = (item["metadata"] for item in report["install"])
    # A local build ("+cpu") is not to be had everywhere; a pin without it takes that build, too.
    versions = {
        re.sub(r"[-_.]+", "-", p["name"]).lower(): p["version"].partition("+")[0] for p in packages
    }
    del versions["aspects-atlas"]
    return (int(major), int(minor)), versions


def pins(package: str, versions: dict[Minor, str]) -> list[str]:
    """Return one package's lines, with a marker where its version depends on the Python."""
    pythons = sorted(versions)
    starts = [
        python
        for before, python in zip([None, *pythons], pythons, strict=False)
        if before is None or versions[before] != versions[python]
    ]
    lines = []
    for start, end in zip(starts, [*starts[1:], None], strict=True):
        bounds = []
        if start != pythons[0]:
            bounds.append(f'python_version >= "{start[0]}.{start[1]}"')
        if end is not None:
            bounds.append(f'python_version < "{end[0]}.{end[1]}"')
        marker = f" ; {' and '.join(bounds)}" if bounds else ""
        lines.append(f"{package}=={versions[start]}{marker}")
    return lines


def main() -> None:
    """Resolve on every Python named on the command line and write the file."""
    chosen: dict[str, dict[Minor, str]] = defaultdict(dict)
    for python in sys.argv[1:]:
        minor, versions = resolve(python)
        for package, version in versions.items():
            chosen[package][minor] = version
    if not chosen:
        sys.exit(__doc__)
    lines = [line for package in sorted(chosen) for line in pins(package, chosen[package])]
    (ROOT / "constraints.txt").write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
