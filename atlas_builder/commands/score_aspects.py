"""``score-aspects``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from atlas_builder.commands.cta import CTA_METHODS
from atlas_builder.commands.cta import score_cohort as score_cohort_of_cta
from atlas_builder.commands.cta import score_scan as score_scan_of_cta
from atlas_builder.commands.ncct import NcctOptions
from atlas_builder.commands.ncct import score_cohort as score_cohort_of_ct
from atlas_builder.commands.ncct import score_scan as score_scan_of_ct
from atlas_builder.commands.options import (
    CONTEXT,
    FiniteRange,
    jobs_option,
    localizer_option,
    restart_option,
    seed_option,
    series_option,
)
from atlas_builder.commands.outcome import show_first_left_out, show_flags, show_report
from atlas_builder.core.errors import InputError
from atlas_builder.runtime.lean_imports import import_nibabel
from atlas_builder.runtime.threads import keep_to_one_thread

NCCT_METHODS = ("asymmetry", "da-net", "deep-aspects", "ensemble", "hu-ratio", "radiomics-forest")
"""Those of `aspects_scorer.ncct.methods`, which is not loaded for the help."""
_OF_ONE_CT = ("bgl_slice", "sgl_slice", "localizer", "series")


@click.command("score-aspects", context_settings=CONTEXT)
@click.option(
    "--lesion",
    type=click.Path(path_type=Path),
    metavar="MASK",
    help="A binary lesion mask (NIfTI) in MNI152 space or, with --dwi, on that image's voxels.",
)
@click.option(
    "--dwi",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The diffusion image the lesion was drawn on (b 0 or b 1000). Without --lesion: the "
    "b 1000 image in which to find the infarct. A series of several volumes needs its .bval file "
    "beside it.",
)
@click.option(
    "--adc",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The ADC map on the voxels of --dwi, to find the infarct.",
)
@click.option(
    "--lesions",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A cohort's lesion masks in MNI152 space, named after the participants.",
)
@click.option(
    "--participants",
    type=click.Path(path_type=Path),
    metavar="TSV",
    help="The cohort's table: participant_id, nihss, age, sex.",
)
@click.option(
    "--readers",
    type=click.Path(path_type=Path),
    metavar="TSV",
    help="Readers' ASPECTS to compare with: participant_id and a column a reader.",
)
@click.option(
    "--nihss-column",
    metavar="NAME",
    help="The column of --participants with the NIHSS.  [default: the one that is called so]",
)
@click.option(
    "--lesion-pattern",
    metavar="GLOB",
    help="Which files of --lesions are masks, such as '*space-MNI152*'.",
)
@click.option(
    "--ncct",
    type=click.Path(path_type=Path),
    metavar="SCAN",
    help="A non-contrast head CT: a NIfTI file, a DICOM folder or a zip archive of one.",
)
@click.option(
    "--ncct-cohort",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A cohort of head CT: participants.tsv with ages, and a scan in each one's folder.",
)
@click.option(
    "--cta",
    type=click.Path(path_type=Path),
    metavar="SCAN",
    help="A CT angiography of the head: a NIfTI file, a DICOM folder or a zip archive of one.",
)
@click.option(
    "--cta-cohort",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A cohort of CT angiographies: participants.tsv with ages, and sub-XX_cta.nii.gz in each "
    "one's folder.",
)
@click.option(
    "--age", type=FiniteRange(0, 130), help="Of the patient of --ncct or --cta, in years."
)
@click.option(
    "--method",
    type=click.Choice([*NCCT_METHODS, *(one for one in CTA_METHODS if one not in NCCT_METHODS)]),
    help="How --ncct or --cta is scored.  [default: ensemble; cta-radiomics for --cta]",
)
@click.option(
    "--regions",
    type=click.Choice(["atlas", "vb-net"]),
    help="How the regions of --ncct are drawn on all slices: an atlas carried onto the scan, or a "
    "network.  [default: atlas]",
)
@click.option(
    "--atlas", metavar="NAME_OR_DIR", help="The atlas for --ncct, as map-regions takes it."
)
@click.option(
    "--bgl-slice",
    type=click.IntRange(0),
    metavar="K",
    help="The slice of --ncct at the level of the basal ganglia, counted from 0.  [default: found]",
)
@click.option(
    "--sgl-slice",
    type=click.IntRange(0),
    metavar="K",
    help="The slice above the basal ganglia, about 2 cm higher.  [default: found]",
)
@localizer_option
@series_option
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The folder to write.")
@click.option(
    "--registration",
    type=click.Choice(["affine", "syn"]),
    default="affine",
    show_default=True,
    help="How --dwi is brought to MNI152 space.",
)
@click.option(
    "--rule",
    type=click.Choice(["segmented", "barber", "ctp", "overlap"]),
    help="Which extent of lesion takes a point.  [default: segmented for lesions, barber for CT] "
    "segmented: 0.5 mL of C, L, IC or I, a third of "
    "M1-M6, for lesions that no reader has judged; barber: any lesion of C, L, IC or I; ctp: a "
    "tenth of any region; overlap: any lesion of any region.",
)
@click.option(
    "--least-ml",
    type=FiniteRange(0),
    help="Lesion volume (mL) from which on C, L, IC and I lose their point, in place of the "
    "rule's.",
)
@click.option(
    "--cortical-share",
    type=FiniteRange(0, 1, min_open=True),
    help="Share of M1-M6 from which on the region loses its point, in place of the rule's.",
)
@jobs_option
@seed_option("Of a cohort's bootstrap.")
@restart_option("Forget a cohort's earlier run in the folder.")
def score_aspects_command(
    lesion: Path | None,
    dwi: Path | None,
    adc: Path | None,
    lesions: Path | None,
    participants: Path | None,
    readers: Path | None,
    nihss_column: str | None,
    lesion_pattern: str | None,
    ncct: Path | None,
    ncct_cohort: Path | None,
    cta: Path | None,
    cta_cohort: Path | None,
    age: float | None,
    method: str | None,
    regions: str | None,
    atlas: str | None,
    bgl_slice: int | None,
    sgl_slice: int | None,
    localizer: Path | None,
    series: str | None,
    out: Path,
    registration: str,
    rule: str | None,
    least_ml: float | None,
    cortical_share: float | None,
    jobs: int,
    seed: int,
    restart: bool,
) -> None:
    """Score ASPECTS from a head CT, a diffusion image, a lesion mask, or a cohort of them.

    The folder gets the score (aspects.json), the regions (regions.tsv), pictures and a report. Of
    a cohort (--lesions) it gets all scores (scores.tsv) and how they go with the severity
    of the strokes; an interrupted run goes on when the same command is given again.
    """
    options = NcctOptions(
        age, method, rule, atlas, regions, bgl_slice, sgl_slice, localizer, series
    )
    if any(one is not None for one in (ncct, ncct_cohort, cta, cta_cohort)):
        _score_ct(out, options, jobs=jobs, restart=restart)
        return
    _refuse_of_ct()
    _check_options(lesions, dwi)
    from atlas_builder.core.aspects import LESION_RULES  # noqa: PLC0415

    thresholds = {"deep_from_ml": least_ml, "cortical_from_share": cortical_share}
    given = {name: value for name, value in thresholds.items() if value is not None}
    chosen = replace(LESION_RULES[rule or "segmented"], **given)
    if lesions is not None:
        if lesion is not None or dwi is not None or adc is not None:
            raise InputError(
                "score-aspects: give --lesions for a cohort, or --lesion, --dwi, --adc"
            )
        _score_cohort(
            lesions,
            out,
            participants,
            readers,
            {
                "rule": chosen,
                "lesion_pattern": lesion_pattern,
                "nihss_column": nihss_column,
                "seed": seed,
            },
            jobs=jobs,
            restart=restart,
        )
        return
    if participants or readers or nihss_column or lesion_pattern:
        raise InputError("score-aspects: a table of participants needs --lesions DIR, the masks")
    if lesion is None and dwi is None:
        raise InputError(
            "score-aspects: nothing to score; give --ncct SCAN, --cta SCAN, --dwi FILE, "
            "--lesion MASK or --lesions DIR"
        )
    if adc is not None and (dwi is None or lesion is not None):
        raise InputError(f"{adc}: --adc helps to find the infarct on --dwi, without --lesion only")
    import_nibabel()
    from atlas_builder.workflows.score import score_mask, score_scan  # noqa: PLC0415

    if dwi is None:
        assert lesion is not None
        case = score_mask(lesion, out, rule=chosen)
    else:
        case = score_scan(
            dwi,
            out,
            mask=lesion,
            adc=adc,
            registration=registration,
            rule=chosen,
        )
    scored = case.scored
    show_flags(scored.flags)
    aside = f", {case.set_aside.volume_ml:.1f} mL set aside" if case.set_aside else ""
    click.echo(
        f"ASPECTS {scored.score.aspects} (left {scored.score.left}, right {scored.score.right}), "
        f"core {scored.core_volume_ml:.1f} mL ({case.volume_space} space){aside}"
    )
    click.echo(f"Score: {out}")
    show_report(out)


def _refuse_of_ct() -> None:
    """Refuse options that only a CT takes."""
    given = click.get_current_context().params
    for name in ("age", "method", "regions", "atlas", *_OF_ONE_CT):
        if given[name] is not None:
            raise InputError(
                f"score-aspects: --{name.replace('_', '-')} is for --ncct and --cta; leave it out"
            )


def _score_ct(out: Path, options: NcctOptions, *, jobs: int, restart: bool) -> None:
    """Score a CT or a CT angiography, or a cohort of them."""
    given = click.get_current_context().params
    kind = "ncct" if given["ncct"] or given["ncct_cohort"] else "cta"
    _refuse_beside_ct(kind)
    scan, cohort = given[kind], given[f"{kind}_cohort"]
    if kind == "ncct":
        if options.method is not None and options.method not in NCCT_METHODS:
            raise InputError(f"score-aspects: --method {options.method} is for --cta; leave it out")
        if scan is not None:
            score_scan_of_ct(scan, out, options)
        else:
            score_cohort_of_ct(cohort, out, options, jobs=jobs, restart=restart)
    elif scan is not None:
        score_scan_of_cta(scan, out, options)
    else:
        score_cohort_of_cta(cohort, out, options, jobs=jobs, restart=restart)


def _refuse_beside_ct(kind: str) -> None:
    """Refuse options that a CT, ``ncct`` or ``cta``, would pass over."""
    context = click.get_current_context()
    for_ct = {kind, f"{kind}_cohort", "age", "method", "atlas", "rule", "out"}
    for_ct |= {"jobs", "restart"} if context.params[f"{kind}_cohort"] else set()
    if kind == "ncct":
        for_ct |= {"regions"} | (set() if context.params["ncct_cohort"] else set(_OF_ONE_CT))
    if context.params[kind] and context.params[f"{kind}_cohort"]:
        raise InputError(f"score-aspects: give --{kind} for one scan or --{kind}-cohort for many")
    for name in context.params.keys() - for_ct:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            option = name.replace("_", "-")
            what = "a head CT" if name not in _OF_ONE_CT else "a cohort of head CT"
            raise InputError(f"score-aspects: --{option} is not for {what}; leave it out")


def _check_options(lesions: Path | None, dwi: Path | None) -> None:
    """Refuse options that would be passed over."""
    needed = {"registration": ("--dwi", dwi)}
    needed |= dict.fromkeys(("jobs", "seed", "restart"), ("--lesions", lesions))
    context = click.get_current_context()
    for name, (option, value) in needed.items():
        given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if given and value is None:
            raise InputError(f"score-aspects: --{name} needs {option}; leave it out")


def _score_cohort(
    lesions: Path,
    out: Path,
    participants: Path | None,
    readers: Path | None,
    settings: dict[str, Any],
    *,
    jobs: int,
    restart: bool,
) -> None:
    keep_to_one_thread()
    from atlas_builder.runtime.progress import console_progress  # noqa: PLC0415
    from atlas_builder.runtime.resumption import read_record  # noqa: PLC0415
    from atlas_builder.workflows.score_cohort import RECORD, CohortSettings, score_cohort  # noqa: PLC0415

    with console_progress() as progress:
        done = score_cohort(
            lesions,
            out,
            participants=participants,
            readers=readers,
            settings=CohortSettings(**settings),
            jobs=jobs,
            restart=restart,
            progress=progress,
        )
    record = read_record(out / RECORD)
    show_first_left_out(record["left_out"], str(out / "subjects.tsv"))
    for line in record["withheld"]:
        click.echo(line, err=True)
    click.echo(
        f"{record['scored']} lesions {'scored' if done else 'already scored'}, "
        f"{record['with_nihss']} with NIHSS"
    )
    click.echo(f"Scores: {out / 'scores.tsv'}")
    show_report(out)
