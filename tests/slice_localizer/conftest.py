"""Heads of simple shapes, scans of known heights, and a cohort of them."""

from localizer_scans import at_once, person, sample_of, scan_of, scanned_cohort

__all__ = ["at_once", "person", "sample_of", "scan_of", "scanned_cohort"]
