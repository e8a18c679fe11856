"""The residual networks of torchvision, of which nothing else is used.

Importing torchvision as a whole costs more than importing torch, and fails where its compiled
operators do not load: its wheels are built against one build of torch, and beside another (a
CPU-only torch, say) they do not. Its residual networks need neither; so that module alone is
imported, from a bare package that is gone afterwards.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any

_PACKAGES = ("torchvision", "torchvision.models")


def load_resnets() -> Any:
    """Return `torchvision.models.resnet`.

    A torchvision that is imported already is used as it is, and one that is imported later is not
    affected.

    Raises
    ------
    ModuleNotFoundError
        torchvision is not installed.
    """
    name = f"{_PACKAGES[-1]}.resnet"
    if name in sys.modules:
        return sys.modules[name]
    if _PACKAGES[0] in sys.modules:
        return importlib.import_module(name)
    spec = importlib.util.find_spec(_PACKAGES[0])
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError("torchvision is not installed", name="torchvision")
    root = spec.submodule_search_locations[0]
    try:
        for package in _PACKAGES:
            bare = ModuleType(package)
            bare.__path__ = ["/".join([root, *package.split(".")[1:]])]
            sys.modules[package] = bare
        return importlib.import_module(name)
    finally:
        for loaded in [n for n in sys.modules if n.partition(".")[0] == _PACKAGES[0]]:
            del sys.modules[loaded]
