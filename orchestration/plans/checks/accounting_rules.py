"""What the posting rules must agree on with the plans: an entry without a rule, and a liability that no payment settles.

A company without posting rules keeps no journal here, and nothing is asked of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from orchestration.plans.checks.problems import Problem
from orchestration.plans.checks.tables import Company, Row

FILE = "seeds/accounting/posting_rules.csv"
# Entries that establish what is owed to payees.
OWED = ("accrual", "capitalisation")


def coverage_rules(company: Company) -> Iterator[Problem]:
    """Every entry that the plans can make has a posting rule."""
    rules = company["posting_rules"]
    if not rules:
        return
    plans = sorted({row["plan_id"] for row in company["plans"]})
    capitalised = sorted({row["plan_id"] for row in company["capitalisation_rules"]})
    # Only what stands in draws.csv is ever advanced.
    kinds = sorted(
        {row["entry_kind_code"] for row in company["entry_kinds"]} - (set() if company["draws"] else {"draw"})
    )
    costs = sorted(
        {row["entry_kind_code"] for row in company["entry_kinds"] if row["is_contract_cost"] == "true"}
    )
    yield from _without_rule(rules, "accrual", plans, kinds, "what plans earn")
    yield from _without_rule(
        rules, "capitalisation", capitalised, costs, "what capitalisation_rules.csv capitalises"
    )
    for posting in ("amortisation", "impairment"):
        yield from _without_rule(
            rules, posting, capitalised, [""], "what capitalisation_rules.csv capitalises"
        )
    if company["pay_groups"]:
        yield from _without_rule(
            rules, "payment", [""], [""], "what payroll files pay (seeds/payroll/pay_groups.csv)"
        )


def _without_rule(
    rules: Iterable[Row], posting: str, plans: Iterable[str], kinds: Iterable[str], what: str
) -> Iterator[Problem]:
    known = {(row["plan_id"], row["entry_kind_code"]) for row in rules if row["posting_code"] == posting}
    for plan in plans:
        if ("", "") in known or (plan, "") in known:
            continue
        lacking = [kind for kind in kinds if not {("", kind), (plan, kind)} & known]
        if lacking:
            of_plan = f" of plan '{plan}'" if plan else ""
            of_kinds = f", kind {', '.join(lacking)}" if any(lacking) else ""
            yield Problem(
                FILE,
                (),
                "posting_code",
                f"no row posts `{posting}`{of_plan}{of_kinds}: {what}",
                f"Add a row `{posting}` with empty plan_id and entry_kind_code, which takes all that no other row takes; or "
                "delete all rows, where no journal is kept here",
            )


def liability_rules(company: Company) -> Iterator[Problem]:
    """What is owed to payees is credited to a liability, and to one that payments settle."""
    kinds = {row["account_code"]: row["account_kind_code"] for row in company["accounts"]}
    rules = company["posting_rules"]
    settled = {row["debit_account_code"] for row in rules if row["posting_code"] == "payment"}
    for row in rules:
        account = row["credit_account_code"]
        if row["posting_code"] not in OWED or account not in kinds:
            continue
        if kinds[account] != "liability":
            yield row.problem(
                "credit_account_code",
                f"account {account} is of kind {kinds[account]}; what is earned is owed until it is paid",
                "Name an account of kind liability of seeds/accounting/accounts.csv",
            )
        elif settled and account not in settled:
            yield row.problem(
                "credit_account_code",
                f"no `payment` row debits account {account}, so that what is paid would never settle it",
                f"Write {' or '.join(sorted(settled))}, which `payment` debits",
            )
    for row in rules:
        account = row["debit_account_code"]
        if row["posting_code"] == "payment" and kinds.get(account, "liability") != "liability":
            yield row.problem(
                "debit_account_code",
                f"account {account} is of kind {kinds[account]}; a payment settles what is owed",
                "Name an account of kind liability of seeds/accounting/accounts.csv",
            )
