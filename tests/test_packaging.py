"""What is installed: the wheel holds what the commands read, not only the checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("aspects_scorer", "atlas_builder", "head_phantom", "slice_localizer")
HELD = {".py", ".html", ".css", ".js", ".typed", ".json", ".onnx", ".safetensors"}


def test_the_wheel_holds_every_atlas_page_and_network_that_ships(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "atlases", source / "atlases")
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package,
            source / package,
            symlinks=True,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    command = ["pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    subprocess.run(
        [sys.executable, "-m", *command, "--wheel-dir", str(tmp_path), str(source)],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = {name: archive.getinfo(name).file_size for name in archive.namelist()}
    atlases = [path for path in (ROOT / "atlases").rglob("*") if path.is_file()]
    assert len(atlases) > 5
    for path in atlases:
        assert held[f"atlas_builder/{path.relative_to(ROOT).as_posix()}"] == path.stat().st_size
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*"):
            if path.suffix in HELD or path.name == "py.typed":
                assert path.relative_to(ROOT).as_posix() in held
