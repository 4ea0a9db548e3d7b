"""What a run came to, read from the published marts: landed, credited, skipped, paid, changed.

It fits a screen, also for a company of thousands of payees; `everything` lists what is then left out.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path
from typing import Any

import duckdb

from orchestration.reading.equations import grouped
from orchestration.warehouse.marts_file import is_encrypted
from orchestration.warehouse.settings import RunSettings, shown
from orchestration.wording import money, plain, table

TABLES_SHOWN = 8
REASONS_SHOWN = 3
# So many payouts are listed all; of more, the first and the last of their payees.
PAYOUTS_SHOWN = 25
PAYEES_SHOWN = 10
CURRENCIES_SHOWN = 5
PLANS_SHOWN = 20
PLANS_IN_A_COLUMN = 10
NAME_WIDTH = 30
# The example is sought in so many periods.
PERIODS_SEARCHED = 6
# A payout of this many lines is short enough to be an example; so many of them are unfolded.
LINES_TELLING = 6
LINES_SHOWN = 3
CHANGES_SHOWN = 12
ADDITIONS_SHOWN = 5
LABEL_WIDTH = 90
AMOUNT_WIDTH = 14

Row = tuple[Any, ...]


class NothingPublished(Exception):
    """There is no published copy yet."""


def summarise(settings: RunSettings, *, everything: bool = False) -> str:
    """The summary of the last published run; ``everything`` lists every table and payout, however many there are.

    Raises NothingPublished when there is no published run.
    """
    if not settings.published.exists():
        raise NothingPublished(f"{shown(settings.published)} does not exist yet. Start with: commissions run")
    with settings.open_published() as marts:
        sections = [
            landed(marts, everything=everything),
            transactions(marts),
            payouts(marts, everything=everything),
            not_used(marts),
            unfolded(marts),
            changes(marts),
            where_next(settings.published),
        ]
    return "\n\n".join(section for section in sections if section)


def beside(left: Sequence[str], right: Sequence[str]) -> list[str]:
    """Two blocks of lines in two columns."""
    width = max((len(line) for line in left), default=0) + 2
    return [f"{one:<{width}}{other}".rstrip() for one, other in zip_longest(left, right, fillvalue="")]


def shortened(name: str, width: int = NAME_WIDTH) -> str:
    """The name, cut where it is longer than the width."""
    return name if len(name) <= width else f"{name[: width - 1]}…"


def landed(marts: duckdb.DuckDBPyConnection, *, everything: bool = False) -> str:
    """Rows landed, by source and table; of many tables, by source."""
    rows = marts.execute("from publication.landed").fetchall()
    if not rows:
        return ""
    if everything or len(rows) <= TABLES_SHOWN:
        header = ["table", "in file", "new", "retired", "live"]
        named: dict[str, Sequence[int]] = {f"{system}.{name}": counts for system, name, *counts in rows}
    else:
        header = ["source", "tables", "in file", "new", "retired", "live"]
        named = {}
        for system, _, *counts in rows:
            so_far = named.get(system, [0] * (len(counts) + 1))
            named[system] = [total + count for total, count in zip(so_far, [1, *counts], strict=True)]
    body = [[name, *(f"{count:,}" for count in counts)] for name, counts in named.items()]
    lines = table(header, body, left=1)
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
        + (f", {_in_short(amounts[reason])}" if reason in amounts else "")
        + (f" - {described[reason]}" if described.get(reason) else "")
        for reason in ranked[:REASONS_SHOWN]
    ]
    rest = sum(counts[reason] for reason in ranked[REASONS_SHOWN:])
    return [*lines, f"    {source}: {rest:,} for other reasons"] if rest else lines


def _in_short(amounts: Sequence[str]) -> str:
    return amounts[0] if len(amounts) == 1 else f"in {len(amounts)} currencies"


def payouts(marts: duckdb.DuckDBPyConnection, *, everything: bool = False) -> str:
    """The latest period: totals a plan and currency, and the payouts; of many, the first and the last payees."""
    period = _latest_period(marts)
    if period is None:
        return "PAYOUTS\n  none: no commission is due yet"
    rows = marts.execute(
        """
        select payouts.payee_id, coalesce(payees.full_name, payouts.payee_id),
          coalesce(plans.plan_name, payouts.plan_id), payouts.payout_amount, payouts.currency_code
        from marts.fct_payouts as payouts
        left join marts.dim_payees as payees on payouts.payee_id = payees.payee_id
        left join (select plan_id, max_by(plan_name, valid_from) as plan_name from marts.dim_plans group by all) as plans
          on payouts.plan_id = plans.plan_id
        where payouts.period_code = ?
        order by payouts.currency_code, payouts.payout_amount desc, payouts.payee_id, payouts.plan_id
        """,
        [period],
    ).fetchall()
    lines = [f"PAYOUTS {period}", *_plan_totals(rows, everything=everything)]
    if everything or len(rows) <= PAYOUTS_SHOWN:
        body = [[payee, plan, money(amount), currency] for _, payee, plan, amount, currency in rows]
        return "\n".join([*lines, "", *table(["payee", "plan", "amount", ""], body, left=2)])
    return "\n".join([*lines, "", *_first_and_last(rows)])


def _plan_totals(rows: Sequence[Row], *, everything: bool) -> list[str]:
    by_plan: dict[tuple[str, str], list[Row]] = {}
    by_currency: dict[str, list[Row]] = {}
    for row in rows:
        by_plan.setdefault((row[4], row[2]), []).append(row)
        by_currency.setdefault(row[4], []).append(row)
    ranked = sorted(by_plan, key=lambda key: (key[0], -_amount(by_plan[key]), key[1]))
    told = ranked if everything else ranked[:PLANS_SHOWN]
    body = [[shortened(key[1]), *_totals(by_plan[key])] for key in told]
    body += [["total", *_totals(by_currency[currency])] for currency in sorted(by_currency)]
    header = ["plan", "payees", "payouts", "amount", ""]
    if everything or len(told) <= PLANS_IN_A_COLUMN:
        lines = table(header, body, left=1)
    else:
        middle = (len(body) + 1) // 2
        lines = beside(table(header, body[:middle], left=1), table(header, body[middle:], left=1))
    left_out = len(ranked) - len(told)
    return [*lines, f"  {left_out:,} plans are left out: commissions summary --all"] if left_out else lines


def _amount(rows: Sequence[Row]) -> Decimal:
    return sum((row[3] for row in rows), Decimal(0))


def _totals(rows: Sequence[Row]) -> list[str]:
    return [f"{len({row[0] for row in rows}):,}", f"{len(rows):,}", money(_amount(rows)), rows[0][4]]


def _first_and_last(rows: Sequence[Row]) -> list[str]:
    """The payees who get most and least, all their plans together; a currency each, as amounts do not compare otherwise."""
    names = {row[0]: row[1] for row in rows}
    payees: dict[str, dict[str, Decimal]] = {}
    for payee, _, _, amount, currency in rows:
        paid = payees.setdefault(currency, {})
        paid[payee] = paid.get(payee, Decimal(0)) + amount
    currencies = sorted(payees, key=lambda currency: (-len(payees[currency]), currency))[:CURRENCIES_SHOWN]
    each = max(PAYEES_SHOWN // len(currencies), 2)
    most, least, shown_count = [], [], 0
    for currency in currencies:
        paid = payees[currency]
        ranked = sorted(paid, key=lambda payee: (-paid[payee], payee))
        first = ranked[:each]
        last = ranked[max(len(ranked) - each, len(first)) :]
        shown_count += len(first) + len(last)
        most += [[shortened(names[payee]), money(paid[payee]), currency] for payee in first]
        least += [[shortened(names[payee]), money(paid[payee]), currency] for payee in last]
    lines = beside(
        table(["payees with most", "amount", ""], most, left=1),
        table(["with least", "amount", ""], least, left=1),
    )
    left_out = sum(map(len, payees.values())) - shown_count
    told = f"{left_out:,} payees are left out. All" if left_out else "All payouts"
    return [*lines, f"  {told}, plan by plan: commissions summary --all"]


def not_used(marts: duckdb.DuckDBPyConnection) -> str:
    """What the company does without, and where it would be switched on; empty where it uses everything."""
    rows = marts.execute(
        "select part_name, place from marts.rpt_company_parts where not is_used order by part_name"
    ).fetchall()
    if not rows:
        return ""
    told = textwrap.wrap("; ".join(f"{name} ({place})" for name, place in rows), LABEL_WIDTH + AMOUNT_WIDTH)
    return "\n".join(["NOT USED (no rows; it blocks nothing)", *(f"  {line}" for line in told)])


def _latest_period(marts: duckdb.DuckDBPyConnection) -> str | None:
    found = marts.execute("select max(period_code) from marts.fct_payouts").fetchone()
    return found[0] if found else None


def unfolded(marts: duckdb.DuckDBPyConnection) -> str:
    """One payout back to its deals, tiers and rates: a late one in which a deal crosses a tier, else the latest."""
    chosen = marts.execute(
        """
        with recent as (
          from marts.fct_payouts
          where period_code in (select distinct period_code from marts.fct_payouts order by period_code desc limit ?)
        ),
        lines as (
          from marts.fct_ledger_lines where posted_period_code in (select period_code from recent)
        ),
        tiers as (
          select credit_id, count(*) as tier_count
          from marts.rpt_commission_tiers
          where credit_id in (select credit_id from lines)
          group by all
        ),
        candidates as (
          select
            payouts.payout_key,
            payouts.period_code,
            payouts.payout_amount > 0
            and max(tiers.tier_count) > 1
            and count(distinct lines.line_key) between 2 and ? as is_telling,
            count(distinct lines.line_key) as line_count
          from recent as payouts
          inner join lines
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
        [PERIODS_SEARCHED, LINES_TELLING],
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
        select tier_text from marts.rpt_commission_tiers where credit_id = ? order by tier_number
        """,
        [credit],
    ).fetchall()
    text += [f"    tier {grouped(tier)}" for (tier,) in tiers]
    due = f"    commission {money(commission)}"
    if event == "booking":
        due += ", due on booking"
    else:
        due += f"; {event.replace('_', ' ')}{f' {payment}' if payment else ''} of {event_date}"
        # Nothing is collected of what is taken back without a payment.
        if collected is not None:
            due += f": {plain(round(100 * collected, 2))} % of the deal paid by then"
    return [*text, f"{due:<{LABEL_WIDTH}}{money(amount):>{AMOUNT_WIDTH}}"]


def changes(marts: duckdb.DuckDBPyConnection) -> str:
    """Payout rows that differ from the copy published before, the largest differences first."""
    counts = dict(
        marts.execute("select change_code, count(*) from publication.payout_changes group by all").fetchall()
    )
    found = ", ".join(f"{counts.get(code, 0):,} {code}" for code in ("added", "changed", "removed"))
    lines = [f"PAYOUT ROWS against the copy published before: {found}"]
    # A first publication adds everything: the table above says more than a list.
    told = sum(count for code, count in counts.items() if code != "added")
    condition = "change_code <> 'added'"
    if not told and counts.get("added", 0) <= ADDITIONS_SHOWN:
        told, condition = counts.get("added", 0), "true"
    rows = marts.execute(
        f"""
        from publication.payout_changes
        where {condition}
        order by abs(coalesce(new_amount, 0) - coalesce(previous_amount, 0)) desc, payout_key
        limit {CHANGES_SHOWN}
        """
    ).fetchall()
    for code, _, payee, plan, period, currency, before, now in rows:
        lines.append(
            f"  {code}: payee {payee}, {plan}, {period}: "
            f"{money(before) or 'nothing'} -> {money(now) or 'nothing'} {currency}"
        )
    if told > len(rows):
        lines.append(f"  and {told - len(rows):,} smaller ones: select * from publication.payout_changes")
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
