"""A small company whose statements are worked out by hand: three closed months, and March 2014 released in part.

`hunting` pays on booking 5 % up to a month's quota of 10,000 and 10 % above, a fifth of it 40 days later. `farming` pays 2 %
as the customer pays. Names and reasons hold what must not become markup.

    ana, hunting            December  January  February  March
    D0  1,000 at 5 %              40       10
    D1  8,000 at 5 %                      320        80
    D2 12,000: 500 + 200                             560    120   600 are owed since it was edited to 11,000:
                                                            -80   480 now less 560 posted, and 120 of 140 held back
    D1, half refunded                                      -200   160 and 40 of the holdback
    D3  5,000 at 5 %                                        200   and 50 held until 29 April
    adjustment of January                                    25
                                  40      330       640      65   1,035 in 2014

    ben, hunting: 80 earned in February, 220 advanced to 300; in March 120 + 20 earned, 140 of the advance taken back.
    farming, ana: 200 established, 80 paid in February, 40 in March; 10 more established in March: 90 wait.
"""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.books import acting
from orchestration.books.actions import append, read_actions
from orchestration.books.desk import open_desk
from orchestration.books.landed import land_books
from orchestration.books.period import read_books, write_book
from orchestration.plans.situations.build import ROOT, Tables, calculate, write_raw_tables, write_seeds
from orchestration.warehouse.publish import publish
from orchestration.warehouse.settings import RunSettings

START = "2013-12-01"
HOSTILE = "<script>alert('name')</script> & \"Söhne\""
HOSTILE_PLAN = "Hunting <b onmouseover=alert(1)>& more</b>"
HOSTILE_REASON = "</td><img src=x onerror=alert('reason')> forgotten & agreed"
PEOPLE = {"ana": ("Ana", HOSTILE), "ben": ("Ben", "Berg"), "mia": ("Mia", "Manager"), "a/../b": ("Odd", "Id")}
PLAN = {
    "valid_from": START,
    "source_object": "crm/Opportunity",
    "currency_code": "USD",
    "value_expression": '"Amount"',
    "value_currency_code": "transaction",
    "amount_basis_code": "current",
    "settle_days": "0",
    "calendar_id": "month",
    "aggregate_code": "sum",
    "quota_proration_code": "none",
    "tier_bound_code": "lower_inclusive",
    "tier_start_code": "zero",
    "tier_method_code": "marginal",
    "incentive_proration_code": "none",
    "is_rollup_capped": "false",
    "beneficiary_code": "payee",
    "gap_code": "list",
    "credit_event_code": "booking",
}
TERMS = {
    "valid_from": START,
    "collected_part_code": "net",
    "rebate_code": "uncollected",
    "overpayment_code": "capped",
    "clawback_policy_code": "original_rate",
    "clawback_base_code": "paid",
    "clawback_proration_code": "none",
    "hold_days": "0",
}
DEALS = (
    # id, owner, booked, amount, kind of deal
    ("D0", "ana", "2013-12-10", "1000", "Hunt"),
    ("D1", "ana", "2014-01-15", "8000", "Hunt"),
    ("D2", "ana", "2014-02-05", "12000", "Hunt"),
    ("D3", "ana", "2014-03-20", "5000", "Hunt"),
    ("D4", "ben", "2014-02-10", "2000", "Hunt"),
    ("D5", "ben", "2014-03-05", "3000", "Hunt"),
    ("D6", "a/../b", "2014-03-06", "100", "Hunt"),
    ("E1", "ana", "2014-01-10", "10000", "Farm"),
    ("E2", "ben", "2014-01-05", "1000", "Farm"),
    ("E3", "ana", "2014-03-02", "500", "Farm"),
)
PAYMENTS = (
    # deal, day, amount
    ("D1", "2014-01-20", "8000"),
    ("D1", "2014-03-10", "-4000"),
    ("E1", "2014-02-20", "4000"),
    ("E1", "2014-03-12", "2000"),
)
PAY_CYCLES = (
    # first day, first day after it, pay date
    ("2013-12-01", "2014-01-01", "2014-01-15"),
    ("2014-01-01", "2014-02-01", "2014-02-14"),
    ("2014-02-01", "2014-03-01", "2014-03-14"),
    ("2014-03-01", "2014-04-01", "2014-04-15"),
)
CLOSED = ("2013-12", "2014-01", "2014-02")
CLOSED_AT = datetime(2014, 2, 28, 18, tzinfo=UTC)
FEBRUARY, MARCH = date(2014, 2, 28), date(2014, 3, 31)


