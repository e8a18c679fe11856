"""Make atlases/mni152-aspects, the ASPECTS regions in MNI space, from the average in nilearn.

Usage: python scripts/authoring/make_mni_aspects.py

Nothing is downloaded. The files are the same bytes every time.
"""

import numpy as np
from nilearn import datasets
from region_drawing.regions import mni_regions

from atlas_builder.catalogue.mni_regions import (
    LABELS_FILE,
    MniAspects,
    lookup_table,
    save_mni_aspects,
)
from atlas_builder.reporting.base.colours import REGION_COLOURS


def make() -> MniAspects:
    """Generate the atlas from the T1-weighted average of MNI152NLin2009aSym at 1 mm."""
    t1 = datasets.load_mni152_template(resolution=1)
    affine = np.asarray(t1.affine, np.float64)
    labels = mni_regions(t1.get_fdata(), affine)
    return MniAspects(labels, affine, lookup_table(labels, REGION_COLOURS))


def main() -> None:
    """Generate, write, and print the volumes."""
    LABELS_FILE.parent.mkdir(parents=True, exist_ok=True)
    atlas = make()
    save_mni_aspects(atlas)
    for row in atlas.table:
        print(f"{row.value:>3}  {row.name:<48} {row.volume_ml:6.2f} mL")
    print(f"{LABELS_FILE}: {LABELS_FILE.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
