"""Regions on all slices of two real strokes, beside those that radiologists drew in 3-D."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from atlas_builder.catalogue.entries import CACHE_VARIABLE, load_atlas, read_catalogue
from atlas_builder.catalogue.fetching import install_atlas
from atlas_builder.core.anatomy import SIDES, Region, map_value
from atlas_builder.io.source import open_scan
from atlas_builder.mapping.pipeline import map_regions
from atlas_builder.metrics.overlap import dice
from slice_localizer.locating import locate_slices
from slice_localizer.whole_head.whole_map import map_all_slices


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sub-002", "sub-005"])
def test_regions_lie_where_another_laboratory_draws_them(
    data: Path, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their definition differs: M1-M3 and M4-M6 span 20 to 30 mm of height there."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    install_atlas(read_catalogue()["aspects-281"], data / "aspects-281")
    folder = data / "ct-aspects" / name
    with open_scan(folder / f"{name}_desc-aligned_ct.nii.gz") as source:
        scan = source.read()
    with open_scan(folder / f"{name}_desc-aligned_regions_labels.nii.gz") as source:
        drawn = np.rint(source.read().data).astype(np.uint8)
    located = locate_slices(scan)
    region_map = map_regions(
        scan, load_atlas("aspects-281", 70), located.bgl_slice, located.sgl_slice
    )
    whole = map_all_slices(scan, region_map, located.alignment).labels
    key = {level_map.level: level_map.index for level_map in region_map.levels}
    on_key, everywhere, shared = [], [], []
    for region in Region:
        for side in SIDES:
            ours, theirs = (labels == map_value(region, side) for labels in (whole, drawn))
            index, slices = key[region.level], theirs.any(axis=(0, 1))
            on_key.append(dice(ours[:, :, index], theirs[:, :, index]))
            everywhere.append(dice(ours, theirs))
            shared.append(dice(ours[:, :, slices], theirs[:, :, slices]))
            opposite = drawn == map_value(region, "left" if side == "right" else "right")
            assert not (ours & opposite).any()
    assert np.mean(on_key) > 0.74
    assert np.mean(everywhere) > 0.58
    assert np.mean(shared) > 0.66
