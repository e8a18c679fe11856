"""Real data for the tests in this folder, which skip where it is absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of `$ASPECTS_ATLAS_TEST_DATA`, else `../shared/data` from the project's root."""
    beside = Path(__file__).parents[2].parent / "shared" / "data"
    folder = Path(os.environ.get("ASPECTS_ATLAS_TEST_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no test data in {folder}; set ASPECTS_ATLAS_TEST_DATA")
    return folder
