"""What people do to a period: release, approve, withdraw, adjust, accept edits of deals, close. Each returns what it did, line by line.

The rules of state are the SQL of `fct_calculations` and `fct_adjustments`; here is who may do what, and the refusals.
Every function raises BooksError when it refuses, and has then written nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from ingestion.landing.settings import Settings as IngestionSettings
from ingestion.landing.whole import whole_reads
from ingestion.models import time_zones
from ingestion.registry import configured_systems
from orchestration.books.archive import archive_landings
from orchestration.books.desk import RUN_FIRST, Desk
from orchestration.books.people import people_of
from orchestration.books.period import PERIOD_CODE, next_period, write_book
from orchestration.warehouse.files import BooksError

# Nobody is paid so much at once, in whatever currency; a hundred such amounts still fit a sum of the marts.
AMOUNT_END = Decimal(10) ** 12
# The state from which each release or approval starts, and the states that already have it.
RELEASES = {
    "credits": ("release_credits", "draft", ("credits_released", "rewards_released", "approved")),
    "rewards": ("release_rewards", "credits_released", ("rewards_released", "approved")),
}
STEP_BEFORE = {
    "draft": "release its credits first",
    "credits_released": "release its rewards first",
    "rewards_released": "approve it first",
}


def release(desk: Desk, what: str, period_code: str, plan_id: str | None, actor: str) -> list[str]:
    """Release the credits or the rewards (``what``) of a plan's month, or of all plans with lines in it."""
    action_code, state_before, states_after = RELEASES[what]
    told, to_do = [], []
    for row in calculations(desk, period_code, plan_id):
        if row["state_code"] in states_after:
            told.append(f"{_name(row)}: {what} are released already")
        elif row["state_code"] != state_before:
            raise BooksError(
                f"{_name(row)} is {_state(row)}: {STEP_BEFORE[row['state_code']]}. Nothing was changed"
            )
        else:
            to_do.append(row)
    for row in to_do:
        desk.act(
            action_code,
            actor,
            period_code=period_code,
            plan_id=row["plan_id"],
            lines_fingerprint=row["lines_fingerprint"],
        )
        told.append(
            f"{_name(row)}: {what} of {row['line_count']:,} lines {done(desk, 'released')} by {actor}"
        )
    return told


def approve(desk: Desk, period_code: str, plan_id: str | None, actor: str) -> list[str]:
    """Give the next approval that a plan's month needs, or of all plans with lines in it."""
    roles = desk.roles_of(actor)
    told, to_do, waiting = [], [], []
    for row in calculations(desk, period_code, plan_id):
        if row["state_code"] == "approved":
            told.append(f"{_name(row)}: approved already")
        elif row["state_code"] != "rewards_released":
            raise BooksError(
                f"{_name(row)} is {_state(row)}: {STEP_BEFORE[row['state_code']]}. Nothing was changed"
            )
        elif row["next_role_code"] not in roles:
            waiting.append(row)
        else:
            to_do.append(row)
    if waiting and not to_do:
        has = f"has the role {', '.join(sorted(roles))}" if roles else "has no role"
        raise BooksError(
            f"{_name(waiting[0])} needs the approval of {waiting[0]['next_role_code']}; {actor} {has} on "
            f"{desk.acted_at.date()}. See seeds/operations/approvers.csv. Nothing was changed"
        )
    told += [f"{_name(row)}: waits for the approval of {row['next_role_code']}" for row in waiting]
    for row in to_do:
        desk.act(
            "approve",
            actor,
            role_code=row["next_role_code"],
            period_code=period_code,
            plan_id=row["plan_id"],
            lines_fingerprint=row["lines_fingerprint"],
        )
        told.append(
            f"{_name(row)}: {done(desk, 'approved')} by {actor} as {row['next_role_code']} "
            f"({row['approvals_given'] + 1} of {row['approvals_needed']} approvals)"
        )
    return told


