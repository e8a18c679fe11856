"""The node as a process: a scan dropped into a folder, a status, a stop, and nobody's name."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pydicom
import pytest
from click.testing import CliRunner
from node_parts import free_port, holding_secrets, make_study, name_patient, wait_until

from atlas_builder.commands.serve import serve_command
from atlas_builder.core.anatomy import AgeGroup
from atlas_builder.core.errors import InputError
from atlas_builder.node.serve import status_of
from atlas_builder.workflows.simulate import CohortPlan, simulate_cohort

_RUN = "from atlas_builder.cli import main_group; main_group()"


@contextmanager
def running(log: Path, *options: object) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``serve`` as a user does, and end it."""
    command = [sys.executable, "-c", _RUN, "serve", *map(str, options)]
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            yield process
        finally:
            process.kill()
            process.wait(30)


def call(*options: object) -> object:
    return CliRunner().invoke(serve_command, [str(one) for one in options], catch_exceptions=False)


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated head CT as a DICOM folder, of a patient whose name must appear nowhere."""
    folder = tmp_path_factory.mktemp("head") / "cohort"
    plan = CohortPlan(
        (AgeGroup(50, 69),), 1, seed=5, thickness_mm=5.0, matrix=192, file_format="dicom"
    )
    simulate_cohort(folder, plan)
    (dicom,) = folder.glob("sub-*/dicom")
    for path in dicom.iterdir():
        dataset = pydicom.dcmread(path)
        name_patient(dataset)
        dataset.save_as(path)
    return dicom


@pytest.mark.slow
def test_a_head_dropped_into_the_folder_is_scored_and_nothing_names_the_patient(
    head: Path, tmp_path: Path
) -> None:
    drop, state, log = tmp_path / "drop", tmp_path / "state", tmp_path / "output.txt"
    drop.mkdir()
    (drop / "damaged").mkdir()
    content = next(head.iterdir()).read_bytes()
    (drop / "damaged" / "MUSTERMANN.dcm").write_bytes(content[:700])
    options = ("--watch", drop, "--state", state, "--quiet-seconds", 1)
    with running(log, *options) as process:
        wait_until((state / "node.log").exists)
        head.rename(drop / "scan")
        wait_until((drop / "scan-aspects" / "report.html").exists, 500)
        wait_until(lambda: "1 done, 1 refused" in status_of(state)[1], 100)
        assert status_of(state)[0] == "running"
        with pytest.raises(InputError, match="a node runs here already"):
            call(*options)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert status_of(state)[0] == "not running"
    scored = drop / "scan-aspects"
    content = json.loads((scored / "aspects.json").read_text())
    assert 0 <= content["aspects"] <= 10
    source = pydicom.dcmread(next((drop / "scan").iterdir()))
    dicom = {str(path.relative_to(scored)) for path in scored.rglob("*.dcm")}
    assert {"aspects.sr.dcm", "regions.seg.dcm", "overlay_dicom/0001.dcm"} <= dicom
    for name in dicom:
        assert pydicom.dcmread(scored / name).StudyInstanceUID == source.StudyInstanceUID

    # What is DICOM names the patient, as the standard wants it; nothing else does.
    assert holding_secrets(scored) == dicom
    names = {f"results/000001-1/{name}" for name in dicom}
    names |= {f"results/000002-1/{name}" for name in dicom}
    assert holding_secrets(state) <= names
    output = log.read_text() + (state / "node.log").read_text()
    for word in ("MUSTERMANN", "SECRET", "1941", source.StudyInstanceUID, str(tmp_path)):
        assert word not in output + "\n".join(status_of(state))
    assert "damaged or truncated DICOM file" in output


@pytest.mark.slow
def test_a_node_that_is_killed_while_it_scores_goes_on_and_leaves_no_half_result(
    tmp_path: Path,
) -> None:
    drop, state, log = tmp_path / "drop", tmp_path / "state", tmp_path / "output.txt"
    make_study(drop / "scan", "one")  # too small for a head: it is refused at the end
    options = ("--watch", drop, "--state", state, "--quiet-seconds", 0)
    with running(log, *options):
        wait_until(lambda: (state / "work").exists() and "scan 1 found" in log.read_text(), 100)
    with running(log, *options):
        wait_until(lambda: "1 refused" in status_of(state)[1], 200)
    assert list((state / "work").iterdir()) == []
    assert list((state / "results").iterdir()) == []


def test_what_makes_no_node_is_refused_in_one_line(tmp_path: Path) -> None:
    pytest.importorskip("pynetdicom", reason="pynetdicom, of the extra node, is not installed")
    state = ("--state", tmp_path / "state")
    for options, message in (
        ((), "nothing to score; give --watch DIR, --port PORT or both"),
        (("--port", free_port(), "--host", "0.0.0.0"), "--host 0.0.0.0 needs --caller"),
        (("--watch", tmp_path, "--results", "pacs"), "--results pacs: no address"),
        (("--watch", tmp_path, "--ae-title", "A" * 17), "no AE title"),
        (("--status",), "no node has run here"),
    ):
        with pytest.raises(InputError, match=message):
            call(*options, *state)
    assert not (tmp_path / "state").exists()
