"""The published validation's forms on the semi-real cohort and the published atlases."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from in_process import in_process

from atlas_builder.catalogue.entries import read_catalogue
from atlas_builder.catalogue.fetching import install_atlas
from atlas_builder.core.anatomy import AgeGroup
from atlas_builder.metrics.entropy import shannon_entropy
from atlas_builder.runtime.progress import no_progress
from atlas_builder.validation.intensities import to_hounsfield
from atlas_builder.validation.reference_planes import find_planes
from atlas_builder.validation.reference_volume import read_volume
from atlas_builder.validation.selection import ValidationSettings
from atlas_builder.workflows import validate as workflow
from atlas_builder.workflows import validate_ages as ages
from atlas_builder.workflows.validate import validate_atlas
from atlas_builder.workflows.validate_ages import validate_ages


@pytest.fixture(scope="module")
def published(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ASPECTS-281 as it is installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASPECTS_ATLAS_CACHE", str(tmp_path_factory.mktemp("cache")))
        entry = read_catalogue()["aspects-281"]
        install_atlas(entry, data / "aspects-281", no_progress)
        return entry.folder


def numbers(path: Path) -> dict[str, dict[str, float]]:
    """Read a table of numbers by region and column."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {row.pop("region"): {name: float(value) for name, value in row.items()} for row in rows}


@pytest.mark.slow
def test_the_atlas_agrees_with_the_expert_better_than_raters_do(
    data: Path, published: Path, tmp_path: Path
) -> None:
    raters = ("expert", "rater1", "rater2")
    cohort = data / "semireal" / "50_69"
    with in_process(workflow):
        assert validate_atlas(published, cohort, tmp_path / "out", ValidationSettings(raters))
    table = numbers(tmp_path / "out" / "tables" / "table3_agreement.csv")
    assert len(table) == 11
    for region, of_region in table.items():
        of_raters = [of_region["expert–rater1"], of_region["expert–rater2"]]
        assert of_region["atlas–expert"] > max(of_raters), region
    assert table["mean"]["atlas–expert"] > 0.965
    assert not list((tmp_path / "out").glob(".validation"))


@pytest.mark.slow
def test_the_matching_age_is_best(data: Path, published: Path, tmp_path: Path) -> None:
    """The groups of three validation participants each; that of eight is tested above."""
    cohorts = tmp_path / "cohorts"
    cohorts.mkdir()
    for group in ("10_29", "30_49", "70_89"):
        (cohorts / group).symlink_to(data / "semireal" / group)
    with in_process(ages):
        assert validate_ages(published, cohorts, tmp_path / "out", ValidationSettings())
    with (tmp_path / "out" / "tables" / "table4_ages.csv").open(encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    columns = [place for place, name in enumerate(header) if name.endswith("mean")]
    for row in rows:
        if row[1] == "0":
            continue
        means = {header[place].split()[1]: float(row[place]) for place in columns}
        assert max(means, key=means.get) == row[0], means


def test_reference_atlases_are_read_as_hu(data: Path) -> None:
    from atlas_builder.io.nifti.images import read_scan  # noqa: PLC0415

    folder = data / "reference-atlases"
    for name, reading in (
        ("miplab-ncct_sym_brain", "HU"),
        ("scct", "HU, -100 to 100 stretched elevenfold"),
        ("scct_stripped", "HU, -100 to 100 stretched elevenfold"),
    ):
        scan = read_scan(folder / f"{name}.nii.gz")
        hu, found = to_hounsfield(np.asarray(scan.data, np.float32))
        assert found == reading
        assert hu.max() < 1500


@pytest.mark.slow
def test_published_atlases_are_sharper_than_the_reference_atlases(
    data: Path, published: Path
) -> None:
    from atlas_builder.catalogue.entries import read_atlases  # noqa: PLC0415
    from atlas_builder.io.nifti.images import read_scan  # noqa: PLC0415

    atlas = read_atlases(published)[AgeGroup(50, 69)]
    entropies = {}
    for name in ("miplab-ncct_sym_brain", "scct_stripped"):
        volume = read_volume(data / "reference-atlases" / f"{name}.nii.gz")
        planes = find_planes(volume, atlas)
        assert 14 <= planes["SGL"].height_mm - planes["BGL"].height_mm <= 35
        for plane in planes.values():
            assert plane.fit > 0.75
            assert abs(plane.pitch_deg) <= 12
        entropies[name] = [shannon_entropy(np.rint(plane.key.image)) for plane in planes.values()]
    files = (
        sorted((data / "aspects-281").glob(f"{level}_image_*.nii.gz"))
        for level in ("subcortical", "cortical")
    )
    highest = [
        max(shannon_entropy(read_scan(path).data) for path in of_level) for of_level in files
    ]
    for ours, miplab, scct in zip(
        highest, entropies["miplab-ncct_sym_brain"], entropies["scct_stripped"], strict=True
    ):
        assert ours < miplab < scct
