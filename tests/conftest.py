"""Settings of every test: one thread a process, no windows, and examples that repeat."""

import os
import tempfile

import pytest
from hypothesis import settings
from in_process import HERE

from atlas_builder.runtime.workers import Workers

# No test may find, or leave, anything in the user's cache.
_CACHE = tempfile.TemporaryDirectory(prefix="aspects-atlas-test-cache-")
# pytest's workers take the cores, and ANTs repeats its results only on one thread.
# Libraries read these when they are first imported.
os.environ.update(
    ASPECTS_ATLAS_CACHE=_CACHE.name,
    ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS="1",
    MKL_NUM_THREADS="1",
    MPLBACKEND="Agg",
    OMP_NUM_THREADS="1",
    OPENBLAS_NUM_THREADS="1",
)

settings.register_profile("ci", derandomize=True, deadline=None)
# New examples on each run: pytest --hypothesis-profile explore
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile("ci")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that hold slow tests, so that no worker is left with one at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    # A file's tests stay together, as they share what it sets up.
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def here() -> Workers:
    """Workers that are this very process."""
    return HERE
