"""From a scan's file and an atlas's folder to a folder with the map."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from atlas_builder.catalogue.atlas import Atlas, write_level, write_metadata
from atlas_builder.core.anatomy import LEVELS
from atlas_builder.core.errors import InputError
from atlas_builder.core.flags import Flag
from atlas_builder.io.nifti.images import write_volume
from atlas_builder.io.source import open_scan
from atlas_builder.workflows import map as run
from atlas_builder.workflows import map_files as outputs
from atlas_builder.workflows.map import map_scan


@pytest.fixture(scope="module")
def scan_path(drawn, tmp_path_factory: pytest.TempPathFactory) -> Path:
    affine = drawn.scan.affines[0].copy()
    affine[:3, 2] *= 10.0
    path = tmp_path_factory.mktemp("scan") / "head.nii"
    write_volume(path, np.rint(drawn.scan.data).astype(np.int16), affine)
    return path


@pytest.fixture(scope="module")
def atlas_folder(atlas: Atlas, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("atlas")
    files = []
    for level in LEVELS:
        files += write_level(folder, level, atlas.age_group, atlas.levels[level])
    write_metadata(folder, {"name": "drawn", "age_group": "50-69", "simulated": True}, files)
    return folder


@pytest.fixture
def mapped(scan_path: Path, atlas_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Map with changed arguments, without a picture; return the map and what its folder says."""
    monkeypatch.setattr(outputs, "_draw", lambda path, _: path.touch())

    def run(**changes: object):
        arguments = {"atlas": atlas_folder, "bgl_slice": 0, "sgl_slice": 2, "age": 60} | changes
        with ThreadPoolExecutor(1) as executor:
            found = map_scan(scan_path, tmp_path / "map", executor, **arguments)
        return found, json.loads((tmp_path / "map" / "mapping.json").read_text())

    return run


def test_a_file_and_an_atlas_folder_become_a_map(mapped, scan_path, region_map, tmp_path) -> None:
    found, described = mapped()
    for one, other in zip(found.levels, region_map.levels, strict=True):
        # HU and the atlas were rounded in their files.
        assert np.mean(one.regions != other.regions) < 0.005
    assert found.atlas_is_simulated
    assert described["atlas"]["simulated"] is True
    assert len(described["atlas"]["sha256"]) == 64
    assert described["age_from"] == "given"
    assert described["input"]["format"] == "NIfTI"
    assert set(described["timings_s"]) == {
        "read",
        "key_slices",
        "registration",
        "measures",
    }
    written = nib.load(tmp_path / "map" / "regions.nii.gz")
    np.testing.assert_allclose(written.affine, nib.load(scan_path).affine)


def test_a_refusal_names_the_file_also_where_its_name_is_a_letter(
    atlas_folder, tmp_path, monkeypatch
) -> None:
    """So that the name is also part of what the sentence says."""

    @contextmanager
    def opened(path: Path, _: object):
        with open_scan(tmp_path / "head.nii", None) as source:
            yield source

    write_volume(tmp_path / "head.nii", np.full((64, 64, 2), -1000, np.int16), np.eye(4))
    monkeypatch.setattr(run, "open_scan", opened)
    chosen = {"bgl_slice": 0, "sgl_slice": 1}
    with ThreadPoolExecutor(1) as executor, pytest.raises(InputError, match=r"^a: BGL slice"):
        map_scan(Path("a"), tmp_path / "map", executor, age=60, atlas=atlas_folder, **chosen)


def test_the_nearest_age_group_is_used_when_asked_for_and_flagged(mapped) -> None:
    with pytest.raises(InputError, match=r"50-69.*--allow-nearest-age"):
        mapped(age=75)
    found, _ = mapped(age=75, allow_nearest_age=True)
    assert [flag.code for flag in found.flags] == ["age-outside-group"]


def test_an_atlas_missing_for_the_age_is_named_before_slices_are_looked_for(
    mapped, monkeypatch
) -> None:
    def looked(*_: object) -> None:
        raise AssertionError("slices were looked for")

    monkeypatch.setattr(run, "choose_slices", looked)
    with pytest.raises(InputError, match=r"50-69.*--allow-nearest-age"):
        mapped(age=75, bgl_slice=None, sgl_slice=None)


def test_what_the_height_of_the_head_says_about_given_slices_is_written(
    mapped, monkeypatch
) -> None:
    remark = Flag("head-proportions", "40% flatter")
    monkeypatch.setattr(run, "remarks_on_given", lambda _, __, indices: (remark,) * len(indices))
    found, described = mapped()
    assert found.flags[:2] == (remark, remark)
    assert [flag["code"] for flag in described["quality_flags"]][:2] == ["head-proportions"] * 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sgl_slice": 3}, r"head\.nii: no slice 3 for the SGL: the scan has 3, 0 to 2"),
        ({"bgl_slice": 2, "sgl_slice": 0}, r"head\.nii: slice 0 \(SGL\) does not lie above"),
        ({"bgl_slice": None}, r"head\.nii: --sgl-slice is given without --bgl-slice"),
        ({"series": "2"}, "--series"),
        ({"atlas": "aspects-999"}, "aspects-999"),
        ({"age": float("nan")}, "not an age"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(
    mapped, tmp_path, changes, message
) -> None:
    with pytest.raises(InputError, match=message) as refused:
        mapped(**changes)
    assert "\n" not in str(refused.value)
    assert not list(tmp_path.iterdir())
