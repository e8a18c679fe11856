"""Whether a head CT shows contrast medium: asked of those that should and of those that should not.

Both answers come from one finding, `find_contrast_medium`.
"""

from __future__ import annotations

from collections.abc import Iterable

from aspects_scorer.ncct.mapped_scan import MappedScan
from aspects_scorer.ncct.other_findings.coarse_head import coarsen
from aspects_scorer.ncct.other_findings.dense_grains import CONTRAST_MEDIUM, find_contrast_medium
from atlas_builder.core.errors import InputError
from atlas_builder.core.flags import Flag


def refuse_contrast(flags: Iterable[Flag]) -> None:
    """Refuse a scan with contrast medium where one without is needed.

    Parameters
    ----------
    flags : iterable of Flag
        What was found on the scan, see `find_other_findings`.

    Raises
    ------
    InputError
        Contrast medium is among it.
    """
    for flag in flags:
        if flag.code == CONTRAST_MEDIUM:
            raise InputError(f"{flag.reason}; or score it as a CT angiography, with --cta")


def require_contrast(scan: MappedScan) -> None:
    """Refuse a scan without contrast medium where a CT angiography is needed.

    Parameters
    ----------
    scan : MappedScan
        The scan, its vessels as they are.

    Raises
    ------
    InputError
        No vessels full of contrast medium are found.
    """
    head = coarsen(scan)
    if head is None or next(find_contrast_medium(head), None) is None:
        raise InputError(
            "no vessels with contrast medium found in the Sylvian fissures: looks like a "
            "non-contrast CT; give it with --ncct, or a CT angiography of the whole head"
        )
