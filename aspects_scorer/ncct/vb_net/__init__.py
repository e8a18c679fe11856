"""VB-Net: the twenty regions on every slice of a non-contrast CT, without an atlas."""
