"""A CT angiography is told from a CT without contrast medium, and each is refused for the other."""

from __future__ import annotations

import pytest
from mapped_blocks import mapped_blocks

from aspects_scorer.ncct import scan_kind
from aspects_scorer.ncct.scan_kind import refuse_contrast, require_contrast
from atlas_builder.core.errors import InputError
from atlas_builder.core.flags import Flag


def test_a_scan_with_contrast_medium_is_refused_for_what_was_found():
    with pytest.raises(InputError, match=r"12 cuts through vessels; or score it .* with --cta"):
        refuse_contrast(
            [Flag("metal", "a clip"), Flag("contrast-medium", "12 cuts through vessels")]
        )
    refuse_contrast([Flag("metal", "a clip"), Flag("calcification", "left L")])


def test_a_scan_without_vessels_is_refused():
    with pytest.raises(InputError, match="looks like a non-contrast CT; give it with --ncct"):
        require_contrast(mapped_blocks())


def test_vessels_full_of_contrast_medium_let_a_scan_pass(monkeypatch):
    flag = Flag("contrast-medium", "vessels")
    monkeypatch.setattr(scan_kind, "coarsen", lambda scan: scan)
    monkeypatch.setattr(scan_kind, "find_contrast_medium", lambda head: iter([flag]))
    require_contrast(mapped_blocks())
