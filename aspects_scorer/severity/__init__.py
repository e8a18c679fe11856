"""ASPECTS and core volume as markers of a stroke's severity: Wei et al.'s analysis of a cohort."""
