"""A company for worked examples: people 1 to 4 (4 leads 3, 3 leads 2 and 1), one plan, nothing else unless it is said."""

from datetime import date

from tests.calculation.oracle import Result, calculate
from tests.support.companies.company_files import Row, Tables
from tests.support.companies.random_company import SHARED

AS_OF = date(2024, 12, 31)
START = "2024-01-01"
PLAN: Row = {
    "plan_id": "plan",
    "valid_from": START,
    "valid_to": None,
    "source_object": "crm/Opportunity",
    "currency_code": "USD",
    "filter_expression": "true",
    "value_expression": '"Amount"',
    "value_currency_code": "transaction",
    "amount_basis_code": "current",
    "settle_days": "0",
    "calendar_id": "quarter",
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
TERMS: Row = {
    "collected_part_code": "net",
    "rebate_code": "uncollected",
    "overpayment_code": "capped",
    "clawback_policy_code": "original_rate",
    "clawback_base_code": "paid",
    "clawback_proration_code": "none",
    "hold_days": "0",
}
OWNER: Row = {
    "rule_id": "owner",
    "rule_group": "main",
    "priority": "1",
    "recipient_code": "owner",
    "credit_type_code": "direct",
}


def dated(row: Row) -> Row:
    """Say of a seed row what it leaves out: its plan, and that it holds from the start."""
    return {"plan_id": "plan", "valid_from": START, "valid_to": None} | row


def deal(number: int, amount: object, day: str = "2024-02-10", **fields: str | None) -> Row:
    """Make a won deal of person 1."""
    return {
        "Id": f"D{number}",
        "StageName": "Closed Won",
        "IsDeleted": "false",
        "Amount": None if amount is None else str(amount),
        "CurrencyIsoCode": "USD",
        "CloseDate": day,
        "OwnerId": "U1",
        "Territory2Id": "T1",
        "Type": "New",
    } | fields


def split(deal_number: int, owner: str, **cells: str | None) -> Row:
    return {
        "OpportunityId": f"D{deal_number}",
        "SplitOwnerId": owner,
        "SplitType": "Revenue",
        "SplitPercentage": None,
        "SplitAmount": None,
        "IsDeleted": "false",
    } | cells


def billed(
    deal_number: int, *rows: tuple[str, str, object], subtotal: object = 1000, total: object = None
) -> tuple[list[Row], list[Row]]:
    """Make one invoice of a deal, and its rows of (kind, day, amount): the invoices and the payments.

    Without `total` the invoice has no tax.
    """
    invoice: Row = {"invoice_id": f"I{deal_number}", "opportunity_id": f"D{deal_number}"}
    invoice |= {"subtotal_amount": str(subtotal), "total_amount": str(subtotal if total is None else total)}
    payments: list[Row] = [
        {
            "payment_id": f"P{deal_number}{number}",
            "kind": kind,
            "invoice_id": f"I{deal_number}",
            "paid_date": day,
            "currency_code": "USD",
            "amount": str(amount),
        }
        for number, (kind, day, amount) in enumerate(rows, 1)
    ]
    return [invoice], payments


def tiers(*bounds: tuple[object, str], column: str = "rate_expression", last: str | None = None) -> list[Row]:
    """Make contiguous tiers of (from, expression)."""
    ends = [str(start) for start, _ in bounds[1:]] + [last]
    return [
        {"tier_number": str(number), "tier_from": str(start), "tier_to": end, column: text}
        for number, ((start, text), end) in enumerate(zip(bounds, ends, strict=True), 1)
    ]


def variable(
    name: str, value: object, scope: str = "global", scope_id: str | None = None, **cells: str
) -> Row:
    return {"variable_name": name, "scope_code": scope, "scope_id": scope_id, "value": str(value)} | cells


def company(deals: list[Row], plan: Row | None = None, **seeds: list[Row]) -> Tables:
    """Make the company; `plan` changes cells of its plan, `seeds` are tables (fx for fx/CurrencyRate)."""
    raw = {"fx": "fx/CurrencyRate", "splits": "crm/OpportunitySplit", "territories": "hris/territory_history"}
    raw |= {"jobs": "hris/job_info", "invoices": "billing/invoices", "payments": "billing/payments"}
    people = ("1", "2", "3", "4")
    tables: Tables = {
        **SHARED,
        "crm/Opportunity": deals,
        "crm/User": [{"Id": f"U{p}", "EmployeeNumber": f"N{p}", "Email": None} for p in people],
        "hris/employees": [
            {
                "id": p,
                "employeeNumber": f"N{p}",
                "workEmail": None,
                "hireDate": "2015-01-01",
                "terminationDate": None,
            }
            for p in people
        ],
        "hris/job_info": [
            {"employeeId": p, "date": "2020-01-01", "reportsTo": manager}
            for p, manager in zip(people, ("3", "3", "4", None), strict=True)
        ],
        "plans": [PLAN | (plan or {})],
        "plan_assignments": [dated({"payee_id": p}) for p in people],
        "credit_rules": [dated(OWNER)],
        "tiers": [dated(row) for row in tiers((0, "0.1"))],
    }
    for name, rows in seeds.items():
        whole = [row for row in rows] if name in raw or name == "plans" else [dated(row) for row in rows]
        tables[raw.get(name, name)] = whole
    return tables


def calculated(deals: list[Row], plan: Row | None = None, **seeds: list[Row]) -> Result:
    return calculate(company(deals, plan, **seeds), AS_OF)


def lines(result: Result, deal_number: int = 1) -> list[tuple[str, str, float]]:
    """Return event, month and day, and amount of the lines of a deal, in the order in which they were made."""
    return [
        (line.event, f"{line.event_date:%m-%d}", float(line.amount))
        for line in result.lines.values()
        if f"/D{deal_number}" in line.reward_id
    ]


def amounts(result: Result, kind: str = "credit") -> list[float]:
    """Return the commissions of a kind in the order of their days, in a form that is easy to write down."""
    rows = [row for row in result.commissions.values() if row.reward.kind == kind]
    return [float(row.amount) for row in sorted(rows, key=lambda row: row.reward.order)]
