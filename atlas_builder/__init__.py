"""Age-specific ASPECTS atlases on non-contrast CT: build them, map them, validate them."""

__version__ = "0.1.0"
