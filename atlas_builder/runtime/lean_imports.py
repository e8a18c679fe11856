"""A large library imported without what it would drag along, for commands that last seconds."""

from __future__ import annotations

import sys


def import_nibabel() -> None:
    """Import nibabel without pydicom, which it loads for headers within NIfTI that nobody reads.

    That is half of nibabel's import. Commands call this first; in a program of somebody else's,
    whose nibabel should be whole, nothing does.
    """
    if "pydicom" in sys.modules or "nibabel" in sys.modules:
        return
    sys.modules["pydicom"] = None  # type: ignore[assignment] # to Python, one that is not there
    try:
        import nibabel  # noqa: F401, PLC0415
    finally:
        del sys.modules["pydicom"]
