"""``aspects-atlas`` and the commands under their own names, with the exit statuses they promise."""

from __future__ import annotations

import gc
import sys

import click

from atlas_builder import __version__
from atlas_builder.commands.atlas_entropy import atlas_entropy_command
from atlas_builder.commands.build_atlas import build_atlas_command
from atlas_builder.commands.fetch_atlas import fetch_atlas_command
from atlas_builder.commands.label_perfusion import label_perfusion_command
from atlas_builder.commands.locate_slices import locate_slices_command
from atlas_builder.commands.map_regions import map_regions_command
from atlas_builder.commands.options import CONTEXT
from atlas_builder.commands.score_aspects import score_aspects_command
from atlas_builder.commands.segment_infarct import segment_infarct_command
from atlas_builder.commands.serve import serve_command
from atlas_builder.commands.simulate_cohort import simulate_cohort_command
from atlas_builder.commands.training.cta import train_cta_command
from atlas_builder.commands.training.da_net import train_da_net_command
from atlas_builder.commands.training.deep_aspects import train_deep_aspects_command
from atlas_builder.commands.training.infarct_segmenter import train_infarct_segmenter_command
from atlas_builder.commands.training.localizer import train_localizer_command
from atlas_builder.commands.training.region_segmenter import train_region_segmenter_command
from atlas_builder.commands.validate_atlas import validate_atlas_command
from atlas_builder.commands.validate_scores import validate_scores_command
from atlas_builder.core.errors import InputError

_BAD_INPUT = 2
_NO_ARGUMENTS = getattr(click.exceptions, "NoArgsIsHelpError", ())  # from click 8.2 on


@click.group(context_settings=CONTEXT)
@click.version_option(__version__, prog_name="aspects-atlas")
def main_group() -> None:
    """Age-specific atlases of the ASPECTS regions on CT; key slices, regions and scores."""


for _command in (
    build_atlas_command,
    simulate_cohort_command,
    map_regions_command,
    locate_slices_command,
    score_aspects_command,
    segment_infarct_command,
    serve_command,
    label_perfusion_command,
    validate_atlas_command,
    validate_scores_command,
    atlas_entropy_command,
    fetch_atlas_command,
    train_localizer_command,
    train_infarct_segmenter_command,
    train_region_segmenter_command,
    train_da_net_command,
    train_deep_aspects_command,
    train_cta_command,
):
    main_group.add_command(_command)


def _run(command: click.Command, name: str) -> None:
    """Run a command and leave with the exit status the documentation promises."""
    try:
        command.main(prog_name=name, standalone_mode=False)
    except InputError as error:
        _fail(str(error), _BAD_INPUT)
    except _NO_ARGUMENTS as error:
        error.show()  # the help
        sys.exit(_BAD_INPUT)
    except click.ClickException as error:
        _fail(f"{error.format_message().rstrip('.')}; see {name} --help", _BAD_INPUT)
    except (click.Abort, KeyboardInterrupt):
        _fail("interrupted; give the same command again to go on", 1)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except Exception as error:
        _fail(f"unexpected {type(error).__name__}: {error}", 1)
    finally:
        gc.freeze()  # the process ends: nothing needs to be told apart from garbage any more


def _fail(message: str, status: int) -> None:
    # A file's name may hold a line break.
    click.echo(f"Error: {' '.join(message.splitlines())}", err=True)
    sys.exit(status)


def main() -> None:
    """Run ``aspects-atlas``."""
    _run(main_group, "aspects-atlas")


def build_atlas_main() -> None:
    """Run ``build-atlas``."""
    _run(build_atlas_command, "build-atlas")


def atlas_entropy_main() -> None:
    """Run ``atlas-entropy``."""
    _run(atlas_entropy_command, "atlas-entropy")


def fetch_atlas_main() -> None:
    """Run ``fetch-atlas``."""
    _run(fetch_atlas_command, "fetch-atlas")


def label_perfusion_main() -> None:
    """Run ``label-perfusion``."""
    _run(label_perfusion_command, "label-perfusion")


def locate_slices_main() -> None:
    """Run ``locate-slices``."""
    _run(locate_slices_command, "locate-slices")


def map_regions_main() -> None:
    """Run ``map-regions``."""
    _run(map_regions_command, "map-regions")


def score_aspects_main() -> None:
    """Run ``score-aspects``."""
    _run(score_aspects_command, "score-aspects")


def simulate_cohort_main() -> None:
    """Run ``simulate-cohort``."""
    _run(simulate_cohort_command, "simulate-cohort")


def segment_infarct_main() -> None:
    """Run ``segment-infarct``."""
    _run(segment_infarct_command, "segment-infarct")


def train_infarct_segmenter_main() -> None:
    """Run ``train-infarct-segmenter``."""
    _run(train_infarct_segmenter_command, "train-infarct-segmenter")


def train_localizer_main() -> None:
    """Run ``train-localizer``."""
    _run(train_localizer_command, "train-localizer")


def train_cta_main() -> None:
    """Run ``train-cta``."""
    _run(train_cta_command, "train-cta")


def train_da_net_main() -> None:
    """Run ``train-da-net``."""
    _run(train_da_net_command, "train-da-net")


def train_deep_aspects_main() -> None:
    """Run ``train-deep-aspects``."""
    _run(train_deep_aspects_command, "train-deep-aspects")


def train_region_segmenter_main() -> None:
    """Run ``train-region-segmenter``."""
    _run(train_region_segmenter_command, "train-region-segmenter")


def validate_atlas_main() -> None:
    """Run ``validate-atlas``."""
    _run(validate_atlas_command, "validate-atlas")


def validate_scores_main() -> None:
    """Run ``validate-scores``."""
    _run(validate_scores_command, "validate-scores")