def tables(amount_of_d2: str, as_of: date) -> Tables:
    """The company's tables as they were on a day."""
    amounts = {number: amount for number, _, _, amount, _ in DEALS} | {"D2": amount_of_d2}
    plans = ("hunting", "farming")
    made: dict[str, Any] = {
        "crm/Opportunity": [
            {
                "Id": number,
                "OwnerId": f"U-{owner}",
                "CloseDate": day,
                "Amount": amounts[number],
                "Type": kind,
                "CurrencyIsoCode": "USD",
                "StageName": "Closed Won",
                "IsDeleted": "false",
            }
            for number, owner, day, _, kind in DEALS
            if day <= as_of.isoformat()
        ],
        "crm/User": [{"Id": f"U-{name}", "EmployeeNumber": name} for name in PEOPLE],
        "hris/employees": [
            {"id": name, "employeeNumber": name, "firstName": first, "lastName": last, "hireDate": "2012-01-01"}
            for name, (first, last) in PEOPLE.items()
        ],
        "hris/job_info": [
            {"employeeId": name, "date": "2012-01-01", "reportsTo": "mia"} for name in PEOPLE if name != "mia"
        ],
        "billing/invoices": [
            {
                "invoice_id": f"I-{deal}",
                "opportunity_id": deal,
                "currency_code": "USD",
                "subtotal_amount": amounts[deal],
                "total_amount": amounts[deal],
            }
            for deal in ("D1", "E1")
        ],
        "billing/payments": [
            {
                "payment_id": f"P{number}",
                "invoice_id": f"I-{deal}",
                "opportunity_id": deal,
                "kind": "refund" if amount.startswith("-") else "payment",
                "paid_date": day,
                "currency_code": "USD",
                "amount": amount,
            }
            for number, (deal, day, amount) in enumerate(PAYMENTS, start=1)
            if day <= as_of.isoformat()
        ],
        "plans": [
            {
                **PLAN,
                "plan_id": "hunting",
                "plan_name": HOSTILE_PLAN,
                "filter_expression": "\"Type\" = 'Hunt'",
                "payout_event_code": "booking",
                "quota_expression": "@@Quota",
                "tier_basis_code": "quota_ratio",
            },
            {
                **PLAN,
                "plan_id": "farming",
                "plan_name": "Farming",
                "filter_expression": "\"Type\" = 'Farm'",
                "payout_event_code": "collection",
                "tier_basis_code": "amount",
            },
        ],
        "plan_assignments": [
            {"plan_id": plan, "payee_id": name, "valid_from": START}
            for plan in plans
            for name in PEOPLE
            if name != "mia"
        ],
        "credit_rules": [
            {
                "plan_id": plan,
                "valid_from": START,
                "rule_id": "owner",
                "rule_group": "main",
                "priority": "1",
                "recipient_code": "owner",
                "credit_type_code": "direct",
            }
            for plan in plans
        ],
        "variables": [
            {
                "variable_name": "Quota",
                "scope_code": "plan",
                "scope_id": "hunting",
                "value": "10000",
                "unit_code": "USD",
                "valid_from": START,
            }
        ],
        "tiers": [
            {"plan_id": "hunting", "valid_from": START, "tier_number": "1", "tier_from": "0", "tier_to": "1",
             "rate_expression": "0.05"},
            {"plan_id": "hunting", "valid_from": START, "tier_number": "2", "tier_from": "1",
             "rate_expression": "0.1"},
            {"plan_id": "farming", "valid_from": START, "tier_number": "1", "tier_from": "0",
             "rate_expression": "0.02"},
        ],
        "payout_terms": [
            {**TERMS, "plan_id": "hunting", "holdback_ratio": "0.2", "holdback_release_code": "days",
             "holdback_days": "40"},
            {**TERMS, "plan_id": "farming", "expire_after_days": "45"},
        ],
        "draws": [
            {"draw_id": "ramp", "plan_id": "hunting", "payee_id": "ben", "valid_from": "2014-02-01",
             "valid_to": "2014-03-01", "draw_kind_code": "recoverable", "covers_code": "plan",
             "currency_code": "USD", "amount": "300", "recovery_ratio": "1"}
        ],
        "pay_groups": [
            {"pay_group_id": "all", "valid_from": START, "layout_id": "csv", "deduction_code": "COMMDED",
             "negative_net_code": "carry_forward"}
        ],
        "pay_group_members": [{"pay_group_id": "all", "valid_from": START}],
        "pay_cycles": [
            {"pay_group_id": "all", "pay_cycle_code": first[:7], "valid_from": first, "valid_to": end,
             "pay_date": paid}
            for first, end, paid in PAY_CYCLES
        ],
        "earnings_codes": [{"earnings_code": "COMM"}],
        "approval_steps": [{"step_number": "1", "role_code": "administrator"}],
        "approvers": [{"role_code": "administrator", "actor": "laura", "valid_from": START}],
    }  # fmt: skip
    return made


