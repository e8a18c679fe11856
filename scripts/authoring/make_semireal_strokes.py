"""Plant real infarcts in real brains: a test set of strokes on NCCT whose truth is known.

    python scripts/authoring/make_semireal_strokes.py DATA --out DIR

DATA holds reference-atlases/ (MIPLAB's and scCT's brains), ge-head-ct/ (a real head) and
soop/lesions/ (masks of real infarcts in MNI space, of which the part for tests is planted). Each
brain is registered with the standard head once; every head planted in it has another shape, other
natural differences of the sides, perhaps a cavity of an old infarct, and is scanned in slices of
5 mm with a noise of 2.5 to 4 HU. DIR becomes a cohort with ``truth.tsv`` and ``brains.tsv``, which
says whose brain it is. Nothing of DIR may be passed on beyond what the licences of DATA allow.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from atlas_builder.catalogue.mni_head import Head, load_head
from atlas_builder.core.anatomy import AgeGroup
from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Scan
from atlas_builder.io.dicom.scans import read_dicom_scan
from atlas_builder.io.nifti.images import read_scan
from atlas_builder.preprocessing.brain import extract_brain
from atlas_builder.runtime.files import replacing_folder, write_json
from atlas_builder.runtime.tsv import write_tsv
from atlas_builder.validation.intensities import to_hounsfield
from atlas_builder.workflows.simulate import write_participants, write_truths
from head_phantom.cohort.subject import Recipe, Subject
from head_phantom.cohort.subject_files import write_subject
from head_phantom.head.coarse_head import CoarseHead, coarse_head
from head_phantom.infarct.infarct import Infarct
from head_phantom.infarct.lesion_shapes import Part, describe_lesions
from head_phantom.infarct.patients import Findings, LesionSource, draw_background, draw_shape
from head_phantom.person.person import draw_person
from head_phantom.real_brain.alignment import RealBrain, align_brain
from head_phantom.real_brain.planting import plant
from head_phantom.scanner.acquisition import draw_acquisition
from head_phantom.scanner.scanner import acquire

STRIPPED = ("miplab-ncct_asym_brain", "miplab-ncct_sym_brain", "scct_stripped")
AGES = AgeGroup(60, 89)
"""Both atlases are of elderly people, and the head is an old person's."""

HOURS = (2.1, 4.5, 7.6)
"""Net water uptake of 6%, 11.5% and 17%; half of the infarcts are younger than the middle one."""

NOISE_HU = (2.5, 4.0)
THICKNESS_MM = 5.0


def real_brains(data: Path) -> Iterator[tuple[str, Scan, NDArray[np.bool_]]]:
    """Yield each brain's name, scan in HU and mask."""
    for name in STRIPPED:
        scan = read_scan(data / "reference-atlases" / f"{name}.nii.gz")
        hu, _ = to_hounsfield(np.asarray(scan.data, np.float32))
        mask = ndimage.binary_fill_holes(hu > 2.0)
        yield name, Scan(hu, scan.affines), ndimage.binary_opening(mask)
    scan = read_dicom_scan(data / "ge-head-ct")
    mask = np.zeros(scan.data.shape, np.bool_)
    for k in range(len(scan)):
        try:
            mask[:, :, k] = extract_brain(np.asarray(scan[k].data, np.float32), scan[k].spacing)
        except InputError:
            continue  # below the skull base and above the vertex
    yield "ge-head-ct", scan, mask


def plant_stroke(head: Head, coarse: CoarseHead, brain: RealBrain, recipe: Recipe) -> Subject:
    """Make one head, scan it, and return it with its truth."""
    assert recipe.lesions is not None
    seed = np.random.SeedSequence([recipe.seed, recipe.index])
    person_rng, stroke_rng, background_rng, shape_rng, scan_rng = (
        np.random.default_rng(stream) for stream in seed.spawn(5)
    )
    age = int(person_rng.integers(AGES.first, AGES.last + 1))
    person = draw_person(age, "F" if person_rng.random() < 0.5 else "M", person_rng)
    infarct = None
    if stroke_rng.random() < recipe.infarct_share:
        early = stroke_rng.random() < 0.5
        hours = float(stroke_rng.uniform(*(HOURS[:2] if early else HOURS[1:])))
        shape = draw_shape(head, recipe.lesions, stroke_rng)
        infarct = Infarct(shape, hours, int(stroke_rng.integers(2**32)))
    old, unevenness = draw_background(age, recipe.lesions, background_rng)
    findings = Findings(infarct, old, None, unevenness)
    anatomy = plant(head, coarse, brain, person, findings, shape_rng)
    acquisition = replace(
        draw_acquisition(scan_rng, matrix=recipe.matrix, thickness_mm=recipe.thickness_mm),
        noise_hu=float(scan_rng.uniform(*NOISE_HU)),
    )
    acquired = acquire(anatomy, acquisition, scan_rng)
    return Subject(recipe, person, findings, anatomy, acquisition, acquired, {}, None)


def main() -> None:
    """Register each brain, plant, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--heads", type=int, default=10, help="In each of the four brains.")
    parser.add_argument("--infarcts", type=float, default=0.75)
    parser.add_argument("--matrix", type=int, default=256)
    parser.add_argument("--seed", type=int, default=4001)
    given = parser.parse_args()
    if given.out.exists() and any(given.out.iterdir()):
        raise SystemExit(f"{given.out}: not empty; give another folder")
    source = LesionSource(given.data / "soop" / "lesions", Part.TEST)
    head = load_head()
    coarse = coarse_head(head)
    recipes, rows = [], []
    with replacing_folder(given.out) as out:
        for number, (name, scan, mask) in enumerate(real_brains(given.data)):
            brain = align_brain(head, scan, mask)
            for index in range(number * given.heads, (number + 1) * given.heads):
                recipe = Recipe(
                    given.seed,
                    AGES,
                    index,
                    given.infarcts,
                    THICKNESS_MM,
                    given.matrix,
                    lesions=source,
                )
                folder = out / recipe.participant_id
                folder.mkdir()
                write_subject(folder, plant_stroke(head, coarse, brain, recipe), "nifti")
                recipes.append(recipe)
                rows.append([recipe.participant_id, name])
                print(f"{recipe.participant_id}\t{name}", flush=True)
        write_participants(out, recipes, 0)
        write_truths(out, recipes)
        write_tsv(out / "brains.tsv", ["participant_id", "brain"], rows)
        write_json(
            out / "simulation.json",
            {
                "simulated": True,
                "semireal": True,
                "seed": given.seed,
                "infarct_share": given.infarcts,
                "lesions": describe_lesions(source.folder, source.part),
            },
        )


if __name__ == "__main__":
    main()
