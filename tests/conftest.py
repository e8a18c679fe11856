"""Settings of every test: one thread a process, no windows, and examples that repeat."""

import os
import tempfile

from hypothesis import settings

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