def withdraw(desk: Desk, period_code: str, plan_id: str, reason: str, actor: str) -> list[str]:
    """Take releases and approvals of a plan's month back: it is a draft again."""
    (row,) = calculations(desk, period_code, plan_id)
    if row["state_code"] == "draft" and not row["is_stale"]:
        raise BooksError(f"{_name(row)} is draft: there is nothing to withdraw")
    desk.act("withdraw", actor, period_code=period_code, plan_id=plan_id, reason=needed(reason, "--reason"))
    return [f"{_name(row)}: {row['state_code']} -> draft, {done(desk, 'withdrawn')} by {actor}: {reason}"]


def adjust(
    desk: Desk,
    *,
    payee_id: str,
    plan_id: str,
    period_code: str,
    amount: str,
    currency_code: str,
    reason: str,
    actor: str,
) -> list[str]:
    """Ask for a manual adjustment of what a payee is owed; it counts once another person has approved it.

    ``amount`` is the text of a decimal in ``currency_code``, negative to take back; ``period_code`` the month that
    it is about (posted in the first open month when that one is closed).
    """
    check_period(period_code)
    if not desk.ask("select 1 from marts.dim_payees where payee_id = ?", [payee_id]):
        raise BooksError(f"there is no payee {payee_id}; see marts.dim_payees")
    plans = [row["plan_id"] for row in desk.ask("select distinct plan_id from seeds.plans order by all")]
    if plan_id not in plans:
        raise BooksError(f"there is no plan {plan_id}; known: {', '.join(plans)}")
    currencies = desk.ask("select minor_unit from seeds.currencies where currency_code = ?", [currency_code])
    if not currencies:
        raise BooksError(f"{currency_code} is not an ISO 4217 currency of seeds/reference/currencies.csv")
    value = amount_of(amount, currency_code, int(currencies[0]["minor_unit"]))
    action = desk.act(
        "adjust",
        actor,
        period_code=period_code,
        plan_id=plan_id,
        payee_id=payee_id,
        currency_code=currency_code,
        amount=str(value),
        reason=needed(reason, "--reason"),
    )
    number = action.action_number if action else len(desk.actions) + 1
    return [
        f"adjustment {number}: {value:,} {currency_code} to payee {payee_id}, {plan_id}, {period_code}, "
        f"{done(desk, 'requested')} by {actor}. It counts once another person approves it: "
        f"commissions approve-adjustment {number} --by NAME"
    ]


def reverse_adjustment(desk: Desk, number: int, reason: str, actor: str) -> list[str]:
    """Ask for the reversal of an approved adjustment: one of the opposite amount, itself to be approved."""
    row = adjustment(desk, number)
    if row["state_code"] != "approved":
        raise BooksError(
            f"adjustment {number} is {row['state_code']}: only an approved one that was not reversed can be"
        )
    asked = [
        action.action_number
        for action in desk.actions
        if action.action_code == "adjust" and action.reference_number == number
    ]
    for earlier in asked:
        if adjustment(desk, earlier)["state_code"] == "pending":
            raise BooksError(f"adjustment {number} is being reversed by {earlier}, which waits for approval")
    action = desk.act(
        "adjust",
        actor,
        period_code=row["period_code"],
        plan_id=row["plan_id"],
        payee_id=row["payee_id"],
        currency_code=row["currency_code"],
        amount=str(-row["adjustment_amount"]),
        reason=needed(reason, "--reason"),
        reference_number=number,
    )
    mine = action.action_number if action else len(desk.actions) + 1
    return [
        f"adjustment {mine}: reversal of {number}, {-row['adjustment_amount']:,} {row['currency_code']}, "
        f"{done(desk, 'requested')} by {actor}. It counts once another person approves it"
    ]


