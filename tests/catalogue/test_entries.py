"""Atlases by name and by age, and how published ones are fetched."""

from __future__ import annotations

import functools
import http.server
import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from atlas_builder.catalogue import entries as catalogue
from atlas_builder.catalogue.atlas import (
    METADATA,
    AtlasLevel,
    image_name,
    read_atlas,
    write_level,
    write_metadata,
)
from atlas_builder.catalogue.entries import (
    CatalogueEntry,
    PublishedFile,
    cache_folder,
    load_atlas,
    read_catalogue,
)
from atlas_builder.catalogue.fetching import install_atlas, is_whole, place_on_key_slice_grid
from atlas_builder.core.anatomy import LEVELS, AgeGroup, Level, regions_of
from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Slice
from atlas_builder.io.nifti.images import write_image
from atlas_builder.preprocessing.key_slice import KEY_SLICE_SHAPE, key_slice_affine
from atlas_builder.runtime.files import sha256_of


def template(level: Level) -> tuple[np.ndarray, np.ndarray]:
    """A skull-stripped slice of 0.5 mm, and regions on it, off the middle of 480 x 470 pixels."""
    x, y = np.meshgrid(np.arange(480) - 251.0, np.arange(470) - 222.0, indexing="ij")
    brain = np.hypot(x / 132, y / 160) < 1
    rng = np.random.default_rng(LEVELS.index(level))
    image = np.where(brain, 33 + 3 * (np.hypot(x, y) % 40 < 20) + rng.normal(0, 1, x.shape), 0)
    image[(np.abs(x) < 24) & (np.abs(y + 20) < 50)] = 8  # ventricles
    labels = np.zeros(x.shape, np.uint8)
    for place, region in enumerate(regions_of(level)):
        labels[(np.abs(np.abs(x) - 70) < 12) & (np.abs(y + 90 - 28 * place) < 10)] = region
    return np.where(brain, np.rint(image), 0).astype(np.uint8), labels


