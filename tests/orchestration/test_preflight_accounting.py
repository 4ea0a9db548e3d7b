"""Posting rules against the plans: what is used and has no rule is named with its seed, and what is not used asks for nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.plans.checks import check_seeds
from tests.support.companies.plan_company import PlanCompany

RULES = "seeds/accounting/posting_rules.csv"
FIX = (
    "with empty plan_id and entry_kind_code, which takes all that no other row takes; or delete all rows, where no journal "
    "is kept here"
)


def rule(posting: str, debit: str, credit: str, **cells: str) -> dict[str, str]:
    return {"posting_code": posting, "debit_account_code": debit, "credit_account_code": credit, **cells}


@pytest.fixture
def company(tmp_path: Path) -> PlanCompany:
    """Commissions are expensed and paid by files; nothing is capitalised."""
    made = PlanCompany(tmp_path)
    made.rows["accounts"] = [
        {"account_code": code, "account_kind_code": kind}
        for code, kind in (
            ("6110", "expense"),
            ("2310", "liability"),
            ("2320", "liability"),
            ("2390", "clearing"),
        )
    ]
    made.rows["entry_kinds"] = [
        {"event_code": event, "entry_kind_code": kind, "is_contract_cost": cost}
        for event, kind, cost in (
            ("booking", "commission", "true"),
            ("bonus", "bonus", "false"),
            ("draw", "draw", "false"),
        )
    ]
    made.rows["pay_groups"] = [{"pay_group_id": "all", "valid_from": "2024-01-01", "layout_id": "csv"}]
    made.rows["posting_rules"] = [rule("accrual", "6110", "2310"), rule("payment", "2310", "2390")]
    return made


def problems(company: PlanCompany) -> list[str]:
    company.write()
    return [str(problem) for problem in check_seeds(company.root, company.extracts)]


def test_what_is_used_and_has_rules_is_right(company: PlanCompany) -> None:
    assert problems(company) == []


def test_without_any_row_there_is_no_journal_and_nothing_is_asked(company: PlanCompany) -> None:
    company.rows["posting_rules"] = []
    company.rows["accounts"] = []
    assert problems(company) == []


def test_without_payroll_no_payment_needs_a_rule(company: PlanCompany) -> None:
    company.rows["pay_groups"] = []
    company.delete("posting_rules", 3)
    assert problems(company) == []


def test_payroll_without_a_payment_rule(company: PlanCompany) -> None:
    company.delete("posting_rules", 3)
    assert problems(company) == [
        f"{RULES} column posting_code: no row posts `payment`: what payroll files pay (seeds/payroll/pay_groups.csv). "
        f"Add a row `payment` {FIX}"
    ]


def test_a_plan_or_a_kind_without_an_accrual(company: PlanCompany) -> None:
    company.rows["posting_rules"] = [
        rule("payment", "2310", "2390"),
        *(rule("accrual", "6110", "2310", plan_id=plan) for plan in ("table", "points", "quality", "deal")),
        rule("accrual", "6110", "2310", plan_id="career", entry_kind_code="bonus"),
        rule("accrual", "6110", "2310", entry_kind_code="commission"),
    ]
    # `hunter` has an advance in draws.csv, so that its kind is used; `career` has a row for the bonus.
    assert problems(company) == [
        f"{RULES} column posting_code: no row posts `accrual` of plan 'career', kind draw: what plans earn. "
        f"Add a row `accrual` {FIX}",
        f"{RULES} column posting_code: no row posts `accrual` of plan 'hunter', kind bonus, draw: what plans earn. "
        f"Add a row `accrual` {FIX}",
    ]
    company.rows["draws"] = []
    assert [problem.partition(": what")[0] for problem in problems(company)] == [
        f"{RULES} column posting_code: no row posts `accrual` of plan 'hunter', kind bonus"
    ]


def test_what_is_capitalised_needs_its_three_postings(company: PlanCompany) -> None:
    company.rows["capitalisation_rules"] = [
        {"plan_id": "hunter", "valid_from": "2024-01-01", "benefit_months": "24", "first_month_code": "same"}
    ]
    company.rows["posting_rules"].append(rule("impairment", "6110", "1410", plan_id="hunter"))
    assert [problem.partition(": no row ")[2].partition(":")[0] for problem in problems(company)] == [
        "posts `amortisation` of plan 'hunter'",
        "posts `capitalisation` of plan 'hunter', kind commission",
    ]


@pytest.mark.parametrize(
    ("row", "cells", "expected"),
    [
        (2, {"credit_account_code": "6110"},
         f"{RULES} row 2, column credit_account_code: account 6110 is of kind expense; what is earned is owed until it is "
         "paid. Name an account of kind liability of seeds/accounting/accounts.csv"),
        (2, {"credit_account_code": "2320"},
         f"{RULES} row 2, column credit_account_code: no `payment` row debits account 2320, so that what is paid would never "
         "settle it. Write 2310, which `payment` debits"),
    ],
)  # fmt: skip
def test_a_liability_that_no_payment_settles(
    company: PlanCompany, row: int, cells: dict[str, str], expected: str
) -> None:
    company.change("posting_rules", row, **cells)
    assert problems(company) == [expected]
