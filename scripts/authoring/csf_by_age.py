"""Print how much fluid the key slices of each age group's atlas show.

Usage: python scripts/authoring/csf_by_age.py
    [ATLASES]   ATLASES is a name or a folder, by default simulated

A template averages heads whose sulci differ, so a pixel counts as fluid by its share: all at 9 HU,
none at 26 HU, which is below white matter. Fluid counts as ventricle (with the cisterns of the
midline) where it is deeper than 25 mm below the brain's filled outline, as sulci and fissures
elsewhere; the outermost 2 mm are left out, where the rim of the mean brain fades.
"""

import argparse
from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from atlas_builder.catalogue.atlas import AtlasLevel
from atlas_builder.catalogue.entries import read_atlases
from atlas_builder.core.anatomy import LEVELS
from atlas_builder.preprocessing.key_slice import KEY_SLICE_SPACING

FLUID_HU, TISSUE_HU = 9.0, 26.0
RIM_MM = 2.0
DEEP_MM = 25.0
MM2_PER_CM2 = 100.0


def fluid_areas(content: AtlasLevel) -> tuple[float, float]:
    """Return the areas of the ventricles and of sulci and fissures in cm2."""
    brain = ndimage.binary_fill_holes(content.image != 0)
    depth = ndimage.distance_transform_edt(brain) * KEY_SLICE_SPACING
    share = np.clip((TISSUE_HU - content.image) / (TISSUE_HU - FLUID_HU), 0, 1)
    fluid = share * (depth > RIM_MM) * KEY_SLICE_SPACING**2 / MM2_PER_CM2
    deep = depth > DEEP_MM
    return float(fluid[deep].sum()), float(fluid[~deep].sum())


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the arguments and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("atlases", nargs="?", default="simulated")
    atlases = read_atlases(parser.parse_args(arguments).atlases)
    print("ages   " + "".join(f"{level} ventricles  {level} sulci  " for level in LEVELS) + "(cm2)")
    for group, atlas in atlases.items():
        areas = [area for level in LEVELS for area in fluid_areas(atlas.levels[level])]
        print(f"{group!s:<7}" + "".join(f"{area:>14.3f}" for area in areas))


if __name__ == "__main__":
    main()