def write_published(folder: Path, groups: tuple[AgeGroup, ...]) -> CatalogueEntry:
    """Publish an atlas in a folder, and return its entry of a catalogue."""
    folder.mkdir()
    affine = np.diag([-0.5, -0.5, 1.0, 1.0])
    files = []
    for group in groups:
        for level in LEVELS:
            for kind, data in zip(("image", "label"), template(level), strict=True):
                path = folder / f"{level.lower()}_{kind}_{group.stem}.nii.gz"
                write_image(path, data, affine)
                files.append(PublishedFile(group, level, kind, path.name, sha256_of(path)))
    return CatalogueEntry("made-up", "for tests", f"{folder}/", "MIT", "nobody", tuple(files))


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> CatalogueEntry:
    folder = tmp_path_factory.mktemp("published") / "files"
    return write_published(folder, (AgeGroup(50, 89),))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(catalogue.CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def server(published: CatalogueEntry, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Serve a copy of the published files from this computer."""
    folder = tmp_path / "served"
    shutil.copytree(published.source, folder)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}/", folder
        httpd.shutdown()


def write_atlas(folder: Path, group: AgeGroup, **metadata: object) -> Path:
    """Write a small atlas folder."""
    folder.mkdir(parents=True)
    files = []
    for level in LEVELS:
        labels = np.zeros((9, 9), np.uint8)
        labels.flat[: len(regions_of(level))] = regions_of(level)
        content = AtlasLevel(labels.astype(np.float32), labels, key_slice_affine())
        files += write_level(folder, level, group, content)
    write_metadata(folder, {"age_group": str(group), **metadata}, files)
    return folder


def test_the_catalogue_names_a_simulated_and_the_published_atlas() -> None:
    entries = read_catalogue()
    assert set(entries) == {"simulated", "aspects-281"} == set(catalogue.PREFERENCE)
    published = entries["aspects-281"]
    assert len(published.files) == len({file.name for file in published.files}) == 16
    assert len({file.sha256 for file in published.files}) == 16
    assert {(f.age_group, f.level, f.kind) for f in published.files} == {
        (group, level, kind)
        for group in map(AgeGroup.parse, ("10-29", "30-49", "50-69", "70-89"))
        for level in LEVELS
        for kind in ("image", "label")
    }
    for file in published.files:
        # The paper's names for the two levels.
        assert file.name.startswith({"BGL": "subcortical", "SGL": "cortical"}[file.level])
        assert file.name.endswith(f"_{file.kind}_{file.age_group.stem}.nii.gz")
    assert published.licence == "MIT"
    assert "dd8eb4065cc4c42b9104fb2262b645430d36e246" in published.source
    assert "10.1038/s41597-024-03973-y" in published.citation


def test_the_users_cache_is_used_where_no_folder_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(catalogue.CACHE_VARIABLE)
    assert cache_folder().is_absolute()
    assert "aspects-atlas" in cache_folder().parts


@pytest.fixture
def groups(tmp_path: Path) -> Path:
    folder = tmp_path / "groups"
    for stem in ("10-29", "50-69", "60-64"):
        write_atlas(folder / f"any {stem}", AgeGroup.parse(stem))
    (folder / "notes").mkdir()
    (folder / "readme.txt").write_text("not an atlas")
    return folder


@pytest.mark.parametrize(
    ("age", "expected"),
    [(10, "10-29"), (29.9, "10-29"), (50, "50-69"), (62, "60-64"), (64.99, "60-64"), (65, "50-69")],
)
def test_the_narrowest_group_that_contains_the_age(groups: Path, age: float, expected: str) -> None:
    assert str(load_atlas(groups, age).age_group) == expected
    assert str(load_atlas(groups, age, allow_nearest=True).age_group) == expected


@pytest.mark.parametrize(
    ("age", "nearest"),
    [(9, "10-29"), (0, "10-29"), (30, "10-29"), (39, "10-29"), (41, "50-69"), (95, "50-69")],
)
def test_the_nearest_group_only_where_it_is_asked_for(
    groups: Path, age: float, nearest: str
) -> None:
    with pytest.raises(InputError, match=f"no atlas for age {age}, only for 10-29, 50-69, 60-64"):
        load_atlas(groups, age)
    assert str(load_atlas(groups, age, allow_nearest=True).age_group) == nearest


def test_the_age_is_never_guessed(groups: Path) -> None:
    with pytest.raises(InputError, match="ages 10-29, 50-69, 60-64; give the age with --age"):
        load_atlas(groups, allow_nearest=True)
    assert str(load_atlas(groups / "any 50-69").age_group) == "50-69"
    with pytest.raises(InputError, match="no atlas for age 20, only for 50-69"):
        load_atlas(groups / "any 50-69", 20)


def test_atlases_that_are_not_there_are_refused_with_what_there_is(
    groups: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match=r"nor an atlas known by name|simulated, aspects-281"):
        load_atlas(tmp_path / "nowhere", 60)
    with pytest.raises(InputError, match="nor an atlas known by name"):
        load_atlas("x" * 300, 60)
    with pytest.raises(InputError, match="aspects-281: not installed; run fetch-atlas aspects-281"):
        load_atlas("aspects-281", 60)
    with pytest.raises(InputError, match=r"no atlas.json in it or in a folder of it"):
        load_atlas(groups / "notes", 60)
    write_atlas(groups / "again", AgeGroup(50, 69))
    with pytest.raises(InputError, match="again and any 50-69 are both for 50-69"):
        load_atlas(groups, 60)
    (groups / "again" / METADATA).write_text('{"age_group": "old"}')
    with pytest.raises(InputError, match=r"again/atlas.json: age group 'old'"):
        load_atlas(groups, 60)
    monkeypatch.setattr(catalogue, "SHIPPED", tmp_path)
    (tmp_path / "catalogue.json").write_text(
        json.dumps(
            {
                name: {"description": "", "source": "", "licence": "", "citation": "", "files": []}
                for name in catalogue.PREFERENCE
            }
        )
    )
    with pytest.raises(InputError, match="no atlas is installed; fetch one"):
        load_atlas(None, 60)
    with pytest.raises(InputError, match="simulated: not installed; install this software again"):
        load_atlas("simulated", 60)


def test_the_published_atlas_is_preferred_once_it_is_installed(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = tmp_path / "shipped"
    write_atlas(shipped / "simulated" / "50-69", AgeGroup(50, 69), name="simulated", simulated=True)
    shutil.copy(catalogue.SHIPPED / "catalogue.json", shipped)
    monkeypatch.setattr(catalogue, "SHIPPED", shipped)
    found = load_atlas(age=60)
    assert (found.name, found.simulated) == ("simulated", True)
    write_atlas(cache / "aspects-281" / "50-69", AgeGroup(50, 69), name="aspects-281")
    found = load_atlas(age=60)
    assert (found.name, found.simulated) == ("aspects-281", False)
    assert load_atlas("simulated", 60).name == "simulated"


def test_a_template_moves_by_whole_pixels_to_the_middle() -> None:
    image, labels = template("BGL")
    affine = np.diag([-0.5, -0.5, 1.0, 1.0])
    level = place_on_key_slice_grid(Slice(image, affine), Slice(labels, affine))
    assert level.image.shape == level.labels.shape == KEY_SLICE_SHAPE
    for before, after in ((image, level.image), (labels, level.labels)):
        corner_before, corner_after = (np.argwhere(a).min(axis=0) for a in (before, after))
        nx, ny = np.argwhere(before).max(axis=0) - corner_before + 1
        np.testing.assert_array_equal(
            after[corner_after[0] :][:nx, corner_after[1] :][:, :ny],
            before[corner_before[0] :][:nx, corner_before[1] :][:, :ny],
        )
        assert np.count_nonzero(before) == np.count_nonzero(after)
    xy = np.argwhere(level.image)
    np.testing.assert_allclose((xy.min(axis=0) + xy.max(axis=0)) / 2, 229.5, atol=1)


def test_a_template_of_other_pixels_is_refused() -> None:
    image, labels = template("BGL")
    affine = np.diag([-0.6, -0.6, 1.0, 1.0])
    with pytest.raises(InputError, match=r"not of the same 0.5 mm pixels"):
        place_on_key_slice_grid(Slice(image, affine), Slice(labels, affine))


def check_installed(entry: CatalogueEntry) -> None:
    assert is_whole(entry)
    groups = {str(file.age_group) for file in entry.files}
    assert {path.name for path in entry.folder.iterdir()} == groups
    atlas = load_atlas(entry.folder, 63)
    assert (atlas.name, atlas.simulated, str(atlas.age_group)) == ("made-up", False, "50-89")
    assert atlas.provenance["licence"] == "MIT"
    assert atlas.provenance["source"] == entry.source
    for level in LEVELS:
        _, labels = template(level)
        found = atlas.levels[level]
        np.testing.assert_array_equal(
            np.bincount(found.labels.ravel())[1:], np.bincount(labels.ravel())[1:]
        )
        assert found.probabilities is None


def test_an_atlas_is_installed_from_a_copy(cache: Path, tmp_path: Path) -> None:
    entry = write_published(tmp_path / "published", (AgeGroup(10, 49), AgeGroup(50, 89)))
    assert install_atlas(entry, Path(entry.source))
    check_installed(entry)
    assert str(load_atlas(entry.folder, 20).age_group) == "10-49"
    assert not install_atlas(entry, Path("nowhere"))  # it is there already
    assert [path.name for path in cache.iterdir()] == ["made-up"]


def test_an_atlas_is_downloaded(
    published: CatalogueEntry, server: tuple[str, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    entry = replace(published, source=server[0])
    told: list[tuple[str, int, int]] = []
    assert install_atlas(entry, progress=lambda *step: told.append(step))
    check_installed(entry)
    assert told[0] == ("fetching made-up", 0, 4)
    assert told[-1] == ("fetching made-up", 4, 4)
    assert capfd.readouterr() == ("", "")


def test_a_wrong_download_installs_nothing(
    published: CatalogueEntry, server: tuple[str, Path], cache: Path
) -> None:
    address, folder = server
    entry = replace(published, source=address)
    last = folder / entry.files[-1].name
    content = last.read_bytes()
    last.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    install = functools.partial(install_atlas, tries_again=0)  # each try waits
    with pytest.raises(InputError, match=rf"{last.name}: not the published file .*nothing was"):
        install(entry)
    last.unlink()
    with pytest.raises(InputError, match=rf"{last.name}: cannot be downloaded; nothing was inst"):
        install(entry)
    assert not cache.exists() or list(cache.iterdir()) == []
    with pytest.raises(InputError, match="cannot be downloaded"):
        install(replace(entry, source="http://127.0.0.1:9/"))


@pytest.mark.parametrize("damage", ["altered", "missing"])
def test_a_wrong_copy_installs_nothing(
    published: CatalogueEntry, cache: Path, tmp_path: Path, damage: str
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(published.source, copy)
    last = copy / published.files[-1].name
    if damage == "altered":
        last.write_bytes(last.read_bytes() + b"\0")
    else:
        last.unlink()
    with pytest.raises(InputError, match=rf"{last.name}: (not the published|no such) file"):
        install_atlas(published, copy)
    assert not cache.exists()


def test_a_damaged_installation_is_refused_and_mended(
    published: CatalogueEntry, cache: Path
) -> None:
    install_atlas(published, Path(published.source))
    damaged = published.folder / "50-89" / image_name("SGL", "label", AgeGroup(50, 89))
    damaged.write_bytes(damaged.read_bytes()[:-9])
    assert not is_whole(published)
    with pytest.raises(InputError, match="not the file its atlas was finished with"):
        read_atlas(damaged.parent)
    assert install_atlas(published, Path(published.source))
    check_installed(published)
    assert [path.name for path in cache.iterdir()] == ["made-up"]


def test_what_ships_is_not_fetched() -> None:
    with pytest.raises(InputError, match="simulated: ships with this software"):
        install_atlas(read_catalogue()["simulated"])


def test_a_cache_that_cannot_be_written_is_named(
    published: CatalogueEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(catalogue.CACHE_VARIABLE, str(tmp_path / "file"))
    with pytest.raises(InputError, match=r"cannot be written .*set \$ASPECTS_ATLAS_CACHE"):
        install_atlas(published, Path(published.source))
