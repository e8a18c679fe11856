"""The public names: each is documented by an example that runs, typed, and loaded on demand."""

from __future__ import annotations

import ast
import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest
from in_process import in_process

import atlas_builder
from atlas_builder.workflows import build, simulate, validate

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "api.md"
NAMES = [name for name in atlas_builder.__all__ if name != "__version__"]


@pytest.mark.slow
def test_the_examples_of_the_page_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with in_process(build, simulate, validate):
        results = doctest.testfile(str(PAGE), module_relative=False)
    assert results.attempted > 40
    assert results.failed == 0


def test_every_public_name_is_on_the_page():
    text = PAGE.read_text("utf-8")
    words = set(re.findall(r"\w+", text))
    assert sorted(set(NAMES) - words) == []


def test_every_public_name_has_a_type():
    tree = ast.parse((ROOT / "atlas_builder" / "__init__.pyi").read_text("utf-8"))
    typed = {
        alias.asname: f"{node.module}.{alias.name}"
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert sorted(typed) == sorted(NAMES)
    for name, place in typed.items():
        module, _, attribute = place.rpartition(".")
        assert attribute == name
        value = getattr(atlas_builder, name)
        assert getattr(sys.modules[module], name) is value


def test_importing_the_package_loads_nothing():
    code = (
        "import sys, atlas_builder\n"
        "assert not {'numpy', 'scipy', 'nibabel', 'ants', 'torch'} & set(sys.modules)\n"
        "assert set(atlas_builder.__all__) <= set(dir(atlas_builder))\n"
        "from atlas_builder import AgeGroup\n"
        "assert not {'scipy', 'nibabel', 'ants', 'torch'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_an_unknown_name_is_refused():
    with pytest.raises(AttributeError, match="no attribute 'map_region'"):
        _ = atlas_builder.map_region
