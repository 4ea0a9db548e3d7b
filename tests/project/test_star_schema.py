"""Facts, dimensions, who sees what, exposures and questions: what the marts declare, checked on dbt's manifest."""

import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.calculation.manifest import ensure_manifest, read_manifest
from orchestration.reading.questions import Question, answer, questions
from orchestration.reading.visibility import Declaration, declarations

ROOT = Path(__file__).resolve().parents[2]
COMPLETE = "assert_dimensions_are_complete"
KEYS = re.compile(r"^(credited_)?payee_id$|^plan_id$|^transaction_id$|^reason_code$|_date$")
NAMES_OF_PAYEES = re.compile(r"(^|_)payee_id$|^full_name$|^owner_alias|^recipient$|^email$")


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    ensure_manifest()
    return dict(read_manifest())


@pytest.fixture(scope="module")
def marts(manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    nodes = manifest["nodes"].values()
    return {
        node["name"]: node for node in nodes if node["resource_type"] == "model" and node["fqn"][1] == "marts"
    }


def test_every_fact_is_checked_for_complete_dimensions(
    manifest: dict[str, Any], marts: dict[str, dict[str, Any]]
) -> None:
    check = next(node for node in manifest["nodes"].values() if node["name"] == COMPLETE)
    read = {key.rpartition(".")[2] for key in check["depends_on"]["nodes"]}
    assert {name for name in marts if name.startswith("fct_")} - read == set()
    assert {
        "dim_payees",
        "dim_plans",
        "dim_transactions",
        "dim_currencies",
        "dim_periods",
        "dim_dates",
    } <= read


def test_a_key_that_may_be_empty_says_what_that_means(marts: dict[str, dict[str, Any]]) -> None:
    silent = [
        f"{name}.{column['name']}"
        for name, node in marts.items()
        if name.startswith("fct_")
        for column in node["columns"].values()
        if KEYS.search(column["name"])
        and not any(constraint["type"] == "not_null" for constraint in column["constraints"])
        and not re.search(r"\b(null|empty)\b", column["description"])
    ]
    assert silent == []


def test_every_mart_declares_who_may_see_its_rows(
    manifest: dict[str, Any], marts: dict[str, dict[str, Any]]
) -> None:
    missing = sorted(set(marts) - set(declarations(manifest)))
    assert missing == [], (
        "declare meta.visibility beside meta.key (docs/bi.md); until then the mart is in nobody's file"
    )


def test_what_names_payees_is_handed_out_by_payee(
    manifest: dict[str, Any], marts: dict[str, dict[str, Any]]
) -> None:
    """A column that names people is the row's payee, emptied where that one is not seen, or left out."""
    problems = [
        f"{name}.{column}"
        for name, declared in declarations(manifest).items()
        if declared.rows != "administrators"
        for column in marts[name]["columns"]
        if NAMES_OF_PAYEES.search(column)
        and column not in {declared.payee, *declared.others, *declared.hidden}
        and name != "dim_payees"  # its rows are the payees who are seen
    ]
    assert problems == []


def test_a_declaration_that_names_people_openly_would_be_found(marts: dict[str, dict[str, Any]]) -> None:
    columns = list(marts["fct_ledger_lines"]["columns"])
    declared = Declaration.read("fct_ledger_lines", columns, {"rows": "payees", "payee": "payee_id"})
    assert "credited_payee_id" in columns and "credited_payee_id" not in declared.others
    assert NAMES_OF_PAYEES.search("credited_payee_id")


def test_exposures_have_an_owner_a_maturity_and_read_marts(
    manifest: dict[str, Any], marts: dict[str, dict[str, Any]]
) -> None:
    exposures = {node["name"]: node for node in manifest["exposures"].values()}
    assert {"statements", "payroll_files", "journal", "bi_dashboards", "crm_write_back"} <= set(exposures)
    for name, exposure in exposures.items():
        read = {key.rpartition(".")[2] for key in exposure["depends_on"]["nodes"]}
        assert exposure["maturity"] and exposure["owner"]["email"] and exposure["description"], name
        assert read and read <= set(marts), name


def test_questions_read_what_the_dashboards_expose_and_metrics_that_there_are(
    manifest: dict[str, Any],
) -> None:
    exposed = {
        key.rpartition(".")[2]
        for key in manifest["exposures"]["exposure.commissions.bi_dashboards"]["depends_on"]["nodes"]
    }
    known = {node["name"] for node in manifest["metrics"].values()}
    assert len(known) >= 10
    asked = questions()
    assert len(asked) >= 10
    for question in asked:
        assert set(re.findall(r"\bmarts\.(\w+)", question.sql)) <= exposed, question.name
        named = question.metrics.partition(" by ")[0]
        assert {name.strip() for name in named.split(",") if name.strip()} <= known, question.name


def test_corrections_are_counted_by_month_origin_and_reason() -> None:
    """No month of the sample is closed, so this question has no answer there."""
    (corrections,) = [question for question in questions() if question.name == "corrections"]
    with duckdb.connect(":memory:") as connection:
        connection.execute("create schema marts")
        connection.execute(
            """
            create table marts.fct_ledger_lines as
            select * from (values
              ('2014-04', '2014-03', 'deals', 'late_data', 'USD', 12.34::decimal(18, 4)),
              ('2014-04', '2014-03', 'deals', 'late_data', 'USD', -2.34::decimal(18, 4)),
              ('2014-04', '2014-02', 'deals', 'deal_edited', 'USD', 5::decimal(18, 4)),
              ('2014-04', '2014-04', 'deals', null, 'USD', 100::decimal(18, 4))
            ) as ledger (posted_period_code, origin_period_code, plan_id, reason_code, currency_code, line_amount)
            """
        )
        connection.execute(
            """
            create table marts.dim_reasons as
            select * from (values ('late_data', 'Came late'), ('deal_edited', 'Edited')) as reasons (reason_code, reason_description)
            """
        )
        head, rows, _ = answer(connection, corrections)
    assert head[-3:] == ["line_count", "amount", "currency_code"]
    assert rows == [
        ["2014-04", "2014-02", "deals", "deal_edited", "Edited", "1", "5.00", "USD"],
        ["2014-04", "2014-03", "deals", "late_data", "Came late", "2", "10.00", "USD"],
    ]


def test_a_question_is_read_from_its_head() -> None:
    first = questions()[0]
    assert first == Question(
        "distance_from_quota",
        "Who is how far from quota?",
        "each payee's latest window with a quota that has begun.",
        "attainment, attained_value, quota by plan, payee, attainment_window__window_code",
        first.sql,
    )
    assert first.sql.startswith("with")
