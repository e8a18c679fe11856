"""DWI-ASPECTS: a lesion's score and core, and the way to MNI space."""
