"""Measure the phantom against real CT and draw it beside real slices.

Usage: python scripts/benchmarks/phantom_realism.py DATA --out DIR [--seed 1] [--jobs 2]

DATA holds `ge-head-ct` (a real scan in DICOM) and `aspects-281`. Three subjects of each of the four
age groups are simulated. Printed are, for each source, the peaks of CSF, white and grey matter in
the HU of the brain and the noise in flat tissue, its standard deviation and its correlation with
itself some pixels on; then the agreement of the simulated raters. Written are
`phantoms_beside_real.png` for looking, and `phantoms.png`, which shows simulated slices only.
"""

import argparse
import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from atlas_builder.core.anatomy import AGE_GROUPS, LEVELS, AgeGroup, Level, Region
from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Slice
from atlas_builder.io.dicom.scans import read_dicom_scan
from atlas_builder.io.nifti.images import read_scan
from atlas_builder.metrics.overlap import dice
from atlas_builder.preprocessing.key_slice import make_key_slice
from atlas_builder.runtime.workers import open_workers
from head_phantom.cohort.subject import RATERS, Recipe, simulate_subject
from head_phantom.scanner.acquisition import Acquisition
from head_phantom.scanner.kernels import Kernel
from head_phantom.scanner.scanner import acquire

Array = NDArray[np.float64]

PER_GROUP = 3
WINDOW = (0.0, 75.0)
TILE = 200
PATCH_MM = 12.0
LAGS = 4
CSF_BELOW, FEW = 20.0, 50
OLD_NAMES = {"BGL": "subcortical", "SGL": "cortical"}


@dataclass(frozen=True)
class Tissues:
    """HU of a slice's brain.

    Attributes
    ----------
    fluid : ndarray
        In the middle of wide fluid spaces.
    tissue : ndarray
        Away from them.
    """

    fluid: Array
    tissue: Array


@dataclass(frozen=True)
class Simulated:
    """What the measurements need of a subject.

    Attributes
    ----------
    keys : dict of level to Slice
        The key slices.
    like_real : list of Slice
        The first subject of each age group scanned as the real scan was.
    agreement : ndarray, shape (regions, 3)
        Dice coefficients: of the expert with either rater, and of the two raters.
    """

    keys: dict[Level, Slice]
    like_real: list[Slice]
    agreement: Array


def simulate(recipe: Recipe) -> Simulated:
    """Simulate a subject."""
    subject = simulate_subject(recipe)
    acquired = subject.acquired
    indices = {"BGL": acquired.bgl_index, "SGL": acquired.sgl_index}
    like_real = Acquisition(
        pixel_mm=0.488,
        thickness_mm=7.0,
        spacing_mm=7.0,
        tilt_deg=12.0,
        yaw_deg=6.0,
        kernel=Kernel.STANDARD,
        noise_hu=2.8,
        holder_hu=150.0,
        padding_hu=-1024,
    )
    slices = []
    if recipe.index == 0:
        again = acquire(subject.anatomy, like_real, np.random.default_rng(recipe.seed)).scan
        slices = [in_hu(again[k]) for k in range(len(again))]
    keys = {level: in_hu(acquired.scan[indices[level]]) for level in LEVELS}
    agreement = [
        [
            dice(subject.drawings[one] == region, subject.drawings[other] == region)
            for one, other in itertools.combinations(RATERS, 2)
        ]
        for region in Region
    ]
    return Simulated(keys, slices, np.array(agreement))


def in_hu(ct: Slice) -> Slice:
    """Return a slice as reading it from a file would."""
    return Slice(ct.data.astype(np.float32), ct.affine)


def brain_of(ct: Slice) -> Tissues:
    """Return the tissues of a slice as scanned, without most of the noise."""
    key = make_key_slice(ct)
    return tissues(key.image, key.brain)


