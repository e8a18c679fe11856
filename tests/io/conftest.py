"""Images of a field that is known at every position."""

from made_scans import ct_folder, made

__all__ = ["ct_folder", "made"]
