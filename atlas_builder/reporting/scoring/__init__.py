"""The pictures and the report of a scored lesion."""
