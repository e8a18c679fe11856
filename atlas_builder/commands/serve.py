"""``serve``."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import click

from atlas_builder.commands.options import CONTEXT, FiniteRange
from atlas_builder.core.errors import InputError

_HERE = ("127.0.0.1", "localhost", "::1")


def _usual_state() -> Path:
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "aspects-atlas"


@click.command("serve", context_settings=CONTEXT)
@click.option(
    "--watch",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="Score each folder, zip archive or NIfTI file dropped into this folder; the score of "
    "NAME appears beside it as NAME-aspects.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Receive CT by DICOM (C-STORE) at this port."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option(
    "--ae-title", default="ASPECTS", show_default=True, help="By which this node is called."
)
@click.option(
    "--caller",
    "callers",
    multiple=True,
    metavar="AE_TITLE",
    help="Who may send images; may be given several times. Needed where --host is not this "
    "computer alone.  [default: any program on this computer]",
)
@click.option(
    "--results", metavar="HOST:PORT", help="Send results to this DICOM receiver, such as the PACS."
)
@click.option(
    "--results-ae-title", default="PACS", show_default=True, help="The title of --results."
)
@click.option(
    "--state",
    type=click.Path(path_type=Path),
    default=_usual_state,
    show_default="~/.local/state/aspects-atlas",
    metavar="DIR",
    help="Where the queue, received images and results are kept.",
)
@click.option(
    "--quiet-seconds",
    type=FiniteRange(0),
    default=30.0,
    show_default=True,
    help="A study is complete when nothing of it has arrived for so long.",
)
@click.option(
    "--most-images",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="Studies of more images are refused.",
)
@click.option(
    "--keep-images-days",
    type=FiniteRange(0),
    default=1.0,
    show_default=True,
    help="Received images are deleted so long after their result was delivered. What is dropped "
    "into --watch is never deleted.",
)
@click.option(
    "--keep-results-days",
    type=FiniteRange(0),
    help="Results are deleted so long after they were delivered.  [default: never]",
)
@click.option("--status", is_flag=True, help="Say how the node of --state is, and end.")
def serve_command(
    watch: Path | None,
    port: int | None,
    host: str,
    ae_title: str,
    callers: tuple[str, ...],
    results: str | None,
    results_ae_title: str,
    state: Path,
    quiet_seconds: float,
    most_images: int,
    keep_images_days: float,
    keep_results_days: float | None,
    status: bool,
) -> None:
    """Score head CTs as they come, from a PACS or a folder, until stopped.

    The queue is kept on the disk: a node that was killed goes on where it was.
    """
    if status:
        from atlas_builder.node.serve import status_of  # noqa: PLC0415

        click.echo("\n".join(status_of(state)))
        return
    if watch is None and port is None:
        raise InputError("serve: nothing to score; give --watch DIR, --port PORT or both")
    if port is not None and host not in _HERE and not callers:
        raise InputError(f"serve: --host {host} needs --caller, the AE titles that may send images")
    if (port is not None or results is not None) and find_spec("pynetdicom") is None:
        raise InputError("serve: pynetdicom is missing; run pip install aspects-atlas[node]")
    # Imported here for the sake of --help.
    from atlas_builder.node.jobs import Rules  # noqa: PLC0415
    from atlas_builder.node.receiver import ReceiverSettings, check_title  # noqa: PLC0415
    from atlas_builder.node.sender import Destination  # noqa: PLC0415
    from atlas_builder.node.serve import ServeSettings, serve  # noqa: PLC0415

    check_title("--ae-title", [ae_title])
    check_title("--caller", callers)
    check_title("--results-ae-title", [results_ae_title])
    destination = results and Destination.parse(results, results_ae_title, ae_title)
    serve(
        ServeSettings(
            state,
            watch,
            None if port is None else ReceiverSettings(ae_title, host, port, callers),
            destination or None,
            Rules(quiet_seconds, keep_images_days, keep_results_days),
            most_images,
        )
    )
