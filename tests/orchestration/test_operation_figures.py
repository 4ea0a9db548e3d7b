"""What Dagster shows of runs: rows kept, late sources, figures over runs, months."""

import json
from decimal import Decimal
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from dagster._core.definitions.freshness import FreshnessState

from ingestion.registry import FILE_SYSTEMS
from orchestration.defs.freshness import late_alerts
from orchestration.defs.months import reviewed_month
from orchestration.defs.row_counts import rows_before, rows_kept
from orchestration.defs.run_figures import layer_seconds, run_figures
from orchestration.defs.translator import MONTH_KEY
from orchestration.operating.cadences import CADENCES_FILE, read_cadences

KEY = dg.AssetKey(["crm", "Opportunity"])
CADENCES = read_cadences(CADENCES_FILE, frozenset(FILE_SYSTEMS))


@pytest.mark.parametrize(
    ("before", "now", "passed"),
    [(None, 10, True), (0, 10, True), (100, 95, True), (100, 94, False), (100, 200, True), (100, 0, False)],
)
def test_a_table_that_lost_more_than_a_twentieth_of_its_rows_warns(
    before: int | None, now: int, passed: bool
) -> None:
    result = rows_kept(KEY, before, now, Decimal("0.05"))
    assert (result.passed, result.severity) == (passed, dg.AssetCheckSeverity.WARN)


def test_rows_before_are_those_of_the_last_landing() -> None:
    instance = dg.DagsterInstance.ephemeral()
    assert rows_before(instance, KEY) is None
    for live in (7, 9):
        instance.report_runless_asset_event(dg.AssetMaterialization(KEY, metadata={"live": live}))
    assert rows_before(instance, KEY) == 9


def test_a_late_source_warns_and_an_overdue_one_is_an_error() -> None:
    states = {
        "crm": FreshnessState.WARN,
        "hris": FreshnessState.FAIL,
        "fx": FreshnessState.PASS,
        "billing": FreshnessState.UNKNOWN,
    }
    crm, hris = late_alerts(states, dict.fromkeys(states, "The source"), CADENCES)
    assert (crm.severity, crm.title) == ("warning", "The source has not landed for 26 hours")
    assert (hris.severity, hris.title) == ("error", "The source has not landed for 50 hours")
    assert "land_hris_now" in hris.text and crm.key != hris.key


def test_figures_are_whole_units_by_reason_currency_and_plan(tmp_path: Path) -> None:
    with duckdb.connect(":memory:") as marts:
        marts.execute(
            "create table rpt_skipped_transactions as select unnest(['a', 'a', 'b']) as reason_code"
        )
        marts.execute(
            "create table fct_payouts as select 'USD' as currency_code, unnest([10.40, 0.10])::decimal(18, 4) as payout_amount"
        )
        marts.execute(
            """
            create table rpt_plan_costs as
            select 'new deals' as plan_id, 'USD' as currency_code, * from (values
              ('2024-01', 5.00::decimal(18, 4)), ('2024-02', 7.49::decimal(18, 4))
            ) as costs (period_code, year_to_date_commission_amount)
            """
        )
        manifest = {
            "nodes": {
                "model.c.one": {
                    "resource_type": "model",
                    "original_file_path": "models/intermediate/01_filtering/one.sql",
                },
                "model.c.two": {"resource_type": "model", "original_file_path": "models/marts/bi/two.sql"},
                "test.c.three": {"resource_type": "test", "original_file_path": "tests/three.sql"},
            }
        }
        results = [
            {"unique_id": "model.c.one", "execution_time": 1.5},
            {"unique_id": "model.c.two", "execution_time": 0.25},
            {"unique_id": "test.c.three", "execution_time": 2},
            {"unique_id": "operation.c.hook", "execution_time": 9},
        ]
        (tmp_path / "run_results.json").write_text(json.dumps({"results": results}))
        assert run_figures(marts, tmp_path, manifest) == {
            "skipped/a": 2,
            "skipped/b": 1,
            "payouts/USD": 11,
            "cost_this_year/new_deals/USD": 7,
            "seconds/filtering": 1.5,
            "seconds/marts": 0.25,
            "seconds/tests": 2.0,
        }
    assert layer_seconds(tmp_path / "absent", manifest) == {}


def test_a_year_of_months_is_reviewed_by_a_backfill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMMISSIONS_HOME", str(tmp_path))
    asset = reviewed_month("2024-01")
    instance = dg.DagsterInstance.ephemeral()
    unpublished = dg.materialize([asset], instance=instance, partition_key="2024-02-01", raise_on_error=False)
    assert not unpublished.success
    (tmp_path / "published").mkdir()
    with duckdb.connect(str(tmp_path / "published" / "marts.duckdb")) as marts:
        marts.execute(
            """
            create table rpt_month_reviews as select
              '2024-02' as period_code, 'USD' as currency_code, true as is_closed, 3::bigint as line_count,
              2::bigint as payee_count, 15.00::decimal(18, 4) as posted_amount, -15.00::decimal(18, 4) as corrections_amount,
              1.00::decimal(18, 4) as corrected_later_amount, 31.50::decimal(18, 4) as worth_today_amount
            """
        )
    reviews = {}
    for month in ("2024-01-01", "2024-02-01"):
        assert dg.materialize([asset], instance=instance, partition_key=month).success
        event = instance.get_latest_materialization_event(MONTH_KEY)
        assert event and event.asset_materialization
        reviews[month] = {name: value.value for name, value in event.asset_materialization.metadata.items()}
    assert reviews["2024-01-01"]["month"] == "Nothing is posted in 2024-01."
    february = reviews["2024-02-01"]
    assert "| USD | closed | 3 | 2 | 15.00 | -15.00 | 1.00 | 31.50 |" in str(february["month"])
    assert (february["posted/USD"], february["worth_today/USD"], february["lines"]) == (15, 32, 3)
