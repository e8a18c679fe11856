"""The folder of a map: what its files hold, and that it is whole or absent."""

from __future__ import annotations

import csv
import json
import math
import threading
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - its usual name

from atlas_builder.core.anatomy import map_value
from atlas_builder.core.errors import InputError
from atlas_builder.io.nifti.storage import examine
from atlas_builder.io.source import NiftiSource
from atlas_builder.mapping.region_map import RegionMap
from atlas_builder.workflows import map_files as outputs
from atlas_builder.workflows.map_files import check_folder, write_map

EVERYTHING = {"mapping.json", "overlay.png", "regions.nii.gz", "regions.tsv", "report.html"}


@pytest.fixture(scope="module")
def source(drawn, tmp_path_factory: pytest.TempPathFactory) -> NiftiSource:
    """The scan in a file whose axes are neither in the order nor the direction of a `Scan`'s."""
    affine = drawn.scan.affines[0].copy()
    affine[:3, 2] *= 10.0
    image = nib.as_closest_canonical(nib.Nifti1Image(drawn.scan.data, affine))
    turned = image.as_reoriented([[2, 1], [0, -1], [1, 1]])
    turned.header["descrip"] = b"ROE^JANE 1950"
    path = tmp_path_factory.mktemp("scan") / "doe_jane.nii"
    nib.save(turned, path)
    return NiftiSource(examine(path))


@pytest.fixture(scope="module")
def executor():
    with ThreadPoolExecutor(1) as threads:
        yield threads


