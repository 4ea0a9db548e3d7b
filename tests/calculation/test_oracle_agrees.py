"""The warehouse and the oracle calculate two companies to the same cent, row by row: the bundled sample, and one
in which everything is off that can be off (`rough_company.py`). Both are landed from extracts."""

from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.calculation.compared import COMPARED, read, side_by_side
from tests.calculation.oracle import Result, calculate
from tests.calculation.oracle.company import Company
from tests.calculation.oracle.results import Reward
from tests.support.companies.company_files import read_csv, tables_from_files
from tests.support.companies.rough_company import AS_OF, rough_extracts, rough_seeds

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "ingestion" / "sample"

# Reasons that these two companies do not meet; the random companies do.
MET_ELSEWHERE = {
    "filtering": {
        "missing_filter_variable",
        "credited_on_collection",
        "credited_on_booking",
        "memo_not_counted",
    },
    "valuation": {"missing_value_variable", "missing_catalogue_value"},
    "crediting": {
        "no_credit_rule_matched",
        "missing_share_variable",
        "split_sum_differs",
        "split_owner_not_in_hris",
        "recipient_not_in_hris",
        "payee_not_employed",
        "payee_on_leave",
        "missing_rate",
    },
    "ledger": {
        "taken_back",
        "given_back",
        # Differences with billing: listed, and no part of what is calculated.
        "payment_not_counted",
        "payment_not_found",
        "more_found_than_paid",
        "written_off",
        "deal_recalculated",
        "attainment_reduced",
        "after_clawback_window",
        "policy_takes_nothing",
    },
}


class Calculated(NamedTuple):
    warehouse: Path
    oracle: Result


def new_account_premiums(company: Company, result: Result) -> list[Reward]:
    """The sample company's own rule: a premium for the first reseller order of each account."""
    rewards: dict[str, Reward] = {}
    for credit in sorted(result.credits.values(), key=lambda credit: credit.order):
        account, plan, day = credit.transaction.fields["AccountId"], credit.plan, credit.credit_date
        premium = company.variable("NewAccountPremium", plan.plan_id, None, day)
        is_meant = plan.plan_id == "reseller" and credit.credited and credit.credited > 0
        if is_meant and isinstance(account, str) and account not in rewards and credit.payee_id:
            reward_id = f"custom|{plan.plan_id}|{credit.payee_id}|new_account|{account}"
            amount = premium or Fraction(0)
            rewards[account] = Reward(reward_id, "custom", plan, credit.payee_id, day, amount)
    return list(rewards.values())


@pytest.fixture(scope="module", params=["sample", "rough"])
def calculated(request: pytest.FixtureRequest, build_once: Any, warehouse_builder: Any) -> Calculated:
    if request.param == "sample":
        warehouse = request.getfixturevalue("sample_warehouse")
        tables = tables_from_files(SAMPLE, ROOT / "seeds")
        as_of = request.getfixturevalue("sample_as_of")
        return Calculated(warehouse, calculate(tables, as_of, new_account_premiums))

    def build(home: Path) -> Path:
        rough_extracts(SAMPLE, home / "extracts")
        rough_seeds(ROOT / "seeds", home / "seeds")
        built: Path = warehouse_builder(home, AS_OF, home / "extracts", home / "seeds")
        return built

    warehouse = build_once("rough_warehouse", build)
    tables = tables_from_files(warehouse.parent / "extracts", warehouse.parent / "seeds")
    return Calculated(warehouse, calculate(tables, AS_OF))


@pytest.mark.parametrize("table", COMPARED)
def test_warehouse_and_oracle_agree(table: str, calculated: Calculated) -> None:
    compared = COMPARED[table]
    names, found = read(calculated.warehouse, compared.sql, compared.keys)
    # Neither company has draws; random companies do.
    if not found and table != "draw_lines":
        pytest.fail("the warehouse has no rows to compare", pytrace=False)
    differences = side_by_side(names, found, compared.rows(calculated.oracle))
    if differences:
        pytest.fail(differences, pytrace=False)


@pytest.mark.parametrize("calculated", ["rough"], indirect=True)
def test_rough_company_meets_every_reason(calculated: Calculated) -> None:
    """Agreement about a reason that never occurs would say nothing."""
    met = {row.reason for row in calculated.oracle.dispositions.values()}
    met |= {row.reason for row in calculated.oracle.collections.values()}
    met |= {row.reason for row in calculated.oracle.windows.values()}
    sought = {
        row["reason_code"]
        for row in read_csv(ROOT / "seeds" / "reference", "reason_codes")
        if row["stage_code"] in ("filtering", "valuation", "crediting", "ledger")
        and row["reason_code"] not in MET_ELSEWHERE.get(row["stage_code"], ())
    }
    assert sought <= met


def test_difference_is_shown_side_by_side() -> None:
    names = ["payee_id", "amount"]
    said = side_by_side(
        names, {("275",): (Fraction(1),)}, {("275",): (Fraction(1, 2),), ("276",): (Fraction(0),)}
    )
    assert "2 of 2 rows differ" in said
    assert "warehouse 1                          oracle 0.5" in said
    assert "warehouse no row                     oracle 0" in said
    assert side_by_side(names, {("275",): (Fraction(1),)}, {("275",): (Fraction(1),)}) == ""
