"""The published atlas, fetched from a copy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from atlas_builder.catalogue.entries import CACHE_VARIABLE, load_atlas, read_catalogue
from atlas_builder.catalogue.fetching import install_atlas
from atlas_builder.core.anatomy import AGE_GROUPS, LEVELS, AgeGroup, regions_of
from atlas_builder.io.nifti.images import read_labels, read_scan
from atlas_builder.preprocessing.key_slice import KEY_SLICE_SHAPE


@pytest.fixture(scope="module")
def installed(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(tmp_path_factory.mktemp("cache")))
        entry = read_catalogue()["aspects-281"]
        assert install_atlas(entry, data / "aspects-281")
        return entry.folder


@pytest.mark.parametrize("group", AGE_GROUPS, ids=str)
def test_every_age_groups_atlas_holds_the_published_pixels(
    installed: Path, data: Path, group: AgeGroup
) -> None:
    atlas = load_atlas(installed, group.first)
    assert atlas.name == "aspects-281"
    assert atlas.age_group == group
    for level in LEVELS:
        name = {"BGL": "subcortical", "SGL": "cortical"}[level]
        image = read_scan(data / "aspects-281" / f"{name}_image_{group.stem}.nii.gz")[0].data
        labels = read_labels(data / "aspects-281" / f"{name}_label_{group.stem}.nii.gz")[0].data
        found = atlas.levels[level]
        assert found.image.shape == KEY_SLICE_SHAPE
        shift = np.argwhere(found.image).min(axis=0) - np.argwhere(image).min(axis=0)
        for before, after in ((image, found.image), (labels, found.labels)):
            places = np.argwhere(before)
            np.testing.assert_array_equal(after[tuple((places + shift).T)], before[before != 0])
            assert np.count_nonzero(after) == len(places)
        # Every region on both sides of the grid's middle, and about as much of it on each.
        for region in regions_of(level):
            left = np.count_nonzero(found.labels[230:] == region)
            right = np.count_nonzero(found.labels[:230] == region)
            assert 0.7 < left / right < 1.4
