"""Every flag is raised by what it is for, and by nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from atlas_builder.catalogue.atlas import Atlas
from atlas_builder.core.anatomy import Region
from atlas_builder.core.flags import Flag
from atlas_builder.core.scan import Slice
from atlas_builder.mapping.pipeline import map_regions
from atlas_builder.mapping.quality import find_flags, midline_shift
from atlas_builder.mapping.region_map import LevelMap, RegionMap, RegionMeasure


@pytest.fixture
def flags_of(region_map: RegionMap, atlas: Atlas):
    def flags(
        bgl: LevelMap | None = None,
        sgl: LevelMap | None = None,
        measures: tuple[RegionMeasure, ...] | None = None,
        age: float | None = 60,
    ) -> tuple[Flag, ...]:
        levels = (bgl or region_map.levels[0], sgl or region_map.levels[1])
        return find_flags(levels, measures or region_map.measures, atlas, age)

    return flags


def codes(flags: tuple[Flag, ...]) -> list[tuple[str, str | None]]:
    return [(flag.code, flag.level) for flag in flags]


def test_a_good_map_has_none(flags_of) -> None:
    assert flags_of() == ()


def test_age(flags_of) -> None:
    assert codes(flags_of(age=None)) == [("age-unknown", None)]
    assert codes(flags_of(age=70)) == [("age-outside-group", None)]
    assert codes(flags_of(age=69.9)) == []


@pytest.mark.parametrize("distance", [8.0, 33.0])
def test_key_slices_too_near_or_too_far(flags_of, region_map, distance) -> None:
    bgl, sgl = region_map.levels
    affine = bgl.slice.affine.copy()
    affine[2, 3] += distance
    (flag,) = flags_of(sgl=replace(sgl, slice=Slice(sgl.slice.data, affine)))
    assert flag.code == "key-slices-doubtful"
    assert f"{distance:.1f} mm" in flag.reason


def test_a_slice_of_the_other_level(drawn, atlas) -> None:
    """Slice 1 shows the BGL once more, 10 mm higher."""
    region_map = map_regions(drawn.scan, atlas, 0, 1, age=60)
    found = {(flag.code, flag.level): flag.reason for flag in region_map.flags}
    assert "slice 1 looks more like the BGL" in found["key-slices-doubtful", "SGL"]
    assert "10.0 mm" in found["key-slices-doubtful", None]


def test_midlines_of_different_angles(flags_of, region_map) -> None:
    bgl = region_map.levels[0]
    alignment = replace(bgl.key.alignment, angle=bgl.key.alignment.angle - 6.0)
    found = flags_of(bgl=replace(bgl, key=replace(bgl.key, alignment=alignment)))
    assert codes(found) == [("midlines-disagree", None)]


def test_a_head_turned_far_and_an_asymmetric_one(flags_of, region_map) -> None:
    def changed(level_map: LevelMap, **values: float) -> LevelMap:
        alignment = replace(level_map.key.alignment, **values)
        return replace(level_map, key=replace(level_map.key, alignment=alignment))

    bgl, sgl = region_map.levels
    turned = flags_of(bgl=changed(bgl, angle=24.0), sgl=changed(sgl, angle=24.0))
    assert codes(turned) == [("rotated-head", "BGL"), ("rotated-head", "SGL")]
    assert codes(flags_of(sgl=changed(sgl, asymmetry=0.7))) == [("large-asymmetry", "SGL")]


def test_a_mask_that_lacks_a_part_or_is_far_too_small(flags_of, region_map) -> None:
    bgl = region_map.levels[0]
    half = bgl.key.brain.copy()
    half[300:] = False
    (flag,) = flags_of(bgl=replace(bgl, key=replace(bgl.key, brain=half)))
    assert (flag.code, flag.level) == ("brain-mask-implausible", "BGL")
    assert "right half" in flag.reason
    image = np.ones_like(bgl.atlas.image)
    larger = replace(bgl, atlas=replace(bgl.atlas, image=image))
    assert ("brain-mask-implausible", "BGL") in codes(flags_of(bgl=larger))


@pytest.mark.parametrize(
    ("step", "flagged"), [(1.0, False), (2.0, False), (8.0, True), (18.0, True)]
)
def test_values_in_wide_steps(flags_of, region_map, step: float, flagged: bool) -> None:
    bgl = region_map.levels[0]
    noise = np.random.default_rng(2).normal(0, 12, bgl.slice.data.shape)
    stored = (step * np.rint((bgl.slice.data + noise) / step)).astype(np.float32)
    found = flags_of(bgl=replace(bgl, slice=Slice(stored, bgl.slice.affine)))
    assert (("coarse-values", "BGL") in codes(found)) == flagged


def test_a_head_at_the_edge_of_the_picture(flags_of, region_map) -> None:
    bgl = region_map.levels[0]
    columns = np.flatnonzero(bgl.brain.any(axis=1))
    first = columns[0] + 12
    cut = replace(
        bgl,
        slice=Slice(bgl.slice.data[first:], bgl.slice.affine),
        brain=bgl.brain[first:],
        regions=bgl.regions[first:],
    )
    assert codes(flags_of(bgl=cut)) == [("cut-off", "BGL")]
    padded = bgl.slice.data.copy()
    padded[:first] = -3024
    inside = bgl.brain.copy()
    inside[:first] = False
    cut = replace(bgl, slice=Slice(padded, bgl.slice.affine), brain=inside)
    assert codes(flags_of(bgl=cut)) == [("cut-off", "BGL")]


def test_a_stripped_brain_in_padding_is_not_cut_off(flags_of, region_map) -> None:
    bgl = region_map.levels[0]
    stripped = np.where(bgl.brain, bgl.slice.data, -2000).astype(np.float32)
    assert flags_of(bgl=replace(bgl, slice=Slice(stripped, bgl.slice.affine))) == ()


@pytest.mark.parametrize(("shift", "side"), [(8.0, "left"), (-7.0, "right")])
def test_a_bent_midline(flags_of, region_map, shift, side) -> None:
    sgl = region_map.levels[1]
    affine = sgl.transform.affine.copy()
    affine[0, 2] += shift
    bent = replace(sgl, transform=replace(sgl.transform, affine=affine))
    assert midline_shift(bent) == pytest.approx(shift, abs=2.0)
    (flag,) = flags_of(sgl=bent)
    assert (flag.code, flag.level) == ("midline-shift", "SGL")
    assert f"to the {side}" in flag.reason


def test_fit_and_confidence(flags_of, region_map) -> None:
    assert codes(flags_of(bgl=replace(region_map.levels[0], fit=0.4))) == [("poor-fit", "BGL")]
    doubtful = [
        replace(m, confidence=0.3) if (m.region, m.side) == (Region.M4, "right") else m
        for m in region_map.measures
    ]
    (flag,) = flags_of(measures=tuple(doubtful))
    assert (flag.code, flag.level) == ("low-confidence", "SGL")
    assert "right M4" in flag.reason


def test_a_region_that_is_hardly_there(flags_of, region_map) -> None:
    small = [
        replace(m, area_mm2=0.0) if (m.region, m.side) == (Region.M2, "left") else m
        for m in region_map.measures
    ]
    (flag,) = flags_of(measures=tuple(small))
    assert (flag.code, flag.level) == ("region-incomplete", "BGL")
    assert "left M2" in flag.reason


def test_many_dark_regions(flags_of, region_map) -> None:
    dark = [
        replace(m, stands_out=m.side == "right" and m.region <= Region.M2)
        for m in region_map.measures
    ]
    (flag,) = flags_of(measures=tuple(dark))
    assert flag.code == "large-lesion"
    assert "6 of 10 regions are darker on the right" in flag.reason
