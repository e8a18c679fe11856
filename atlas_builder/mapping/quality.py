"""Reservations about a map: what was seen on the scan that makes its regions doubtful.

None of these keeps a map from being made; each names what to check. Thresholds are those of
anatomy and of the method, given beside each, not those of any scanner.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy import ndimage as ndi

from atlas_builder.catalogue.atlas import Atlas
from atlas_builder.core.anatomy import LEVELS, SIDES
from atlas_builder.core.flags import Flag
from atlas_builder.mapping.region_map import LevelMap, RegionMeasure, height_above
from atlas_builder.preprocessing.brain import brain_of_stripped
from atlas_builder.preprocessing.key_slice import key_slice_grid

KEY_SLICE_DISTANCE_MM = (12.0, 28.0)
"""The SGL lies 2 cm above the BGL; slices of up to 8 mm and a choice by eye take it off by 8."""

_LEAST_FIT = 0.6  # brains of another age group reach 0.75, wrong slices of a real head 0.56
_LEAST_CONFIDENCE = 0.5  # where regions of known brains overlap by 0.8 or less
_MOST_ROTATION = 20.0  # degrees; the alignment is made for 45, a head so turned was not positioned
_MOST_TWIST = 5.0  # degrees between the midlines of the two slices
_MOST_IMBALANCE = 0.10  # of the brain's area, between its halves; normal brains have 0.05
_AREA_RATIO = (0.65, 1.45)  # of the brain's area to the atlas's; heads of adults differ by a third
_MOST_SHIFT_MM = 5.0  # of the midline; at 5 mm it is called relevant clinically
_MOST_ASYMMETRY = 0.5  # see `Alignment`; heads without a lesion have up to 0.36
_MANY_REGIONS = 3  # darker on one side: more than a small infarct
_LEAST_CUT_MM = 10.0  # of the brain's outline along the edge of the picture
_LEAST_SHARE = 0.4  # of a region's area on the other side
_PADDING_HU = -1024.0
_FEW_VALUES = 3
_COARSE_HU = 4.0  # early ischaemia changes a region by 2 to 5
_DEEP_PARTS = (0.3, 0.7)  # of the midline, between front and back, where the septum lies


def find_flags(
    levels: Sequence[LevelMap],
    measures: Sequence[RegionMeasure],
    atlas: Atlas,
    age: float | None,
) -> tuple[Flag, ...]:
    """Return the reservations about a map.

    Parameters
    ----------
    levels : sequence of LevelMap
        BGL and SGL.
    measures : sequence of RegionMeasure
        Of their regions.
    atlas : Atlas
        What was mapped.
    age : float or None
        Of the patient, in years.
    """
    found = [*_on_age(atlas, age), *_on_key_slices(levels)]
    for level_map in levels:
        checks = (_on_values, _on_orientation, _on_brain, _on_cut, _on_pose, _on_midline, _on_fit)
        for check in checks:
            found += check(level_map)
    return (*found, *_on_confidence(measures), *_on_asymmetry(measures))


def midline_shift(level_map: LevelMap) -> float:
    """Return how far the atlas's midline was carried off the straight one, in mm.

    Looked at between the frontal and the occipital third, where the septum and the third ventricle
    are.

    Parameters
    ----------
    level_map : LevelMap
        Of one key slice.

    Returns
    -------
    float
        The largest distance along that stretch, in mm; positive towards the patient's left.
    """
    y = key_slice_grid().points()[1, 0]
    brain_y = y[(level_map.atlas.image != 0).any(axis=0)]
    low, high = np.quantile(brain_y, _DEEP_PARTS)
    line = np.linspace(low, high, 41)
    across = level_map.transform.to_participant(np.stack([np.zeros_like(line), line]))[0]
    return float(across[np.abs(across).argmax()])


def _on_age(atlas: Atlas, age: float | None) -> Iterator[Flag]:
    if age is None:
        yield Flag(
            "age-unknown", f"no age is known; the atlas is for {atlas.age_group}; give the age"
        )
    elif age not in atlas.age_group:
        yield Flag(
            "age-outside-group",
            f"the patient's age, {age:g}, is outside the atlas's group, {atlas.age_group}; "
            "check regions beside ventricles and sulci, which change with age",
        )


def _on_key_slices(levels: Sequence[LevelMap]) -> Iterator[Flag]:
    bgl, sgl = levels
    distance = height_above(bgl.slice, sgl.slice)
    low, high = KEY_SLICE_DISTANCE_MM
    if not low <= distance <= high:
        yield Flag(
            "key-slices-doubtful",
            f"the SGL lies {distance:.1f} mm above the BGL, 20 mm are usual; check both slices",
        )
    twist = bgl.key.alignment.angle - sgl.key.alignment.angle
    if abs(twist) > _MOST_TWIST:
        yield Flag(
            "midlines-disagree",
            f"the midlines of the two slices differ by {abs(twist):.0f} degrees; check that both "
            "lie in the middle of the head",
        )
    for level_map in levels:
        fits = level_map.resemblance.fits
        likelier = max(fits, key=lambda level: fits[level])
        if likelier != level_map.level:
            yield Flag(
                "key-slices-doubtful",
                f"slice {level_map.index} looks more like the {likelier} (correlation "
                f"{fits[likelier]:.2f}) than the {level_map.level} ({fits[level_map.level]:.2f}); "
                "check the choice of slices",
                level_map.level,
            )


def _on_values(level_map: LevelMap) -> Iterator[Flag]:
    """Remark on values that are stored in wide steps."""
    values = np.unique(np.asarray(level_map.slice.data)[level_map.brain])
    if len(values) < _FEW_VALUES:
        return
    step = float(np.median(np.diff(values)))
    if step >= _COARSE_HU:
        reason = f"densities come in steps of {step:.3g} HU, more than early ischaemia changes them"
        yield Flag("coarse-values", reason, level_map.level)


def _on_orientation(level_map: LevelMap) -> Iterator[Flag]:
    if level_map.resemblance.turned:
        yield Flag(
            "orientation-doubtful",
            "the head looks turned front to back; left and right may be wrong; check the "
            "orientation in the scan's header",
            level_map.level,
        )


def _on_brain(level_map: LevelMap) -> Iterator[Flag]:
    brain = level_map.key.brain
    ratio = np.count_nonzero(brain) / np.count_nonzero(level_map.atlas.image)
    low, high = _AREA_RATIO
    if not low <= ratio <= high:
        yield Flag(
            "brain-mask-implausible",
            f"the brain found has {ratio:.0%} of the area of the atlas's; look at its outline",
            level_map.level,
        )
    middle = brain.shape[0] // 2
    right, left = np.count_nonzero(brain[:middle]), np.count_nonzero(brain[middle:])
    imbalance = (left - right) / max(left + right, 1)
    if abs(imbalance) > _MOST_IMBALANCE:
        larger, smaller = SIDES if imbalance > 0 else reversed(SIDES)
        yield Flag(
            "brain-mask-implausible",
            f"the {larger} half of the brain found is {2 * abs(imbalance):.0%} larger than the "
            f"{smaller}; look at its outline, the midline and a cut or missing part",
            level_map.level,
        )


def _on_cut(level_map: LevelMap) -> Iterator[Flag]:
    hu = np.asarray(level_map.slice.data, dtype=np.float32)
    padding = ~(hu > _PADDING_HU)
    if brain_of_stripped(hu, level_map.slice.spacing) is not None:
        padding[:] = False  # there it is the background of a whole brain
    beside = ndi.binary_dilation(np.pad(padding, 1, constant_values=True))[1:-1, 1:-1]
    length = np.count_nonzero(level_map.brain & beside) * float(np.mean(level_map.slice.spacing))
    if length >= _LEAST_CUT_MM:
        yield Flag(
            "cut-off",
            f"{length:.0f} mm of the brain's outline lie at the edge of the picture: part of the "
            "head is not on it; leave out the regions there",
            level_map.level,
        )


def _on_pose(level_map: LevelMap) -> Iterator[Flag]:
    angle = level_map.key.alignment.angle
    if abs(angle) > _MOST_ROTATION:
        yield Flag(
            "rotated-head",
            f"the head is turned by {abs(angle):.0f} degrees; check the midline",
            level_map.level,
        )


def _on_midline(level_map: LevelMap) -> Iterator[Flag]:
    shift = midline_shift(level_map)
    if abs(shift) > _MOST_SHIFT_MM:
        side = "left" if shift > 0 else "right"
        yield Flag(
            "midline-shift",
            f"the midline bends {abs(shift):.0f} mm to the {side}: swelling, a mass, or a midline "
            "found wrongly; look at the dashed line",
            level_map.level,
        )
    asymmetry = level_map.key.alignment.asymmetry
    if asymmetry > _MOST_ASYMMETRY:
        yield Flag(
            "large-asymmetry",
            f"the sides of the head differ widely ({asymmetry:.2f} of 1): a large lesion, a "
            "crooked head, or a midline found wrongly; look at the dashed line",
            level_map.level,
        )


def _on_fit(level_map: LevelMap) -> Iterator[Flag]:
    if level_map.fit < _LEAST_FIT:
        yield Flag(
            "poor-fit",
            f"the atlas fits the slice poorly (correlation {level_map.fit:.2f}); check the level, "
            "and each region by eye",
            level_map.level,
        )


def _on_confidence(measures: Sequence[RegionMeasure]) -> Iterator[Flag]:
    for level in LEVELS:
        doubtful = [m for m in measures if m.level == level and m.confidence < _LEAST_CONFIDENCE]
        if doubtful:
            names = ", ".join(f"{m.side} {m.region.name}" for m in doubtful)
            yield Flag("low-confidence", f"check by eye where these lie: {names}", level)
        areas = {(m.region, m.side): m.area_mm2 for m in measures if m.level == level}
        small = [
            f"{side} {region.name}"
            for (region, side), area in areas.items()
            if area < _LEAST_SHARE * areas[region, "right" if side == "left" else "left"]
        ]
        if small:
            yield Flag(
                "region-incomplete",
                f"check by eye what is far smaller than on the other side, or missing: "
                f"{', '.join(small)}",
                level,
            )


def _on_asymmetry(measures: Sequence[RegionMeasure]) -> Iterator[Flag]:
    for side in SIDES:
        darker = [m.region.name for m in measures if m.side == side and m.stands_out]
        if len(darker) >= _MANY_REGIONS:
            yield Flag(
                "large-lesion",
                f"{len(darker)} of 10 regions are darker on the {side} ({', '.join(darker)}): a "
                "large lesion, or a difference between the sides all over the scan; compare the "
                "sides beyond these regions",
            )
