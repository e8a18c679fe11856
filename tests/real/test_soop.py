"""The published claim on real strokes: ASPECTS and core volume tell severe from mild."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from in_process import in_process

from atlas_builder.core.aspects import BARBER
from atlas_builder.runtime.resumption import read_record
from atlas_builder.workflows import score_cohort as workflow
from atlas_builder.workflows.score_cohort import RECORD, CohortSettings, score_cohort
from atlas_builder.workflows.validate_scores import ScoresFolder, validate_scores

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def out(data: Path, tmp_path_factory) -> Path:
    soop = data / "soop"
    if not soop.is_dir():
        pytest.skip(f"no {soop}")
    folder = tmp_path_factory.mktemp("soop") / "out"
    with in_process(workflow):
        score_cohort(
            soop / "lesions",
            folder,
            participants=soop / "participants.tsv",
            settings=CohortSettings(rule=BARBER),
        )
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


def test_scores_held_against_their_own_regions(out: Path, data: Path, tmp_path: Path) -> None:
    shares: dict[str, dict[str, float]] = {}
    for row in rows_of(out / "regions.tsv", "\t"):
        share = float(row["lesion_ml"]) / float(row["volume_ml"])
        shares.setdefault(row["participant_id"], {})[f"{row['side']}_{row['region']}"] = share
    people = {
        row["participant_id"]: row for row in rows_of(data / "soop" / "participants.tsv", "\t")
    }
    columns = list(next(iter(shares.values())))
    lines = ["\t".join(["participant_id", *columns, "nihss"])]
    for name, of_regions in shares.items():
        nihss = people[name]["nihss"] if name in people else "n/a"
        cells = (f"{of_regions[column]:.6f}" for column in columns)
        lines.append("\t".join([name, *cells, nihss]))
    truth = tmp_path / "truth.tsv"
    truth.write_text("\n".join(lines) + "\n")
    record = validate_scores([ScoresFolder(out, "DWI")], truth, tmp_path / "validation")
    found = record["scorers"]["DWI"]
    assert found["summary"]["n"] == 728
    assert found["summary"]["agreement"]["identical"] == 1
    assert found["summary"]["regions"]["accuracy"]["value"] == 1
    (of_nihss,) = found["outcomes"]
    own = next(
        row
        for row in rows_of(out / "tables" / "table3_roc.csv", ",")
        if (row["marker"], row["patients"]) == ("DWI-ASPECTS", "all patients")
    )
    assert of_nihss["n"] == 484
    assert of_nihss["area_of_scorer"]["value"] == pytest.approx(float(own["AUC"]), abs=1e-5)
