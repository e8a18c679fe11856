"""Radiomic features of the twenty regions, as pyradiomics computes them.

All 107 features of the unfiltered image [1]_: first order, shape and five matrices of texture. A
region is taken whole, fluid included, as far as it is brain. Texture depends on the size of voxels,
so regions are brought to 1 mm in plane and thin slices are averaged to about 5 mm; neighbours are
those of the same slice, as slices are five times thicker than that.

References
----------
.. [1] van Griethuysen JJM, Fedorov A, Parmar C, et al. Computational radiomics system to decode the
   radiographic phenotype. Cancer Res 77:e104-e107 (2017). doi:10.1158/0008-5472.CAN-17-0339
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from aspects_scorer.ncct.mapped_scan import MappedScan
from aspects_scorer.ncct.measures import Array
from atlas_builder.core.anatomy import SIDES, Region, map_value
from atlas_builder.core.errors import InputError

BIN_HU = 4.0
"""Width of a grey level in the matrices of texture: about the noise of a slice of 5 mm."""

_CLASSES = {
    "firstorder": "RadiomicsFirstOrder",
    "glcm": "RadiomicsGLCM",
    "gldm": "RadiomicsGLDM",
    "glrlm": "RadiomicsGLRLM",
    "glszm": "RadiomicsGLSZM",
    "ngtdm": "RadiomicsNGTDM",
    "shape": "RadiomicsShape",
}
_PIXEL_MM, _SLICE_MM = 1.0, 5.0
_CLIP_HU = (-20.0, 100.0)
_LEAST_ML = 0.1
_SILENT = 60  # pyradiomics' verbosity


@dataclass(frozen=True)
class RegionRadiomics:
    """The features of the twenty regions.

    Attributes
    ----------
    names : tuple of str
        Of the features, such as ``glcm_Contrast``.
    values : ndarray, shape (2, 10, features)
        Left side first; NaN where a region has less than 0.1 mL of brain.
    """

    names: tuple[str, ...]
    values: Array

    def beside_counterparts(self) -> tuple[tuple[str, ...], Array]:
        """Return each region's features, and by how much they differ from the other side's.

        Returns
        -------
        names : tuple of str
            Of both, the features first.
        values : ndarray, shape (2, 10, 2 * features)
            Left side first; NaN where a region or its counterpart could not be measured.
        """
        names = (*self.names, *(f"{name}, difference" for name in self.names))
        differences = self.values - self.values[::-1]
        own = np.where(np.isnan(differences), np.nan, self.values)
        return names, np.concatenate([own, differences], axis=-1)


def measure_radiomics(scan: MappedScan) -> RegionRadiomics:
    """Compute every region's features.

    Parameters
    ----------
    scan : MappedScan
        The scan.

    Returns
    -------
    RegionRadiomics

    Raises
    ------
    InputError
        Pyradiomics is not installed.
    """
    classes = _feature_classes()
    names = tuple(f"{prefix}_{name}" for prefix, one in classes.items() for name in _names_of(one))
    values = np.full((len(SIDES), len(Region), len(names)), np.nan)
    hu, labels, spacing = _resampled(scan)
    boxes = ndimage.find_objects(labels, max_label=len(SIDES) * len(Region))
    for row, side in enumerate(SIDES):
        for column, region in enumerate(Region):
            value = map_value(region, side)
            box = boxes[value - 1]
            if box is None:
                continue
            inside = labels[box] == value
            if inside.sum() * np.prod(spacing) / 1000 >= _LEAST_ML:
                values[row, column] = _features(classes, hu[box], inside, spacing)
    return RegionRadiomics(names, values)


@cache
def _feature_classes() -> dict[str, Any]:
    """Return pyradiomics' classes of features; it is imported only by those who use it."""
    try:
        radiomics = import_module("radiomics")
        modules = {name: import_module(f"radiomics.{name}") for name in _CLASSES}
    except ImportError as error:
        raise InputError(
            f"radiomic features need pyradiomics ({error}); "
            "run pip install aspects-atlas[radiomics]"
        ) from None
    radiomics.setVerbosity(_SILENT)
    return {name: getattr(module, _CLASSES[name]) for name, module in modules.items()}


def _names_of(features: Any) -> list[str]:
    return sorted(name for name, outdated in features.getFeatureNames().items() if not outdated)


def _features(
    classes: dict[str, Any],
    hu: NDArray[np.float64],
    inside: NDArray[np.bool_],
    spacing: tuple[float, float, float],
) -> Array:
    """Return the features of one region, in the order of their names."""
    sitk = import_module("SimpleITK")
    image, mask = (
        # Matrices of texture and surfaces need a border.
        sitk.GetImageFromArray(np.pad(array, 1).T)
        for array in (hu, inside.astype(np.uint8))
    )
    for one in (image, mask):
        one.SetSpacing(spacing)
    values = []
    for one in classes.values():
        computed = one(image, mask, binWidth=BIN_HU, force2D=True, force2Ddimension=0)
        computed.enableAllFeatures()
        found = computed.execute()
        values += [float(np.squeeze(found[name])) for name in _names_of(one)]
    return np.array(values)


def _resampled(
    scan: MappedScan,
) -> tuple[NDArray[np.float64], NDArray[np.uint8], tuple[float, float, float]]:
    """Return densities and labels around the regions in voxels of 1 x 1 x about 5 mm."""
    columns_mm, rows_mm, slice_mm = scan.spacing
    inside = np.where(scan.brain, scan.labels, 0).astype(np.uint8)
    boxes = ndimage.find_objects((inside > 0).astype(np.uint8))
    box = boxes[0] if boxes else (slice(0, 1),) * 3
    hu, labels = np.clip(scan.hu[box], *_CLIP_HU).astype(np.float64), inside[box]
    together = max(round(_SLICE_MM / slice_mm), 1)
    hu, labels = _thickened(hu, labels, together)
    steps = (_PIXEL_MM / columns_mm, _PIXEL_MM / rows_mm)
    # A pixel is the mean of what it covers, else noise would depend on the scan's pixels.
    sigma = [np.sqrt(max(step**2 - 1, 0)) / 2 for step in steps]
    hu = ndimage.gaussian_filter(hu, (*sigma, 0), mode="nearest")
    sizes = [max(int(np.ceil(n / step)), 1) for n, step in zip(hu.shape[:2], steps, strict=True)]
    # Both ends are cut alike, so that a mirrored scan has the mirrored pixels.
    offset = [
        ((n - 1) - (size - 1) * step) / 2
        for n, size, step in zip(hu.shape[:2], sizes, steps, strict=True)
    ]
    grid = {
        "matrix": np.diag([*steps, 1.0]),
        "offset": (*offset, 0.0),
        "output_shape": (*sizes, hu.shape[2]),
        "mode": "nearest",
    }
    return (
        ndimage.affine_transform(hu, order=1, **grid),
        ndimage.affine_transform(labels, order=0, **grid),
        (_PIXEL_MM, _PIXEL_MM, slice_mm * together),
    )


def _thickened(
    hu: NDArray[np.float64], labels: NDArray[np.uint8], together: int
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Average slices that follow each other; labels are those of the middle one."""
    starts = range(0, hu.shape[2], together)
    thick = [hu[:, :, start : start + together].mean(axis=2) for start in starts]
    middle = [min(start + together // 2, hu.shape[2] - 1) for start in starts]
    return np.stack(thick, axis=2), labels[:, :, middle]
