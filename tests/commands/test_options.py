"""Options that commands share: both trainings take the same, and refuse alike."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from atlas_builder.cli import train_infarct_segmenter_main, train_localizer_main
from atlas_builder.commands import options

MAINS = {
    "train-localizer": train_localizer_main,
    "train-infarct-segmenter": train_infarct_segmenter_main,
}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Return a function that runs a training command and returns its exit status."""
    (tmp_path / "lesions").mkdir()
    needed = {"train-localizer": [], "train-infarct-segmenter": ["--lesions", "lesions"]}
    monkeypatch.chdir(tmp_path)

    def command(name: str, *arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", [name, *needed[name], "--out", "out", *arguments])
        try:
            MAINS[name]()
        except SystemExit as ended:
            return int(ended.code or 0)
        return 0

    return command


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("train-localizer", "torch"),
        ("train-localizer", "torchvision"),
        ("train-infarct-segmenter", "torch"),
        ("train-infarct-segmenter", "monai"),
    ],
)
def test_without_the_networks_packages_a_training_says_what_to_install(
    run, capsys, monkeypatch, tmp_path, name, package
) -> None:
    find = options.find_spec
    monkeypatch.setattr(options, "find_spec", lambda one: None if one == package else find(one))
    assert run(name) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        f"Error: {name}: {package} is missing; run pip install aspects-atlas[networks]\n"
    )
    assert not (tmp_path / "out").exists()


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Train nothing; how many steps between evaluations each training was given."""
    pytest.importorskip("monai")
    from atlas_builder.workflows.training import infarct_segmenter, localizer  # noqa: PLC0415

    steps: dict[str, int] = {}

    def train_on_persons(out, _persons, plan, *_, **__):
        steps["train-localizer"] = plan.check_every
        return out / "weights"

    def train_infarct_segmenter(_lesions, out, settings, *_, **__):
        steps["train-infarct-segmenter"] = settings.validate_every
        return out / "weights"

    monkeypatch.setattr(localizer, "train_on_persons", train_on_persons)
    monkeypatch.setattr(infarct_segmenter, "train_infarct_segmenter", train_infarct_segmenter)
    return steps


@pytest.mark.parametrize("option", ["--check-every", "--validate-every"])
@pytest.mark.parametrize("name", MAINS)
def test_both_trainings_know_both_names_of_the_steps_between_evaluations(
    run, taken, capsys, name, option
) -> None:
    assert run(name, option, "7") == 0
    assert taken == {name: 7}
    assert "Weights: " in capsys.readouterr().out


@pytest.mark.parametrize("option", ["--check-every", "--validate-every"])
@pytest.mark.parametrize("name", MAINS)
def test_evaluations_are_at_least_a_step_apart(run, taken, capsys, name, option) -> None:
    assert run(name, option, "0") == 2
    assert taken == {}
    assert "0 is not in the range x>=1" in capsys.readouterr().err
