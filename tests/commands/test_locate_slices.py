"""``locate-slices`` prints JSON, draws, and refuses in one line; the network is replaced."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from pictures import coloured, picture_of

from atlas_builder.commands.locate_slices import locate_slices_command
from atlas_builder.core.errors import InputError
from atlas_builder.io.nifti.images import write_volume
from atlas_builder.networks.registry import LOCALIZER
from slice_localizer import locating as located_module
from slice_localizer.alignment.level import LevelAlignment


@pytest.fixture
def scan(tmp_path) -> Path:
    data = np.full((48, 40, 14), -1000, np.int16)
    data[8:40, 6:34, :] = 30
    path = tmp_path / "head.nii.gz"
    write_volume(path, data, np.diag([4.0, 4.0, 5.0, 1.0]))
    return path


@pytest.fixture
def localizer(tmp_path) -> Path:
    path = tmp_path / "localizer.onnx"
    path.write_bytes(b"weights")
    return path


@pytest.fixture(autouse=True)
def weights_used(monkeypatch) -> list[Path]:
    """The network says slice 5, the alignment 2 mm above it; returns the weights it used."""
    reading = np.full(14, 0.01)
    reading[5] = 0.87
    used: list[Path] = []

    def predict_scan(_scan, weights, _about_mm):
        used.append(weights)
        return SimpleNamespace(probabilities=reading, level_mm=25.0)

    monkeypatch.setattr(located_module, "predict_scan", predict_scan)
    monkeypatch.setattr(located_module, "open_network", lambda weights: weights)
    alignment = LevelAlignment(
        27.0, np.array([96.0, 80.0, 27.0]), 0.9, False, np.diag([0.4, 0.4, 0.37, 1.0])
    )
    monkeypatch.setattr(located_module, "align_level", lambda _: alignment)
    return used


def part_of(picture, first, last):
    """Return the columns from one share of the width to another."""
    return picture[:, round(first * picture.shape[1]) : round(last * picture.shape[1])]


def run(*arguments: object):
    return CliRunner().invoke(
        locate_slices_command, [str(a) for a in arguments], catch_exceptions=False
    )


def test_it_prints_the_slices_and_how_sure_they_are(scan, localizer, tmp_path) -> None:
    out, figure = tmp_path / "found.json", tmp_path / "found.png"
    done = run(scan, "--localizer", localizer, "--out", out, "--figure", figure)
    printed = json.loads(done.output)
    assert (printed["bgl_slice"], printed["sgl_slice"]) == (5, 9)
    assert 0.8 < printed["confidence"] <= 1.0
    assert printed["second_opinion"]["difference_mm"] == 2.0
    assert printed["flags"] == []
    assert printed["positions_mm"][5:10] == [0.0, 5.0, 10.0, 15.0, 20.0]
    assert set(printed["timings_s"]) == {"read", "second_opinion", "load_network", "network"}
    assert json.loads(out.read_text()) == printed
    picture = picture_of(figure)
    assert picture.shape[1] > 1500
    # Both slices show the head on black, in the grey of its 30 HU.
    for first, last in ((0.01, 0.27), (0.29, 0.55)):
        panel = part_of(picture, first, last)
        head = np.ptp(panel, axis=2).max() < 0.5, panel[200:-200].mean(axis=2) > 0.2
        assert 0.2 < head[1].mean() < 0.9
        rows, columns = np.nonzero(panel.mean(axis=2) > 0.2)
        assert np.ptp(rows) > np.ptp(columns) * 0.7
    # Both planes in the sagittal view and beside the probabilities, SGL above BGL.
    for first, last in ((0.60, 0.79), (0.83, 0.98)):
        panel = part_of(picture, first, last)
        heights = {}
        for level, colour in (("BGL", "#6db7ff"), ("SGL", "#ffb055")):
            across = coloured(panel, colour, 0.2).mean(axis=1)
            assert across.max() > 0.7
            heights[level] = int(across.argmax())
        assert heights["SGL"] < heights["BGL"]
    # The bar of the chosen slice is as long as it is probable.
    bar = coloured(part_of(picture, 0.83, 0.98), "#6db7ff", 0.1).sum(axis=0)
    assert np.count_nonzero(bar > 5) > 0.5 * bar.size


def test_the_network_that_ships_reads_the_scan_unless_another_is_given(
    scan, localizer, weights_used
) -> None:
    run(scan)
    run(scan, "--localizer", localizer)
    assert weights_used == [LOCALIZER, localizer]


def test_names_that_cannot_be_written_are_refused_first(scan, tmp_path) -> None:
    for option, name in (("--figure", "a.jpg"), ("--out", "gone/a.json")):
        with pytest.raises(InputError, match="give a name that ends in"):
            run(scan, option, tmp_path / name)


def test_a_scan_that_is_not_there(tmp_path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        run(tmp_path / "gone.nii")


def test_help_loads_nothing_slow() -> None:
    program = (
        "import sys; from atlas_builder.commands.locate_slices import locate_slices_command as c;"
        "c.main(['--help'], standalone_mode=False);"
        "print([m for m in ('torch', 'ants', 'numpy', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "--figure" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"
