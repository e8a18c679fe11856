"""``atlas-entropy``."""

from __future__ import annotations

from pathlib import Path

import click

from atlas_builder.commands.options import CONTEXT


@click.command("atlas-entropy", context_settings=CONTEXT)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def atlas_entropy_command(files: tuple[Path, ...]) -> None:
    """Print the Shannon entropy of images in bits, as the ASPECTS-281 paper defines it."""
    from atlas_builder.io.nifti import read_scan  # noqa: PLC0415
    from atlas_builder.validation.entropy import shannon_entropy  # noqa: PLC0415

    rows = [(str(path), f"{shannon_entropy(read_scan(path).data):.3f}") for path in files]
    width = max(len(name) for name, _ in rows)
    click.echo(f"{'image':<{width}}  entropy_bits")
    for name, entropy in rows:
        click.echo(f"{name:<{width}}  {entropy:>12}")