def decide_adjustment(desk: Desk, number: int, *, is_approved: bool, reason: str, actor: str) -> list[str]:
    """Approve or reject a pending adjustment; only people with a role decide, and never about their own request."""
    row = adjustment(desk, number)
    if row["state_code"] != "pending":
        raise BooksError(f"adjustment {number} is {row['state_code']} already")
    if row["requested_by"] == actor:
        raise BooksError(f"adjustment {number} was requested by {actor}: another person has to decide it")
    if not desk.roles_of(actor):
        raise BooksError(
            f"{actor} has no role on {desk.acted_at.date()}. See seeds/operations/approvers.csv. Nothing was changed"
        )
    if not is_approved:
        needed(reason, "--reason")
    code, word = ("approve_adjustment", "approved") if is_approved else ("reject_adjustment", "rejected")
    desk.act(code, actor, reference_number=number, reason=reason or None)
    told = f"adjustment {number}: {done(desk, word)} by {actor}"
    return [f"{told}. The next run posts it" if is_approved else told]


def accept_edits(desk: Desk, transaction_id: str, reason: str, actor: str) -> list[str]:
    """Ask that the edits of a deal after its close count; they do once another person has approved it."""
    edits = desk.ask(
        """
        select distinct field_name, value_at_close, value_now from marts.rpt_post_close_edits
        where transaction_id = ? and read_code = 'close' order by all
        """,
        [transaction_id],
    )
    if not edits:
        raise BooksError(
            f"{transaction_id} has no edits that a plan leaves out; see marts.rpt_post_close_edits (read_code close)"
        )
    waiting = [
        action.action_number
        for action in desk.actions
        if action.action_code == "accept_edits"
        and action.transaction_id == transaction_id
        and _decision_of_edits(desk, action.action_number) is None
    ]
    if waiting:
        raise BooksError(f"request {waiting[0]} for {transaction_id} waits for a decision already")
    action = desk.act("accept_edits", actor, transaction_id=transaction_id, reason=needed(reason, "--reason"))
    number = action.action_number if action else len(desk.actions) + 1
    listed = "; ".join(
        f"{edit['field_name']} {edit['value_at_close'] or 'empty'} -> {edit['value_now'] or 'empty'}"
        for edit in edits
    )
    return [
        f"request {number}: that the edits of {transaction_id} count ({listed}), {done(desk, 'made')} by {actor}. They do "
        f"once another person approves them: commissions approve-edits {number} --by NAME"
    ]


def decide_edits(desk: Desk, number: int, *, is_approved: bool, reason: str, actor: str) -> list[str]:
    """Approve or reject a request to count edits: a person with a role, not the one who asked, nor one who is paid for it."""
    asked = next(
        (one for one in desk.actions if one.action_number == number and one.action_code == "accept_edits"),
        None,
    )
    if asked is None:
        raise BooksError(f"there is no request {number} to count edits; see marts.rpt_audit_log")
    if decided := _decision_of_edits(desk, number):
        raise BooksError(f"request {number} is decided already, by {decided}")
    # One person may act under two names.
    if asked.actor == actor or people_of(desk, asked.actor) & people_of(desk, actor):
        raise BooksError(f"request {number} was made by {asked.actor}: another person has to decide it")
    if not desk.roles_of(actor):
        raise BooksError(
            f"{actor} has no role on {desk.acted_at.date()}. See seeds/operations/approvers.csv. Nothing was changed"
        )
    credited = desk.ask(
        """
        select distinct payee_id from marts.fct_credits
        where transaction_id = $1 or starts_with(transaction_id, $1 || '@')
        """,
        [asked.transaction_id],
    )
    if people_of(desk, actor) & {row["payee_id"] for row in credited}:
        raise BooksError(f"{actor} is credited for {asked.transaction_id}: another person has to decide it")
    if not is_approved:
        needed(reason, "--reason")
    code, word = ("approve_edits", "approved") if is_approved else ("reject_edits", "rejected")
    desk.act(code, actor, reference_number=number, reason=reason or None)
    told = f"edits of {asked.transaction_id}: request {number} {done(desk, word)} by {actor}"
    return [f"{told}. They count from the next run on" if is_approved else told]


def _decision_of_edits(desk: Desk, number: int) -> str | None:
    """Who decided a request to count edits; None while nobody has."""
    for action in desk.actions:
        if action.reference_number == number and action.action_code in ("approve_edits", "reject_edits"):
            return action.actor
    return None


