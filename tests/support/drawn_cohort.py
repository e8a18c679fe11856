"""A cohort of drawn heads with their regions, small enough to train on in a test."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
from striped_head import affines, mni_head

from atlas_builder.cohorts.stroke_truth import no_stroke, write_truth

AFFINE = affines()[0].copy()
AFFINE[2, 2] = 5.0


def write_drawn_cohort(folder: Path, heads: int) -> list[str]:
    """Write so many heads, ``participants.tsv`` and ``truth.tsv``; return who they are."""
    names = [f"sub-{number:02d}" for number in range(1, heads + 1)]
    scan = mni_head()
    rng = np.random.default_rng(4)
    for name in names:
        own = folder / name
        own.mkdir(parents=True)
        hu = scan.hu + rng.normal(0, 2, scan.hu.shape)
        nib.save(nib.Nifti1Image(np.rint(hu).astype(np.int16), AFFINE), own / f"{name}_ct.nii.gz")
        nib.save(nib.Nifti1Image(scan.labels, AFFINE), own / f"{name}_desc-regions_labels.nii.gz")
    rows = "".join(f"{name}\t60\tF\n" for name in names)
    (folder / "participants.tsv").write_text("participant_id\tage\tsex\n" + rows)
    write_truth(folder / "truth.tsv", [no_stroke(name) for name in names])
    return names
