from pathlib import Path

import pytest

from atlas_builder.cohorts.participants import read_participants
from atlas_builder.core.anatomy import AgeGroup
from atlas_builder.core.errors import InputError

GROUP = AgeGroup(50, 69)


def cohort(folder: Path, table: str | bytes, *names: str) -> Path:
    content = table.encode() if isinstance(table, str) else table
    (folder / "participants.tsv").write_bytes(content)
    for name in names:
        (folder / name).mkdir()
    return folder


def test_who_takes_part(tmp_path: Path) -> None:
    table = "participant_id\tage\tsex\tsplit\nsub-01\t63\tF\tbuild\n02\t69.9\tn/a\tbuild\n"
    found, refusals = read_participants(cohort(tmp_path, table, "sub-01", "sub-02"), GROUP, "build")
    assert refusals == []
    first, second = found
    assert (first.participant_id, first.age, first.sex, first.split) == ("sub-01", 63, "F", "build")
    assert first.folder == tmp_path / "sub-01"
    assert (second.participant_id, second.age, second.sex) == ("sub-02", 69.9, None)


def test_marks_quotes_line_ends_blank_lines_and_more_columns_change_nothing(tmp_path: Path) -> None:
    table = (
        "\ufeffparticipant_id\tsite\t Age \tnote\r\n"
        '"sub-01"\tA\t" 63 "\t"two\nlines, ""quoted"""\r\n'
        "\t\t\t\r\n"
        "sub-02\tB\t50\r\n\r\n"
    )
    found, refusals = read_participants(cohort(tmp_path, table, "sub-01", "sub-02"), GROUP, "build")
    assert [(p.participant_id, p.age, p.split) for p in found] == [
        ("sub-01", 63, None),
        ("sub-02", 50, None),
    ]
    assert refusals == []


def test_rows_of_another_split_are_silently_not_part(tmp_path: Path) -> None:
    table = "participant_id\tage\tsplit\nsub-01\t63\tvalidation\nsub-02\tx\tother\nsub-03\t55\t\n"
    folder = cohort(tmp_path, table, "sub-01")
    assert read_participants(folder, GROUP, "build") == ([], [])
    assert len(read_participants(folder, GROUP, "validation")[0]) == 1


@pytest.mark.parametrize(
    ("age", "says"),
    [
        ("", "no age; add it"),
        ("n/a", "no age; add it"),
        ("89+", "age '89+' is not a number"),
        ("6,3,5", "age '6,3,5' is not a number"),
        ("1e999", "is not a number"),
        ("49.9", "age 49.9 is outside 50-69"),
        ("70", "age 70 is outside 50-69"),
        ("-60", "age -60 is outside 50-69"),
    ],
)
def test_an_unusable_age_refuses_one_participant(tmp_path: Path, age: str, says: str) -> None:
    table = f"participant_id\tage\nsub-01\t{age}\nsub-02\t60\n"
    found, refusals = read_participants(cohort(tmp_path, table, "sub-01", "sub-02"), GROUP, "build")
    assert [p.participant_id for p in found] == ["sub-02"]
    assert [r.participant_id for r in refusals] == ["sub-01"]
    assert refusals[0].reason.startswith("participants.tsv: line 2: ")
    assert says in refusals[0].reason


@pytest.mark.parametrize(
    "name",
    ["../x", "sub-../x", "/etc", "sub-", "..", "a/b", "a\\b", ".hidden", "C:x", "a b", ""],
)
def test_a_name_that_could_leave_the_cohort_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "x").mkdir()
    folder = tmp_path / "cohort"
    folder.mkdir()
    cohort(folder, f"participant_id\tage\n{name}\t60\n")
    found, refusals = read_participants(folder, GROUP, "build")
    assert found == []
    assert "cannot name a folder" in refusals[0].reason


def test_a_participant_without_a_folder_is_refused(tmp_path: Path) -> None:
    found, refusals = read_participants(
        cohort(tmp_path, "participant_id\tage\nsub-01\t60\n"), GROUP, "build"
    )
    assert found == []
    assert refusals[0].reason.startswith("sub-01/: no such folder")


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("", "needs one column 'participant_id', has 0"),
        ("participant_id,age\nsub-01,60\n", "columns separated by tabs"),
        ("participant_id\tyears\nsub-01\t60\n", "needs one column 'age'"),
        ("participant_id\tage\tage\nsub-01\t60\t61\n", "needs one column 'age', has 2"),
        ("participant_id\tage\nsub-01\t60\n01\t61\n", "line 3: sub-01 again"),
        ('participant_id\tage\n"sub-01\t60\n', "not a tab-separated table in UTF-8"),
        ("participant_id\tage\nsub-01\t60\n".encode("utf-16"), "in UTF-8; save it as one"),
        (b"participant_id\tage\tnote\nsub-01\t60\t\xe9\n", "in UTF-8; save it as one"),
    ],
)
def test_an_unusable_table_refuses_the_cohort(
    tmp_path: Path, table: str | bytes, says: str
) -> None:
    with pytest.raises(InputError, match=r"participants.tsv: ") as refusal:
        read_participants(cohort(tmp_path, table, "sub-01"), GROUP, "build")
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_missing_table_or_folder_refuses_the_cohort(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(InputError, match=r"participants.tsv: no such file"):
            read_participants(folder, GROUP, "build")
    (tmp_path / "participants.tsv").mkdir()
    with pytest.raises(InputError, match=r"participants.tsv: cannot be read"):
        read_participants(tmp_path, GROUP, "build")
