"""What the networks of DA-Net take and give; the training recipe beside this module builds them."""

from __future__ import annotations

from atlas_builder.core.aspects import RULES

KINDS = {"cortical": "da-net-cortical", "deep": "da-net-deep"}
"""The networks' names in their models."""

RULE_NAMES = tuple(RULES)
"""Each network gives a log-odds a rule, in this order."""
