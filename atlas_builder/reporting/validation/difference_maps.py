"""Figure 9: where a source of regions and the reference overlap and where they part.

References
----------
Sun X, et al. Sci Data 11, 1132 (2024). doi:10.1038/s41597-024-03973-y, Figure 9.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray
from scipy import ndimage

from atlas_builder.core.anatomy import Level, Region
from atlas_builder.preprocessing.key_slice import KEY_SLICE_SHAPE
from atlas_builder.reporting.base.canvas import Box, common_box, outline, pictures, show
from atlas_builder.reporting.base.colours import PALE
from atlas_builder.reporting.base.pictures import radiological
from atlas_builder.validation.mapped import MappedLevel, MappedParticipant

_WHOLE: Box = (slice(0, KEY_SLICE_SHAPE[0]), slice(0, KEY_SLICE_SHAPE[1]))
_MARGIN = 10  # pixels of 0.5 mm
_LEGEND = 0.36  # inches


class Difference(Enum):
    """What a pixel is, with its colour and opacity."""

    OVERLAP = ("overlap", "#35b779", 0.42)
    UNDER = ("under-mapped: only the reference has a region", "#ffd92f", 0.95)
    OVER = ("over-mapped: only the source has a region", "#ff3ea5", 0.95)
    EXCHANGED = ("different regions", "#29b6f6", 0.95)

    @property
    def words(self) -> str:
        """Its name in the legend."""
        return self.value[0]

    @property
    def rgba(self) -> tuple[float, float, float, float]:
        """The colour as matplotlib takes it."""
        red, green, blue, _ = to_rgba(self.value[1])
        return red, green, blue, self.value[2]


def differences(
    source: NDArray[np.uint8], reference: NDArray[np.uint8]
) -> dict[Difference, NDArray[np.bool_]]:
    """Return which pixels of two region maps agree, and how the others differ.

    Parameters
    ----------
    source, reference : ndarray of uint8, shape (...)
        Region values 1-10 on the same pixels; 0 where there is no region.

    Returns
    -------
    dict of Difference to ndarray of bool, shape (...)
    """
    ours, theirs = source > 0, reference > 0
    return {
        Difference.OVERLAP: ours & (source == reference),
        Difference.UNDER: theirs & ~ours,
        Difference.OVER: ours & ~theirs,
        Difference.EXCHANGED: ours & theirs & (source != reference),
    }


def difference_figure(
    level: Level,
    participants: Mapping[str, MappedParticipant],
    sources: Sequence[str],
    reference: str,
) -> Figure:
    """Draw a row of difference maps a participant, a column a source.

    Parameters
    ----------
    level : {'BGL', 'SGL'}
        Which slice.
    participants : mapping of str to MappedParticipant
        By what is written above their maps.
    sources : sequence of str
        Who is compared with the reference.
    reference : str
        The rater all are compared with.
    """
    contents = {name: mapped.levels[level] for name, mapped in participants.items()}
    box = common_box([_box_around(content.brain, _MARGIN) for content in contents.values()])
    titles = [f"{source}, {name}" for name in contents for source in sources]
    figure, places = pictures(titles, box, len(sources))
    panels = [(content, source) for content in contents.values() for source in sources]
    for axes, (content, source) in zip(places, panels, strict=True):
        _draw(axes, content, source, reference)
    _add_legend(figure)
    return figure


def _draw(axes: Axes, content: MappedLevel, source: str, reference: str) -> None:
    show(axes, content.brain, _WHOLE, limits=(0.0, 255.0))
    ours, theirs = (_upright(content.regions[name], content) for name in (source, reference))
    painted = np.zeros((*radiological(ours).shape, 4), np.float32)
    for kind, mask in differences(ours, theirs).items():
        painted[radiological(mask)] = kind.rgba
    view = axes.axis()
    axes.imshow(painted, interpolation="antialiased", aspect="auto")
    axes.axis(view)
    for region in Region:
        mask = theirs == region
        if mask.any():
            around = _box_around(mask, 1)
            outline(axes, mask[around], around, PALE, 0.35)  # keeps copies of what it is given


def _upright(regions: NDArray[np.uint8], content: MappedLevel) -> NDArray[np.uint8]:
    """Turn regions from the scan's pixels to the key slice, for the eye alone."""
    turned: NDArray[np.uint8] = ndimage.affine_transform(
        regions, content.to_slice, output_shape=KEY_SLICE_SHAPE, order=0
    )
    return turned


def _box_around(mask: NDArray[np.generic], margin: int) -> Box:
    """Return the part of the key-slice grid that holds what is not 0, with room around it."""
    x, y = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return (
        slice(max(0, int(x[0]) - margin), min(mask.shape[0], int(x[-1]) + 1 + margin)),
        slice(max(0, int(y[0]) - margin), min(mask.shape[1], int(y[-1]) + 1 + margin)),
    )


def _add_legend(figure: Figure) -> None:
    """Make room below the pictures and explain the colours there."""
    width, height = figure.get_size_inches()
    share = height / (height + _LEGEND)
    figure.set_size_inches(width, height + _LEGEND)
    for axes in figure.axes:
        place = axes.get_position()
        axes.set_position((place.x0, 1 - (1 - place.y0) * share, place.width, place.height * share))
    figure.legend(
        handles=[Patch(facecolor=kind.rgba[:3], label=kind.words) for kind in Difference],
        loc="lower center",
        ncols=len(Difference),
        fontsize=8,
        frameon=False,
        labelcolor=PALE,
        handlelength=1.0,
        handleheight=1.0,
        columnspacing=1.6,
    )
