"""Subjects simulated as those that network and standard head were made from, but none of those."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_once import made_once

from slice_localizer.training.subjects import keep_subjects

_SEED = 7070


@pytest.fixture(scope="session")
def subjects(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two, as `read_subject` reads them, made in two processes."""
    folder = made_once(
        tmp_path_factory, "subjects", lambda empty: keep_subjects(empty, 2, _SEED, jobs=2)
    )
    return keep_subjects(folder, 2, _SEED)
