"""The regions on every slice of a scan."""
