"""A column of expressions is declared once, beside its description; whatever reads expressions knows it by that."""

import csv
import shutil
from pathlib import Path

import duckdb
import pytest

from ingestion.api.plans import used_columns, uses
from ingestion.landing.settings import PROJECT_ROOT, SAMPLE_DIR
from orchestration.calculation.dbt_process import DbtProcess
from orchestration.calculation.fingerprints import fingerprints
from orchestration.calculation.manifest import read_manifest
from orchestration.plans.checks import check_seeds

FIELD = "Cancelled_On__c"


def write_cell(seeds: Path, column: str, value: str) -> None:
    """Fill a cell of the first row of payout_terms.csv, reseller's; a new column is added."""
    path = seeds / "plans" / "payout_terms.csv"
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["plan_id"] == "reseller"
    for row in rows:
        row.setdefault(column, "")
    rows[0][column] = value
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    """A copy of the seeds."""
    return Path(shutil.copytree(PROJECT_ROOT / "seeds", tmp_path / "seeds"))


def test_a_field_that_only_a_cancellation_names_is_missed_and_the_plan_is_named(seeds: Path) -> None:
    write_cell(seeds, "cancelled_date_expression", f'"{FIELD}"')
    assert FIELD in used_columns(seeds, "crm", "Opportunity")
    (use,) = uses(seeds, "crm", "Opportunity", FIELD)
    assert str(use) == "plan reseller (seeds/plans/payout_terms.csv row 2, cancelled_date_expression)"


def test_all_know_a_column_that_is_added(seeds: Path, tmp_path: Path, sample_warehouse: Path) -> None:
    properties = seeds / "plans" / "_plans.yml"
    text = properties.read_text(encoding="utf-8")
    place = "      - name: cancelled_date_expression\n"
    assert text.count(place) == 1
    added = (
        "      - name: delivered_date_expression\n        description: 'The day of delivery.'\n"
        "        config: {meta: {deal_expression: date}}\n"
    )
    typed = "        cancelled_date_expression: varchar\n"
    text = text.replace(place, added + place).replace(typed, typed + typed.replace("cancelled", "delivered"))
    properties.write_text(text, encoding="utf-8")
    write_cell(seeds, "delivered_date_expression", f'"{FIELD}"')

    # The alert of a field that has vanished, and the check of the seeds.
    (use,) = uses(seeds, "crm", "Opportunity", FIELD)
    assert use.field == "delivered_date_expression"
    shutil.copytree(
        PROJECT_ROOT / "dbt_project", tmp_path / "dbt_project", ignore=shutil.ignore_patterns("target")
    )
    (problem,) = check_seeds(tmp_path, SAMPLE_DIR)
    assert "seeds/plans/payout_terms.csv row 2, column delivered_date_expression" in str(problem)
    assert FIELD in str(problem)

    # The SQL: the list of the fields that plans name, and the mark of a changed plan.
    shutil.copy(sample_warehouse, tmp_path / "warehouse.duckdb")
    dbt = DbtProcess(tmp_path / "dbt_project")
    try:
        dbt.parse(tmp_path / "target", "added", seeds=seeds, write_json=True)
        built = dbt.run(
            ["build", "--full-refresh", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test", "--select",
             "payout_terms", "int_pool__plan_fields", "int_ledger__plan_fingerprints"],
            warehouse=tmp_path / "warehouse.duckdb", home=tmp_path, target=tmp_path / "target", seeds=seeds,
        )  # fmt: skip
    finally:
        dbt.stop()
    assert built.is_good, built
    marks = (
        "select plan_fingerprint from intermediate.int_ledger__plan_fingerprints where plan_id = 'reseller'"
    )
    with duckdb.connect(str(sample_warehouse), read_only=True) as connection:
        before = connection.execute(marks).fetchall()
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as connection:
        assert connection.execute(marks).fetchall() != before
        assert connection.execute(
            "select plan_id, expression_name, is_in_source from intermediate.int_pool__plan_fields where field_name = ?",
            [FIELD],
        ).fetchall() == [("reseller", "payout_terms.delivered_date_expression", False)]

    # What has to be built again when a column is declared as an expression.
    manifest = read_manifest(tmp_path / "target" / "manifest.json")
    name = "model.commissions.int_pool__plan_fields"
    known = fingerprints(manifest, seeds=seeds, landed={}, variables={})[name]
    columns = manifest["nodes"]["seed.commissions.payout_terms"]["columns"]
    columns["delivered_date_expression"]["meta"] = {}
    assert fingerprints(manifest, seeds=seeds, landed={}, variables={})[name] != known
