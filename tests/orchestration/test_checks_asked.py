"""The data tests that a run asks, and those that it does not: nothing that dbt's own tests find goes unseen.

One warehouse is broken in many ways at once, each in a table of its own; a run's questions and dbt's tests must name the same.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.calculation.checks import (
    FAIL,
    PROVED_ON_FILES,
    QUESTIONS,
    ask,
    asked_tests,
    is_asked_by_preflight,
    is_asked_in_runs,
    required_columns,
)
from orchestration.calculation.dbt_process import current
from orchestration.calculation.fingerprints import fingerprints
from orchestration.calculation.manifest import ensure_manifest, read_manifest, ready
from orchestration.plans.checks.contracts import CHECKS, run_checks
from orchestration.plans.checks.files import Check, SeedContract, SeedFile, read_contracts
from orchestration.warehouse.readable import ReadableWarehouse

ROOT = Path(__file__).resolve().parents[2]
SEEDS = ROOT / "seeds"

# What is broken in the finished warehouse, and the test that must find it. Each table is broken once.
BROKEN = {
    "a wrong cent in a payout": (
        "update marts.fct_payouts set payout_amount = payout_amount + 0.01 where payout_key = (select min(payout_key) from marts.fct_payouts)",
        "assert_payouts_equal_lines",
    ),
    "a lost ledger line": (
        "delete from marts.fct_ledger_lines where ledger_line_key = (select min(ledger_line_key) from marts.fct_ledger_lines)",
        "assert_ledger_equals_entitlement",
    ),
    "a doubled credit": (
        "insert into intermediate.int_crediting__candidates select * from intermediate.int_crediting__candidates limit 1",
        "assert_credits_add_up_to_value",
    ),
    "a reward of one cent more": (
        "update intermediate.int_rewards__rounded set commission_amount = commission_amount + 0.01"
        " where credit_id = (select min(credit_id) from intermediate.int_rewards__rounded)",
        "assert_commissions_equal_the_curve_of_the_total",
    ),
    "a deal that is gone": (
        "delete from intermediate.int_filtering__eligible where transaction_id = (select min(transaction_id) from intermediate.int_filtering__eligible)",
        "assert_every_transaction_is_accounted_for",
    ),
    "an asset that is amortised twice": (
        "insert into marts.rpt_amortisation_schedule select * from marts.rpt_amortisation_schedule limit 1",
        "assert_contract_costs_are_amortised_in_full",
    ),
    "a journal line on one side only": (
        "update marts.fct_accounting_lines set line_amount = line_amount + 1"
        " where rowid = (select min(rowid) from marts.fct_accounting_lines)",
        "assert_journal_equals_the_ledger",
    ),
    "two draws on one payee's earnings, the second after the end of the first, which still recovers": (
        "insert into seeds.draws (draw_id, plan_id, payee_id, valid_from, valid_to, draw_kind_code, covers_code,"
        " currency_code, amount, recovery_ratio, source_document) values"
        " ('one', 'reseller', '275', '2013-01-01', '2013-02-01', 'recoverable', 'plan', 'USD', 1, 1, 'docs'),"
        " ('two', 'online_territory', '275', '2013-02-01', null, 'recoverable', 'payee', 'USD', 1, 1, 'docs')",
        "assert_draws_share_no_earnings",
    ),
    "a payroll amount that nobody posted": (
        "update marts.fct_payroll_amounts set ledger_amount = ledger_amount + 1"
        " where rowid = (select min(rowid) from marts.fct_payroll_amounts)",
        "assert_payroll_equals_payouts_equals_ledger",
    ),
}


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    ensure_manifest()
    return read_manifest()


@pytest.fixture(scope="module")
def broken(sample_warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("broken")
    warehouse = Path(shutil.copy(sample_warehouse, home / "warehouse.duckdb"))
    with duckdb.connect(str(warehouse)) as connection:
        for name, (statement, _) in BROKEN.items():
            try:
                changed = connection.execute(statement).fetchone()
            except duckdb.Error as error:
                pytest.fail(f"{name}: {error}", pytrace=False)
            assert changed and changed[0] > 0, name
        # Keys that stand twice, values that nobody knows, empty cells: one of each kind of generic test.
        connection.execute(
            "insert into intermediate.int_pool__deal_versions select * from intermediate.int_pool__deal_versions limit 1"
        )
    return warehouse


@pytest.fixture(scope="module")
def found_by_runs(broken: Path, manifest: dict[str, Any]) -> dict[str, int]:
    """The failing tests of a whole run over the broken warehouse, with their rows, by unique id."""
    found = fingerprints(manifest, seeds=SEEDS, landed={}, variables={})
    asked = asked_tests(manifest, found, {}, full=False)
    dbt = current()
    ready(dbt)
    names = [manifest["nodes"][test]["name"] for test in asked.written]
    target = broken.parent / "target"
    compiled = dbt.run(
        ["compile", "--select", *names], warehouse=broken, home=broken.parent, target=target, compiled=True
    )
    assert compiled.is_good, compiled.error
    sql = {node.unique_id: node.compiled for node in compiled.nodes if node.compiled}
    with ReadableWarehouse(broken, broken.parent / "marts.duckdb") as readable:
        for name in readable.marts:
            readable.copy_mart(name)
        results = ask(readable, manifest, asked, sql)
    assert not [one for one in results if one.error]
    return {one.unique_id: one.failing_rows for one in results if one.status == FAIL}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_found_by_name(name: str, found_by_runs: Mapping[str, int]) -> None:
    names = {unique_id.split(".")[2] for unique_id in found_by_runs}
    assert BROKEN[name][1] in names


def test_dbt_finds_the_same_with_the_same_rows(
    broken: Path, manifest: dict[str, Any], found_by_runs: Mapping[str, int]
) -> None:
    """Of all tests at the broken relations: the failing ones are the same, and fail with the same number of rows."""
    touched = {
        "fct_payouts",
        "fct_ledger_lines",
        "int_crediting__candidates",
        "int_crediting__credits",
        "int_pool__deal_versions",
        "fct_credits",
        "fct_payroll_amounts",
        "fct_accounting_lines",
    }
    asked = {
        name
        for name, node in manifest["nodes"].items()
        if node["resource_type"] == "test"
        and is_asked_in_runs(node, manifest)
        and any(parent.rsplit(".", 1)[-1] in touched for parent in node["depends_on"]["nodes"])
        and node["config"]["severity"].lower() == "error"
    }
    assert len(asked) > 20
    done = current().run(
        ["test", "--select", *(manifest["nodes"][name]["name"] for name in asked)],
        warehouse=broken,
        home=broken.parent,
        target=broken.parent / "target",
    )
    of_dbt = {node.unique_id: node.failures for node in done.nodes if node.status == "fail"}
    assert of_dbt == {name: rows for name, rows in found_by_runs.items() if name in asked}
    assert of_dbt


# --- the questions themselves -------------------------------------------------------------------------------

ROWS = {
    "good": "values (1, 'a', 1), (2, 'b', 1), (3, 'b', null)",
    "doubled": "values (1, 'a', 1), (1, 'a', 1), (2, 'b', null), (2, 'b', null)",
    "empty": "values (null::integer, null::varchar, null::integer), (null, null, null)",
    "unknown": "values (1, 'z', 9), (2, 'z', 9), (3, 'y', 1)",
}
# Failing rows as dbt counts them: values that stand twice, empty cells, values (not rows) that are not accepted.
EXPECTED = {
    ("unique", "good"): 0,
    ("unique", "doubled"): 2,
    ("unique", "empty"): 0,
    ("not_null", "good"): 0,
    ("not_null", "empty"): 2,
    ("accepted_values", "good"): 0,
    ("accepted_values", "empty"): 0,
    ("accepted_values", "unknown"): 2,
    ("unique_combination", "good"): 0,
    ("unique_combination", "doubled"): 2,
    ("unique_combination", "empty"): 1,
    ("relationships", "good"): 0,
    ("relationships", "empty"): 0,
    ("relationships", "unknown"): 2,
}
ARGUMENTS = {
    "unique": {"column_name": "id"},
    "not_null": {"column_name": "id"},
    "accepted_values": {"column_name": "code", "values": ["a", "b"]},
    "unique_combination": {"columns": ["id", "parent"]},
    "relationships": {"column_name": "parent", "field": "id", "parent": "parents"},
}


def test_the_kinds_that_runs_leave_to_the_files_are_those_evaluated_there() -> None:
    assert set(CHECKS) == PROVED_ON_FILES


@pytest.mark.parametrize(("kind", "rows"), EXPECTED)
def test_a_question_counts_as_dbt_counts(kind: str, rows: str) -> None:
    with duckdb.connect() as connection:
        connection.execute("create table parents as select 1 as id union all select null")
        connection.execute(f"create table deals as select * from ({ROWS[rows]}) as t(id, code, parent)")
        question = QUESTIONS[kind](ARGUMENTS[kind], "deals")
        [number] = connection.execute(f"select {question.number} from deals").fetchone() or (None,)
        [count] = connection.execute(f"select count(*) from ({question.rows})").fetchone() or (None,)
    assert count == EXPECTED[kind, rows]
    assert (number == 0) == (count == 0)


def test_every_view_with_a_contract_is_asked_for_empty_columns(manifest: dict[str, Any]) -> None:
    found = fingerprints(manifest, seeds=SEEDS, landed={}, variables={})
    asked = asked_tests(manifest, found, {}, full=False)
    views = {
        name
        for name, node in manifest["nodes"].items()
        if node["resource_type"] == "model"
        and node["config"]["materialized"] == "view"
        and required_columns(node)
    }
    assert views == set(asked.views)
    assert len(views) > 70


def test_what_has_passed_on_the_same_data_is_not_asked_again(manifest: dict[str, Any]) -> None:
    found = fingerprints(manifest, seeds=SEEDS, landed={}, variables={})
    passed = {name: one.content for name, one in found.items()}
    assert asked_tests(manifest, found, passed, full=False).count == 0
    del passed["test.commissions.assert_payouts_equal_lines"]
    assert list(asked_tests(manifest, found, passed, full=False).written) == [
        "test.commissions.assert_payouts_equal_lines"
    ]
    everything = asked_tests(manifest, found, passed, full=True)
    assert everything.count > sum(node["resource_type"] == "test" for node in manifest["nodes"].values()) - 60


# --- what the preflight proves instead ----------------------------------------------------------------------


def _broken_seed(contract: SeedContract, check: Check) -> SeedFile | None:
    """A seed of one or two rows that breaks the check; None for kinds with bounds, which have tests of their own."""
    header = list(contract.data_types)
    filled = {name: "1" for name in header}
    arguments = check.arguments
    if check.name == "not_null":
        rows = [{**filled, str(check.column): ""}]
    elif check.name == "unique":
        rows = [filled, filled]
    elif check.name == "unique_combination":
        rows = [filled, {**dict.fromkeys(header, "2"), **{name: "1" for name in arguments["columns"]}}]
    elif check.name in ("accepted_values", "relationships"):
        rows = [{**filled, str(check.column): "no such value"}]
    else:
        return None
    return SeedFile(contract.name, f"{contract.name}.csv", header, list(enumerate(rows, start=2)))


def test_the_preflight_catches_each_seed_test_that_a_run_does_not_ask(manifest: dict[str, Any]) -> None:
    contracts, problems = read_contracts(SEEDS)
    assert not problems
    empty = {name: SeedFile(name, f"{name}.csv", list(one.data_types)) for name, one in contracts.items()}
    proven = 0
    for contract in contracts.values():
        for check in contract.checks:
            seed = _broken_seed(contract, check)
            if seed is None:
                continue
            alone = SeedContract(contract.name, "", contract.data_types, contract.descriptions, (check,))
            assert list(run_checks(seed, alone, {**empty, contract.name: seed})), (contract.name, check)
            proven += 1
    left_out = [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and is_asked_by_preflight(node, manifest)
    ]
    with_bounds = [
        node
        for node in left_out
        if node["test_metadata"]["name"] in ("no_overlap", "contiguous_tiers", "whole_months")
    ]
    assert proven == len(left_out) - len(with_bounds)
    assert proven > 300
