"""The published claim on real strokes: ASPECTS and core volume tell severe from mild."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from in_process import in_process

from atlas_builder.runtime.resumption import read_record
from atlas_builder.workflows import score_cohort as workflow
from atlas_builder.workflows.score_cohort import RECORD, score_cohort

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def out(data: Path, tmp_path_factory) -> Path:
    soop = data / "soop"
    if not soop.is_dir():
        pytest.skip(f"no {soop}")
    folder = tmp_path_factory.mktemp("soop") / "out"
    with in_process(workflow):
        score_cohort(soop / "lesions", folder, participants=soop / "participants.tsv")
    return folder


def rows_of(path: Path, delimiter: str) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def test_every_mask_is_scored(out: Path) -> None:
    rows = rows_of(out / "scores.tsv", "\t")
    assert len(rows) == 728
    assert read_record(out / RECORD)["with_nihss"] == 484
    assert all(0 <= int(row["aspects"]) <= 10 for row in rows)
    assert len(rows_of(out / "regions.tsv", "\t")) == 20 * 728


def test_areas_are_at_least_the_published_ones(out: Path) -> None:
    areas = {
        (row["marker"], row["patients"]): float(row["AUC"])
        for row in rows_of(out / "tables" / "table3_roc.csv", ",")
    }
    for patients in ("all patients", "mostly MCA lesions"):
        assert areas["DWI-ASPECTS", patients] >= 0.76
        assert areas["core volume", patients] >= 0.75


def test_published_regions_go_with_severity(out: Path) -> None:
    rows = rows_of(out / "tables" / "table_deductions_all_patients.csv", ",")
    p = {row["region"]: float(row["p (Holm)"]) for row in rows}
    assert all(p[region] < 0.05 for region in ("M1", "M2", "M3", "M5", "M6"))
