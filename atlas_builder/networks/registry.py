"""The networks that ship, by name."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent / "shipped"

LOCALIZER = _FOLDER / "aspectslocnet.onnx"
"""ASPECTSLoc-Net, which finds the key slices of a head CT."""

INFARCT_SEGMENTER = _FOLDER / "infarct-unet.onnx"
"""The U-Net that finds the acute infarct on diffusion MR."""

REGION_LOCATOR = _FOLDER / "region-locator.onnx"
"""The coarse network of the VB-Net cascade, which finds where the regions lie on a head CT."""

REGION_SEGMENTER = _FOLDER / "region-segmenter.onnx"
"""The fine network of the VB-Net cascade, which tells the twenty regions apart."""

DA_NET = {group: _FOLDER / f"da-net-{group}.onnx" for group in ("cortical", "deep")}
"""DA-Net, which compares regions with their mirror images."""

DEEP_ASPECTS = {task: _FOLDER / f"deep-aspects-{task}.onnx" for task in ("infarct", "anatomy")}
"""Deep-ASPECTS, which draws the acute infarct and the regions on a head CT."""
