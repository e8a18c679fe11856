"""Work that is meant for processes, done in this very one: starting a process takes seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager, nullcontext
from types import ModuleType
from typing import Any

import pytest

from atlas_builder.runtime.workers import Workers


class _Here(Executor):
    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(function(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


HERE = Workers(_Here(), 1)


@contextmanager
def in_process(*modules: ModuleType) -> Iterator[None]:
    """Let what modules would start processes for be done here, for tests of other things."""
    with pytest.MonkeyPatch.context() as patch:
        for module in modules:
            patch.setattr(module, "open_workers", lambda *_: nullcontext(HERE))
        yield
