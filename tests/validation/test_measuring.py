"""Mapping and measuring everyone: what is kept, what is tried again, what is handed on."""

from __future__ import annotations

import numpy as np
import pytest

from atlas_builder.catalogue.entries import read_atlases
from atlas_builder.cohorts.labelled_scans import Refusal
from atlas_builder.core.anatomy import AgeGroup, Region
from atlas_builder.core.errors import InputError
from atlas_builder.runtime.progress import no_progress
from atlas_builder.runtime.resumption import claim
from atlas_builder.validation import measuring as run
from atlas_builder.validation.mapped import (
    MappedLevel,
    MappedParticipant,
    MappingTask,
    load_mapped,
    map_participant,
    save_mapped,
)
from atlas_builder.validation.measuring import check_usable, map_everyone, measure_everyone
from atlas_builder.validation.selection import select_participants


def mapped_level(off: int) -> MappedLevel:
    drawn = np.zeros((20, 17), np.uint8)
    drawn[3:7, 4:12] = drawn[13:17, 4:12] = Region.M4
    left = np.zeros((20, 17), bool)
    left[10:] = True
    brain = np.arange(460 * 460, dtype=np.uint8).reshape(460, 460)
    atlas = np.roll(drawn, off, axis=1)
    return MappedLevel((0.5, 0.7), left, {"atlas": atlas, "expert": drawn}, np.eye(3), brain)


def test_a_mapped_participant_comes_back_from_its_file(tmp_path):
    mapped = MappedParticipant({"SGL": mapped_level(1)})
    save_mapped(tmp_path / "sub-1.npz", mapped)
    found = load_mapped(tmp_path / "sub-1.npz")
    assert list(found.levels) == ["SGL"]
    one, other = found.levels["SGL"], mapped.levels["SGL"]
    assert one.spacing == other.spacing
    assert list(one.regions) == ["atlas", "expert"]
    np.testing.assert_array_equal(one.left, other.left)
    np.testing.assert_array_equal(one.brain, other.brain)
    for source, regions in other.regions.items():
        np.testing.assert_array_equal(one.regions[source], regions)
    with np.load(tmp_path / "sub-1.npz", allow_pickle=False) as arrays:
        assert all(array.dtype != object for array in arrays.values())


def test_what_is_done_is_not_done_again_and_refusals_are(monkeypatch, tmp_path, here):
    calls = []

    def fake(name):
        calls.append(name)
        if name == "b":
            return MappedParticipant({}, "b: labels missing")
        return MappedParticipant({"SGL": mapped_level(len(calls))})

    monkeypatch.setattr(run, "map_participant", fake)
    tasks = {"a": "a", "b": "b", "group/c": "c"}
    first, refused = map_everyone(tasks, tmp_path, here, no_progress)
    assert (list(first), refused) == (["a", "group/c"], [Refusal("b", "b: labels missing")])
    again, still_refused = map_everyone(tasks, tmp_path, here, no_progress)
    assert again == first
    assert still_refused == refused
    assert calls == ["a", "b", "c", "b"]


def test_measuring_reads_the_files_in_order(tmp_path, here):
    paths = {}
    for name, off in (("sub-2", 0), ("sub-1", 4)):
        paths[name] = tmp_path / f"{name}.npz"
        save_mapped(paths[name], MappedParticipant({"SGL": mapped_level(off)}))
    scores = measure_everyone(paths, [("atlas", "expert")], here, no_progress)
    assert scores.participants == ("sub-2", "sub-1")
    np.testing.assert_allclose(scores.of(("atlas", "expert"))[:, Region.M4 - 1], [1.0, 0.5])
    surface = scores.of(("atlas", "expert"), "hausdorff95_mm")[1, Region.M4 - 1]
    assert surface == pytest.approx(4 * 0.7)


def test_work_of_other_inputs_is_removed(tmp_path):
    work = tmp_path / "work"
    claim(work, {"seed": 1})
    (work / "kept").write_text("x")
    claim(work, {"seed": 1})
    assert (work / "kept").exists()
    claim(work, {"seed": 2})
    assert not (work / "kept").exists()


def test_nobody_is_an_error_that_names_the_first_reasons(tmp_path):
    refusals = [Refusal(f"sub-{number}", "no labels") for number in range(5)]
    with pytest.raises(InputError, match=r"sub-0: no labels; .*\(and 2 more\)"):
        check_usable(tmp_path, {}, refusals)
    with pytest.raises(InputError, match="names none of this split"):
        check_usable(tmp_path, {}, [])


def test_everyone_is_selected_whatever_the_split(rated_cohort):
    participants, refusals = select_participants(rated_cohort, "all")
    assert [person.participant_id for person in participants] == [
        "sub-01",
        "sub-02",
        "sub-03",
        "sub-05",
    ]
    assert {refusal.participant_id for refusal in refusals} == {"sub-04", "sub-06"}
    validation, _ = select_participants(rated_cohort, "validation")
    assert [person.participant_id for person in validation] == [
        "sub-01",
        "sub-02",
        "sub-03",
        "sub-05",
    ]


@pytest.fixture(scope="module")
def mapped(rated_cohort, atlas_folder):
    """A participant with the atlas's own anatomy and three raters."""
    participants, _ = select_participants(rated_cohort, "validation")
    atlases = {"atlas": read_atlases(atlas_folder)[AgeGroup(50, 69)]}
    task = MappingTask(participants[1], atlases, ("expert", "rater1", "rater2"))
    return map_participant(task)


def test_the_atlas_lands_where_the_regions_are(mapped, tmp_path, here):
    assert mapped.refusal is None
    save_mapped(tmp_path / "sub-02.npz", mapped)
    pairs = [("atlas", "expert"), ("rater2", "expert")]
    scores = measure_everyone({"sub-02": tmp_path / "sub-02.npz"}, pairs, here, no_progress)
    with_expert, of_rater = (scores.of(pair) for pair in pairs)
    assert with_expert.mean() > 0.9
    assert (scores.of(pairs[0], side="left") > 0.75).all()
    assert (scores.of(pairs[0], side="right") > 0.75).all()
    assert of_rater.mean() < with_expert.mean()


def test_left_is_the_patients(mapped):
    for content in mapped.levels.values():
        columns = np.flatnonzero(content.left.any(axis=1))
        # The first axis runs to the left, and the head lies in the middle of the slice.
        assert columns[-1] == content.left.shape[0] - 1
        assert abs(content.left.mean() - 0.5) < 0.03


def test_a_rater_who_drew_elsewhere_is_a_reason(rated_cohort, atlas_folder, tmp_path, writing):
    writing.participant(tmp_path, "sub-01", {"expert": 0.0}, 1)
    writing.table(tmp_path, "participant_id age\nsub-01 55\n")
    participants, _ = select_participants(tmp_path, "validation")
    task = MappingTask(participants[0], dict(read_atlases(atlas_folder)), ("expert", "other"))
    refused = map_participant(task)
    assert refused.levels == {}
    assert "rater-other_labels.nii.gz: no such file" in refused.refusal
    assert str(tmp_path) not in refused.refusal
