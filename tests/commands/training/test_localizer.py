"""``train-localizer`` as users run it."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("torch")

from atlas_builder.commands.training.localizer import train_localizer_command
from atlas_builder.core.errors import InputError

SMALL = "--backbone resnet18 --batch 1 --check-every 1 --seed 2 --jobs 1 --loaders 0 --device cpu"


def run(*arguments: object) -> None:
    train_localizer_command.main([str(a) for a in arguments], standalone_mode=False)


@pytest.fixture
def simple(monkeypatch: pytest.MonkeyPatch, here) -> None:
    """Persons are drawn heads, networks small, and a handful of samples are enough."""
    import numpy as np  # noqa: PLC0415

    from atlas_builder.networks.training import cache  # noqa: PLC0415
    from slice_localizer.training import plan  # noqa: PLC0415
    from slice_localizer.training import subjects as persons  # noqa: PLC0415

    def keep(task: tuple[Path, int, int]) -> None:
        path, _, index = task
        affine = np.diag([4.0, 4.0, 4.0, 1.0])
        affine[:3, 3] = (-88.0, -104.0, -84.0)
        x, y, z = (affine[a, 3] + 4.0 * np.arange(n) for a, n in enumerate((45, 53, 47)))
        x, y, z = np.meshgrid(x, y, z, indexing="ij")
        radius = np.sqrt((x / 62) ** 2 + (y / 78) ** 2 + ((z - 10 - index) / 75) ** 2)
        hu = np.select([radius < 1, radius < 1.1], [40.0, 900.0], -1000.0).astype(np.int16)
        np.savez(path, hu=hu, brain=np.packbits(radius < 1), affine=affine, bgl_point=np.zeros(3))

    class Here:
        def __enter__(self):
            return here

        def __exit__(self, *_):
            return None

    monkeypatch.setattr(persons, "_keep_person", keep)
    monkeypatch.setattr(cache, "open_workers", lambda jobs: Here())
    small = partial(plan.Plan, context_units=16, watched_samples=2, calibration_samples=4)
    monkeypatch.setattr(plan, "Plan", small)


def test_help_loads_nothing_slow() -> None:
    program = (
        "import sys; from atlas_builder.commands.training import localizer as train_localizer;"
        "c = train_localizer.train_localizer_command;"
        "c.main(['--help'], standalone_mode=False);"
        "print([m for m in ('torch', 'numpy', 'scipy', 'nibabel') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "--folds" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.slow
def test_from_persons_to_weights_and_a_report(simple, tmp_path, capsys) -> None:
    from slice_localizer.network.model import read_localizer  # noqa: PLC0415

    out = tmp_path / "training"
    arguments = ["--persons", 2, "--stages", "32x1,40x1", *SMALL.split(), "--out", out]
    run(*arguments)
    printed = capsys.readouterr().out
    assert f"Weights: {out / 'localizer.onnx'}" in printed
    assert len(list((tmp_path / "persons").iterdir())) == 10  # two, and eight to watch
    trained = read_localizer(out / "localizer.onnx")
    assert trained.size == 40
    assert trained.training["exams"] == {"simulated": True, "persons": 2, "seed": 2}
    assert [line["step"] for line in trained.training["curve"]] == [1, 2]
    assert trained.calibration.temperature > 0
    text = (out / "localizer.json").read_text()
    assert str(tmp_path) not in text
    page = (out / "report.html").read_text()
    assert "Training of the key-slice network" in page
    assert "Waiting for data" in page

    first = (out / "localizer.onnx").read_bytes()
    run(*arguments)  # nothing is left to do but to write what there is
    assert (out / "localizer.onnx").read_bytes() == first
    with pytest.raises(InputError, match="holds a training with other settings or samples"):
        run("--persons", 3, "--stages", "32x1,40x1", *SMALL.split(), "--out", out)
    run("--persons", 2, "--stages", "32x1", *SMALL.split(), "--restart", "--out", out)
    assert json.loads((out / "localizer.json").read_text())["size"] == 32


@pytest.mark.slow
def test_a_training_starts_from_an_earlier_one(simple, tmp_path) -> None:
    from hashlib import sha256  # noqa: PLC0415

    first, second = tmp_path / "first", tmp_path / "second"
    arguments = ["--persons", 1, "--stages", "32x1", *SMALL.split()]
    run(*arguments, "--out", first)
    start = first / "localizer.onnx"
    run(*arguments, "--start", start, "--learning-rate", "1e-5", "--out", second)
    plan = json.loads((second / "localizer.json").read_text())["training"]["plan"]
    assert plan["start"] == sha256(start.read_bytes()).hexdigest()
    assert plan["learning_rate"] == 1e-5
    with pytest.raises(InputError, match="lies in the folder of the training"):
        run(*arguments, "--start", start, "--restart", "--out", first)
    assert start.exists()
    with pytest.raises(InputError, match=r"holds a resnet18; give --backbone resnet18"):
        run("--start", start, "--device", "cpu", "--out", tmp_path / "third")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--cohort", "c", "--persons", "3"], "leave it out with --cohort"),
        (["--folds", "5"], "--folds needs --cohort"),
        (["--start", "localizer.onnx", "--pretrained"], "two starts; give one"),
        (["--learning-rate", "nan"], "is no number"),
        (["--stages", "112"], "'112' is no stage"),
        (["--stages", "16x100"], "at least 32"),
        (["--stages", "112x0"], "no stage"),
        (["--backbone", "vgg16"], "resnet50"),
    ],
)
def test_wrong_usage_is_refused(tmp_path, arguments, complaint) -> None:
    import click  # noqa: PLC0415

    with pytest.raises(click.UsageError, match=complaint):
        run(*arguments, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_cohort_without_a_table_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match=r"participants\.tsv: no such file"):
        run("--cohort", tmp_path, *SMALL.split(), "--out", tmp_path / "out")


def test_cuda_is_refused_where_there_is_none(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(InputError, match="no CUDA device"):
        run("--device", "cuda", "--out", tmp_path / "out")


def test_imagenet_weights_that_cannot_be_had(tmp_path, monkeypatch) -> None:
    from urllib.error import URLError  # noqa: PLC0415

    def unreachable(*_, **__):
        raise URLError("no route to host")

    monkeypatch.setattr("torch.hub.download_url_to_file", unreachable)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    with pytest.raises(InputError, match="--pretrained: ImageNet weights cannot be fetched") as no:
        run("--pretrained", "--backbone", "resnet18", "--device", "cpu", "--out", tmp_path / "out")
    assert "https://download.pytorch.org/models/resnet18" in str(no.value)
