"""Three radiomic features of a region against the other side, and a support vector machine."""
