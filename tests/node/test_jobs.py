"""The steps of the node, cut off anywhere and gone on with: nothing lost, nothing made twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from node_parts import fake_score, make_study

from atlas_builder.node import jobs
from atlas_builder.node.inbox import Inbox, key_of
from atlas_builder.node.jobs import Node, Rules, run_once
from atlas_builder.node.queue import JobQueue
from atlas_builder.node.scoring import Ended
from atlas_builder.node.watcher import Watcher

Make = Callable[..., Node]


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


def receive(node: Node, folder: Path, identifier: str, slices: int = 4, first: int = 0) -> str:
    """Put a study into a node's inbox, and return its key."""
    images = make_study(folder / identifier, identifier, slices)
    for path, image in list(zip(sorted((folder / identifier).iterdir()), images, strict=True))[
        first:
    ]:
        study, instance = image.StudyInstanceUID, image.SOPInstanceUID
        node.inbox.receive(study, instance, path.read_bytes(), "s", 0.0)
    node.inbox.release("s", 0.0)
    return key_of(images[0].StudyInstanceUID)


def test_a_study_is_scored_once_and_is_then_done(make_node: Make, tmp_path: Path) -> None:
    node = make_node()
    key = receive(node, tmp_path, "one")
    assert not run_once(node, 9.0)
    assert run_once(node, 10.0)
    found = node.queue.find(key)
    assert found is not None
    assert found.state == "done"
    assert [path.name for path in node.results.iterdir()] == ["000001-1"]
    assert not run_once(node, 100.0)


_STEPS = ("add", "take", "score", "put", "rename", "delivered")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", _STEPS)
def test_a_kill_at_any_step_loses_nothing_and_makes_nothing_twice(
    make_node: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, when: str
) -> None:
    key = receive(make_node(), tmp_path, "one")
    places = {
        "add": (JobQueue, "add"),
        "take": (Inbox, "take"),
        "put": (JobQueue, "put"),
        "rename": (jobs, "flush_folder"),
        "delivered": (jobs, "tidy"),
    }

    def killing(call: Callable[..., object]) -> Callable[..., object]:
        def killed(*args: object, **options: object) -> object:
            if when == "after":
                call(*args, **options)
            raise Killed

        return killed

    node = make_node()
    if step == "score":
        node = make_node(score=killing(fake_score))
    else:
        owner, name = places[step]
        monkeypatch.setattr(owner, name, killing(getattr(owner, name)))
    with pytest.raises(Killed):
        run_once(node, 20.0)
    monkeypatch.undo()
    again = make_node()
    for now in (20.0, 40.0, 60.0):
        run_once(again, now)
    found = again.queue.find(key)
    assert found is not None
    assert found.state == "done"
    results = list(again.results.iterdir())
    assert len(results) == 1
    assert len(list(again.inbox.study(key).iterdir())) == 4
    assert list(again.work.iterdir()) == []


def test_images_that_come_late_make_another_result(make_node: Make, tmp_path: Path) -> None:
    node = make_node()
    key = receive(node, tmp_path, "one", slices=3)
    run_once(node, 10.0)
    receive(node, tmp_path, "one", slices=5)
    run_once(node, 20.0)
    found = node.queue.find(key)
    assert found is not None
    assert (found.state, found.revision) == ("done", 2)
    assert sorted(path.name for path in node.results.iterdir()) == ["000001-1", "000001-2"]


def test_images_sent_again_after_they_were_deleted_change_nothing(
    make_node: Make, tmp_path: Path
) -> None:
    node = make_node(rules=Rules(10.0, 0.0, None))
    key = receive(node, tmp_path, "one")
    run_once(node, 10.0)
    run_once(node, 11.0)
    assert not node.inbox.study(key).exists()
    receive(node, tmp_path, "one")
    run_once(node, 30.0)
    found = node.queue.find(key)
    assert found is not None
    assert (found.state, found.reason) == ("done", "the images are those of its result")
    assert [path.name for path in node.results.iterdir()] == ["000001-1"]


def test_a_scan_that_breaks_the_scorer_fails_and_others_go_on(
    make_node: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_FIRST_WAIT_S", 0.0)
    bad: list[str] = []

    def score(scan: Path, out: Path, known: str, stop: Callable[[], bool]) -> Ended:
        if scan.name in bad:
            out.mkdir()
            return Ended("broken", "scoring ended with status -11")
        return fake_score(scan, out, known, stop)

    node = make_node(score=score)
    bad.append(receive(node, tmp_path, "bad"))
    good = receive(node, tmp_path, "good")
    for _ in range(5):
        run_once(node, 10.0)
    states = {key: node.queue.find(key) for key in (bad[0], good)}
    assert states[bad[0]].state == "failed"  # type: ignore[union-attr]
    assert states[bad[0]].attempts == 3  # type: ignore[union-attr]
    assert states[good].state == "done"  # type: ignore[union-attr]
    assert list(node.work.iterdir()) == []


def test_a_study_over_the_size_is_refused_in_one_line(make_node: Make, tmp_path: Path) -> None:
    node = make_node()
    key = receive(node, tmp_path, "ctp", slices=25)
    for _ in range(2):
        run_once(node, 20.0)
    assert node.queue.find(key).state == "refused"  # type: ignore[union-attr]
    assert node.log.lines == ["study 1 refused: it has more images than --most-images"]  # type: ignore[attr-defined]


def test_results_are_deleted_only_where_that_is_asked_for(make_node: Make, tmp_path: Path) -> None:
    node = make_node()
    receive(node, tmp_path, "one")
    run_once(node, 10.0)
    run_once(node, 20.0)
    assert len(list(node.results.iterdir())) == 1
    run_once(make_node(rules=Rules(10.0, 1.0, 0.0)), 20.0)
    assert list(node.results.iterdir()) == []


def test_a_dropped_scan_gets_its_score_beside_it(make_node: Make, tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    make_study(drop / "scan", "one")
    node = make_node(watcher=Watcher(drop, 20))
    for now in (0.0, 10.0, 20.0):
        run_once(node, now)
    beside = sorted(path.name for path in (drop / "scan-aspects").iterdir())
    assert beside == ["aspects.json", "aspects.sr.dcm"]
    assert len(list((drop / "scan").iterdir())) == 4
    before = (drop / "scan-aspects" / "aspects.sr.dcm").read_bytes()
    again = make_node(watcher=Watcher(drop, 20))
    for now in (0.0, 10.0, 20.0):
        run_once(again, now)
    assert (drop / "scan-aspects" / "aspects.sr.dcm").read_bytes() == before
    assert again.queue.counts()["done"] == 1


def test_a_user_s_folder_in_the_place_of_a_result_is_left_alone(
    make_node: Make, tmp_path: Path
) -> None:
    drop = tmp_path / "drop"
    make_study(drop / "scan", "one")
    (drop / "scan-aspects").mkdir()
    (drop / "scan-aspects" / "thesis.txt").write_text("mine")
    node = make_node(watcher=Watcher(drop, 20))
    for now in (0.0, 10.0):
        run_once(node, now)
    assert [path.name for path in (drop / "scan-aspects").iterdir()] == ["thesis.txt"]
    (job,) = node.queue.latest(5)
    assert job.state == "done"
    assert "holds other files" in job.reason
