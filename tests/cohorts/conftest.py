"""Images of a known field, and a cohort whose raters' errors are known."""

from made_scans import made
from rated_cohort import writing

__all__ = ["made", "writing"]
