"""ANTs' compiled library alone finds the same bits as the whole package does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from atlas_builder.core.transform import PlaneGrid
from atlas_builder.registration import ants_library
from atlas_builder.registration.ants_library import (
    SEED,
    Image,
    RegistrationError,
    load_library,
    read_affine,
    read_field,
    run_registration,
    write_affine,
)
from atlas_builder.registration.slices import FINE, Metric, register
from atlas_builder.registration.volumes import (
    PlacedVolume,
    Round,
    register_deformation,
    register_rounds,
)

GRID = PlaneGrid((90, 110), 1.0, (-44.5, -50.0))


@pytest.fixture(scope="module")
def whole_package():
    """All of ANTs, set to repeat itself."""
    load_library()  # whichever comes first, both share one library
    import ants  # noqa: PLC0415

    ants.config.set_ants_deterministic(True, SEED)
    return ants


def slice_of(wide: float) -> np.ndarray:
    x, y = GRID.points()
    rng = np.random.default_rng(round(100 * wide))
    inside = np.hypot(x / (36 * wide), y / 46) < 1
    hu = np.where(np.hypot(x / 8, (y - 4) / (14 * wide)) < 1, 8.0, 34.0)
    return np.where(inside, hu + rng.normal(0, 2, x.shape), 0).astype(np.float32)


@pytest.mark.parametrize("metric", list(Metric))
def test_slices_are_registered_to_the_same_bits(whole_package, metric, tmp_path):
    fixed, moving = slice_of(1.0), slice_of(1.08)
    ours = register(fixed, moving, GRID, metric=metric, schedule=FINE, initial_affine=np.eye(3))

    ants = whole_package
    images = [
        ants.from_numpy(one, origin=GRID.origin, spacing=(1.0, 1.0)) for one in (fixed, moving)
    ]
    start = tmp_path / "start.mat"
    write_affine(np.eye(3), start)
    found = ants.registration(
        *images,
        type_of_transform="Affine",
        initial_transform=str(start),
        outprefix=f"{tmp_path}/affine",
        aff_metric="mattes",
        aff_iterations=FINE.affine_iterations,
        aff_shrink_factors=(4, 2),
        aff_smoothing_sigmas=(2, 1),
        aff_random_sampling_rate=0.5,
    )["fwdtransforms"][0]
    name, sampling = {"cc": ("CC", 4), "mi": ("mattes", 32), "msq": ("meansquares", 0)}[metric]
    ants.registration(
        *images,
        type_of_transform="SyNOnly",
        initial_transform=found,
        outprefix=f"{tmp_path}/syn",
        syn_metric=name,
        syn_sampling=sampling,
        use_legacy_histogram_matching=metric is not Metric.MI,
        grad_step=0.1,
        reg_iterations=FINE.syn_iterations,
    )
    transform = ants.read_transform(found)
    np.testing.assert_array_equal(ours.affine[:2, :2].ravel(), transform.parameters[:4])
    for field, path in (
        (ours.displacement, tmp_path / "syn1Warp.nii.gz"),
        (ours.inverse_displacement, tmp_path / "syn1InverseWarp.nii.gz"),
    ):
        theirs = ants.image_read(str(path)).numpy()
        np.testing.assert_array_equal(field, np.moveaxis(theirs, -1, 0))
    assert np.abs(ours.displacement).max() > 0.5


def volume_of(long: float) -> PlacedVolume:
    x, y, z = (
        axis.astype(np.float64)
        for axis in np.meshgrid(*map(np.arange, (40, 48, 36)), indexing="ij")
    )
    inside = ((x - 20) / 15) ** 2 + ((y - 24) / (18 * long)) ** 2 + ((z - 18) / 14) ** 2 < 1
    core = ((x - 20) / 5) ** 2 + ((y - 20) / 6) ** 2 + ((z - 18) / 5) ** 2 < 1
    return PlacedVolume(np.where(core, 10.0, 35.0 * inside).astype(np.float32), 2.0, (-40, -48, 0))


def test_volumes_are_registered_to_the_same_bits(whole_package, tmp_path):
    fixed, moving = volume_of(1.0), volume_of(1.1)
    compared = moving.like(moving.data > 0)
    each = Round("Affine", (30, 20), (4, 2), (2.0, 1.0), 0.5)
    affine = register_rounds(fixed, moving, start=np.eye(4), rounds=[each], compared=compared)
    deformed = register_deformation(fixed, moving, affine=affine, compared=compared)

    ants = whole_package
    images = [
        ants.from_numpy(one.data, origin=one.origin, spacing=(one.spacing,) * 3)
        for one in (fixed, moving, compared)
    ]
    start = tmp_path / "start.mat"
    write_affine(np.eye(4), start)
    common = {"moving_mask": images[2], "mask_all_stages": True}
    found = ants.registration(
        *images[:2],
        type_of_transform="Affine",
        initial_transform=str(start),
        outprefix=f"{tmp_path}/round",
        aff_metric="mattes",
        aff_iterations=each.iterations,
        aff_shrink_factors=each.shrink_factors,
        aff_smoothing_sigmas=each.smoothing,
        aff_random_sampling_rate=each.sampling,
        **common,
    )["fwdtransforms"][0]
    np.testing.assert_array_equal(affine, read_affine(Path(found)))
    write_affine(affine, start)
    ants.registration(
        *images[:2],
        type_of_transform="SyNOnly",
        initial_transform=str(start),
        outprefix=f"{tmp_path}/syn",
        syn_metric="mattes",
        syn_sampling=32,
        grad_step=0.15,
        reg_iterations=(60, 40, 20),
        **common,
    )
    theirs = ants.image_read(f"{tmp_path}/syn1Warp.nii.gz").numpy()
    np.testing.assert_array_equal(deformed.displacement, np.moveaxis(theirs, -1, 0))


def test_the_library_loads_without_the_rest_of_its_package():
    code = (
        "import sys\n"
        "from atlas_builder.registration.ants_library import load_library\n"
        "load_library()\n"
        "assert 'ants' not in sys.modules\n"
        "print(*sorted({'pandas', 'statsmodels', 'sklearn', 'matplotlib'} & {*sys.modules}))\n"
        "import ants\n"  # and the whole package can still follow
        "assert ants.from_numpy is not None\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_a_version_that_lacks_something_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ants.lib", ModuleType("ants.lib"))
    with pytest.raises(ImportError, match="this version of antspyx lacks antsRegistration, ptrstr"):
        load_library.__wrapped__()


def test_where_ants_is_not_installed_it_is_said(monkeypatch):
    monkeypatch.delitem(sys.modules, "ants.lib", raising=False)
    monkeypatch.setattr(ants_library, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="antspyx is not installed"):
        load_library.__wrapped__()


@pytest.mark.parametrize("dimension", [2, 3])
def test_affines_survive_their_file(dimension, tmp_path):
    rng = np.random.default_rng(dimension)
    affine = np.eye(dimension + 1)
    affine[:dimension] = rng.normal(size=(dimension, dimension + 1)).astype(np.float32)
    write_affine(affine, tmp_path / "affine.mat")
    np.testing.assert_allclose(read_affine(tmp_path / "affine.mat"), affine, rtol=1e-6)


def test_files_that_ants_did_not_write_are_one_kind_of_error(tmp_path):
    with pytest.raises(RegistrationError, match="no affine"):
        read_affine(tmp_path / "affine.mat")
    with pytest.raises(RegistrationError, match="no deformation"):
        read_field(tmp_path / "warp.nii.gz", 2)


def test_what_ants_refuses_is_an_error(tmp_path):
    image = Image(slice_of(1.0), GRID.origin, GRID.spacing)
    write_affine(np.eye(3), tmp_path / "start.mat")
    with pytest.raises(RegistrationError):
        run_registration(
            image,
            image,
            dimension=2,
            metric="no-metric[{},1,32]",
            transform="Affine[0.25]",
            convergence="2",
            smoothing=(0,),
            shrinking=(1,),
            start=tmp_path / "start.mat",
            prefix=f"{tmp_path}/none",
        )
