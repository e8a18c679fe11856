"""Which software made a result."""

from __future__ import annotations

from importlib.metadata import version
from platform import python_version

from atlas_builder import __version__

REGISTRATION_PACKAGES = ("antspyx", "numpy", "scipy")
"""On these the pixels of a registered image depend."""

COHORT_PACKAGES = (*REGISTRATION_PACKAGES, "nibabel")
"""On these depends what is made of a cohort's images by registration."""


def software_versions(*packages: str) -> dict[str, str]:
    """Return the version of this software and of packages that a result depends on.

    Parameters
    ----------
    *packages : str
        Names by which they were installed.

    Returns
    -------
    dict of str to str
        By name: this software first, then the packages in their order.

    Raises
    ------
    importlib.metadata.PackageNotFoundError
        One is not installed.
    """
    return {"aspects-atlas": __version__, **{package: version(package) for package in packages}}


def versions_of_scan_result() -> dict[str, str]:
    """Return the versions that a single scan's map or score names, Python's last.

    Returns
    -------
    dict of str to str
        By name.
    """
    return {**software_versions(*REGISTRATION_PACKAGES), "Python": python_version()}
