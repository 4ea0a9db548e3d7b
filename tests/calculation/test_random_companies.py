"""The warehouse and the oracle calculate random companies to the same cent; and what must hold for all of them.

make oracle N=1000          more companies
ORACLE_SEED=7               others
ORACLE_SHRINK=0             do not look for the smallest company that differs
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from orchestration.plans.situations.build import BuildError, build_warehouse, models_in
from tests.calculation.batches import differences, expected, merged, random_companies, shown
from tests.calculation.compared import COMPARED
from tests.calculation.oracle import Result
from tests.calculation.oracle.results import Deduction
from tests.calculation.shrinking import shrunk, written_out
from tests.support.companies.company_files import Tables
from tests.support.companies.random_company import AS_OF, SHARED

SEED = int(os.environ.get("ORACLE_SEED", "1"))
COUNT = int(os.environ.get("ORACLE_COMPANIES", "40"))
BATCH = 100
READ = models_in(*(table.sql for table in COMPARED.values()))
STAGES = ("filtering", "valuation", "crediting")
CODES = {"tier_method_code": 4, "aggregate_code": 4, "beneficiary_code": 3, "tier_bound_code": 2}
CODES |= {"payout_event_code": 2, "amount_basis_code": 2, "is_rollup_capped": 2, "currency_code": 4}
CODES |= {"credit_event_code": 2}
POLICIES = {"original_rate", "recalculate", "next_period_attainment", "none"}
CAUSES = {"refund", "credit_memo", "payment", "unpaid", "cancelled"}


class Batch(NamedTuple):
    """Some companies, what the oracle says about each, and the warehouse that holds them all."""

    companies: dict[str, Tables]
    results: dict[str, Result]
    warehouse: Path


def build(tables: Tables, home: Path) -> Path:
    return build_warehouse(tables, home, AS_OF, wanted=READ)


@pytest.fixture(scope="module", params=range(0, COUNT, BATCH), ids=lambda first: f"{first + 1} on")
def batch(request: pytest.FixtureRequest, build_once: Any) -> Batch:
    companies = random_companies(SEED, request.param, min(BATCH, COUNT - request.param))
    name = f"random_{SEED}_{request.param}_{len(companies)}"
    warehouse = build_once(name, lambda home: build(merged(companies.values()), home))
    return Batch(companies, expected(companies), warehouse)


def test_warehouse_and_oracle_agree(batch: Batch, tmp_path: Path) -> None:
    found = differences(batch.warehouse, batch.results)
    if found:
        name = min(found, key=lambda name: len(batch.results[name].credits))
        pytest.fail(told(batch.companies[name], name, found, tmp_path), pytrace=False)


@pytest.fixture(scope="module")
def results() -> list[Result]:
    if COUNT < 300:
        pytest.skip("a few companies need not meet everything")
    return list(expected(random_companies(SEED, 0, 300)).values())


def test_companies_meet_everything(results: list[Result]) -> None:
    """Agreement about what never occurs would say nothing."""
    reasons = {row.reason for result in results for row in result.dispositions.values()}
    reasons |= {row.reason for result in results for row in result.refused}
    sought = {row["reason_code"] for row in SHARED["reason_codes"] if row["stage_code"] in STAGES}
    # The first two are in the rough company; versions that differ in what they credit are refused before a run.
    assert sought - reasons == {"no_plan_for_source", "unknown_currency", "credited_on_booking"}
    paid = [reward for result in results for reward in result.rewards.values() if reward.amount]
    assert {reward.kind for reward in paid} == {"credit", "bonus", "floor"}
    plans = {reward.plan for reward in paid if reward.kind == "credit"}
    for column, count in CODES.items():
        assert len({getattr(plan, column) for plan in plans}) >= count, column
    gaps = {reward.reason for result in results for reward in result.rewards.values()}
    assert {"missing_quota", "zero_quota", "missing_variable", "missing_tiers", "missing_rate"} <= gaps
    assert any(row.reason == "no_beneficiary" for result in results for row in result.commissions.values())
    assert "credited_on_collection" in reasons


def test_companies_meet_all_that_is_due_later_or_taken_back(results: list[Result]) -> None:
    clawbacks = [row for result in results for row in result.clawbacks]
    assert {row.policy for row in clawbacks} == POLICIES
    assert {row.change.cause for row in clawbacks if row.amount} == CAUSES
    weights = {row.change.weight for row in clawbacks if row.amount or row.change.weight[0] == 0}
    assert {0 < numerator < denominator for numerator, denominator in weights} == {True, False}
    moves = [move for result in results for row in result.windows.values() for move in row.moves]
    assert any(isinstance(move, Deduction) for move in moves)
    events = {line.event for result in results for line in result.lines.values() if line.amount}
    assert events >= {"booking", "payment", "refund", "credit_memo", "clawback", "clawback_return"}
    moved = {row.code for result in results for row in result.movements if row.amount}
    assert moved == {"estimated", "earned", "expired", "revived", "forfeited"}
    parts = {(part.code, part.is_due, part.due_date is None) for result in results for part in result.parts}
    assert len(parts) == 6  # both parts are due, are due later, and are held until further notice
    assert {line.event for result in results for line in result.draws} == {
        "draw",
        "guarantee",
        "draw_recovery",
    }


def told(tables: Tables, name: str, found: Mapping[str, Any], home: Path) -> str:
    """Say which companies differ, and show the smallest one that still does, with both sides."""
    said = [
        f"seed {SEED}: {len(found)} companies differ ({', '.join(sorted(found))}); the smallest one, {name}:"
    ]
    said.append(shown(found[name]))
    if os.environ.get("ORACLE_SHRINK") != "0":
        small = shrunk(tables, name, next(iter(found[name])), build, home)
        said.append(f"\nshrunk to:\n{written_out(small)}\n")
        try:
            warehouse = build(merged([small]), home / "smallest")
            said += [shown(each) for each in differences(warehouse, expected({name: small})).values()]
        except BuildError as error:
            said.append(str(error))
    return "\n".join(said)
