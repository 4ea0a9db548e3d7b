"""Disputes: a payee or the manager says that a line, a payout or a missing deal is wrong; an approver answers and decides.

A dispute exists only as actions of the log and moves no money: what settles it is an adjustment, or the next run of
corrected data. Every function raises BooksError when it refuses, and has then written nothing.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from orchestration.books.acting import amount_of, check_period, done, first_open_period, needed
from orchestration.books.actions import Action
from orchestration.books.desk import Desk
from orchestration.books.people import approver_roles, managers_of, names_of, people_of
from orchestration.warehouse.files import BooksError

# How many keys are shown when the one that was typed does not exist.
NEAR_SHOWN = 3
OPEN_STATES = ("filed", "answered")
DECISIONS = {"accept": ("dispute_accepted", "accepted"), "reject": ("dispute_rejected", "rejected")}


def file_line(desk: Desk, line: str, *, claim: str | None, reason: str, actor: str) -> list[str]:
    """File a dispute against a line of the ledger. ``claim``: what it should be, the text of a decimal."""
    rows = desk.ask("select * from marts.fct_ledger_lines where ledger_line_key = ?", [line])
    if not rows:
        near = _near(desk, "fct_ledger_lines", "ledger_line_key", line)
        raise BooksError(f"there is no line '{line}' in marts.fct_ledger_lines; near it: {near}")
    (row,) = rows
    return _file(
        desk,
        actor,
        reason=reason,
        claim=claim,
        about=f"line {line}, {plain(row['line_amount'])} {row['currency_code']}",
        period_code=row["posted_period_code"],
        plan_id=row["plan_id"],
        payee_id=row["payee_id"],
        currency_code=row["currency_code"],
        amount=str(row["line_amount"]),
        ledger_line_key=line,
        transaction_id=row["transaction_id"],
    )


def file_payout(
    desk: Desk,
    *,
    payee_id: str,
    period_code: str,
    plan_id: str | None,
    transaction_id: str | None,
    currency_code: str | None,
    claim: str | None,
    reason: str,
    actor: str,
) -> list[str]:
    """File a dispute against a payee's month, or about a deal that is missing in it.

    The disputed amount is the payout, or what the deal brought, at this moment; nothing where there is none.
    """
    check_period(period_code)
    if not desk.ask("select 1 from marts.dim_payees where payee_id = ?", [payee_id]):
        raise BooksError(
            f"there is no payee '{payee_id}'; near it: {_near(desk, 'dim_payees', 'payee_id', payee_id)}"
        )
    plans = [row["plan_id"] for row in desk.ask("select distinct plan_id from seeds.plans order by all")]
    if plan_id and plan_id not in plans:
        raise BooksError(f"there is no plan {plan_id}; known: {', '.join(plans)}")
    if transaction_id:
        _refuse_unknown_deal(desk, transaction_id)
    amount, currency_code, plan_id = _stands_at(
        desk, payee_id, period_code, plan_id, transaction_id, currency_code
    )
    of_deal = f" for the deal {transaction_id}" if transaction_id else ""
    under = f" under {plan_id}" if plan_id else ""
    paid = f"{plain(amount)} {currency_code}" if currency_code else "nothing"
    return _file(
        desk,
        actor,
        reason=reason,
        claim=claim,
        about=f"the payout of {payee_id} for {period_code}{under}{of_deal}, {paid}",
        period_code=period_code,
        plan_id=plan_id,
        payee_id=payee_id,
        currency_code=currency_code,
        amount=str(amount) if currency_code else None,
        transaction_id=transaction_id,
    )


def answer(desk: Desk, number: int, *, reason: str, actor: str) -> list[str]:
    """Answer an open dispute without deciding it; may be done again."""
    row = dispute(desk, number)
    _refuse_decided(row)
    role_code = _role_to_decide(desk, row, actor)
    desk.act(
        "dispute_answered",
        actor,
        role_code=role_code,
        reference_number=number,
        payee_id=row["payee_id"],
        reason=needed(reason, "--reason"),
    )
    return [f"dispute {number}: {done(desk, 'answered')} by {actor} as {role_code}: {reason}"]


def decide(
    desk: Desk, number: int, *, is_accepted: bool, adjustment_number: int | None, reason: str, actor: str
) -> list[str]:
    """Accept or reject an open dispute. ``adjustment_number``: the adjustment that settles an accepted one."""
    row = dispute(desk, number)
    _refuse_decided(row)
    role_code = _role_to_decide(desk, row, actor)
    if adjustment_number is not None:
        _check_adjustment(desk, row, adjustment_number)
    action_code, word = DECISIONS["accept" if is_accepted else "reject"]
    desk.act(
        action_code,
        actor,
        role_code=role_code,
        reference_number=number,
        payee_id=row["payee_id"],
        reason=needed(reason, "--reason"),
        adjustment_number=adjustment_number,
    )
    told = f"dispute {number}: {done(desk, word)} by {actor} as {role_code}: {reason}"
    if not is_accepted:
        return [told]
    if adjustment_number is None:
        return [f"{told}. No adjustment settles it: what is owed comes with corrected data and the next run"]
    return [f"{told}. Adjustment {adjustment_number} settles it once it is approved and posted"]


def withdraw_dispute(desk: Desk, number: int, *, reason: str, actor: str) -> list[str]:
    """Withdraw an open dispute; only the person who filed it or the payee in question may."""
    row = dispute(desk, number)
    _refuse_decided(row)
    if actor != row["filed_by"] and not people_of(desk, actor) & names_of(desk, row["payee_id"]):
        raise BooksError(
            f"dispute {number} was filed by {row['filed_by']} for payee {row['payee_id']}: only they take it back; "
            "an approver rejects it"
        )
    desk.act(
        "dispute_withdrawn",
        actor,
        reference_number=number,
        payee_id=row["payee_id"],
        reason=needed(reason, "--reason"),
    )
    return [f"dispute {number}: {done(desk, 'withdrawn')} by {actor}: {reason}"]


def disputes(desk: Desk, *, is_open_only: bool) -> list[dict[str, Any]]:
    """The disputes in their order, all or the open ones."""
    where = "where is_open" if is_open_only else ""
    return desk.ask(f"select * from marts.fct_disputes {where} order by dispute_number")


def dispute(desk: Desk, number: int) -> dict[str, Any]:
    """A dispute by its number. Raises BooksError when there is none."""
    rows = desk.ask("select * from marts.fct_disputes where dispute_number = ?", [number])
    if not rows:
        known = ", ".join(str(row["dispute_number"]) for row in disputes(desk, is_open_only=True))
        raise BooksError(f"there is no dispute {number}; open ones: {known or 'none'}")
    return rows[0]


def plain(amount: Decimal) -> str:
    """An amount as people read it: two decimals, more where it has them."""
    whole, _, decimals = f"{amount:,.4f}".partition(".")
    return f"{whole}.{decimals.rstrip('0'):0<2}"


def _file(
    desk: Desk, actor: str, *, about: str, reason: str, claim: str | None, payee_id: str, **facts: Any
) -> list[str]:
    _refuse_stranger(desk, payee_id, actor)
    claimed = None
    if claim is not None:
        claimed = str(_claimed(desk, claim, facts["currency_code"]))
    same = desk.ask(
        """
        select dispute_number from marts.fct_disputes
        where is_open and payee_id = ? and period_code = ? and plan_id is not distinct from ?
          and ledger_line_key is not distinct from ? and transaction_id is not distinct from ?
          and currency_code is not distinct from ?
        """,
        [
            payee_id,
            facts["period_code"],
            facts["plan_id"],
            facts.get("ledger_line_key"),
            facts.get("transaction_id"),
            facts["currency_code"],
        ],
    )
    if same:
        raise BooksError(f"dispute {same[0]['dispute_number']} about this is open already")
    action = desk.act(
        "dispute_filed",
        actor,
        payee_id=payee_id,
        reason=needed(reason, "--reason"),
        claimed_amount=claimed,
        **facts,
    )
    number = action.action_number if action else len(desk.actions) + 1
    told = [f"dispute {number}: {done(desk, 'filed')} by {actor} against {about}: {reason}"]
    if facts["period_code"] in {book.period_code for book in desk.books}:
        told.append(
            f"{facts['period_code']} is closed and stays as it is: a remedy is posted in {first_open_period(desk)}"
        )
    return told


def _stands_at(
    desk: Desk,
    payee_id: str,
    period_code: str,
    plan_id: str | None,
    transaction_id: str | None,
    currency_code: str | None,
) -> tuple[Decimal, str | None, str | None]:
    """What the payee is paid of it: amount, currency and plan; no currency where there is nothing and none was named."""
    rows = desk.ask(
        """
        select plan_id, currency_code, sum(line_amount) as amount
        from marts.fct_ledger_lines
        where payee_id = ? and posted_period_code = ?
          and (? is null or plan_id = ?) and (? is null or transaction_id = ?) and (? is null or currency_code = ?)
        group by all order by all
        """,
        [
            payee_id,
            period_code,
            plan_id,
            plan_id,
            transaction_id,
            transaction_id,
            currency_code,
            currency_code,
        ],
    )
    currencies = sorted({row["currency_code"] for row in rows})
    if len(currencies) > 1:
        raise BooksError(
            f"payee {payee_id} is paid in {' and '.join(currencies)} for {period_code}; name one with --currency"
        )
    if currency_code and not desk.ask(
        "select 1 from seeds.currencies where currency_code = ?", [currency_code]
    ):
        raise BooksError(f"{currency_code} is not an ISO 4217 currency of seeds/reference/currencies.csv")
    plans = {row["plan_id"] for row in rows}
    amount = sum((row["amount"] for row in rows), Decimal(0))
    only_plan = plan_id or (plans.pop() if len(plans) == 1 else None)
    return amount, currencies[0] if currencies else currency_code, only_plan


def _claimed(desk: Desk, claim: str, currency_code: str | None) -> Decimal:
    if currency_code is None:
        raise BooksError("--claim names no currency and nothing was paid; name one with --currency")
    (row,) = desk.ask("select minor_unit from seeds.currencies where currency_code = ?", [currency_code])
    return amount_of(claim, currency_code, int(row["minor_unit"]), may_be_nothing=True)


def _refuse_unknown_deal(desk: Desk, transaction_id: str) -> None:
    if not desk.ask("select 1 from marts.dim_transactions where transaction_id = ?", [transaction_id]):
        near = _near(desk, "dim_transactions", "transaction_id", transaction_id)
        raise BooksError(
            f"there is no deal '{transaction_id}'; near it: {near}. A deal that was never landed is named in --reason, "
            "without --deal"
        )


def _near(desk: Desk, mart: str, column: str, typed: str) -> str:
    rows = desk.ask(
        f"""
        select {column} as key from marts.{mart}
        order by jaro_winkler_similarity({column}, ?) desc, {column} limit ?
        """,
        [typed, NEAR_SHOWN],
    )
    return ", ".join(row["key"] for row in rows) or "none, the mart is empty"


def _refuse_stranger(desk: Desk, payee_id: str, actor: str) -> None:
    me = people_of(desk, actor)
    if me & (names_of(desk, payee_id) | managers_of(desk, payee_id)):
        return
    who = f"{actor} acts for payee {', '.join(sorted(me))}" if me else f"{actor} is not a payee"
    raise BooksError(
        f"only payee {payee_id} or the manager files a dispute about it; {who} on {desk.acted_at.date()}. "
        "A name that is neither a payee id nor an e-mail of the HRIS is in seeds/operations/actors.csv"
    )


def _refuse_decided(row: dict[str, Any]) -> None:
    if row["state_code"] not in OPEN_STATES:
        raise BooksError(f"dispute {row['dispute_number']} is {row['state_code']} already")


def _role_to_decide(desk: Desk, row: dict[str, Any], actor: str) -> str:
    """The role in which a person decides it: one that approves the plan. Raises BooksError when the dispute is the person's own."""
    number = row["dispute_number"]
    if actor == row["filed_by"]:
        raise BooksError(f"dispute {number} was filed by {actor}: another person has to decide it")
    if people_of(desk, actor) & names_of(desk, row["payee_id"]):
        raise BooksError(f"dispute {number} is about {actor}'s own pay: another person has to decide it")
    roles = approver_roles(desk, row["plan_id"])
    mine = [role for role in roles if role in desk.roles_of(actor)]
    if not mine:
        raise BooksError(
            f"dispute {number} is decided by {' or '.join(roles) or 'nobody'}; {actor} has no such role on "
            f"{desk.acted_at.date()}. See seeds/operations/approvers.csv and approval_steps.csv. Nothing was changed"
        )
    return mine[0]


