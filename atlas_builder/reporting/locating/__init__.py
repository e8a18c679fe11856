"""The picture of located key slices."""
