"""The report of a validation: every table and figure on one page, and each as files of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from atlas_builder.cohorts.labelled_scans import Refusal
from atlas_builder.metrics.table_files import write_table
from atlas_builder.metrics.tables import Table
from atlas_builder.reporting.base.colours import PAGE_COLOURS
from atlas_builder.reporting.base.figure_files import write_figure
from atlas_builder.reporting.base.page import rows_under, write_page
from atlas_builder.reporting.base.pictures import data_uri

_TEMPLATE = "base/sections.html"


@dataclass(frozen=True)
class Illustration:
    """A figure of the report.

    Attributes
    ----------
    name : str
        Of its files, without suffix.
    figure : Figure
        The drawing.
    caption : str
        What it shows and how to read it.
    dark : bool
        Whether it is drawn on black.
    """

    name: str
    figure: Figure
    caption: str
    dark: bool = False


@dataclass(frozen=True)
class Section:
    """A part of the report.

    Attributes
    ----------
    name : str
        Its anchor.
    heading, text : str
        What it is called, and what to know before reading on.
    figures : tuple of Illustration
        Shown first.
    tables : tuple of Table
        Shown after the figures.
    """

    name: str
    heading: str
    text: str = ""
    figures: tuple[Illustration, ...] = ()
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True)
class Fact:
    """A number at the top of the report."""

    name: str
    value: str
    remark: str = ""


@dataclass(frozen=True)
class _Shown:
    """A figure as the page holds it."""

    illustration: Illustration
    source: str


def write_validation_report(
    out: Path,
    title: str,
    facts: Sequence[Fact],
    sections: Sequence[Section],
    refusals: Sequence[Refusal],
    inputs: Mapping[str, object],
    *,
    subtitle: str = "Report of the validation.",
) -> list[Path]:
    """Write ``report.html``, ``tables/`` and ``figures/``; the same results give the same bytes.

    Parameters
    ----------
    out : Path
        An existing folder.
    title : str
        Of the page.
    facts : sequence of Fact
        At its top.
    sections : sequence of Section
        Its parts.
    refusals : sequence of Refusal
        Participants left out.
    inputs : mapping
        With ``settings`` and ``versions``.
    subtitle : str
        What kind of report it is.

    Returns
    -------
    list of Path
        The files written.
    """
    files: list[Path] = []
    shown: dict[str, _Shown] = {}
    for name in ("tables", "figures"):
        (out / name).mkdir(exist_ok=True)
    for section in sections:
        for table in section.tables:
            files += write_table(table, out / "tables")
        for illustration in section.figures:
            files += write_figure(illustration.figure, out / "figures", illustration.name)
            png = (out / "figures" / f"{illustration.name}.png").read_bytes()
            shown[illustration.name] = _Shown(illustration, data_uri(png, "image/png"))
    content = {
        "title": title,
        "subtitle": subtitle,
        "facts": facts,
        "sections": sections,
        "pictures": shown,
        "refusals": refusals,
        "parameters": rows_under(inputs, "settings"),
        "versions": rows_under(inputs, "versions"),
        **PAGE_COLOURS,
    }
    files.append(out / "report.html")
    write_page(files[-1], _TEMPLATE, content)
    return files
