"""Scoring, complete: from files to a folder with the score."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aspects_scorer.dwi.b_values import Weighted, read_weighted
from aspects_scorer.dwi.case import Case, Source
from aspects_scorer.dwi.diffusion import check_same_grid, read_diffusion
from aspects_scorer.dwi.file_format import refuse_other_formats
from aspects_scorer.dwi.lesion_size import MOST_ML, MOST_ML_MNI, refuse_implausible_size
from aspects_scorer.dwi.mni_brain import mni_brain
from aspects_scorer.dwi.mni_space import refuse_other_space
from aspects_scorer.dwi.scored_lesion import score_lesion
from aspects_scorer.dwi.skull_base import part_set_aside, skull_base_remarks
from atlas_builder.core.aspects import SEGMENTED, AspectsRule, name_of
from atlas_builder.core.errors import InputError
from atlas_builder.core.lesion import Lesion
from atlas_builder.core.volume import Volume
from atlas_builder.io.nifti.masks import read_lesion
from atlas_builder.registration.volumes import SpaceTransform
from atlas_builder.workflows.score_files import check_folder, write_case

_LOOKS = (0.62, 0.86, 0.12)
"""Brightness of grey matter, white matter and fluid of the average brain in pictures."""


def score_mask(path: Path, out: Path, *, rule: AspectsRule = SEGMENTED) -> Case:
    """Score a lesion mask in MNI152 space and write the score's folder.

    Parameters
    ----------
    path : Path
        The mask; see `read_lesion`.
    out : Path
        The folder to write; see `write_case`.
    rule : AspectsRule
        Which extent of lesion takes a region's point.

    Returns
    -------
    Case

    Raises
    ------
    InputError
        The mask or the folder cannot be used. Nothing is written then.
    """
    check_folder(out)
    started = time.perf_counter()
    refuse_other_formats(path)
    lesion = read_lesion(path)
    refuse_implausible_size(path, lesion, MOST_ML_MNI)
    refuse_other_space(path, lesion)
    read = time.perf_counter()
    scored = score_lesion(lesion, rule)
    brain = mni_brain()
    case = Case(
        scored,
        "mask-in-mni152",
        lesion,
        lesion,
        Volume(brain.mixed(*_LOOKS), brain.affine),
        _described(rule),
        {"read": read - started, "score": time.perf_counter() - read},
    )
    write_case(out, case)
    return case


def score_scan(
    dwi: Path,
    out: Path,
    *,
    mask: Path | None = None,
    adc: Path | None = None,
    registration: str = "affine",
    rule: AspectsRule = SEGMENTED,
) -> Case:
    """Score the lesion of a diffusion image, drawn on it or found by the network.

    Parameters
    ----------
    dwi : Path
        b 0 or b 1000 of the patient; b 1000 where the lesion is to be found. A series of several
        volumes needs a ``.bval`` file beside it, see `read_weighted`.
    out : Path
        The folder to write; see `write_case`.
    mask : Path, optional
        The lesion on the image's voxels. By default it is segmented.
    adc : Path, optional
        ADC map on the image's voxels, for the segmentation. By default the one that follows from
        the volumes of `dwi`, where it holds b 0 as well.
    registration : {'affine', 'syn'}
        How the image is brought to MNI152 space, see `Method`.
    rule : AspectsRule
        Which extent of lesion takes a region's point.

    Returns
    -------
    Case

    Raises
    ------
    InputError
        A file or the folder cannot be used, the mask lies on another grid than the image or is
        no infarct's, the image shows no brain, cannot be registered, or it or the map is not what
        it is called (see `check_kinds`). Nothing is written then.
    """
    # Loads the network only where it is needed, and ANTs never for a mask in MNI space.
    from aspects_scorer.dwi.image_kind import check_kinds  # noqa: PLC0415
    from aspects_scorer.dwi.landmarks import find_landmarks  # noqa: PLC0415
    from aspects_scorer.dwi.placement import placement_remarks  # noqa: PLC0415
    from aspects_scorer.dwi.segmentation.brain import extract_brain  # noqa: PLC0415
    from aspects_scorer.dwi.template_space import (  # noqa: PLC0415
        Method,
        image_to_template,
        place_coarsely,
        register_to_template,
        to_template,
    )

    check_folder(out)
    clock = _Clock()
    for path in (dwi, mask, adc):
        if path is not None:
            refuse_other_formats(path)
    # A mask is placed as well by b 0; an infarct is found on b 1000.
    weighted = read_weighted(dwi) if mask is None else read_weighted(dwi, least_b=0)
    image = weighted.image
    diffusion = _adc_map(adc, weighted)
    source: Source = "segmented-from-dwi" if mask is None else "mask-on-dwi"
    if mask is not None:
        drawn = read_lesion(mask)
        refuse_implausible_size(mask, drawn, MOST_ML)
        check_same_grid(mask, drawn.mask.shape, drawn.affine, image)
    clock.stage("read")
    try:
        brain = extract_brain(image.data, image.affine)
    except InputError as error:
        raise InputError(f"{dwi}: {error}") from None
    if mask is None:
        # Another image than b 1000 is refused before the network takes its time. What follows
        # from the whole registration, without the infarct, is asked again below.
        with _placing(dwi):
            placed = place_coarsely(image, brain)
        check_kinds(dwi, image.data, adc, diffusion, find_landmarks(image, brain, placed))
        clock.stage("check")
        drawn = Lesion(_segmented(image, diffusion, brain), image.affine)
        clock.stage("segment")
    with _placing(dwi):
        transform = register_to_template(image, brain, drawn.mask, Method(registration))
    flags = weighted.flags
    if mask is None:
        landmarks = find_landmarks(image, brain, transform)
        flags += check_kinds(dwi, image.data, adc, diffusion, landmarks)
    clock.stage("register")
    unsure = mask is None and diffusion is None
    drawn, aside = _parted(image, brain, drawn, transform) if unsure else (drawn, None)
    lesion = to_template(drawn, transform)
    scored = score_lesion(lesion, rule)
    remarks = tuple(placement_remarks(image, brain, drawn, transform))
    if unsure:
        remarks += skull_base_remarks(lesion, aside)
    # A patient's grid lies askew in MNI space, and its slices are thick: that is no remark here.
    own = (flag for flag in scored.flags if flag.code != "space-doubtful")
    scored = replace(scored, core_volume_ml=drawn.volume_ml, flags=(*own, *flags, *remarks))
    clock.stage("score")
    shown = image_to_template(Volume(image.data * brain, image.affine), transform)
    case = Case(
        scored,
        source,
        drawn,
        lesion,
        shown,
        {**_described(rule), "registration": registration},
        clock.stages,
        aside,
        None if aside is None else to_template(aside, transform),
    )
    write_case(out, case)
    return case


def _parted(
    image: Volume, brain: NDArray[np.bool_], found: Lesion, transform: SpaceTransform
) -> tuple[Lesion, Lesion | None]:
    """Part what was found without an ADC map into what counts and what is set aside."""
    to_mni = np.linalg.inv(transform.affine) @ image.affine
    aside = part_set_aside(image, brain, found.mask, to_mni)
    kept = Lesion(found.mask & ~aside, found.affine)
    return kept, Lesion(aside, found.affine) if aside.any() else None


@contextmanager
def _placing(dwi: Path) -> Iterator[None]:
    """Refuse an image that cannot be brought to MNI152 space."""
    from atlas_builder.registration.ants_library import RegistrationError  # noqa: PLC0415

    try:
        yield
    except InputError as error:
        raise InputError(f"{dwi}: {error}") from None
    except RegistrationError as error:
        raise InputError(
            f"{dwi}: cannot be brought to MNI152 space ({error}); check that it is a brain"
        ) from None


def _described(rule: AspectsRule) -> dict[str, object]:
    return {
        "rule": name_of(rule),
        "least_ml": rule.deep_from_ml,
        "deep_share": round(rule.deep_from_share, 6),
        "cortical_share": round(rule.cortical_from_share, 6),
    }


class _Clock:
    """Seconds a stage."""

    def __init__(self) -> None:
        self.stages: dict[str, float] = {}
        self._last = time.perf_counter()

    def stage(self, name: str) -> None:
        now = time.perf_counter()
        self.stages[name] = now - self._last
        self._last = now


def _adc_map(adc: Path | None, weighted: Weighted) -> NDArray[np.float32] | None:
    """Return the ADC map that was given, else the one of the diffusion image's own volumes."""
    if adc is None:
        return weighted.adc
    volume = read_diffusion(adc)
    check_same_grid(adc, volume.data.shape, volume.affine, weighted.image)
    return volume.data


def _segmented(
    image: Volume, diffusion: NDArray[np.float32] | None, brain: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Find the infarct on an image whose brain is known."""
    from aspects_scorer.dwi.segmentation.inference import segment_infarct  # noqa: PLC0415

    return segment_infarct(image.data, image.affine, diffusion, brain=brain)