def run(settings: RunSettings, made: Tables, as_of: date) -> None:
    """Calculate the tables over the books, and publish."""
    settings.warehouse.unlink(missing_ok=True)
    write_seeds(made, settings.home / "seeds", ROOT / "seeds")
    write_raw_tables(made, settings.warehouse)
    with duckdb.connect(str(settings.warehouse)) as connection:
        land_books(connection, settings.books)
    calculate(settings.home, settings.home / "seeds", as_of, ROOT / "dbt_project")
    publish(warehouse=settings.warehouse, published=settings.published, run={"as_of_date": as_of.isoformat()})


def release(settings: RunSettings, what: str, period: str, plan: str | None = None) -> None:
    """Release credits or rewards of a month."""
    with open_desk(settings) as desk:
        acting.release(desk, what, period, plan, "ana")


def close(settings: RunSettings, period: str) -> None:
    """Close a month as the command does, without the approvals before it."""
    folder, actions = settings.books / "periods", settings.books / "actions"
    with duckdb.connect(str(settings.warehouse)) as warehouse:
        earlier = read_books(folder)
        book = write_book(
            warehouse,
            folder,
            period,
            previous_hash=earlier[-1].book_hash if earlier else "",
            as_of_date=FEBRUARY.isoformat(),
            closed_at=CLOSED_AT,
            closed_by="laura",
        )
    append(
        actions,
        read_actions(actions),
        action_code="close",
        acted_at=CLOSED_AT,
        actor="laura",
        period_code=period,
        lines_fingerprint=book.book_hash,
    )


def build(home: Path) -> Path:
    """Close three months, correct one, release March in part: `hunting` whole, of `farming` the credits. Returns the home."""
    settings = RunSettings(home=home)
    run(settings, tables("12000", FEBRUARY), FEBRUARY)
    for period in CLOSED:
        close(settings, period)
    with open_desk(settings) as desk:
        acting.adjust(
            desk,
            payee_id="ana",
            plan_id="hunting",
            period_code="2014-01",
            amount="25",
            currency_code="USD",
            reason=HOSTILE_REASON,
            actor="ana",
        )
        number = len(desk.actions)
    with open_desk(settings) as desk:
        acting.decide_adjustment(desk, number, is_approved=True, reason="", actor="laura")
    run(settings, tables("11000", MARCH), MARCH)
    release(settings, "credits", "2014-03")
    release(settings, "rewards", "2014-03", "hunting")
    return home
