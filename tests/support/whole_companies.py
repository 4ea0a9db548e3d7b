"""Whole companies of a few deals: one for each thing that a company may not have. The figures are worked out by hand beside
each of them; `test_whole_companies.py` takes them through the run and through all that is read afterwards."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

from ingestion.registry import FILE_SYSTEMS
from orchestration.plans.situations.build import write_seeds

ROOT = Path(__file__).resolve().parents[2]
START = "2024-01-01"
AS_OF = "2024-06-30"
Row = dict[str, str]
Tables = dict[str, list[Row]]
# Payee, plan, month -> what the month posts.
Payouts = Mapping[tuple[str, str, str], Decimal]


@dataclass(frozen=True)
class WholeCompany:
    """A company: its seeds and extracts by table, what its months post, and which of its seeds are emptied.

    Attributes:
        emptied: reference seeds of the project that this company has with their header only.
    """

    tables: Tables
    payouts: Payouts
    currency: str = "USD"
    emptied: tuple[str, ...] = ()

    def write(self, home: Path) -> tuple[Path, Path]:
        """Write seeds and extracts as files; returns both folders."""
        seeds, extracts = home / "seeds", home / "extracts"
        write_seeds(self.tables, seeds, ROOT / "seeds")
        for name in self.emptied:
            path = next(seeds.rglob(f"{name}.csv"))
            path.write_text(path.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
        for system in FILE_SYSTEMS.values():
            for table in system.tables:
                rows = self.tables.get(f"{system.name}/{table.name}", [])
                names = dict.fromkeys(column.name for column in table.columns)
                names |= dict.fromkeys(name for row in rows for name in row)
                path = extracts / system.name / f"{table.name}.csv"
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("w", encoding="utf-8", newline="") as file:
                    writer = csv.DictWriter(file, list(names), restval="")
                    writer.writeheader()
                    writer.writerows(rows)
        return seeds, extracts


def plan(plan_id: str = "deals", **cells: str) -> Row:
    """A plan that pays on booking what its tiers say."""
    return {
        "plan_id": plan_id,
        "valid_from": START,
        "plan_name": plan_id.title(),
        "source_object": "crm/Opportunity",
        "currency_code": "USD",
        "filter_expression": "true",
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
    } | cells


def terms(plan_id: str = "deals", **cells: str) -> Row:
    """Payout terms that take nothing back but what is cancelled."""
    return {
        "plan_id": plan_id,
        "valid_from": START,
        "collected_part_code": "net",
        "rebate_code": "uncollected",
        "overpayment_code": "capped",
        "clawback_policy_code": "original_rate",
        "clawback_base_code": "paid",
        "clawback_proration_code": "none",
        "hold_days": "0",
    } | cells


def deal(number: int, day: str, amount: str, owner: str = "ana", **cells: str) -> Row:
    """A won deal."""
    return {
        "Id": f"D{number}",
        "Name": f"Deal {number}",
        "OwnerId": f"U-{owner}",
        "StageName": "Closed Won",
        "IsDeleted": "false",
        "Amount": amount,
        "CurrencyIsoCode": "USD",
        "CloseDate": day,
    } | cells


def tiers(plan_id: str, *bounds: tuple[str, str]) -> list[Row]:
    """Tiers that follow each other, of (from, rate)."""
    ends = [*(start for start, _ in bounds[1:]), ""]
    return [
        {
            "plan_id": plan_id,
            "valid_from": START,
            "tier_number": str(number),
            "tier_from": start,
            "tier_to": end,
            "rate_expression": rate,
        }
        for number, ((start, rate), end) in enumerate(zip(bounds, ends, strict=True), 1)
    ]


def owner_rule(plan_id: str = "deals", **cells: str) -> Row:
    """All to the owner."""
    return {
        "plan_id": plan_id,
        "valid_from": START,
        "rule_id": "owner",
        "rule_group": "main",
        "priority": "1",
        "recipient_code": "owner",
        "credit_type_code": "direct",
    } | cells


def billed(number: int, total: str, *payments: tuple[str, str]) -> Tables:
    """The invoice of a deal without tax, and its payments of (day, amount)."""
    return {
        "billing/invoices": [
            {
                "invoice_id": f"I{number}",
                "opportunity_id": f"D{number}",
                "subtotal_amount": total,
                "total_amount": total,
            }
        ],
        "billing/payments": [
            {
                "payment_id": f"P{number}-{at}",
                "kind": "payment",
                "invoice_id": f"I{number}",
                "paid_date": day,
                "currency_code": "USD",
                "amount": amount,
            }
            for at, (day, amount) in enumerate(payments, 1)
        ],
    }


def tables(
    deals: Sequence[Row],
    *,
    people: Sequence[str] = ("ana", "ben", "cy"),
    plans: Sequence[Row] | None = None,
    **seeds: list[Row],
) -> Tables:
    """A company that has people, plans and deals, and besides them only what is said; 10 % of all unless ``tiers`` say other."""
    chosen = [plan()] if plans is None else list(plans)
    names = [row["plan_id"] for row in chosen]
    made: Tables = {
        "crm/Opportunity": list(deals),
        "crm/User": [{"Id": f"U-{name}", "Username": name, "EmployeeNumber": name} for name in people],
        "hris/employees": [
            {"id": name, "employeeNumber": name, "firstName": name.title(), "lastName": "Test", "hireDate": "2020-01-01"}
            for name in people
        ],
        "plans": chosen,
        "plan_assignments": [
            {"plan_id": name, "payee_id": payee, "valid_from": START} for name in names for payee in people
        ],
        "credit_rules": [owner_rule(name) for name in names],
        "tiers": [row for name in names for row in tiers(name, ("0", "0.1"))],
        "approval_steps": [{"step_number": "1", "role_code": "administrator"}],
        "approvers": [{"role_code": "administrator", "actor": "laura", "valid_from": START}],
    }  # fmt: skip
    return made | seeds


def paid_by_file(currency: str = "USD") -> Tables:
    """A payroll of one group, months paid on the 15th of the next one, in a layout of two columns."""
    months = [f"2024-{month:02}" for month in range(1, 8)]
    return {
        "pay_groups": [
            {"pay_group_id": "all", "valid_from": START, "layout_id": "csv", "deduction_code": "DED", "negative_net_code": "carry_forward"}
        ],
        "pay_group_members": [{"pay_group_id": "all", "valid_from": START}],
        "pay_cycles": [
            {"pay_group_id": "all", "pay_cycle_code": first, "valid_from": f"{first}-01", "valid_to": f"{after}-01", "pay_date": f"{after}-15"}
            for first, after in pairwise(months)
        ],
        "earnings_codes": [{"entry_kind_code": "", "earnings_code": "COMM"}],
        "payroll_layouts": [
            {"layout_id": "csv", "layout_name": "Plain", "rows_code": "earnings", "currency_code": currency, "is_deduction_taken": "true", "file_name": "{export_name}.csv"}
        ],
        "payroll_layout_columns": [
            {"layout_id": "csv", "column_number": "1", "column_name": "payee", "value_code": "payee_id"},
            {"layout_id": "csv", "column_number": "2", "column_name": "amount", "value_code": "amount"},
        ],
    }  # fmt: skip


def posts(**amounts: str) -> dict[tuple[str, str, str], Decimal]:
    """What months post, written as payee__plan__month (ana__deals__02) = amount."""
    found = {}
    for name, amount in amounts.items():
        payee, plan_id, month = name.split("__")
        found[payee, plan_id, f"2024-{month}"] = Decimal(amount)
    return found


def mixed_events() -> WholeCompany:
    """Three plans over one object: credited on booking, credited on collection, and credited on booking and paid when paid."""
    plans = [
        plan("book"),
        plan("cash", credit_event_code="collection", payout_event_code="collection"),
        plan("wait", payout_event_code="collection"),
    ]
    made = tables(
        [deal(1, "2024-02-10", "1000"), deal(2, "2024-03-11", "300", "ben")],
        plans=plans,
        tiers=[*tiers("book", ("0", "0.1")), *tiers("cash", ("0", "0.05")), *tiers("wait", ("0", "0.02"))],
    )
    # Nobody has paid anything of D2. D1 was paid 400 in March and 600 in April.
    # book: D1 1,000 x 0.1 = 100, D2 300 x 0.1 = 30. cash: 400 x 0.05 = 20, 600 x 0.05 = 30.
    # wait: D1 is worth 1,000 x 0.02 = 20, of which 400 / 1,000 = 8 in March, the rest 12 in April.
    return WholeCompany(
        made | billed(1, "1000", ("2024-03-05", "400"), ("2024-04-05", "600")) | paid_by_file(),
        posts(
            ana__book__02="100",
            ben__book__03="30",
            ana__cash__03="20",
            ana__cash__04="30",
            ana__wait__03="8",
            ana__wait__04="12",
        ),
    )


def no_billing() -> WholeCompany:
    """No invoice and no payment; a quota of 1,000 in the month, 5 % below it and 10 % above."""
    made = tables(
        [deal(1, "2024-02-10", "800"), deal(2, "2024-02-20", "700")],
        plans=[plan(quota_expression="@@Quota", tier_basis_code="quota_ratio")],
        tiers=tiers("deals", ("0", "0.05"), ("1", "0.1")),
        variables=[
            {"variable_name": "Quota", "scope_code": "global", "value": "1000", "valid_from": START, "unit_code": "USD"}
        ],
    )  # fmt: skip
    # D1 800 x 0.05 = 40; D2 200 x 0.05 = 10 and 500 x 0.1 = 50.
    return WholeCompany(made, posts(ana__deals__02="100"))


def cancelled(day: str, **more: str) -> dict[str, str]:
    """The cell that says when a deal was cancelled."""
    return {"Cancelled__c": day, **more}


def no_payments_but_a_cancellation() -> WholeCompany:
    """Nobody bills, and the CRM says which deals were cancelled."""
    made = tables(
        [
            deal(1, "2024-02-10", "1000", **cancelled("2024-04-10")),
            deal(2, "2024-02-11", "500", **cancelled("")),
        ],
        payout_terms=[terms(cancelled_date_expression='cast("Cancelled__c" as date)')],
    )
    # 100 + 50 in February; D1's 100 is taken back in April.
    return WholeCompany(made, posts(ana__deals__02="150", ana__deals__04="-100"))


def own_crm() -> WholeCompany:
    """Deals stand in a CRM with fields of its own, whose agents are known by name alone; that of the sample is empty."""
    made = tables(
        [],
        plans=[
            plan(
                source_object="maven_crm/sales_pipeline",
                filter_expression="\"deal_stage\" = 'Won' and \"product\" = 'GTX'",
                value_expression='"close_value"',
                # The CRM states no currency: its values are in that of the plan.
                value_currency_code="plan",
            )
        ],
        payee_aliases=[
            {"source_system": "maven_crm", "alias": "Ana A.", "payee_id": "ana", "valid_from": START},
            {"source_system": "maven_crm", "alias": "Ben B.", "payee_id": "ben", "valid_from": START},
        ],
    )
    made["crm/User"] = []
    rows = (("M1", "Ana A.", "2024-02-10", "1000"), ("M2", "Ben B.", "2024-03-01", "55.55"))
    made["maven_crm/sales_pipeline"] = [
        {
            "opportunity_id": number,
            "sales_agent": agent,
            "product": "GTX",
            "account": "A",
            "deal_stage": "Won",
            "engage_date": START,
            "close_date": day,
            "close_value": value,
        }
        for number, agent, day, value in rows
    ]
    # 1,000 x 0.1 = 100; 55.55 x 0.1 = 5.555, rounded half away from zero to 5.56.
    return WholeCompany(made, posts(ana__deals__02="100", ben__deals__03="5.56"))


def no_hris_history() -> WholeCompany:
    """The HR system gives people as they are, with no history of jobs or territories."""
    made = tables([deal(1, "2024-02-10", "1000"), deal(2, "2024-03-10", "200", "ben")])
    return WholeCompany(made | paid_by_file(), posts(ana__deals__02="100", ben__deals__03="20"))


def one_payee() -> WholeCompany:
    """One person and small deals: each line is a difference of the rounded running total of the month."""
    made = tables(
        [deal(1, "2024-02-10", "4.55"), deal(2, "2024-02-11", "4.704"), deal(3, "2024-02-12", "0.09")],
        people=("ana",),
        tiers=tiers("deals", ("0", "0.05")),
    )
    # 4.55 x 0.05 = 0.2275, 0.23. With D2 0.4627, 0.46: D2 adds 0.23, though 4.704 x 0.05 = 0.2352 alone would be 0.24.
    # With D3 0.4672, 0.47: D3 adds 0.01, though 0.09 x 0.05 = 0.0045 alone would be nothing.
    return WholeCompany(made, posts(ana__deals__02="0.47"))


def no_quota() -> WholeCompany:
    """No quota; deals are split, in two currencies, and half of a credit is the manager's too."""
    made = tables(
        [
            deal(1, "2024-02-10", "1000", CurrencyIsoCode="EUR"),
            deal(2, "2024-03-10", "100", "ben"),
        ],
        credit_rules=[owner_rule(rule_id="splits", recipient_code="splits", split_type="Revenue")],
        rollup_levels=[
            {"plan_id": "deals", "valid_from": START, "hierarchy_code": "manager", "level_number": number, "level_factor": factor}
            for number, factor in (("0", "1"), ("1", "0.5"))
        ],
    )  # fmt: skip
    made["crm/OpportunitySplit"] = [
        {
            "Id": f"S{number}-{name}",
            "OpportunityId": f"D{number}",
            "SplitOwnerId": f"U-{name}",
            "SplitType": "Revenue",
            "SplitPercentage": share,
            "IsDeleted": "false",
        }
        for number, name, share in ((1, "ana", "60"), (1, "ben", "40"), (2, "ben", "100"))
    ]
    made["hris/job_info"] = [
        {"id": f"J{name}", "employeeId": name, "date": "2020-01-01", "reportsTo": manager}
        for name, manager in (("ana", "cy"), ("ben", "cy"), ("cy", ""))
    ]
    made["fx/CurrencyRate"] = [
        {"CurrencyRateID": "1", "CurrencyRateDate": "2024-02-09", "FromCurrencyCode": "USD", "ToCurrencyCode": "EUR", "AverageRate": "0.8", "EndOfDayRate": "0.8"}
    ]  # fmt: skip
    # D1 is 1,000 EUR / 0.8 = 1,250 USD: ana 60 % = 750, ben 40 % = 500, cy half of both, 375 + 250. 10 % of each.
    # D2 is ben's: 10, and half of it cy's: 5.
    return WholeCompany(
        made,
        posts(
            ana__deals__02="75",
            ben__deals__02="50",
            cy__deals__02="62.50",
            ben__deals__03="10",
            cy__deals__03="5",
        ),
    )


