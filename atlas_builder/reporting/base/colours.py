"""The colours of regions, levels and warnings, the same in every figure and page.

The region colours were chosen by a search over sRGB for the largest least distance in Oklab
between any two of them, as seen with full colour vision and with simulated protanopia,
deuteranopia and tritanopia; regions of one level, which are seen together, are the furthest
apart. All are lighter than brain in the brain window, so that outlines show on it.

References
----------
Ottosson B. A perceptual color space for image processing (2020), https://bottosson.github.io.
Machado GM, Oliveira MM, Fernandes LAF. A physiologically-based model for simulation of color
vision deficiency. IEEE Trans Vis Comput Graph 15:1291-1298 (2009). doi:10.1109/TVCG.2009.113
"""

from __future__ import annotations

from collections.abc import Mapping

from atlas_builder.core.anatomy import Level, Region

REGION_COLOURS: Mapping[Region, str] = {
    Region.C: "#d04800",
    Region.L: "#3888f8",
    Region.IC: "#f0f868",
    Region.I: "#e890b0",
    Region.M1: "#a8c000",
    Region.M2: "#a060a0",
    Region.M3: "#a8f0f8",
    Region.M4: "#38b0f8",
    Region.M5: "#c8e8a8",
    Region.M6: "#c88810",
}

BRAIN = "#ff2d2d"
"""Of the brain's outline: on bone and on black."""

LEVEL_COLOURS: Mapping[Level, str] = {"BGL": "#1f5f99", "SGL": "#b4641e"}
"""Of curves; on white."""

WARNING = "#b3261e"
"""Of what needs a look; always with a word or a mark of its own."""

PALE = "#d8d8d8"
"""Of text and outlines on black."""

PAGE_COLOURS: Mapping[str, object] = {
    "region_colours": REGION_COLOURS,
    "brain_colour": BRAIN,
    "warning_colour": WARNING,
}
"""By the names that pages know them by."""