@pytest.fixture(scope="module")
def folder(
    region_map: RegionMap,
    source: NiftiSource,
    executor: Executor,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    out = tmp_path_factory.mktemp("maps") / "below" / "map"
    write_map(out, region_map, source, source.read(), executor, {"age_from": "given"})
    return out


@pytest.fixture
def unadorned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the picture and the report empty, which take most of the time."""
    monkeypatch.setattr(outputs, "_draw", lambda path, _: path.touch())
    monkeypatch.setattr(outputs, "_report", lambda path, *_: path.touch())


def test_the_folder_holds_the_files_and_nothing_lies_beside_it(folder) -> None:
    assert {path.name for path in folder.iterdir()} == EVERYTHING
    assert [path.name for path in folder.parent.iterdir()] == ["map"]


def test_regions_lie_on_the_scan_s_own_grid(folder, source, region_map) -> None:
    scan, regions = nib.load(source.path), nib.load(folder / "regions.nii.gz")
    assert regions.shape == scan.shape
    np.testing.assert_allclose(regions.affine, scan.affine)
    assert regions.get_data_dtype() == np.uint8
    values = np.asarray(regions.dataobj)
    # In the patient's left half there are values 1-10 only: x is negative there in RAS+.
    places = nib.affines.apply_affine(regions.affine, np.argwhere(values == 8))
    opposite = nib.affines.apply_affine(regions.affine, np.argwhere(values == 18))
    assert places[:, 0].mean() < -10
    assert opposite[:, 0].mean() > 10
    counts = np.bincount(values.ravel(), minlength=21)
    for measure in region_map.measures:
        pixels = counts[map_value(measure.region, measure.side)]
        assert pixels * 0.9**2 == pytest.approx(measure.area_mm2)


def test_the_table_has_every_region_of_both_sides(folder, region_map) -> None:
    with (folder / "regions.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert list(rows[0])[:7] == [
        "region",
        "side",
        "level",
        "area_mm2",
        "mean_hu",
        "contralateral_mean_hu",
        "relative_hu",
    ]
    assert len(rows) == 20
    for row, measure in zip(rows, region_map.measures, strict=True):
        assert (row["region"], row["side"]) == (measure.region.name, measure.side)
        assert row["level"] == measure.level
        assert float(row["mean_hu"]) == pytest.approx(measure.mean_hu, abs=0.006)
        assert float(row["relative_hu"]) == pytest.approx(measure.relative_hu, abs=6e-5)
        assert (row["stands_out"] == "yes") == measure.stands_out


@pytest.mark.usefixtures("unadorned")
def test_what_has_no_number_is_not_available(region_map, source, executor, tmp_path) -> None:
    first, *others = region_map.measures
    gone = replace(region_map, measures=(replace(first, mean_hu=math.nan), *others))
    write_map(tmp_path / "map", gone, source, source.read(), executor, {})
    line = (tmp_path / "map" / "regions.tsv").read_text().splitlines()[1]
    assert line.split("\t")[4] == "n/a"
    json.loads((tmp_path / "map" / "mapping.json").read_text())


def test_the_description_says_how_the_map_was_made(folder, region_map) -> None:
    described = json.loads((folder / "mapping.json").read_text())
    assert (described["bgl_slice"], described["sgl_slice"], described["slices"]) == (0, 2, 3)
    assert described["key_slice_distance_mm"] == pytest.approx(20.0)
    assert described["atlas"]["name"] == "drawn"
    assert described["atlas"]["sha256"] == "0" * 64
    assert described["age"] == 60
    assert described["age_from"] == "given"
    assert described["quality_flags"] == []
    assert described["stands_out"] == ["left M5"]
    assert described["levels"]["BGL"]["rotation_deg"] == pytest.approx(15, abs=1)
    assert set(described["confidence"]["left"]) == {m.region.name for m in region_map.measures}
    assert {"aspects-atlas", "antspyx", "numpy", "scipy"} <= set(described["versions"])
    assert described["versions"]["numpy"] == np.__version__
    assert described["levels"]["SGL"]["averaged_slices"] == 1
    assert set(described["timings_s"]) == set(region_map.timings)


def test_nothing_names_the_patient_or_the_scan_s_place(folder) -> None:
    for path in folder.iterdir():
        content = path.read_bytes()
        for secret in (b"ROE^", b"doe_jane", str(folder.parent).encode()):
            assert secret not in content, path.name
    assert nib.load(folder / "regions.nii.gz").header["descrip"].item() == b""


def tilted_file(drawn, path: Path, degrees: float, qform: bool) -> NiftiSource:
    """Store the scan as a tilted gantry does: its table moves slantwise to the slices."""
    affine = drawn.scan.affines[0].copy()
    affine[:3, 2] = [0, 10.0 * np.tan(np.radians(degrees)), 10.0]
    image = nib.Nifti1Image(drawn.scan.data.astype(np.int16), affine)
    image.set_qform(affine if qform else None, int(qform))
    image.set_sform(affine, 1)
    nib.save(image, path)
    return NiftiSource(examine(path))


def opened(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """A file's values, and the RAS positions of its voxels, by ITK."""
    image = sitk.ReadImage(str(path))
    values = sitk.GetArrayFromImage(image).T
    direction = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    indices = np.moveaxis(np.indices(values.shape), 0, -1)
    return values, (indices @ direction.T + image.GetOrigin()) * [-1, -1, 1]


@pytest.mark.usefixtures("unadorned")
@pytest.mark.parametrize("degrees", [-20.0, 12.0])
def test_a_tilted_scan_s_regions_open_anywhere(
    region_map, drawn, executor, tmp_path, degrees
) -> None:
    tilted = tilted_file(drawn, tmp_path / "ct.nii", degrees, qform=False)
    out = tmp_path / "map"
    write_map(out, region_map, tilted, tilted.read(), executor, {})
    regions, image = out / "regions_upright.nii.gz", out / "image_upright.nii.gz"
    kept = nib.load(out / "regions.nii.gz")
    np.testing.assert_allclose(kept.affine, nib.load(tmp_path / "ct.nii").affine)
    (note,) = json.loads((out / "mapping.json").read_text())["notes"]
    assert "sheared" in note
    assert "regions_upright.nii.gz" in note
    labels, positions = opened(regions)
    drawn_labels = np.asarray(kept.dataobj)
    assert nib.load(regions).header.get_zooms() == pytest.approx((0.9, 0.9, 10.0), abs=1e-3)
    for value in np.unique(drawn_labels[drawn_labels > 0]):
        there = nib.affines.apply_affine(kept.affine, np.argwhere(drawn_labels == value))
        found = positions[labels == value]
        assert len(found) == len(there)
        # Moved as a whole, by half a pixel at most.
        np.testing.assert_allclose(found.mean(axis=0), there.mean(axis=0), atol=0.451)
    values, places = opened(image)
    np.testing.assert_array_equal(places, positions)
    # Each region is as dense on the image beside it as on the scan.
    scan = np.asarray(nib.load(tmp_path / "ct.nii").dataobj)
    for value in np.unique(drawn_labels[drawn_labels > 0]):
        expected = scan[drawn_labels == value].mean()
        assert values[labels == value].mean() == pytest.approx(expected, abs=1.5)
    # The folder may be written again.
    write_map(out, region_map, tilted, tilted.read(), executor, {})


@pytest.mark.usefixtures("unadorned")
@pytest.mark.parametrize("qform", [True, False])
def test_a_small_tilt_needs_no_other_files(region_map, drawn, executor, tmp_path, qform) -> None:
    tilted = tilted_file(drawn, tmp_path / "ct.nii", 0.3, qform)
    write_map(tmp_path / "map", region_map, tilted, tilted.read(), executor, {})
    assert not list((tmp_path / "map").glob("*upright*"))
    assert json.loads((tmp_path / "map" / "mapping.json").read_text())["notes"] == []
    labels, positions = opened(tmp_path / "map" / "regions.nii.gz")
    affine = nib.load(tmp_path / "ct.nii").affine
    expected = nib.affines.apply_affine(affine, np.argwhere(labels == 8))
    assert np.abs(positions[labels == 8] - expected).max() < 0.25 * 0.9


@pytest.mark.usefixtures("unadorned")
def test_a_slice_that_cannot_be_read_costs_the_upright_image_alone(
    region_map, drawn, executor, tmp_path, monkeypatch
) -> None:
    tilted = tilted_file(drawn, tmp_path / "doe_jane.nii", 12.0, qform=True)

    def refuse(*_: object) -> None:
        raise InputError(f"{tilted.path}: damaged")

    monkeypatch.setattr(NiftiSource, "read", refuse)
    write_map(tmp_path / "map", region_map, tilted, None, executor, {})
    assert (tmp_path / "map" / "regions_upright.nii.gz").exists()
    assert not (tmp_path / "map" / "image_upright.nii.gz").exists()
    described = (tmp_path / "map" / "mapping.json").read_text()
    assert "no image_upright.nii.gz" in described
    assert "report.html shows the key slices alone" in described
    assert "doe_jane" not in described


@pytest.mark.usefixtures("unadorned")
def test_an_earlier_map_is_replaced(region_map, source, executor, tmp_path) -> None:
    out = tmp_path / "map"
    write_map(out, region_map, source, source.read(), executor, {})
    write_map(out, replace(region_map, age=51), source, source.read(), executor, {})
    assert json.loads((out / "mapping.json").read_text())["age"] == 51
    assert [path.name for path in tmp_path.iterdir()] == ["map"]


def test_a_folder_with_other_files_is_left_alone(region_map, source, executor, tmp_path) -> None:
    (tmp_path / "thesis.docx").write_text("mine")
    with pytest.raises(InputError, match=r"thesis\.docx"):
        write_map(tmp_path, region_map, source, source.read(), executor, {})
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.docx"]


def test_a_file_in_the_folder_s_place_is_refused_and_an_empty_folder_is_not(tmp_path) -> None:
    (tmp_path / "map").write_text("in the way")
    with pytest.raises(InputError, match="is a file"):
        check_folder(tmp_path / "map")
    (tmp_path / "empty").mkdir()
    check_folder(tmp_path / "empty")
    check_folder(tmp_path / "new")


@pytest.mark.usefixtures("unadorned")
def test_a_failure_leaves_the_earlier_map_and_nothing_else(
    region_map, source, executor, tmp_path, monkeypatch
) -> None:
    out = tmp_path / "map"
    write_map(out, region_map, source, source.read(), executor, {})
    before = (out / "mapping.json").read_bytes()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(outputs, "_write_table", fail)
    with pytest.raises(InputError, match="No space left"):
        write_map(out, region_map, source, source.read(), executor, {})
    assert (out / "mapping.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["map"]


def test_a_failure_waits_for_what_still_writes(
    region_map, source, executor, tmp_path, monkeypatch
) -> None:
    """A picture that is being written when the rest fails does not come back as a folder."""
    drawing, failed, drawn = threading.Event(), threading.Event(), threading.Event()

    def draw(path: Path, _: object) -> None:
        drawing.set()
        failed.wait(5)
        path.parent.mkdir(exist_ok=True)
        path.touch()
        drawn.set()

    def fail(*_: object) -> None:
        drawing.wait(5)
        threading.Timer(0.2, failed.set).start()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(outputs, "_draw", draw)
    monkeypatch.setattr(outputs, "_write_table", fail)
    with pytest.raises(InputError, match="No space left"):
        write_map(tmp_path / "map", region_map, source, source.read(), executor, {})
    assert drawn.is_set()
    assert not list(tmp_path.iterdir())
