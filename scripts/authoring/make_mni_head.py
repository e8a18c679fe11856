"""Make the standard head of the phantom from the ICBM152 averages that nilearn carries.

    python scripts/authoring/make_mni_head.py

writes atlases/mni152-head/mni152_tissues_1mm.nii.gz, the same bytes every time, in about half a
minute and 1.5 GB of memory. nilearn is a development dependency; no network is needed.
"""

from __future__ import annotations

import numpy as np
from head_painting.brain import BrainMaps
from head_painting.making import AFFINE, make_half, on_half_grid, whole_in_parts
from nilearn import datasets

from atlas_builder.catalogue.mni_head import TISSUES_FILE, save_tissues


def main() -> None:
    """Make the head and write it."""
    images = (
        datasets.load_mni152_gm_template(resolution=1),
        datasets.load_mni152_wm_template(resolution=1),
        datasets.load_mni152_template(resolution=1),
    )
    maps = BrainMaps(*(on_half_grid(i.get_fdata(dtype=np.float32), i.affine) for i in images))
    save_tissues(whole_in_parts(make_half(maps)), AFFINE)
    print(f"{TISSUES_FILE}: {TISSUES_FILE.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
