"""What ASPECTS and core volume say of a stroke's severity: Wei et al.'s analysis of a cohort."""