def tissues(image: NDArray[np.float32], brain: NDArray[np.bool_]) -> Tissues:
    """Sort the brain's pixels, of 0.5 mm, into the middle of wide fluid spaces and tissue."""
    weight = ndimage.gaussian_filter(brain.astype(np.float64), 2.0)
    smooth = ndimage.gaussian_filter(np.where(brain, image, 0.0), 2.0) / np.maximum(weight, 1e-3)
    inner = ndimage.binary_erosion(brain, iterations=8)
    fluid = inner & (smooth < CSF_BELOW)
    return Tissues(
        smooth[ndimage.binary_erosion(fluid, iterations=3)],
        smooth[inner & ~ndimage.binary_dilation(fluid, iterations=3)],
    )


def peaks(found: list[Tissues]) -> Array:
    """Return the peaks of CSF, white and grey matter.

    CSF is the median of the wide fluid spaces (NaN where there are none), white and grey matter
    the means of two Gaussians fitted to the tissue by expectation maximisation.
    """
    fluid = np.concatenate([one.fluid for one in found])
    values = np.concatenate([one.tissue for one in found])
    values = values[(values > CSF_BELOW) & (values < 60)]
    means, deviations, shares = np.array([28.0, 35.0]), np.full(2, 3.0), np.full(2, 0.5)
    for _ in range(200):
        density = (
            shares / deviations * np.exp(-(((values[:, np.newaxis] - means) / deviations) ** 2) / 2)
        )
        belongs = density / density.sum(axis=1, keepdims=True)
        weight = belongs.sum(axis=0)
        means = belongs.T @ values / weight
        spread = (belongs * (values[:, np.newaxis] - means) ** 2).sum(axis=0) / weight
        deviations, shares = np.sqrt(np.maximum(spread, 0.25)), weight / weight.sum()
    return np.array([np.median(fluid) if len(fluid) > FEW else np.nan, *means])