def _check_adjustment(desk: Desk, row: dict[str, Any], adjustment_number: int) -> None:
    rows = desk.ask("select * from marts.fct_adjustments where adjustment_number = ?", [adjustment_number])
    if not rows:
        raise BooksError(
            f"there is no adjustment {adjustment_number}; ask for one with `commissions adjust`, then accept"
        )
    (found,) = rows
    if found["state_code"] not in ("pending", "approved"):
        raise BooksError(f"adjustment {adjustment_number} is {found['state_code']}: it settles nothing")
    if found["payee_id"] != row["payee_id"]:
        raise BooksError(
            f"adjustment {adjustment_number} is of payee {found['payee_id']}, dispute {row['dispute_number']} of "
            f"{row['payee_id']}"
        )
    if row["currency_code"] not in (None, found["currency_code"]):
        raise BooksError(
            f"adjustment {adjustment_number} is in {found['currency_code']}, dispute {row['dispute_number']} in "
            f"{row['currency_code']}"
        )
    other = [action for action in desk.actions if _settles(action, adjustment_number)]
    if other:
        raise BooksError(
            f"adjustment {adjustment_number} settles dispute {other[0].reference_number} already; one adjustment "
            "settles one dispute"
        )


def _settles(action: Action, adjustment_number: int) -> bool:
    return action.action_code == "dispute_accepted" and action.adjustment_number == adjustment_number
