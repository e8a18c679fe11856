"""Types of the public names; see ``__init__.py``."""

from atlas_builder.catalogue.atlas import Atlas as Atlas
from atlas_builder.catalogue.entries import load_atlas as load_atlas
from atlas_builder.construction.build import BuildSettings as BuildSettings
from atlas_builder.core.anatomy import AgeGroup as AgeGroup
from atlas_builder.core.anatomy import Region as Region
from atlas_builder.core.aspects import BARBER as BARBER
from atlas_builder.core.aspects import AspectsRule as AspectsRule
from atlas_builder.core.errors import InputError as InputError
from atlas_builder.core.flags import Flag as Flag
from atlas_builder.core.lesion import Lesion as Lesion
from atlas_builder.core.scan import Scan as Scan
from atlas_builder.core.scan import Slice as Slice
from atlas_builder.io.nifti.masks import read_lesion as read_lesion
from atlas_builder.io.source import open_scan as open_scan
from atlas_builder.mapping.pipeline import map_regions as map_regions
from atlas_builder.mapping.region_map import RegionMap as RegionMap
from atlas_builder.metrics.entropy import shannon_entropy as shannon_entropy
from atlas_builder.metrics.overlap import dice_by_label as dice_by_label
from atlas_builder.preprocessing.key_slice import make_key_slice as make_key_slice
from atlas_builder.reporting.mapping.overlay import draw_region_map as draw_region_map
from atlas_builder.validation.selection import ValidationSettings as ValidationSettings
from atlas_builder.workflows.build import build_atlas as build_atlas
from atlas_builder.workflows.locate import locate_scan as locate_scan
from atlas_builder.workflows.map import map_scan as map_scan
from atlas_builder.workflows.score import score_mask as score_mask
from atlas_builder.workflows.score import score_scan as score_scan
from atlas_builder.workflows.score_cohort import CohortSettings as CohortSettings
from atlas_builder.workflows.score_cohort import score_cohort as score_cohort
from atlas_builder.workflows.simulate import CohortPlan as CohortPlan
from atlas_builder.workflows.simulate import simulate_cohort as simulate_cohort
from atlas_builder.workflows.validate import validate_atlas as validate_atlas
from slice_localizer.locating import locate_slices as locate_slices

__version__: str
