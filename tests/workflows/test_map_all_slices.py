"""Regions on all slices, from a scan's file to the folder: what the files hold."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import highdicom
import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from atlas_builder.core.anatomy import AgeGroup, Region, map_value
from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Scan
from atlas_builder.io.dicom.writing import SeriesDescription, write_dicom_series
from atlas_builder.io.nifti.images import write_volume
from atlas_builder.io.source import open_scan
from atlas_builder.io.stacking import stack_affine
from atlas_builder.mapping.region_map import RegionMap
from atlas_builder.workflows import map_files as outputs
from atlas_builder.workflows.map import map_scan
from head_phantom.cohort.subject import Recipe, Subject, simulate_subject
from head_phantom.scanner.scanner import Acquired, acquire
from slice_localizer.whole_head import standard_plane

pytestmark = pytest.mark.slow

THICK = Recipe(78, AgeGroup(50, 69), 0, thickness_mm=5.0, matrix=192)


@dataclass(frozen=True)
class Mapped:
    """A map and its folder."""

    region_map: RegionMap
    folder: Path

    @property
    def described(self) -> dict:
        return json.loads((self.folder / "mapping.json").read_text())

    @property
    def codes(self) -> set[str]:
        return {flag["code"] for flag in self.described["quality_flags"]}

    def labels(self) -> NDArray[np.uint8]:
        """In the layout of a `Scan`."""
        with open_scan(self.folder / "regions.nii.gz") as source:
            return np.rint(source.read().data).astype(np.uint8)


def stored(scan: Scan, path: Path, axes: list[list[int]] | None = None) -> Path:
    affine, _ = stack_affine(scan.affines, (0, 1))
    write_volume(path, np.rint(scan.data).astype(np.int16), affine)
    if axes is not None:
        turned = nib.load(path).as_reoriented(np.array(axes))
        nib.save(turned, path)
    return path


def dice(found: NDArray[np.uint8], true: NDArray[np.uint8], values: list[int]) -> float:
    one, other = np.isin(found, values), np.isin(true, values)
    return 2 * np.count_nonzero(one & other) / (np.count_nonzero(one) + np.count_nonzero(other))


def of_regions(found: NDArray[np.uint8], true: NDArray[np.uint8]) -> dict[str, float]:
    """The Dice of each region, both sides; which level of the cortex it is counts less here."""
    return {
        f"{side} {region.name}": dice(found, true, [map_value(region, side)])
        for side in ("left", "right")
        for region in Region
    }


@pytest.fixture(scope="module")
def subject() -> Subject:
    return simulate_subject(THICK)


@pytest.fixture(scope="module")
def straight(subject: Subject) -> Acquired:
    level = replace(
        subject.acquisition, tilt_deg=0.0, straightened=False, descending=False, pitch_deg=0.0
    )
    return acquire(subject.anatomy, level, np.random.default_rng(1))


@pytest.fixture(scope="module")
def pitched(subject: Subject) -> Acquired:
    thin = replace(
        subject.acquisition,
        thickness_mm=2.0,
        spacing_mm=2.0,
        tilt_deg=0.0,
        straightened=False,
        descending=True,
        pitch_deg=15.0,
        start_mm=-60.0,
        beyond_vertex_mm=3.0,
        motion_mm=0.0,
    )
    return acquire(subject.anatomy, thin, np.random.default_rng(2))


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory, subject: Subject) -> Callable[..., Mapped]:
    def mapped(path: Path, **changes: object) -> Mapped:
        out = tmp_path_factory.mktemp("maps") / "map"
        arguments = {"age": subject.person.age, "atlas": "simulated", "all_slices": True} | changes
        with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as executor:
            patch.setattr(outputs, "_draw", lambda path, _: path.touch())
            found = map_scan(path, out, executor, **arguments)
        return Mapped(found, out)

    return mapped


@pytest.fixture(scope="module")
def whole(straight, mapped, tmp_path_factory) -> tuple[Path, Mapped]:
    path = stored(straight.scan, tmp_path_factory.mktemp("scan") / "ct.nii.gz")
    return path, mapped(path)


def test_every_slice_has_the_regions_that_it_shows(straight: Acquired, whole) -> None:
    path, found = whole
    labels = found.labels()
    scores = of_regions(labels, straight.regions)
    assert np.mean(list(scores.values())) > 0.7
    assert min(scores.values()) > 0.45, scores
    # The key slices are those of the map itself.
    for level_map in found.region_map.levels:
        np.testing.assert_array_equal(labels[:, :, level_map.index], level_map.regions)
    np.testing.assert_allclose(
        nib.load(found.folder / "regions.nii.gz").affine, nib.load(path).affine, atol=1e-4
    )
    assert np.count_nonzero(labels.any(axis=(0, 1))) > 10
    assert not found.codes & {"pitched-head", "reformatted-to-plane"}


def test_volumes_are_those_of_the_voxels(whole) -> None:
    _, found = whole
    image = nib.load(found.folder / "regions.nii.gz")
    voxel_ml = abs(np.linalg.det(image.affine[:3, :3])) / 1000
    counts = np.bincount(np.asarray(image.dataobj).ravel(), minlength=21)
    with (found.folder / "regions.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    described = found.described["volumes_ml"]
    for row in rows:
        value = map_value(Region[row["region"]], row["side"])
        assert float(row["volume_ml"]) == pytest.approx(counts[value] * voxel_ml, abs=0.02)
        assert described[row["side"]][row["region"]] == float(row["volume_ml"])
    report = (found.folder / "report.html").read_text()
    assert "Volume (mL)" in report
    assert f">{described['right']['M5']:.1f}<" in report


def test_the_order_of_the_file_s_axes_changes_nothing(straight, whole, mapped, tmp_path) -> None:
    turned = stored(straight.scan, tmp_path / "ct.nii.gz", [[2, 1], [0, -1], [1, -1]])
    other = mapped(turned)
    image = nib.load(other.folder / "regions.nii.gz")
    assert image.shape == nib.load(turned).shape
    # By place in the patient, not by index.
    one = nib.as_closest_canonical(nib.load(whole[1].folder / "regions.nii.gz"))
    again = nib.as_closest_canonical(image)
    np.testing.assert_allclose(again.affine, one.affine, atol=1e-3)
    ours, theirs = np.asarray(one.dataobj), np.asarray(again.dataobj)
    assert np.count_nonzero(ours != theirs) < 0.01 * np.count_nonzero(ours)


def test_slices_given_by_number_are_mapped_as_well(whole, mapped) -> None:
    path, found = whole
    bgl, sgl = (level_map.index for level_map in found.region_map.levels)
    given = mapped(path, bgl_slice=bgl, sgl_slice=sgl)
    np.testing.assert_array_equal(given.labels(), found.labels())


def test_dicom_gets_a_segmentation_of_all_slices(straight, whole, mapped, tmp_path) -> None:
    folder = tmp_path / "dicom"
    thickness = np.full(len(straight.scan), 5.0)
    scan = Scan(np.rint(straight.scan.data).astype(np.int16), straight.scan.affines)
    write_dicom_series(
        folder, scan, SeriesDescription("sub-01", "a", 60, "F", thickness, "H30s", 0.0)
    )
    found = mapped(folder)
    labels = found.labels()
    segmentation = highdicom.seg.segread(found.folder / "regions.seg.dcm")
    stored_voxels = np.count_nonzero(segmentation.pixel_array)
    assert stored_voxels == np.count_nonzero(labels)
    assert np.count_nonzero(labels.any(axis=(0, 1))) > 10
    assert np.count_nonzero(labels) == pytest.approx(np.count_nonzero(whole[1].labels()), rel=0.02)


def test_a_failure_leaves_nothing_half_written(whole, tmp_path, monkeypatch) -> None:
    path, _ = whole

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(outputs, "_draw", lambda path, _: path.touch())
    monkeypatch.setattr(outputs, "_write_table", fail)
    with ThreadPoolExecutor(1) as executor, pytest.raises(InputError, match="No space left"):
        map_scan(path, tmp_path / "map", executor, age=60, atlas="simulated", all_slices=True)
    assert not list(tmp_path.iterdir())


def test_a_pitched_thin_scan_is_mapped_level(
    pitched: Acquired, mapped, tmp_path, monkeypatch
) -> None:
    path = stored(pitched.scan, tmp_path / "ct.nii.gz")
    level = mapped(path)
    assert "reformatted-to-plane" in level.codes
    described = level.described
    turned = described["key_slices"]["reformatted"]
    assert 10 < turned["pitch_deg"] < 22
    assert described["pitch_deg"] == turned["pitch_deg"]
    assert described["slices"] == len(pitched.scan)
    # Numbers are those of the scan's own slices.
    assert abs(described["bgl_slice"] - pitched.bgl_index) <= 3
    labels = level.labels()
    scores = of_regions(labels, pitched.regions)

    monkeypatch.setattr(standard_plane, "to_be_levelled", lambda *_: False)
    own = mapped(path)
    assert "pitched-head" in own.codes
    as_scanned = of_regions(own.labels(), pitched.regions)
    assert np.mean(list(scores.values())) > np.mean(list(as_scanned.values()))
    fits = [level.region_map.levels[0].fit, own.region_map.levels[0].fit]
    assert fits[0] > fits[1]
    monkeypatch.undo()

    # Of the key slices alone, what is written is 5 mm thick along the atlas's plane.
    key = mapped(path, all_slices=False).labels()
    assert key.any(axis=(0, 1)).sum() > 10  # a slab across many slices, for it is pitched
    right = np.count_nonzero(key[key > 0] == pitched.regions[key > 0])
    assert right > 0.75 * np.count_nonzero(key)


def test_a_scan_that_resembles_no_head_has_no_regions_on_all_slices(tmp_path, drawn) -> None:
    """Key slices that are given are mapped, but nothing says where the rest of the head lies."""
    affine = drawn.scan.affines[0].copy()
    affine[:3, 2] *= 10.0
    write_volume(tmp_path / "ct.nii", np.rint(drawn.scan.data).astype(np.int16), affine)
    arguments = {"age": 60, "atlas": "simulated", "bgl_slice": 0, "sgl_slice": 2}
    with ThreadPoolExecutor(1) as executor, pytest.raises(InputError, match="--all-slices"):
        map_scan(tmp_path / "ct.nii", tmp_path / "map", executor, all_slices=True, **arguments)
    assert not (tmp_path / "map").exists()
