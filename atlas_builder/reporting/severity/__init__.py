"""The report of a cohort's scores and the severity of its strokes."""
