"""Drawing the twenty ASPECTS regions in MNI space."""
