"""The reconciliations over all data fail when a cent is wrong anywhere between ledger, payouts, payroll and journal."""

import shutil
from pathlib import Path

import duckdb
import pytest

from orchestration.books import exporting
from orchestration.books.desk import open_desk
from orchestration.calculation.checks import Asked
from orchestration.calculation.dbt_process import current
from orchestration.calculation.manifest import read_manifest
from orchestration.calculation.step import Calculation
from orchestration.warehouse.settings import RunSettings
from tests.support.companies.contract_company import AS_OF, START, approve, company, install
from tests.support.companies.pay_groups import everybody

RECONCILIATIONS = {
    "payroll": "assert_payroll_equals_payouts_equals_ledger",
    "lines": "assert_payroll_lines_add_up",
    "calendar": "assert_exported_cycles_are_in_the_calendar",
    "balance": "assert_journal_entries_balance",
    "journal": "assert_journal_equals_the_ledger",
    "contracts": "assert_contract_costs_are_amortised_in_full",
    "roll_forwards": "assert_roll_forwards_tie_to_journal_and_ledger",
    "kinds": "assert_ledger_events_have_a_kind",
    "dimensions": "assert_dimensions_are_complete",
    "managers": "assert_reporting_lines_end",
}
# What is broken, and the reconciliations that must say so.
BROKEN = {
    "update marts.fct_payouts set payout_amount = payout_amount + 0.01 where payee_id = 'cy'": {"payroll"},
    "update marts.fct_ledger_lines set line_amount = line_amount - 0.01 where payee_id = 'ana' and event_code = 'bonus'": {
        "payroll",
        "journal",
        "roll_forwards",
    },
    "update marts.fct_payroll_amounts set ledger_amount = ledger_amount + 1 where payee_id = 'fay'": {
        "payroll"
    },
    "delete from seeds.pay_cycles where pay_cycle_code = '2014-03'": {
        "payroll",
        "calendar",
    },
    "update seeds.posting_rules set credit_account_code = '6110' where posting_code = 'accrual'": {
        "balance",
        "journal",
        "roll_forwards",
    },
    "delete from seeds.posting_rules where posting_code = 'capitalisation'": {"journal", "roll_forwards"},
    "delete from seeds.posting_rules where posting_code = 'payment'": {"journal", "roll_forwards"},
    "delete from seeds.entry_kinds where event_code = 'bonus'": {"kinds"},
    "delete from seeds.reason_codes where reason_code = 'not_approved'": {"dimensions"},
    "delete from marts.dim_dates where calendar_date = '2014-03-20'": {"dimensions"},
    "insert into intermediate.int_parameters__managers values ('ana', 'ben', '2014-02-01', null), ('ben', 'ana', '2014-03-01', null)": {
        "managers"
    },
    "update marts.rpt_amortisation_schedule set amortisation_amount = amortisation_amount + 0.01 where period_code = '2014-04'": {
        "contracts",
        "roll_forwards",
    },
    "update marts.rpt_asset_roll_forward set closing_amount = closing_amount + 0.01 where period_code = '2014-03'": {
        "roll_forwards"
    },
}


@pytest.fixture(scope="module")
def company_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The company with March paid, its deals capitalised."""
    home = tmp_path_factory.mktemp("home")
    rule = {
        "plan_id": "deals",
        "valid_from": START,
        "benefit_months": "24",
        "first_month_code": "same",
        "cost_change_code": "catch_up",
    }
    settings = install(home, company(capitalisation_rules=[rule], **everybody()))
    approve(settings, "2014-03")
    with open_desk(settings) as desk:
        exporting.payroll(desk, "2014-03", None, "laura")
    return home


@pytest.fixture(scope="module")
def calculation(company_home: Path) -> Calculation:
    """What a run does with the company."""
    settings = RunSettings(company_home, AS_OF.isoformat())
    return Calculation(settings, read_manifest(), current(), company_home / "seeds")


@pytest.fixture(scope="module")
def compiled(calculation: Calculation) -> dict[str, str]:
    """The SQL of the reconciliations, by the id of the test."""
    calculation.target.mkdir(exist_ok=True)
    tests = [f"test.commissions.{name}" for name in RECONCILIATIONS.values()]
    return calculation._compiled(tests, calculation.fingerprints())


def failures(calculation: Calculation, compiled: dict[str, str]) -> set[str]:
    """The reconciliations that fail on a warehouse as it is, asked as a run asks them."""
    results = calculation._ask_aside(Asked({}, list(compiled), []), compiled)
    assert len(results) == len(RECONCILIATIONS)
    assert not [one.error for one in results if one.error]
    failed = {one.unique_id.split(".")[2] for one in results if not one.is_good}
    return {name for name, test in RECONCILIATIONS.items() if test in failed}


def test_nothing_fails_on_what_was_calculated(calculation: Calculation, compiled: dict[str, str]) -> None:
    assert failures(calculation, compiled) == set()


@pytest.mark.parametrize("statement", BROKEN)
def test_a_wrong_cent_is_found(
    calculation: Calculation, compiled: dict[str, str], tmp_path: Path, statement: str
) -> None:
    warehouse, kept = calculation.settings.warehouse, tmp_path / "kept.duckdb"
    shutil.copyfile(warehouse, kept)
    try:
        with duckdb.connect(str(warehouse)) as connection:
            changed = connection.execute(statement).fetchone()
            assert changed is not None and changed[0] > 0
        assert failures(calculation, compiled) == BROKEN[statement]
    finally:
        shutil.copyfile(kept, warehouse)
