"""Which software made a map."""

from __future__ import annotations

from importlib.metadata import version
from platform import python_version

from atlas_builder import __version__

_PACKAGES = ("antspyx", "numpy", "scipy")  # on these a map's pixels depend


def software_versions() -> dict[str, str]:
    """Return the versions of this software and of what a map depends on, by name."""
    return {
        "aspects-atlas": __version__,
        **{package: version(package) for package in _PACKAGES},
        "Python": python_version(),
    }
