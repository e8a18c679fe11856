"""The networks that ship, by name."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent / "shipped"

LOCALIZER = _FOLDER / "aspectslocnet.onnx"
"""ASPECTSLoc-Net, which finds the key slices of a head CT."""

INFARCT_SEGMENTER = _FOLDER / "infarct-unet.onnx"
"""The U-Net that finds the acute infarct on diffusion MR."""
