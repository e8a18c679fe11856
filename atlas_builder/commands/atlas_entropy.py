"""``atlas-entropy``."""

from __future__ import annotations

from pathlib import Path

import click

from atlas_builder.commands.options import CONTEXT


@click.command("atlas-entropy", context_settings=CONTEXT)
@click.argument("sources", nargs=-1, required=True, metavar="FILE_OR_ATLAS...")
@click.option(
    "--atlas",
    metavar="NAME_OR_DIR",
    help="Cut 3-D files at the planes that correspond to this atlas's BGL and SGL.",
)
@click.option("--age", type=float, help="Which of several age groups --atlas means, in years.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Also write a table here: CSV, Markdown, LaTeX."
)
def atlas_entropy_command(
    sources: tuple[str, ...], atlas: str | None, age: float | None, out: Path | None
) -> None:
    """Print the Shannon entropy of images in bits, as the ASPECTS-281 paper defines it.

    Give image files, atlas folders or names of atlases. With --atlas, planes of 3-D files are
    chosen by registration to that atlas.
    """
    from atlas_builder.catalogue.entries import load_atlas  # noqa: PLC0415
    from atlas_builder.validation.entropy_table import (  # noqa: PLC0415
        entropies_of,
        entropy_table,
    )

    planes_of = None if atlas is None else load_atlas(atlas, age)
    found = [entropy for source in sources for entropy in entropies_of(source, planes_of)]
    names = [f"{one.name} {one.level}" if one.level else one.name for one in found]
    width = max(map(len, names))
    click.echo(f"{'image':<{width}}  entropy_bits")
    for name, entropy in zip(names, found, strict=True):
        remark = f"  {entropy.remark}" if entropy.remark else ""
        click.echo(f"{name:<{width}}  {entropy.bits:>12.3f}{remark}")
    if out is not None:
        from atlas_builder.metrics.table_files import write_table  # noqa: PLC0415

        out.mkdir(parents=True, exist_ok=True)
        for path in write_table(entropy_table(found), out):
            click.echo(f"Table: {path}", err=True)
