"""What processes that register and draw need, imported once and then duplicated."""

import gc

from atlas_builder.runtime.lean_imports import import_nibabel

import_nibabel()

import atlas_builder.mapping.pipeline  # noqa: E402
import atlas_builder.reporting.mapping.overlay  # noqa: E402
import atlas_builder.reporting.mapping.report  # noqa: E402, F401

gc.freeze()  # what is loaded is never garbage: the copies share its memory and end at once