def close(desk: Desk, period_code: str, actor: str) -> list[str]:
    """Close a month: freeze its lines, its calculations and the configuration in a book that never changes."""
    check_period(period_code)
    desk.refuse_closed(period_code)
    first = first_open_period(desk)
    if first is None:
        raise BooksError(f"there are no lines yet. {RUN_FIRST}")
    if period_code != first:
        raise BooksError(f"{first} is the first open period: periods are closed in their order")
    last_day = date.fromisoformat(f"{next_period(period_code)}-01") - timedelta(days=1)
    if desk.as_of_date < last_day:
        raise BooksError(
            f"{period_code} has not ended: the lines are calculated to {desk.as_of_date}. Run to {last_day} or later "
            "(COMMISSIONS_AS_OF_DATE), then close"
        )
    rows = desk.ask(
        "select * from marts.fct_calculations where period_code = ? order by plan_id", [period_code]
    )
    _refuse_unapproved(rows)
    _refuse_open_adjustments(desk, period_code)
    _refuse_partly_read(desk, period_code)
    lines = sum(row["line_count"] for row in rows)
    if desk.is_dry_run:
        return [f"{period_code}: {lines:,} lines of {len(rows)} plans would be closed by {actor}"]
    archive_landings(desk.warehouse, desk.settings.landings)
    book = write_book(
        desk.warehouse,
        desk.periods_folder,
        period_code,
        previous_hash=desk.books[-1].book_hash if desk.books else "",
        as_of_date=desk.as_of_date.isoformat(),
        closed_at=desk.acted_at,
        closed_by=actor,
    )
    desk.act("close", actor, period_code=period_code, lines_fingerprint=book.book_hash)
    desk.books.append(book)
    paid = "; ".join(f"{Decimal(total):,} {currency}" for currency, total in book.totals.items()) or "nothing"
    return [
        f"{period_code}: closed by {actor}, {book.line_count:,} lines, {paid}; book {book.book_hash[:12]} in {book.folder}"
    ]


def first_open_period(desk: Desk) -> str | None:
    """The month after the last closed one; before the first closing the first month with lines; None without lines."""
    if desk.books:
        return next_period(desk.books[-1].period_code)
    (row,) = desk.ask("select min(posted_period_code) as period_code from marts.fct_ledger_lines")
    return row["period_code"]  # type: ignore[no-any-return]


def periods(desk: Desk) -> list[dict[str, Any]]:
    """The months with lines or with a book: closed ones, and the state of each plan's calculation."""
    return desk.ask(
        """
        select calculations.*, closings.closed_by, closings.closed_at
        from marts.fct_calculations as calculations
        left join raw_books.closings as closings on calculations.period_code = closings.period_code
        order by calculations.period_code, calculations.plan_id
        """
    )


def calculations(desk: Desk, period_code: str, plan_id: str | None) -> list[dict[str, Any]]:
    """The calculations of an open month. Raises BooksError when it is closed or has no lines (of that plan)."""
    check_period(period_code)
    desk.refuse_closed(period_code)
    rows = desk.ask(
        "select * from marts.fct_calculations where period_code = ? order by plan_id", [period_code]
    )
    plans = [row["plan_id"] for row in rows]
    if not rows:
        raise BooksError(f"{period_code} has no lines; `commissions periods` lists the months that have")
    if plan_id and plan_id not in plans:
        raise BooksError(f"{period_code} has no lines of the plan {plan_id}; it has: {', '.join(plans)}")
    return [row for row in rows if plan_id in (None, row["plan_id"])]


def adjustment(desk: Desk, number: int) -> dict[str, Any]:
    """An adjustment by its number. Raises BooksError when there is none."""
    rows = desk.ask("select * from marts.fct_adjustments where adjustment_number = ?", [number])
    if not rows:
        raise BooksError(f"there is no adjustment {number}; see marts.fct_adjustments")
    return rows[0]


