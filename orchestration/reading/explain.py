"""A payout unfolded as text: every line back to its deal, credit, tiers, variables, plan version and source record."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import duckdb

from orchestration.reading.equations import credit_steps, tier_steps
from orchestration.reading.summary import AMOUNT_WIDTH, LABEL_WIDTH, NothingPublished
from orchestration.warehouse.settings import RunSettings, shown
from orchestration.wording import money, plain

Row = dict[str, Any]


class NothingToExplain(Exception):
    """There is no such payout; the message says which there are."""


def explain(settings: RunSettings, payee_id: str, period_code: str, plan_id: str | None = None) -> str:
    """What a payee is paid in a month (of one plan or of all), line by line.

    Raises NothingPublished without a published copy, NothingToExplain when nothing is paid.
    """
    if not settings.published.exists():
        raise NothingPublished(f"{shown(settings.published)} does not exist yet. Start with: commissions run")
    with settings.open_published() as marts:
        payouts = _rows(
            marts,
            """
            select payouts.*, coalesce(payees.full_name, payouts.payee_id) as full_name
            from marts.fct_payouts as payouts
            left join marts.dim_payees as payees on payouts.payee_id = payees.payee_id
            where payouts.payee_id = ? and payouts.period_code = ? and (? is null or payouts.plan_id = ?)
            order by payouts.plan_id, payouts.currency_code
            """,
            [payee_id, period_code, plan_id, plan_id],
        )
        if not payouts:
            raise NothingToExplain(_what_there_is(marts, payee_id, period_code))
        return "\n\n".join(_payout(marts, payout) for payout in payouts)


def _what_there_is(marts: duckdb.DuckDBPyConnection, payee_id: str, period_code: str) -> str:
    months = _rows(
        marts,
        "select distinct period_code from marts.fct_payouts where payee_id = ? order by all",
        [payee_id],
    )
    if months:
        listed = ", ".join(row["period_code"] for row in months)
        return f"payee {payee_id} is paid nothing in {period_code} under this plan; months with payouts: {listed}"
    return f"no payee {payee_id} is paid anything; payees are listed in marts.dim_payees"


def _payout(marts: duckdb.DuckDBPyConnection, payout: Row) -> str:
    lines = _rows(
        marts,
        """
        select * from marts.rpt_line_explanations
        where payee_id = ? and posted_period_code = ? and plan_id = ? and currency_code = ?
        order by origin_period_code, event_date, source_record_id nulls last, ledger_line_key
        """,
        [payout[name] for name in ("payee_id", "period_code", "plan_id", "currency_code")],
    )
    currency = payout["currency_code"]
    text = [
        f"{payout['full_name']} ({payout['payee_id']}), {payout['plan_id']}, {payout['period_code']}: "
        f"{money(payout['payout_amount'])} {currency}"
    ]
    closed = next((line["configuration_fingerprint"] for line in lines if line["is_posted"]), None)
    text.append(
        f"  closed, with the configuration {closed[:12]}"
        if closed
        else "  open: may change until it is closed"
    )
    for line in lines:
        text += _line(line)
    total = sum((line["line_amount"] for line in lines), Decimal(0))
    text.append(f"{_amount(f'  sum of {len(lines)} lines', total)} {currency}")
    return "\n".join(text)


def _line(line: Row) -> list[str]:
    deal = f"deal {line['source_record_id'] or line['transaction_id']}" if line["transaction_id"] else ""
    what = deal or line["reward_id"] or line["ledger_line_key"].split("|", 1)[1]
    due = f"{line['event_code']} of {line['event_date']}"
    if line["payment_id"]:
        due += f", {line['payment_id']}"
    text = [_amount(f"  {what}, {due}", line["line_amount"])]
    if line["reason_code"]:
        text.append(
            f"    posted for {line['origin_period_code']}: {line['reason_code']}, {line['reason_description']}"
        )
        for name in ("plan", "numbers"):
            before, now = line[f"previous_{name}_fingerprint"], line[f"{name}_fingerprint"]
            if before and now and before != now:
                text.append(f"    {name} before {before[:12]}, now {now[:12]}")
    if line["due_date"] > line["event_date"] and not line["reason_code"]:
        text.append(f"    held until {line['due_date']}")
    if line["event_text"]:
        text.append(f"    {line['event_text']}")
    text += [f"    {step}" for step in credit_steps(line)]
    if line["credited_amount"] is not None:
        quota = (
            f", quota {money(line['quota_amount'])} of {line['window_code']}" if line["quota_amount"] else ""
        )
        text.append(
            f"    credited {money(line['credited_amount'])} by rule {line['rule_id']} ({line['credit_type_code']}): "
            f"from {money(line['cumulative_before_amount'])} to {money(line['cumulative_after_amount'])}{quota}"
        )
    text += [f"    {step}" for step in tier_steps(line["tiers_text"])]
    if line["commission_amount"] is not None:
        part = (
            ""
            if line["collected_ratio"] is None
            else f", {plain(round(100 * line['collected_ratio'], 2))} % of the deal paid by then"
        )
        text.append(f"    commission {money(line['commission_amount'])}{part}")
    if line["variables_text"]:
        text.append(f"    {line['variables_text']}")
    if line["plan_document"]:
        text.append(f"    plan valid from {line['plan_valid_from']}, {line['plan_document']}")
    if line["source_file"]:
        text.append(f"    source {line['source_file']} row {line['source_row']}")
    return text


def _amount(label: str, amount: Decimal) -> str:
    return f"{label:<{LABEL_WIDTH}}{money(amount):>{AMOUNT_WIDTH}}"


def _rows(marts: duckdb.DuckDBPyConnection, query: str, parameters: list[Any]) -> list[Row]:
    found = marts.execute(query, parameters)
    names = [column[0] for column in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
