"""The house is in order: folders stay small, and help answers without loading anything slow."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("aspects_scorer", "atlas_builder", "head_phantom", "slice_localizer")
MOST_MODULES = 20


def test_no_folder_holds_more_than_twenty_modules():
    folders = Counter(
        path.parent
        for top in (*PACKAGES, "scripts")
        for path in (ROOT / top).rglob("*.py")
        if path.name != "__init__.py"
    )
    assert {str(f): n for f, n in folders.items() if n > MOST_MODULES} == {}


def test_every_folder_says_what_it_holds():
    for package in PACKAGES:
        for init in (ROOT / package).rglob("__init__.py"):
            assert init.read_text("utf-8").startswith('"""'), init


def test_help_loads_no_library_that_computes():
    code = (
        "import sys\n"
        "from atlas_builder.cli import main_group\n"
        "try:\n    main_group.main(['--help'], standalone_mode=False)\n"
        "except SystemExit:\n    pass\n"
        "slow = {'numpy', 'scipy', 'nibabel', 'pydicom', 'matplotlib', 'ants', 'torch'}\n"
        "assert not slow & set(sys.modules), slow & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_building_an_atlas_does_not_load_torch():
    code = (
        "import sys\n"
        "import atlas_builder.workflows.build, atlas_builder.workflows.map\n"
        "import atlas_builder.workflows.validate, atlas_builder.workflows.score\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
