"""``fetch-atlas``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from atlas_builder.commands.options import CONTEXT
from atlas_builder.core.errors import InputError

if TYPE_CHECKING:
    from atlas_builder.catalogue.entries import CatalogueEntry


@click.command("fetch-atlas", context_settings=CONTEXT)
@click.argument("name", required=False)
@click.option(
    "--from",
    "copy",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Install from a copy of the published files instead of downloading them.",
)
@click.option("--list", "show_list", is_flag=True, help="List the atlases known by name.")
def fetch_atlas_command(name: str | None, copy: Path | None, show_list: bool) -> None:
    """Fetch a published atlas by its NAME, verify it and keep it for map-regions.

    It goes to the user's cache folder, or to that of $ASPECTS_ATLAS_CACHE.
    """
    from atlas_builder.catalogue.entries import read_catalogue  # noqa: PLC0415

    entries = read_catalogue()
    if show_list:
        click.echo("\n\n".join(_describe(entry) for entry in entries.values()))
        return
    if name is None:
        raise InputError("fetch-atlas: no name given; see fetch-atlas --list")
    if name not in entries:
        raise InputError(f"atlas {name}: not in the catalogue ({', '.join(entries)})")
    from atlas_builder.catalogue.fetching import install_atlas  # noqa: PLC0415
    from atlas_builder.runtime.progress import console_progress  # noqa: PLC0415

    entry = entries[name]
    with console_progress() as progress:
        fetched = install_atlas(entry, copy, progress)
    click.echo(f"{'Installed' if fetched else 'Already installed'}: {entry.folder}")
    click.echo(f"Licence: {entry.licence}. Cite: {entry.citation}")


def _describe(entry: CatalogueEntry) -> str:
    state = f"installed in {entry.folder}" if entry.is_installed else "not installed"
    return "\n".join(
        [
            f"{entry.name}: {entry.description}",
            f"  source    {entry.source}",
            f"  licence   {entry.licence}",
            f"  citation  {entry.citation}",
            f"  {state}",
        ]
    )