def noise_of(ct: Slice) -> Array | None:
    """Return the noise's deviation and correlation in the flattest tenth of a slice's brain."""
    image = ct.data.astype(np.float64)
    side = round(PATCH_MM / ct.spacing[0])
    tissue = ndimage.minimum_filter(ndimage.median_filter(image, 5), side) > 15
    tissue &= ndimage.maximum_filter(ndimage.median_filter(image, 5), side) < 50
    x, y = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    trend = np.stack([x**0, x, y, x * x, y * y, x * y]).reshape(6, -1).T
    flat = np.linalg.pinv(trend)
    patches = []
    for column, row in np.argwhere(tissue)[:: side * 3]:
        left, front = column - side // 2, row - side // 2
        patch = image[left : left + side, front : front + side]
        if patch.shape == (side, side):
            rest = patch.ravel() - trend @ (flat @ patch.ravel())
            patches.append(rest.reshape(side, side))
    if len(patches) < 20:
        return None
    patches.sort(key=lambda patch: float(patch.std()))
    flattest = np.stack(patches[: max(3, len(patches) // 10)])
    correlation = [
        (flattest[:, lag:] * flattest[:, : side - lag]).mean() / flattest.var()
        for lag in range(1, LAGS + 1)
    ]
    return np.array([flattest.std(), *correlation])


def tile(ct: Slice) -> NDArray[np.uint8]:
    """Return a slice as a picture of `TILE` pixels a side."""
    low, high = WINDOW
    shade = np.clip((ct.data.T - low) / (high - low), 0, 1) * 255
    picture = Image.fromarray(shade.astype(np.uint8))
    return np.asarray(picture.resize((TILE, TILE), Image.Resampling.LANCZOS))


def save_page(path: Path, rows: list[list[Slice]]) -> None:
    """Write slices side by side."""
    width = max(map(len, rows))
    page = np.zeros((TILE * len(rows), TILE * width), np.uint8)
    for i, row in enumerate(rows):
        for j, ct in enumerate(row):
            page[i * TILE : (i + 1) * TILE, j * TILE : (j + 1) * TILE] = tile(ct)
    Image.fromarray(page).save(path, optimize=True)


def reference_slice(data: Path, level: Level, group: AgeGroup) -> Slice:
    """Return the slice of ASPECTS-281 of a level and an age group."""
    name = f"{OLD_NAMES[level]}_image_{group.stem}.nii.gz"
    return read_scan(data / "aspects-281" / name)[0]


def averaged(ct: Slice) -> Tissues:
    """Return the tissues of an averaged, skull-stripped slice."""
    return tissues(ct.data.astype(np.float32), ct.data > 0)


def measure(name: str, found: list[Tissues], slices: list[Slice]) -> None:
    """Print one row of the table."""
    hu = "  ".join(f"{peak:5.1f}" for peak in peaks(found))
    noise = [texture for texture in map(noise_of, slices) if texture is not None]
    texture = "  ".join(f"{value:5.2f}" for value in np.mean(noise, axis=0)) if noise else ""
    print(f"{name:<24}{hu}   {texture}", flush=True)


def usable(slices: list[Slice]) -> list[Tissues]:
    """Return the tissues of slices that the preprocessing takes."""
    found = []
    for ct in slices:
        try:
            found.append(brain_of(ct))
        except InputError as error:
            print(f"left out: {error}")
    return found


def main() -> None:
    """Read the arguments, simulate, measure, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    recipes = [
        Recipe(arguments.seed, group, index) for group in AGE_GROUPS for index in range(PER_GROUP)
    ]
    with open_workers(arguments.jobs) as workers:
        simulated = list(workers.in_order(simulate, recipes))
    real = read_dicom_scan(arguments.data / "ge-head-ct")
    middle = [real[k] for k in range(14, 23)]

    print(
        f"{'':<24}{'CSF':>5}  {'white':>5}  {'grey':>5}   {'SD':>5}  correlation at 1-{LAGS} pixels"
    )
    measure("real scan", usable(middle), middle)
    for group, first in zip(AGE_GROUPS, range(0, len(recipes), PER_GROUP), strict=True):
        of_group = simulated[first : first + PER_GROUP]
        reference = [reference_slice(arguments.data, level, group) for level in LEVELS]
        measure(f"ASPECTS-281 {group}", [averaged(ct) for ct in reference], [])
        keys = [subject.keys[level] for subject in of_group for level in LEVELS]
        measure(f"phantom {group}", usable(keys), [])
        alike = [
            ct
            for subject in of_group
            for ct in subject.like_real[len(subject.like_real) // 3 : -len(subject.like_real) // 3]
        ]
        measure(f"phantom {group}, as real", usable(alike), alike)

    print(f"\n{'':<6}expert-rater1  expert-rater2  rater1-rater2   mean (standard deviation)")
    agreement = np.stack([subject.agreement for subject in simulated])
    for region, mean, spread in zip(Region, agreement.mean(0), agreement.std(0), strict=True):
        cells = (f"{m:.3f} ({d:.3f})" for m, d in zip(mean, spread, strict=True))
        print(f"{region.name:<6}{'  '.join(cells)}")

    rows, only = [], []
    for group, first in zip(AGE_GROUPS, range(0, len(recipes), PER_GROUP), strict=True):
        of_group = [subject.keys for subject in simulated[first : first + PER_GROUP]]
        row: list[Slice] = []
        for level in LEVELS:
            row += [reference_slice(arguments.data, level, group)]
            row += [slices[level] for slices in of_group]
        rows.append(row)
        only.append([slices[level] for level in LEVELS for slices in of_group])
    rows.append([real[k] for k in (4, 7, 10, 13, 16, 18, 20, 23)])
    for subject in (simulated[PER_GROUP], simulated[2 * PER_GROUP]):
        places = np.linspace(1, len(subject.like_real) - 4, 8).round().astype(int)
        rows.append([subject.like_real[k] for k in places])
    save_page(arguments.out / "phantoms_beside_real.png", rows)
    save_page(arguments.out / "phantoms.png", only)


if __name__ == "__main__":
    main()
