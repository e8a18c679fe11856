"""ASPECTS-281 on semi-real slices with known regions, and on a real head."""

from __future__ import annotations

import json
from concurrent.futures import Executor
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest

from atlas_builder.catalogue.entries import CACHE_VARIABLE, load_atlas, read_catalogue
from atlas_builder.catalogue.fetching import install_atlas
from atlas_builder.cohorts.labelled_scans import read_labelled_slices, read_participants
from atlas_builder.core.anatomy import AgeGroup, Region, map_value
from atlas_builder.core.scan import Scan
from atlas_builder.io.dicom.scans import read_dicom_scan
from atlas_builder.io.source import open_scan
from atlas_builder.mapping.agreement import score_level
from atlas_builder.mapping.pipeline import map_regions
from atlas_builder.metrics.overlap import dice
from atlas_builder.workflows.map import map_scan
from atlas_builder.workflows.map_processes import registration_processes

BGL, SGL = 16, 19  # chosen by looking: caudate heads and lentiform nuclei; bodies of the ventricles


@pytest.fixture(scope="module", autouse=True)
def aspects_281(data: Path, tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(CACHE_VARIABLE, str(tmp_path_factory.mktemp("cache")))
        install_atlas(read_catalogue()["aspects-281"], data / "aspects-281")
        yield


@pytest.fixture(scope="module")
def executor() -> Executor:
    with registration_processes() as processes:
        yield processes


def test_regions_of_a_semireal_participant_are_right_on_both_sides(data: Path) -> None:
    participants, _ = read_participants(data / "semireal/70_89", AgeGroup(70, 89), "validation")
    atlas = load_atlas("aspects-281", participants[0].age)
    dice: dict[Region, float] = {}
    for level, drawn in read_labelled_slices(participants[0], "expert").items():
        agreement = score_level(atlas.levels[level], level, drawn)
        assert agreement.wrong_side == 0
        dice |= agreement.dice
    assert len(dice) == 10
    assert np.mean(list(dice.values())) >= 0.965
    assert min(dice.values()) > 0.9


@pytest.fixture(scope="module")
def mapped(data: Path, executor: Executor, tmp_path_factory: pytest.TempPathFactory):
    out = tmp_path_factory.mktemp("ge") / "map"
    region_map = map_scan(data / "ge-head-ct", out, executor, age=72, bgl_slice=BGL, sgl_slice=SGL)
    return region_map, out


def test_the_real_head_is_mapped_with_the_reservations_it_deserves(mapped) -> None:
    region_map, out = mapped
    assert region_map.atlas_name == "aspects-281"
    assert {flag.code for flag in region_map.flags} >= {"gantry-tilt", "uneven-spacing"}
    assert not {flag.code for flag in region_map.flags} & {
        "brain-mask-implausible",
        "cut-off",
        "poor-fit",
        "key-slices-doubtful",
    }
    described = json.loads((out / "mapping.json").read_text())
    assert described["key_slice_distance_mm"] == pytest.approx(21.0, abs=0.01)
    for measure in region_map.measures:
        assert 20 < measure.mean_hu < 45
        assert measure.area_mm2 > 80


def test_sides_of_the_real_head_are_those_of_its_positions(mapped, data: Path) -> None:
    region_map, _ = mapped
    scan = read_dicom_scan(data / "ge-head-ct")
    for level_map in region_map.levels:
        for region in {m.region for m in region_map.measures if m.level == level_map.level}:
            left, right = (
                np.argwhere(level_map.regions == map_value(region, side)).mean(axis=0)
                for side in ("left", "right")
            )
            affine = scan.affines[level_map.index]
            # RAS+: x falls towards the patient's left.
            assert (affine @ [*left, 0, 1])[0] < (affine @ [*right, 0, 1])[0] - 10


def test_the_segmentation_lies_on_its_source(mapped, data: Path) -> None:
    region_map, out = mapped
    segmentation = highdicom.seg.segread(out / "regions.seg.dcm")
    sources = [pydicom.dcmread(p) for p in sorted((data / "ge-head-ct").glob("*.dcm"))]
    by_height = sorted(sources, key=lambda source: float(source.ImagePositionPatient[2]))
    for level_map in region_map.levels:
        source = by_height[level_map.index]
        stored = segmentation.get_pixels_by_source_instance([source.SOPInstanceUID])[0]
        total = np.count_nonzero(stored.any(axis=-1))
        assert total == np.count_nonzero(level_map.regions)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder", "slices"),
    [
        ("ge-head-ct", (BGL, SGL)),
        ("ct-aspects/sub-002/sub-002_ct.nii.gz", (16, 20)),
        ("real-ct/siemens-tilt/CT", (7, 9)),
        ("real-ct/toshiba-child", (39, 49)),
    ],
)
def test_other_roundings_of_a_header_give_the_same_regions(
    data: Path, executor: Executor, folder: str, slices: tuple[int, int]
) -> None:
    atlas = load_atlas("aspects-281", 65)
    with open_scan(data / folder) as source:
        scan = source.read()
    larger, turned = scan.affines.copy(), scan.affines.copy()
    larger[:, :3, :2] *= 1 + 1e-8
    noise = np.random.default_rng(0).uniform(-1e-5, 1e-5, (3, 2))
    turned[:, :3, :2] += noise * np.linalg.norm(turned[:, :3, :2], axis=1, keepdims=True)
    own, *others = (
        map_regions(Scan(scan.data, affines), atlas, *slices, executor=executor)
        for affines in (scan.affines, larger, turned)
    )
    for other in others:
        for one, again in zip(own.levels, other.levels, strict=True):
            for value in np.unique(one.regions[one.regions > 0]):
                assert dice(one.regions == value, again.regions == value) >= 0.99
