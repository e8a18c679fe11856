"""The picture and the report of a region map."""
