"""ASPECTSLoc-Net: finding the key slices of a head CT."""

from __future__ import annotations

from pathlib import Path

SHIPPED_WEIGHTS = Path(__file__).parent / "weights" / "aspectslocnet.safetensors"
"""The network that is asked unless another is given."""
