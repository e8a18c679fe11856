"""Reports as one HTML file that needs nothing else: no network, no second file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from atlas_builder.runtime.files import replacing


def write_page(path: Path, template: str, content: Mapping[str, object]) -> None:
    """Write a page as its parts are made, so that iterators in `content` are never whole in memory.

    Parameters
    ----------
    path : Path
        The file.
    template : str
        Name of a template in `atlas_builder.reporting`, such as ``build/report.html``.
    content : mapping of str to object
        What the template shows. Text is escaped.
    """
    environment = Environment(
        loader=PackageLoader("atlas_builder", "reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    with replacing(path) as partial:
        environment.get_template(template).stream(content).dump(str(partial), "utf-8")


def rows_under(values: Mapping[str, object], name: str) -> list[tuple[str, str]]:
    """Return what stands under a name as the rows of a table.

    Parameters
    ----------
    values : mapping
        Nested values.
    name : str
        One of its keys.

    Returns
    -------
    list of tuple of str
        As `rows_of` returns them; none where there are no nested values.
    """
    found = values[name]
    return rows_of(found) if isinstance(found, Mapping) else []


def rows_of(values: Mapping[str, object], prefix: str = "") -> list[tuple[str, str]]:
    """Return nested values as the rows of a table, their names joined by dots.

    Parameters
    ----------
    values : mapping
        Numbers, text, sequences and mappings of these.
    prefix : str
        What precedes every name.

    Returns
    -------
    list of tuple of str
        Name and value of each row.
    """
    rows: list[tuple[str, str]] = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            rows += rows_of(value, f"{prefix}{name}.")
        elif isinstance(value, list | tuple):
            rows.append((f"{prefix}{name}", ", ".join(map(str, value))))
        else:
            rows.append((f"{prefix}{name}", str(value)))
    return rows