def _refuse_unapproved(rows: Sequence[dict[str, Any]]) -> None:
    waiting = [row for row in rows if row["state_code"] != "approved" or row["is_stale"]]
    if waiting:
        listed = "; ".join(f"{row['plan_id']} is {_state(row)}" for row in waiting)
        raise BooksError(f"{waiting[0]['period_code']} is not approved: {listed}. Nothing was changed")


def _refuse_open_adjustments(desk: Desk, period_code: str) -> None:
    pending = desk.ask(
        """
        select adjustment_number from marts.fct_adjustments
        where state_code = 'pending' and period_code <= ? order by all
        """,
        [period_code],
    )
    if pending:
        numbers = ", ".join(str(row["adjustment_number"]) for row in pending)
        raise BooksError(f"adjustments of {period_code} or before wait for a decision: {numbers}")
    missing = desk.ask(
        """
        select adjustments.adjustment_number
        from marts.fct_adjustments as adjustments
        anti join marts.fct_ledger_lines as ledger_lines
          on ledger_lines.line_key = 'adjustment|' || adjustments.adjustment_number
        where adjustments.state_code in ('approved', 'reversed') order by all
        """
    )
    if missing:
        numbers = ", ".join(str(row["adjustment_number"]) for row in missing)
        raise BooksError(f"adjustments were approved since the last run: {numbers}. {RUN_FIRST}")


def _refuse_partly_read(desk: Desk, period_code: str) -> None:
    """Refuse while a connected system has not been read whole since the month ended in all time zones that count days.

    Formula fields, back-dated stamps and some deletions are no change that a system reports: only a whole read finds them.
    """
    settings = replace(IngestionSettings.from_env(), home=desk.settings.home)
    read = whole_reads(settings)
    first_day = datetime.fromisoformat(f"{next_period(period_code)}-01")
    ended = max(first_day.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for zone in time_zones())
    partly = [
        f"{system.config.name} ({f'last read whole {at:%Y-%m-%d %H:%M} UTC' if at else 'never read whole'})"
        for system in configured_systems(settings)
        if (at := read.get(system.config.name)) is None or at < ended
    ]
    if partly:
        raise BooksError(
            f"{period_code} cannot be closed before each connected system was read whole after its end ({ended:%Y-%m-%d %H:%M} "
            f"UTC): {', '.join(partly)}. What changed without a new stamp is found by it: `commissions run --full`, then look at "
            "the lines again and close. Nothing was changed"
        )


def check_period(period_code: str) -> None:
    """Raise BooksError when it is not a month as YYYY-MM."""
    if not PERIOD_CODE.fullmatch(period_code):
        raise BooksError(f"'{period_code}' is not a month; write it as 2014-03")


def amount_of(text: str, currency_code: str, digits: int, *, may_be_nothing: bool = False) -> Decimal:
    """An amount that was typed. Raises BooksError when it is not an amount, or finer than the currency (``digits``)."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise BooksError(f"'{text}' is not a decimal number; write 1250.50") from None
    if not value.is_finite() or not (value or may_be_nothing):
        raise BooksError(f"'{text}' is not an amount other than zero")
    if abs(value) >= AMOUNT_END:
        raise BooksError(f"'{text}' is not an amount that anybody is paid: write one below {AMOUNT_END:,}")
    if value != round(value, digits):
        raise BooksError(f"'{text}' has more decimals than {currency_code} ({digits})")
    return round(value, digits)


def needed(text: str, option: str) -> str:
    """The text. Raises BooksError when it is empty."""
    if not text.strip():
        raise BooksError(f"{option} is empty: say why, it stays in the log")
    return text


def _name(row: dict[str, Any]) -> str:
    return f"{row['plan_id']} {row['period_code']}"


def _state(row: dict[str, Any]) -> str:
    stale = " (its lines changed after a release or an approval)" if row["is_stale"] else ""
    return f"{row['state_code']}{stale}"


def done(desk: Desk, word: str) -> str:
    """The word, or that it would be so in a dry run."""
    return f"would be {word}" if desk.is_dry_run else word
