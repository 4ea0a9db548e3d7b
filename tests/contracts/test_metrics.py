"""The metrics, asked with MetricFlow: by hand on the small company, and against hand-written SQL on the sample company."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from metricflow_semantic_interfaces.implementations.semantic_manifest import PydanticSemanticManifest
from metricflow_semantic_interfaces.validations.semantic_manifest_validator import SemanticManifestValidator
from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest

from tests.contracts.metric_engine import Metrics
from tests.support.companies.viewer_company import build

USD, EUR = "USD", "EUR"
BuildOnce = Callable[[str, Callable[[Path], Path]], Path]


@pytest.fixture(scope="module")
def small(build_once: BuildOnce) -> Metrics:
    warehouse = build_once("viewer_company", build)
    return Metrics(warehouse.parent / "target" / "semantic_manifest.json", warehouse)


@pytest.fixture(scope="module")
def sample(sample_warehouse: Path) -> Metrics:
    target = sample_warehouse.parent / "target"
    return Metrics(target / "semantic_manifest.json", sample_warehouse)


def month(day: Any) -> str:
    return f"{day:%Y-%m}" if isinstance(day, date | datetime) else str(day)


def by_month(found: dict[Any, Any]) -> dict[Any, Any]:
    return {(month(key[0]), *key[1:]): value for key, value in found.items()}


def test_the_semantic_models_are_valid(small: Metrics) -> None:
    text = (small.warehouse.parent / "target" / "semantic_manifest.json").read_text()
    manifest = parse_manifest_from_dbt_generated_manifest(text)
    assert len(manifest.metrics) >= 10
    results = SemanticManifestValidator[PydanticSemanticManifest]().validate_semantic_manifest(manifest)
    assert [issue.as_readable_str() for issue in results.errors] == []


def test_plan_cost_and_payout_per_payee_by_hand(small: Metrics) -> None:
    # Ana 999.97 + 33.33 + 50, Ben −50, Cy 123.45, Dee −3, Eve 1000 + 50, Fay 77.78; April: Ben 120, Cy 10.
    by = ["metric_time__month", "ledger_line__currency_code"]
    found = by_month(small.ask(["plan_cost", "posted_commission", "paid_payees"], by))
    assert found == {
        ("2014-03", USD): (Decimal("2281.53"), Decimal("2281.53"), 6),
        ("2014-03", EUR): (Decimal(20), Decimal(20), 1),
        ("2014-03", "GBP"): (Decimal(10), Decimal(10), 1),
        ("2014-04", USD): (Decimal(130), Decimal(130), 2),
    }
    # 2281.53 ÷ 6 = 380.255; 130 ÷ 2
    assert by_month(small.ask(["payout_per_payee"], by)) == {
        ("2014-03", USD): Decimal("380.255"),
        ("2014-03", EUR): Decimal(20),
        ("2014-03", "GBP"): Decimal(10),
        ("2014-04", USD): Decimal(65),
    }


def test_the_year_to_date_adds_the_months_up(small: Metrics) -> None:
    found = small.ask(
        ["plan_cost_year_to_date"],
        ["metric_time__month"],
        "{{ Dimension('ledger_line__currency_code') }} = 'USD'",
    )
    assert {month(key): value for key, value in found.items() if month(key) <= "2014-05"} == {
        "2014-03": Decimal("2281.53"),
        "2014-04": Decimal("2411.53"),
        "2014-05": Decimal("2411.53"),
    }


def test_the_effective_rate_by_hand(small: Metrics) -> None:
    # April: 1200 + 100 credited, 130 commission. March: 21,815.27 credited and, rounded deal by deal, 2,181.53.
    by = ["metric_time__month", "credit__currency_code"]
    found = by_month(small.ask(["credited_value", "established_commission", "effective_commission_rate"], by))
    assert found["2014-04", USD] == (Decimal(1300), Decimal(130), Decimal("0.1"))
    assert found["2014-03", USD][:2] == (Decimal("21815.27"), Decimal("2181.53"))
    # 2181.53 ÷ 21815.27 = 0.10000013752…
    assert found["2014-03", USD][2] == Decimal("0.1000001375")


def test_attainment_and_its_distribution_by_hand(small: Metrics) -> None:
    # Quota 10,000 a month. March: Ana 10,333, Eve 10,000; Cy 1,234.50, Fay 777.77, Ben −500, Dee −30.
    found = small.ask(
        ["quota_windows", "quota_windows_reached", "quota_reached_share", "attainment"],
        [],
        "{{ Dimension('attainment_window__window_code') }} = '2014-03'",
    )
    # 2 of 6; 21,815.27 ÷ 60,000 = 0.36358783…
    assert found == {(): (6, 2, Decimal("0.3333333333"), Decimal("0.3635878333"))}
    bands = small.ask(
        ["quota_windows"],
        ["attainment_window__attainment_band"],
        "{{ Dimension('attainment_window__window_code') }} = '2014-03' and {{ Dimension('attainment_window__currency_code') }} = 'USD'",
    )
    assert bands == {"below 50 %": 4, "100 to 150 %": 2}


# Metrics of the sample company beside SQL that is written without them: rows of group columns, then values.
CHECKED: dict[str, tuple[list[str], list[str], str | None, str]] = {
    "cost": (
        ["plan_cost", "paid_payees"],
        ["plan", "ledger_line__currency_code"],
        None,
        "select plan_id, currency_code, sum(payout_amount), count(distinct payee_id) from marts.fct_payouts group by all",
    ),
    "clawed_back": (
        ["clawed_back"],
        ["plan"],
        None,
        "select plan_id, sum(line_amount) from marts.fct_commission_lines"
        " where event_code in ('clawback', 'clawback_return', 'refund') group by all",
    ),
    "withheld": (
        ["established_commission", "earned_commission", "withheld_commission", "expired_commission"],
        ["plan"],
        "{{ Dimension('plan__payout_event_code') }} = 'collection'",
        "select plan_id, sum(estimated_amount), sum(earned_amount), sum(withheld_amount), sum(expired_amount)"
        " from marts.rpt_withheld_deals group by all",
    ),
    "attainment": (
        ["attained_value", "quota"],
        ["payee", "attainment_window__window_code"],
        "{{ Dimension('attainment_window__calendar_id') }} = 'adventure_works_quota' and {{ Entity('plan') }} = 'reseller'",
        "select payee_id, window_code, attained_amount, quota_amount from marts.rpt_attainment where plan_id = 'reseller'",
    ),
    "skipped": (
        ["skipped_deals", "skipped_value"],
        ["verdict__reason_code", "verdict__currency_code"],
        "{{ Dimension('verdict__is_closed_won') }}",
        "select reason_code, currency_code, count(distinct transaction_id), sum(transaction_amount)"
        " from marts.rpt_transaction_dispositions where is_closed_won and disposition_code = 'skipped' group by all",
    ),
    "territory": (
        ["direct_value"],
        ["transaction__territory__territory_name"],
        None,
        "select territory_name, sum(credited_amount) from marts.fct_credits"
        " join marts.dim_transactions using (transaction_id) left join marts.dim_territories using (territory_id)"
        " where credit_type_code <> 'rollup' group by all",
    ),
    "headcount": (
        ["credited_payees"],
        ["plan"],
        None,
        "select plan_id, count(distinct payee_id) from marts.fct_credits group by all",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHECKED)
def test_a_metric_of_the_sample_agrees_with_sql(sample: Metrics, name: str) -> None:
    metrics, by, where, sql = CHECKED[name]
    with duckdb.connect(str(sample.warehouse), read_only=True) as connection:
        rows = connection.execute(sql).fetchall()
    at = len(by)
    expected = {row[:at] if at > 1 else row[0]: row[at:] if len(row) - at > 1 else row[at] for row in rows}
    found = sample.ask(metrics, by, where)
    assert len(expected) > 1
    differing = {key for key in {*expected, *found} if expected.get(key) != found.get(key)}
    assert sorted(differing, key=str)[:3] == []


def test_the_withheld_balance_runs_to_what_is_withheld_today(sample: Metrics) -> None:
    found = sample.ask(
        ["withheld_balance"], ["metric_time__day"], "{{ TimeDimension('metric_time', 'day') }} = '2013-06-30'"
    )
    with duckdb.connect(str(sample.warehouse), read_only=True) as connection:
        (withheld,) = (
            connection.execute("select sum(withheld_amount) from marts.rpt_withheld_deals").fetchone() or ()
        )
    assert list(found.values()) == [withheld]
    assert withheld > 0
