"""What a page needs to hold the viewer: its slices, its script, and the policy that allows both."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markupsafe import Markup

from atlas_builder.reporting.viewer.viewed_slices import MEAN_MM, ViewedSlices, page_content

_PARTS = ("inflate.js", "slices.js", "painting.js", "viewer.js")


@dataclass(frozen=True)
class Viewer:
    """The viewer of a page, for the macros of ``viewer/viewer.html``.

    Attributes
    ----------
    content : mapping
        What the script reads, see `page_content`.
    unit : str
        Of the slices' values.
    image : str
        What they are, in words, such as CT.
    mean_mm : float
        Side of the squares whose means are compared.
    """

    content: Mapping[str, object]
    unit: str
    image: str
    mean_mm: float = MEAN_MM

    @classmethod
    def of(cls, viewed: ViewedSlices, image: str) -> Viewer:
        """Return the viewer of some slices.

        Parameters
        ----------
        viewed : ViewedSlices
            What it shows.
        image : str
            What they are, in words.
        """
        return cls(page_content(viewed), viewed.scale.unit, image)

    @property
    def script(self) -> Markup:
        """The script of the page, the same for every one."""
        return Markup(_script())

    @property
    def policy(self) -> str:
        """Content security policy: no request to anywhere, and no other script than this."""
        digest = base64.b64encode(hashlib.sha256(_script().encode("utf-8")).digest()).decode(
            "ascii"
        )
        return (
            f"default-src 'none'; script-src 'sha256-{digest}'; img-src data:; "
            "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
        )


@cache
def _script() -> str:
    folder = Path(__file__).parent
    parts = "\n".join((folder / name).read_text("utf-8") for name in _PARTS)
    return f'(() => {{\n"use strict";\n{parts}}})();\n'
