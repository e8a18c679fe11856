"""``fetch-atlas`` as users run it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from atlas_builder.catalogue.entries import CACHE_VARIABLE
from atlas_builder.commands.fetch_atlas import fetch_atlas_command
from atlas_builder.core.errors import InputError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def run(*arguments: str) -> str:
    result = CliRunner().invoke(fetch_atlas_command, list(arguments), standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result.output


def test_the_list_tells_what_each_atlas_is(cache: Path) -> None:
    simulated, published = run("--list").split("\n\n")
    assert simulated.startswith("simulated: ")
    assert published.startswith("aspects-281: ")
    assert "licence   MIT" in published
    assert "BravoSun/NCCT-atlas-for-ASPECTS-scoring" in published
    assert "doi:10.1038/s41597-024-03973-y" in published
    assert published.rstrip().endswith("not installed")
    (cache / "aspects-281").mkdir(parents=True)
    assert f"installed in {cache / 'aspects-281'}" in run("--list")


def test_what_cannot_be_fetched_is_refused_in_one_line(tmp_path: Path) -> None:
    for arguments, says in (
        ((), "no name given; see fetch-atlas --list"),
        (("aspects-282",), r"aspects-282: not in the catalogue \(simulated, aspects-281\)"),
        (("simulated",), "simulated: ships with this software"),
        (("aspects-281", "--from", str(tmp_path)), "no such file; give the folder that holds"),
    ):
        with pytest.raises(InputError, match=says) as refused:
            run(*arguments)
        assert "\n" not in str(refused.value)
    assert not (tmp_path / "cache").exists()