def no_posting_rules() -> WholeCompany:
    """A company that keeps no journal here: no accounts and no posting rules."""
    made = tables([deal(1, "2024-02-10", "1000"), deal(2, "2024-03-10", "200", "ben")])
    return WholeCompany(
        made | paid_by_file(),
        posts(ana__deals__02="100", ben__deals__03="20"),
        emptied=("posting_rules", "accounts", "journal_columns"),
    )


def yen_only() -> WholeCompany:
    """All in a currency without cents."""
    made = tables(
        [
            deal(1, "2024-02-10", "1234567", CurrencyIsoCode="JPY"),
            deal(2, "2024-02-11", "98765", CurrencyIsoCode="JPY"),
        ],
        plans=[plan(currency_code="JPY")],
        tiers=tiers("deals", ("0", "0.033")),
    )
    # 1,234,567 x 0.033 = 40,740.711, 40,741; with D2's 3,259.245 it is 43,999.956, 44,000.
    return WholeCompany(made | paid_by_file("JPY"), posts(ana__deals__02="44000"), currency="JPY")


def cancellations_only() -> WholeCompany:
    """Every deal was cancelled, one in its own month."""
    made = tables(
        [
            deal(1, "2024-02-10", "1000", **cancelled("2024-02-20")),
            deal(2, "2024-02-11", "500", "ben", **cancelled("2024-03-11")),
        ],
        payout_terms=[terms(cancelled_date_expression='cast("Cancelled__c" as date)')],
    )
    # ana's 100 is earned and taken back in February; ben's 50 in March.
    return WholeCompany(
        made | paid_by_file(),
        posts(ana__deals__02="0", ben__deals__02="50", ben__deals__03="-50"),
    )


def nothing_eligible() -> WholeCompany:
    """No deal meets the plan's filter."""
    made = tables([deal(1, "2024-02-10", "1000")], plans=[plan(filter_expression='"Amount" > 5000')])
    return WholeCompany(made | paid_by_file(), {})


COMPANIES: dict[str, Callable[[], WholeCompany]] = {
    made.__name__: made
    for made in (
        mixed_events,
        no_billing,
        no_payments_but_a_cancellation,
        own_crm,
        no_hris_history,
        one_payee,
        no_quota,
        no_posting_rules,
        yen_only,
        cancellations_only,
        nothing_eligible,
    )
}
