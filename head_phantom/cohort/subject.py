"""One subject of a simulated cohort: a person, perhaps an infarct, a scan, the raters' drawings."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atlas_builder.catalogue.mni_head import Head, load_head
from atlas_builder.cohorts.drawn_regions import check_complete
from atlas_builder.core.anatomy import LEVELS, AgeGroup, Level
from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Slice
from head_phantom.anatomy import make_anatomy
from head_phantom.angiography.contrast import Contrast, draw_contrast
from head_phantom.angiography.occlusion import Occluded, draw_occlusion
from head_phantom.infarct.infarct import Infarct
from head_phantom.infarct.patients import (
    Findings,
    LesionSource,
    affected_regions,
    draw_background,
    draw_stroke,
)
from head_phantom.infarct.strokes import draw_infarct
from head_phantom.person.person import Person, draw_person
from head_phantom.person.volumes import Anatomy
from head_phantom.raters.drawing import draw_level, without_sides
from head_phantom.raters.raters import draw_as_rater
from head_phantom.scanner.acquisition import Acquisition, angiographic, draw_acquisition
from head_phantom.scanner.dwi import Dwi, simulate_dwi
from head_phantom.scanner.scanner import Acquired, acquire, cut_key_slices

RATERS = ("expert", "rater1", "rater2")
_ATTEMPTS = 20
_RESTLESS_SHARE, _RESTLESS_MM = 0.1, (1.5, 4.0)  # of people with a suspected stroke


@dataclass(frozen=True)
class AngiographyPlan:
    """That subjects have a CT angiography as well, and what is given of it.

    Attributes
    ----------
    occluded : Occluded or None
        The artery behind every infarct; None where it is drawn.
    thickness_mm : float or None
        Of slices; None for 0.7, 0.8 or 1.0.
    """

    occluded: Occluded | None = None
    thickness_mm: float | None = None


@dataclass(frozen=True)
class Recipe:
    """What decides a subject; the number of subjects in the cohort does not.

    Attributes
    ----------
    seed : int
        Of the cohort.
    age_group : AgeGroup
        The subject's.
    index : int
        The subject's number in the age group, from 0.
    infarct_share : float
        The probability of an acute infarct.
    thickness_mm : float or None
        Of slices; None where it varies.
    matrix : int
        Columns and rows of the scan.
    dwi : bool
        Whether the subject has a diffusion scan as well.
    lesions : LesionSource or None
        Real lesions; with them the subject is one who is scanned for a suspected stroke.
    angiography : AngiographyPlan or None
        Whether the subject has a CT angiography as well.
    """

    seed: int
    age_group: AgeGroup
    index: int
    infarct_share: float = 0.0
    thickness_mm: float | None = None
    matrix: int = 512
    dwi: bool = False
    # Identifiers of DICOM series come from what is printed; folders differ from machine to machine.
    lesions: LesionSource | None = field(default=None, repr=False)
    angiography: AngiographyPlan | None = field(default=None, repr=False)

    @property
    def participant_id(self) -> str:
        """Such as ``sub-5069s001``: the age group and the number from 1."""
        return f"sub-{self.age_group.first}{self.age_group.last}s{self.index + 1:03d}"


@dataclass(frozen=True)
class Angiography:
    """The CT angiography of a subject.

    Attributes
    ----------
    contrast : Contrast
        The phase, the enhancement and the occlusion.
    acquisition : Acquisition
        How it was scanned.
    acquired : Acquired
        The scan and its truth.
    """

    contrast: Contrast
    acquisition: Acquisition
    acquired: Acquired


@dataclass(frozen=True)
class Subject:
    """A simulated subject.

    Attributes
    ----------
    recipe : Recipe
        What it was made from.
    person : Person
        Age, sex and traits.
    findings : Findings
        The acute infarct, where there is one, and what else is found.
    anatomy : Anatomy
        The person's head.
    acquisition : Acquisition
        How it was scanned.
    acquired : Acquired
        The scan and its truth.
    drawings : dict of str to ndarray of uint8, shape (columns, rows, slices)
        Each rater's labels, 1-10 on both sides, on the two key slices.
    dwi : Dwi or None
        The diffusion scan, where there is one.
    angiography : Angiography or None
        The CT angiography, where there is one.
    """

    recipe: Recipe
    person: Person
    findings: Findings
    anatomy: Anatomy
    acquisition: Acquisition
    acquired: Acquired
    drawings: dict[str, NDArray[np.uint8]]
    dwi: Dwi | None
    angiography: Angiography | None

    @property
    def infarct(self) -> Infarct | None:
        """The acute infarct, where there is one."""
        return self.findings.infarct


def simulate_subject(recipe: Recipe) -> Subject:
    """Simulate one subject; the same recipe gives the same bits.

    Parameters
    ----------
    recipe : Recipe
        What decides the subject.

    Returns
    -------
    Subject
        With all that is known of it.
    """
    group = recipe.age_group
    sequence = np.random.SeedSequence([recipe.seed, group.first, group.last, recipe.index])
    # One stream each, so that an infarct or another thickness leaves the person what it is.
    person_rng, infarct_rng, acquisition_rng, scan_rng, dwi_rng, *others = (
        np.random.default_rng(stream) for stream in sequence.spawn(6 + len(RATERS))
    )
    *rater_rngs, background_rng, angiography_rng = others
    age = int(person_rng.integers(group.first, group.last + 1))
    person = draw_person(age, "F" if person_rng.random() < 0.5 else "M", person_rng)
    findings = _draw_findings(recipe, person, infarct_rng, background_rng)
    anatomy = make_anatomy(
        _standard_head(),
        person,
        findings.infarct,
        findings.old_infarcts,
        dense_vessel=findings.dense_vessel,
        unevenness=findings.unevenness,
    )
    acquisition = _draw_usable(anatomy, recipe, acquisition_rng)
    if recipe.lesions is not None and background_rng.random() < _RESTLESS_SHARE:
        motion = float(background_rng.uniform(*_RESTLESS_MM))
        acquisition = replace(acquisition, motion_mm=motion)
    acquired = acquire(anatomy, acquisition, scan_rng)
    return Subject(
        recipe,
        person,
        findings,
        anatomy,
        acquisition,
        acquired,
        _draw(acquired, acquisition.pixel_mm, rater_rngs),
        simulate_dwi(anatomy, dwi_rng) if recipe.dwi else None,
        None
        if recipe.angiography is None
        else _angiography(recipe.angiography, person, findings, acquisition, angiography_rng),
    )


def _angiography(
    plan: AngiographyPlan,
    person: Person,
    findings: Findings,
    acquisition: Acquisition,
    rng: np.random.Generator,
) -> Angiography:
    """Give a subject contrast medium and scan the head again, as it lay."""
    head = _standard_head()
    occlusion_rng, contrast_rng, acquisition_rng, scan_rng = rng.spawn(4)
    occlusion = None
    if findings.infarct is not None:
        side, affected = affected_regions(head, findings.infarct.place)
        occlusion = draw_occlusion(side, affected, occlusion_rng, plan.occluded)
    contrast = draw_contrast(contrast_rng, occlusion)
    anatomy = make_anatomy(
        head,
        person,
        findings.infarct,
        findings.old_infarcts,
        unevenness=findings.unevenness,
        contrast=contrast,
    )
    thin = angiographic(acquisition, acquisition_rng, plan.thickness_mm)
    return Angiography(contrast, thin, acquire(anatomy, thin, scan_rng))


def _draw_findings(
    recipe: Recipe,
    person: Person,
    infarct_rng: np.random.Generator,
    background_rng: np.random.Generator,
) -> Findings:
    ill = infarct_rng.random() < recipe.infarct_share
    if recipe.lesions is None:
        return Findings(draw_infarct(infarct_rng) if ill else None)
    head = _standard_head()
    infarct, vessel = draw_stroke(head, recipe.lesions, infarct_rng) if ill else (None, None)
    old, unevenness = draw_background(person.age, recipe.lesions, background_rng)
    return Findings(infarct, old, vessel, unevenness)


@lru_cache(maxsize=1)
def _standard_head() -> Head:
    return load_head()


def _draw_usable(anatomy: Anatomy, recipe: Recipe, rng: np.random.Generator) -> Acquisition:
    """Draw an acquisition whose key slices show every region on both sides."""
    for _ in range(_ATTEMPTS):
        acquisition = draw_acquisition(rng, matrix=recipe.matrix, thickness_mm=recipe.thickness_mm)
        slices = cut_key_slices(anatomy, acquisition)
        if all(_is_complete(level, slices[level]) for level in LEVELS):
            return acquisition
    return Acquisition(
        pixel_mm=0.45 * 512 / recipe.matrix,
        matrix=recipe.matrix,
        thickness_mm=recipe.thickness_mm or 5.0,
        spacing_mm=recipe.thickness_mm or 5.0,
    )


def _is_complete(level: Level, regions: Slice) -> bool:
    drawn = without_sides(draw_level(regions.data.astype(np.uint8), level))
    try:
        check_complete(Path(level), level, Slice(drawn, regions.affine))
    except InputError:
        return False
    return True


def _draw(
    acquired: Acquired, pixel_mm: float, rngs: list[np.random.Generator]
) -> dict[str, NDArray[np.uint8]]:
    """Let the expert and the other raters draw the key slices."""
    indices = {"BGL": acquired.bgl_index, "SGL": acquired.sgl_index}
    drawings = {rater: np.zeros_like(acquired.regions) for rater in RATERS}
    for level in LEVELS:
        k = indices[level]
        expert = draw_level(acquired.regions[:, :, k], level)
        drawings[RATERS[0]][:, :, k] = without_sides(expert)
        for rater, rng in zip(RATERS[1:], rngs, strict=True):
            drawn = draw_as_rater(expert, acquired.brain[:, :, k], pixel_mm, rng)
            drawings[rater][:, :, k] = without_sides(drawn)
    return drawings
