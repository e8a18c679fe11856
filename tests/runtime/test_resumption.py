"""What a run does about what its folder holds: nothing, go on, refuse, or forget."""

from __future__ import annotations

import pytest

from atlas_builder.core.errors import InputError
from atlas_builder.runtime.files import write_json
from atlas_builder.runtime.resumption import (
    OR_RESTART,
    ResultRecord,
    as_read_back,
    claim,
    read_record,
    resume,
)

INPUTS = {"seed": 1, "raters": ["expert"]}


@pytest.fixture
def record(tmp_path):
    out = tmp_path / "out"
    return ResultRecord(out / "r.json", "result", f"another result; {OR_RESTART}", out / ".work")


def put(record, content):
    record.path.parent.mkdir(exist_ok=True)
    write_json(record.path, content)


def test_what_is_not_finished_is_to_do(record):
    assert record.begin(INPUTS, restart=False)
    claim(record.work, INPUTS)
    (record.work / "done").touch()
    assert record.begin(INPUTS, restart=False)
    assert (record.work / "done").exists()


def test_what_is_finished_with_the_same_inputs_is_not(record):
    put(record, {"inputs": INPUTS})
    assert not record.begin(INPUTS, restart=False)


@pytest.mark.parametrize("content", [{"inputs": {"seed": 2}}, {"of": "somebody"}, []])
def test_another_result_is_refused(record, content):
    put(record, content)
    with pytest.raises(InputError, match=r"out: holds another result; .* --restart to"):
        record.begin(INPUTS, restart=False)
    assert read_record(record.path) == content


def test_another_result_may_be_one_to_bring_up_to_date(record):
    put(record, {"inputs": {"seed": 2}})
    assert ResultRecord(record.path, "result", None).begin(INPUTS, restart=False)
    assert record.path.exists()


def test_to_restart_forgets_record_and_work(record):
    put(record, {"inputs": INPUTS})
    claim(record.work, INPUTS)
    assert record.begin(INPUTS, restart=True)
    assert not list(record.path.parent.iterdir())


@pytest.mark.parametrize("restart", [False, True])
def test_a_file_is_refused(record, restart):
    record.path.parent.touch()
    with pytest.raises(InputError, match="out: is a file; give a folder for the result"):
        record.begin(INPUTS, restart=restart)


def test_inputs_are_compared_as_a_file_gives_them_back(record):
    inputs = as_read_back({"ages": (50, 69), 1: "one"})
    assert inputs == {"ages": [50, 69], "1": "one"}
    put(record, {"inputs": inputs})
    assert not record.begin(inputs, restart=False)


def test_work_of_other_inputs_is_emptied(tmp_path):
    claim(tmp_path / "work", INPUTS)
    (tmp_path / "work" / "done").touch()
    claim(tmp_path / "work", INPUTS)
    assert (tmp_path / "work" / "done").exists()
    claim(tmp_path / "work", {"seed": 2})
    assert not (tmp_path / "work" / "done").exists()


def test_only_what_is_not_kept_is_computed(tmp_path):
    """A file may be there and yet hold nothing to keep."""
    paths = {name: tmp_path / name for name in "abc"}
    for name in "ab":
        paths[name].write_text(f"old {name}")
    missed = []

    def compute(missing):
        missed.extend(missing)
        return (f"new {name}" for name in missing)

    found = resume(
        paths,
        compute,
        lambda path, text: path.write_text(text),
        lambda path: path.read_text(),
        lambda path: path.exists() and path.name != "b",
    )
    assert list(found) == [("a", "old a"), ("b", "new b"), ("c", "new c")]
    assert missed == ["b", "c"]
    assert paths["b"].read_text() == "new b"
