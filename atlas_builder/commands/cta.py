"""What ``score-aspects`` does with a CT angiography, and with a cohort of them."""

from __future__ import annotations

from pathlib import Path

from atlas_builder.commands.ncct import NcctOptions, rule_of, show_cohort, show_scored
from atlas_builder.core.errors import InputError
from atlas_builder.runtime.lean_imports import import_nibabel
from atlas_builder.runtime.threads import keep_to_one_thread

CTA_METHODS = ("cta-radiomics", "cta-radiomics-published", "hu-ratio")
"""Those of `aspects_scorer.cta.methods`, which is not loaded for the help."""


def score_scan(scan: Path, out: Path, options: NcctOptions) -> None:
    """Score a scan and say what was found.

    Parameters
    ----------
    scan, out : Path
        What to score, and the folder to write.
    options : NcctOptions
        How.

    Raises
    ------
    InputError
        The method is not one for CT angiographies.
    """
    method = _method(options)
    import_nibabel()
    from atlas_builder.workflows.cta.score import score_cta  # noqa: PLC0415

    case = score_cta(
        scan, out, age=options.age, method=method, rule=rule_of(options), atlas=options.atlas
    )
    show_scored(case, out)


def score_cohort(
    cohort: Path, out: Path, options: NcctOptions, *, jobs: int, restart: bool
) -> None:
    """Score a cohort and say what was done.

    Parameters
    ----------
    cohort, out : Path
        The cohort's folder, and the one to write.
    options : NcctOptions
        How; ages are those of the cohort's table.
    jobs : int
        Processes at once.
    restart : bool
        Score all again.

    Raises
    ------
    InputError
        The method is not one for CT angiographies, or an age is given.
    """
    method = _method(options)
    keep_to_one_thread()
    if options.age is not None:
        raise InputError("score-aspects: --age is of one scan; ages of a cohort are in its table")
    from atlas_builder.runtime.progress import console_progress  # noqa: PLC0415
    from atlas_builder.workflows.cta.score import score_cta_task  # noqa: PLC0415
    from atlas_builder.workflows.ncct.cohort import score_ncct_cohort  # noqa: PLC0415

    with console_progress() as progress:
        outcomes = score_ncct_cohort(
            cohort,
            out,
            method=method,
            rule=rule_of(options),
            atlas=options.atlas,
            ending="cta",
            score=score_cta_task,
            jobs=jobs,
            restart=restart,
            progress=progress,
        )
    show_cohort(outcomes, out)


def _method(options: NcctOptions) -> str:
    if options.regions is not None:
        raise InputError("score-aspects: --regions is for --ncct; leave it out")
    method = options.method or CTA_METHODS[0]
    if method not in CTA_METHODS:
        raise InputError(
            f"score-aspects: --method {method} is for --ncct; give one of {', '.join(CTA_METHODS)}"
        )
    return method
