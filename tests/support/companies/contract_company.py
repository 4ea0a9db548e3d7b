"""A small company whose payroll files and journals are worked out by hand, built without extracts.

All figures follow from: every deal pays 10 % on booking, and 50 besides for a month of 10,000 or more.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from orchestration.books import acting
from orchestration.books.desk import open_desk
from orchestration.plans.situations.build import Tables, build_warehouse
from orchestration.warehouse.publish import publish
from orchestration.warehouse.settings import RunSettings

START = "2014-01-01"
AS_OF = date(2014, 4, 30)
PEOPLE = {
    "ana": ("Ana", "Silva"),
    "ben": ("Ben", "O'Neil, Jr."),
    "cy": ("Cy", "Young"),
    "dee": ("Dee", "Dean"),
    "eve": ("Eve", "Ito"),
    "fay": ("Fay", "Ng"),
}
PLAN = {
    "plan_id": "deals",
    "valid_from": START,
    "plan_name": "Ten per cent",
    "source_object": "crm/Opportunity",
    "currency_code": "USD",
    "filter_expression": "\"CurrencyIsoCode\" = 'USD'",
    "value_expression": '"Amount"',
    "value_currency_code": "transaction",
    "amount_basis_code": "current",
    "settle_days": "0",
    "calendar_id": "month",
    "aggregate_code": "sum",
    "quota_proration_code": "none",
    "tier_basis_code": "amount",
    "tier_bound_code": "lower_inclusive",
    "tier_start_code": "zero",
    "tier_method_code": "marginal",
    "incentive_proration_code": "none",
    "is_rollup_capped": "false",
    "beneficiary_code": "payee",
    "gap_code": "list",
    "credit_event_code": "booking",
    "payout_event_code": "booking",
}
IN_EUROS = {
    **PLAN,
    "plan_id": "euro_deals",
    "currency_code": "EUR",
    "filter_expression": "\"CurrencyIsoCode\" = 'EUR'",
}
DEALS = (
    # id, owner, booked, amount, currency
    ("D1", "ana", "2014-03-05", "9999.67", "USD"),
    ("D2", "ana", "2014-03-20", "333.33", "USD"),
    ("D3", "ana", "2014-03-20", "200", "EUR"),
    ("D4", "ben", "2014-03-10", "-500", "USD"),
    ("D5", "cy", "2014-03-11", "1234.50", "USD"),
    ("D6", "dee", "2014-03-12", "-30", "USD"),
    ("D7", "eve", "2014-03-13", "10000", "USD"),
    ("D8", "fay", "2014-03-14", "777.77", "USD"),
    ("D9", "ben", "2014-04-02", "1200", "USD"),
    ("D10", "cy", "2014-04-03", "100", "USD"),
)


def company(deals: Sequence[tuple[str, str, str, str, str]] = DEALS, **seeds: list[dict[str, str]]) -> Tables:
    """The company's tables; ``seeds`` are further ones, or take the place of its own."""
    plans = [PLAN, IN_EUROS]
    tables: dict[str, Any] = {
        "crm/Opportunity": [
            {
                "Id": number,
                "OwnerId": f"U-{owner}",
                "CloseDate": day,
                "Amount": amount,
                "CurrencyIsoCode": currency,
                "StageName": "Closed Won",
                "IsDeleted": "false",
            }
            for number, owner, day, amount, currency in deals
        ],
        "crm/User": [{"Id": f"U-{name}", "EmployeeNumber": name} for name in PEOPLE],
        "hris/employees": [
            {
                "id": name,
                "employeeNumber": name,
                "firstName": first,
                "lastName": last,
                "hireDate": "2012-01-01",
            }
            for name, (first, last) in PEOPLE.items()
        ],
        "plans": plans,
        "plan_assignments": [
            {"plan_id": plan["plan_id"], "payee_id": name, "valid_from": START}
            for plan in plans
            for name in PEOPLE
        ],
        "credit_rules": [
            {
                "plan_id": plan["plan_id"],
                "valid_from": START,
                "rule_id": "owner",
                "rule_group": "main",
                "priority": "1",
                "recipient_code": "owner",
                "credit_type_code": "direct",
            }
            for plan in plans
        ],
        "tiers": [
            {
                "plan_id": plan["plan_id"],
                "valid_from": START,
                "tier_number": "1",
                "tier_from": "0",
                "rate_expression": "0.1",
            }
            for plan in plans
        ],
        "bonuses": [
            {
                "plan_id": "deals",
                "valid_from": START,
                "bonus_number": "1",
                "bonus_kind_code": "step",
                "basis_code": "attained_amount",
                "basis_from": "10000",
                "amount_expression": "50",
                "frequency_code": "window",
            }
        ],
        "approval_steps": [{"step_number": "1", "role_code": "administrator"}],
        "approvers": [{"role_code": "administrator", "actor": "laura", "valid_from": START}],
        **seeds,
    }
    return tables


def install(home: Path, tables: Tables, as_of: date = AS_OF) -> RunSettings:
    """Calculate the company in ``home`` and publish its marts, as a run does."""
    settings = RunSettings(home=home, as_of_date=as_of.isoformat())
    warehouse = build_warehouse(tables, home, as_of)
    publish(warehouse=warehouse, published=settings.published, run={"as_of_date": as_of.isoformat()})
    return settings


def approve(settings: RunSettings, period: str) -> None:
    """Release and approve a month of all plans."""
    with open_desk(settings) as desk:
        acting.release(desk, "credits", period, None, "laura")
    with open_desk(settings) as desk:
        acting.release(desk, "rewards", period, None, "laura")
    with open_desk(settings) as desk:
        acting.approve(desk, period, None, "laura")
