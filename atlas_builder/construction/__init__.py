"""From a cohort's labelled key slices to an atlas."""
