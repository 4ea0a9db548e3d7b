"""What a run came to, read from the published marts: landed, credited, skipped, paid, changed."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from orchestration.marts_file import is_encrypted
from orchestration.settings import RunSettings, shown

REASONS_SHOWN = 3
LINES_SHOWN = 6
CHANGES_SHOWN = 5
LABEL_WIDTH = 90
AMOUNT_WIDTH = 14

Row = tuple[Any, ...]


class NothingPublished(Exception):
    """There is no published copy yet."""


def summarise(settings: RunSettings) -> str:
    """The summary of the last published run. Raises NothingPublished when there is none."""
    if not settings.published.exists():
        raise NothingPublished(f"{shown(settings.published)} does not exist yet. Start with: commissions run")
    with settings.open_published() as marts:
        sections = [
            landed(marts),
            transactions(marts),
            payouts(marts),
            unfolded(marts),
            changes(marts),
            where_next(settings.published),
        ]
    return "\n\n".join(section for section in sections if section)


def money(amount: Decimal | None) -> str:
    """An amount with thousands separators and at least two decimals: 12,500.00, 0.125."""
    if amount is None:
        return ""
    text = f"{amount:,f}"
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"


def plain(number: Decimal) -> str:
    """A rate without trailing zeros: 0.012."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, left: int) -> list[str]:
    """Rows as aligned text; the first ``left`` columns to the left, figures to the right."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    lines = []
    for row in [header, *rows]:
        cells = [
            f"{cell:<{width}}" if column < left else f"{cell:>{width}}"
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  " + "  ".join(cells).rstrip())
    return lines


def landed(marts: duckdb.DuckDBPyConnection) -> str:
    """Rows landed, by source and table."""
    rows = marts.execute("from publication.landed").fetchall()
    if not rows:
        return ""
    body = [[f"{system}.{name}", *(f"{count:,}" for count in counts)] for system, name, *counts in rows]
    lines = table(["table", "in file", "new", "retired", "live"], body, left=1)
    return "\n".join(["LANDED (rows; a changed row is a new version)", *lines])


def transactions(marts: duckdb.DuckDBPyConnection) -> str:
    """Transactions credited and skipped by source, and why."""
    sources = marts.execute(
        """
        with per_transaction as (
          select
            source_system,
            transaction_id,
            bool_or(disposition_code = 'credited') as is_credited,
            bool_or(disposition_code = 'credited' or stage_code <> 'filtering') as is_eligible
          from marts.rpt_transaction_dispositions
          group by all
        )
        select
          source_system,
          count(*),
          count(*) filter (coalesce(is_eligible, false)),
          count(*) filter (is_credited),
          count(*) filter (not is_credited)
        from per_transaction
        group by all
        order by all
        """
    ).fetchall()
    reasons = marts.execute(
        """
        with furthest as (
          select
            source_system,
            transaction_id,
            arg_max(reason_code, precedence) as reason_code,
            any_value(currency_code) as currency_code,
            any_value(transaction_amount) as transaction_amount
          from marts.rpt_transaction_dispositions
          group by all
          having not bool_or(disposition_code = 'credited')
        )
        select source_system, reason_code, currency_code, count(*), sum(transaction_amount)
        from furthest
        group by all
        order by all
        """
    ).fetchall()
    described = dict(
        marts.execute(
            "select reason_code, any_value(reason_description) from marts.rpt_skipped_transactions group by all"
        ).fetchall()
    )
    body = [[source, *(f"{count:,}" for count in counts)] for source, *counts in sources]
    lines = table(["source", "transactions", "eligible", "credited", "skipped"], body, left=1)
    for source, *_ in sources:
        lines += _reasons(source, [row for row in reasons if row[0] == source], described)
    return "\n".join(["TRANSACTIONS (skipped = no plan credits it)", *lines])


def _reasons(source: str, rows: Sequence[Row], described: dict[str, str]) -> list[str]:
    counts: dict[str, int] = {}
    amounts: dict[str, list[str]] = {}
    for _, reason, currency, count, amount in rows:
        counts[reason] = counts.get(reason, 0) + count
        if amount:
            amounts.setdefault(reason, []).append(f"{money(amount)} {currency or '(no currency)'}")
    ranked = sorted(counts, key=lambda reason: (-counts[reason], reason))
    lines = [
        f"    {source}: {counts[reason]:,} {reason}"
        + (f", {' + '.join(amounts[reason])}" if reason in amounts else "")
        + (f" - {described[reason]}" if described.get(reason) else "")
        for reason in ranked[:REASONS_SHOWN]
    ]
    rest = sum(counts[reason] for reason in ranked[REASONS_SHOWN:])
    return [*lines, f"    {source}: {rest:,} for other reasons"] if rest else lines


def payouts(marts: duckdb.DuckDBPyConnection) -> str:
    """The payout table of the latest period, with a total a currency."""
    period = _latest_period(marts)
    if period is None:
        return "PAYOUTS\n  none: no commission is due yet"
    rows = marts.execute(
        """
        select coalesce(payees.full_name, payouts.payee_id), plans.plan_name, payouts.payout_amount, payouts.currency_code
        from marts.fct_payouts as payouts
        left join marts.dim_payees as payees on payouts.payee_id = payees.payee_id
        left join (select plan_id, max_by(plan_name, valid_from) as plan_name from marts.dim_plans group by all) as plans
          on payouts.plan_id = plans.plan_id
        where payouts.period_code = ?
        order by payouts.currency_code, payouts.payout_amount desc, payouts.payee_id, payouts.plan_id
        """,
        [period],
    ).fetchall()
    body = [[payee, plan or "", money(amount), currency] for payee, plan, amount, currency in rows]
    for currency in sorted({row[3] for row in rows}):
        total = sum((amount for *_, amount, code in rows if code == currency), Decimal(0))
        body.append(["total", "", money(total), currency])
    return "\n".join([f"PAYOUTS {period}", *table(["payee", "plan", "amount", ""], body, left=2)])


def _latest_period(marts: duckdb.DuckDBPyConnection) -> str | None:
    found = marts.execute("select max(period_code) from marts.fct_payouts").fetchone()
    return found[0] if found else None


def unfolded(marts: duckdb.DuckDBPyConnection) -> str:
    """One payout back to its deals, tiers and rates: the latest in which a deal crosses a tier, else the latest."""
    chosen = marts.execute(
        """
        with tiers as (
          select credit_id, count(*) as tier_count from marts.rpt_commission_tiers group by all
        ),
        candidates as (
          select
            payouts.payout_key,
            payouts.period_code,
            payouts.payout_amount > 0
            and max(tiers.tier_count) > 1
            and count(distinct lines.line_key) between 2 and ? as is_telling,
            count(distinct lines.line_key) as line_count
          from marts.fct_payouts as payouts
          inner join marts.fct_ledger_lines as lines
            on payouts.payee_id = lines.payee_id and payouts.plan_id = lines.plan_id
            and payouts.period_code = lines.posted_period_code and payouts.currency_code = lines.currency_code
          inner join tiers on lines.credit_id = tiers.credit_id
          group by payouts.payout_key, payouts.period_code, payouts.payout_amount
        )
        select payout_key
        from candidates
        order by is_telling desc, period_code desc, line_count > 1 desc, line_count, payout_key
        limit 1
        """,
        [LINES_SHOWN],
    ).fetchone()
    if chosen is None:
        return ""
    payee, plan, period, currency, amount = marts.execute(
        """
        select coalesce(payees.full_name, payouts.payee_id), payouts.plan_id, payouts.period_code,
          payouts.currency_code, payouts.payout_amount
        from marts.fct_payouts as payouts
        left join marts.dim_payees as payees on payouts.payee_id = payees.payee_id
        where payouts.payout_key = ?
        """,
        [chosen[0]],
    ).fetchall()[0]
    lines = _lines(marts, chosen[0])
    text = [f"ONE PAYOUT UNFOLDED: {payee}, {plan}, {period}: {money(amount)} {currency}"]
    for line in lines[:LINES_SHOWN]:
        text += _line(marts, line)
    rest = lines[LINES_SHOWN:]
    if rest:
        text.append(_total(f"and {len(rest)} smaller lines", rest))
    text.append(f"{_total('sum of the lines', lines)} {currency}")
    return "\n".join(text)


def _total(label: str, lines: Sequence[Row]) -> str:
    total = sum((line[-1] for line in lines), Decimal(0))
    return f"  {label:<{LABEL_WIDTH - 2}}{money(total):>{AMOUNT_WIDTH}}"


def _lines(marts: duckdb.DuckDBPyConnection, payout_key: str) -> list[Row]:
    return marts.execute(
        """
        select lines.credit_id, deals.source_record_id, credits.credit_date, credits.credited_amount,
          lines.currency_code, credits.commission_amount, lines.event_code, lines.event_date, lines.payment_id,
          due.collected_ratio, lines.reward_id, lines.line_amount
        from marts.fct_payouts as payouts
        inner join marts.fct_ledger_lines as lines
          on payouts.payee_id = lines.payee_id and payouts.plan_id = lines.plan_id
          and payouts.period_code = lines.posted_period_code and payouts.currency_code = lines.currency_code
        left join marts.fct_commission_lines as due on lines.line_key = due.line_key
        left join marts.fct_credits as credits on lines.credit_id = credits.credit_id
        left join marts.dim_transactions as deals on lines.transaction_id = deals.transaction_id
        where payouts.payout_key = ?
        order by abs(lines.line_amount) desc, lines.line_key
        """,
        [payout_key],
    ).fetchall()


def _line(marts: duckdb.DuckDBPyConnection, line: Row) -> list[str]:
    (
        credit,
        deal,
        booked,
        credited,
        currency,
        commission,
        event,
        event_date,
        payment,
        collected,
        reward,
        amount,
    ) = line
    if credit is None:
        due = f"    {event} reward of {event_date}"
        return [
            f"  {reward}" + (f", deal {deal}" if deal else ""),
            f"{due:<{LABEL_WIDTH}}{money(amount):>{AMOUNT_WIDTH}}",
        ]
    text = [f"  deal {deal}, booked {booked}, credited {money(credited)} {currency}"]
    tiers = marts.execute(
        """
        select tier_number, tier_value_amount, rate, tier_commission_amount
        from marts.rpt_commission_tiers where credit_id = ? order by tier_number
        """,
        [credit],
    ).fetchall()
    for number, value, rate, part in tiers:
        text.append(f"    tier {number}: {money(value):>22} x {plain(rate):<12} = {money(part):>14}")
    if event == "booking":
        due = f"    commission {money(commission)}, due on booking"
    else:
        paid = f"{plain(round(100 * collected, 2))} % of the deal paid by then"
        due = f"    commission {money(commission)}; {event} {payment} of {event_date}: {paid}"
    return [*text, f"{due:<{LABEL_WIDTH}}{money(amount):>{AMOUNT_WIDTH}}"]


def changes(marts: duckdb.DuckDBPyConnection) -> str:
    """Payout rows that differ from the copy published before."""
    rows = marts.execute("from publication.payout_changes").fetchall()
    counts = {code: sum(row[0] == code for row in rows) for code in ("added", "changed", "removed")}
    found = ", ".join(f"{count:,} {code}" for code, count in counts.items())
    lines = [f"PAYOUT ROWS against the copy published before: {found}"]
    # A first publication adds everything: the table above says more than a list.
    told = [row for row in rows if row[0] != "added"] or (rows if len(rows) <= CHANGES_SHOWN else [])
    for code, _, payee, plan, period, currency, before, now in told[:CHANGES_SHOWN]:
        lines.append(
            f"  {code}: payee {payee}, {plan}, {period}: "
            f"{money(before) or 'nothing'} -> {money(now) or 'nothing'} {currency}"
        )
    if len(told) > CHANGES_SHOWN:
        lines.append("  all of them: select * from publication.payout_changes")
    return "\n".join(lines)


def where_next(published: Path) -> str:
    """Where to look next."""
    path = shown(published)
    python = f"import duckdb; print(duckdb.connect('{path}', read_only=True).sql('from marts.fct_payouts'))"
    opened = f'python -c "{python}"'
    if is_encrypted(published):
        opened = f"attach '{path}' as marts (encryption_key '...', read_only);"
    return "\n".join(
        [
            "NEXT",
            f"  marts     {path} (read-only, safe to keep open)",
            "  graph     make ui",
            "  ask       select * from marts.rpt_skipped_transactions where is_closed_won order by booked_date;",
            f"            {opened}",
            "            commissions questions",
        ]
    )
