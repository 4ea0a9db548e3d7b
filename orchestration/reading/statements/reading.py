"""What a month's statements show, read from the published marts. The marts say what is released; here nothing is decided."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from orchestration.books.period import PERIOD_CODE
from orchestration.reading.equations import credit_steps
from orchestration.warehouse import marts_file
from orchestration.warehouse.settings import RunSettings, shown

Row = dict[str, Any]
RUN = "commissions run"
MONTHS_SHOWN = 6


class StatementsError(Exception):
    """The statements cannot be written; the message says why and what to do. Nothing was written."""


class Marts:
    """The published marts, open for reading."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Rows by column name."""
        found = self.connection.execute(query, list(parameters))
        names = [column[0] for column in found.description or []]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def one(self, query: str, parameters: Sequence[Any] = ()) -> Row | None:
        """The first row, or None."""
        return next(iter(self.rows(query, parameters)), None)


@contextmanager
def open_marts(settings: RunSettings) -> Iterator[Marts]:
    """Open the published marts. Raises StatementsError where there are none, or those of an earlier version."""
    if not settings.published.exists():
        raise StatementsError(f"{shown(settings.published)} does not exist yet. Start with: {RUN}")
    with marts_file.open_marts(settings.published, settings.published_key()) as connection:
        try:
            yield Marts(connection)
        except duckdb.CatalogException:
            raise StatementsError(f"the marts were made by an earlier version. Run first: {RUN}") from None


def check_period(marts: Marts, period_code: str) -> list[Row]:
    """The plans of a month with their states. Raises StatementsError where nothing of the month is released."""
    if not PERIOD_CODE.fullmatch(period_code):
        raise StatementsError(f"'{period_code}' is not a month; write it as 2014-03")
    plans = marts.rows(
        """
        select months.*, plans.plan_name
        from marts.rpt_released_months as months
        inner join marts.dim_plans as plans on months.plan_id = plans.plan_id
        where months.period_code = ? order by months.plan_id
        """,
        [period_code],
    )
    if any(plan["is_credits_released"] for plan in plans):
        return plans
    released = [
        row["period_code"]
        for row in marts.rows(
            "select distinct period_code from marts.rpt_released_months where is_credits_released order by all"
        )
    ]
    there_are = (
        f"Months with statements: {'..., ' if len(released) > MONTHS_SHOWN else ''}{', '.join(released[-MONTHS_SHOWN:])}"
        if released
        else "No month is released yet"
    )
    if not plans:
        raise StatementsError(f"{period_code} has no lines, so there is nothing to state. {there_are}")
    states = "; ".join(
        f"{plan['plan_id']} is {plan['state_code']}{' (changed since its release)' if plan['is_stale'] else ''}"
        for plan in plans
    )
    raise StatementsError(
        f"{period_code} is not released: {states}. First: commissions release credits {period_code} --by NAME, then "
        f"rewards. {there_are}"
    )


def payees_of(marts: Marts, period_code: str) -> list[Row]:
    """Everybody with something released in the month: who, and what is posted by currency and state."""
    return marts.rows(
        """
        select
          statements.payee_id, payees.full_name, payees.job_title, statements.currency_code,
          sum(statements.posted_amount) as posted_amount,
          bool_and(statements.is_rewards_released) as is_complete
        from marts.fct_statements as statements
        inner join marts.dim_payees as payees on statements.payee_id = payees.payee_id
        where statements.period_code = ?
        group by all
        having bool_or(statements.is_credits_released)
        order by payees.full_name, statements.payee_id, statements.currency_code
        """,
        [period_code],
    )


def managers_of(marts: Marts, period_code: str) -> list[Row]:
    """All managers with a team member for whom something is released in the month."""
    return marts.rows(
        """
        select
          team.manager_id, coalesce(payees.full_name, team.manager_id) as full_name,
          count(distinct team.payee_id) as member_count
        from marts.rpt_team_statements as team
        left join marts.dim_payees as payees on team.manager_id = payees.payee_id
        where team.period_code = ? and team.is_credits_released
        group by all order by full_name, team.manager_id
        """,
        [period_code],
    )


def statement_of(marts: Marts, payee_id: str, period_code: str) -> Row:
    """All that one payee's statement shows: who, the totals by currency, and each plan with its lines."""
    key = [payee_id, period_code]
    payee = marts.one("select * from marts.dim_payees where payee_id = ?", [payee_id])
    plans = marts.rows(
        """
        select statements.*, plans.plan_name, plans.payout_event_code, plans.source_document
        from marts.fct_statements as statements
        inner join marts.dim_plans as plans on statements.plan_id = plans.plan_id
        where statements.payee_id = ? and statements.period_code = ?
        order by statements.plan_id, statements.currency_code
        """,
        key,
    )
    lines = _by(_lines(marts, key), "statement_key")
    credits = _by(
        marts.rows(
            """
            select * from marts.rpt_statement_credits where payee_id = ? and period_code = ?
            order by credit_date, source_record_id, credit_id
            """,
            key,
        ),
        "statement_key",
    )
    waiting = _by(
        marts.rows(
            """
            select * from marts.rpt_statement_waiting where payee_id = ? and period_code = ?
            order by until_date nulls last, event_date, source_record_id, waiting_key
            """,
            key,
        ),
        "statement_key",
    )
    attainment = _by(_attainment(marts, key), "statement_key")
    for plan in plans:
        mine = plan["statement_key"]
        plan["lines"] = lines.get(mine, [])
        plan["credits"] = credits.get(mine, [])
        plan["waiting"] = _by(waiting.get(mine, []), "waiting_code")
        plan["attainment"] = attainment.get(mine, [])
    totals = marts.rows(
        """
        select
          currency_code,
          sum(posted_amount) filter (where period_code = ?) as posted_amount,
          sum(posted_amount) as year_to_date_amount
        from marts.fct_statements
        where payee_id = ? and period_code <= ? and left(period_code, 4) = left(?, 4) and is_rewards_released
        group by currency_code
        having bool_or(period_code = ?)
        order by currency_code
        """,
        [period_code, payee_id, period_code, period_code, period_code],
    )
    return {
        "payee": payee,
        "period_code": period_code,
        "plans": plans,
        "totals": totals,
        "payroll": _payroll(marts, key),
    }


def _lines(marts: Marts, key: Sequence[Any]) -> list[Row]:
    lines = marts.rows(
        """
        select
          lines.*, explained.commission_amount, explained.collected_ratio, explained.event_text, explained.credit_id,
          explained.credit_type_code, explained.rule_id, explained.credit_date, explained.credited_amount,
          explained.transaction_amount, explained.transaction_currency_code, explained.native_value_amount,
          explained.units_from, explained.units_to, explained.fx_rate_date, explained.value_amount, explained.share_ratio,
          explained.level_number, explained.level_factor, explained.candidate_amount,
          explained.window_code, explained.cumulative_before_amount, explained.cumulative_after_amount,
          explained.quota_amount, explained.variables_text, explained.source_file, explained.source_row,
          explained.plan_valid_from, explained.plan_document, explained.reward_kind_code, explained.plan_fingerprint,
          explained.previous_plan_fingerprint, explained.numbers_fingerprint, explained.previous_numbers_fingerprint,
          credited.full_name as credited_name
        from marts.rpt_statement_lines as lines
        inner join marts.rpt_line_explanations as explained on lines.ledger_line_key = explained.ledger_line_key
        left join marts.dim_payees as credited
          on lines.credited_payee_id = credited.payee_id and lines.credited_payee_id <> lines.payee_id
        where lines.payee_id = ? and lines.period_code = ?
        order by lines.origin_period_code, lines.event_date, lines.source_record_id nulls last, lines.ledger_line_key
        """,
        key,
    )
    tiers = _by(
        marts.rows(
            """
            select
              tiers.*,
              coalesce((
                select bool_or(windows.is_incentive_multiple) from marts.rpt_attainment_tiers as windows
                where windows.plan_id = tiers.plan_id and windows.payee_id = tiers.payee_id
                  and windows.window_code = tiers.window_code and windows.tier_number = tiers.tier_number
              ), false) as is_incentive_multiple
            from marts.rpt_commission_tiers as tiers
            where tiers.credit_id in (
              select credit_id from marts.rpt_line_explanations where payee_id = ? and posted_period_code = ?
            )
            order by tiers.credit_id, tiers.tier_number
            """,
            key,
        ),
        "credit_id",
    )
    tier_totals = {
        row["credit_id"]: row["tier_commission_amount"]
        for row in marts.rows(
            """
            select credit_id, sum(tier_commission_amount) as tier_commission_amount
            from marts.rpt_commission_tiers
            where credit_id in (
              select credit_id from marts.rpt_line_explanations where payee_id = ? and posted_period_code = ?
            )
            group by credit_id
            """,
            key,
        )
    }
    for line in lines:
        line["credit_steps"] = credit_steps(line)
        line["tiers"] = tiers.get(line["credit_id"], [])
        line["tiers_amount"] = tier_totals.get(line["credit_id"])
    return lines


def _attainment(marts: Marts, key: Sequence[Any]) -> list[Row]:
    windows = marts.rows(
        """
        select * from marts.rpt_statement_attainment where payee_id = ? and period_code = ?
        order by window_from, attainment_key
        """,
        key,
    )
    tiers = _by(
        marts.rows(
            """
            select tiers.* from marts.rpt_attainment_tiers as tiers
            where tiers.window_key in (
              select window_key from marts.rpt_statement_attainment where payee_id = ? and period_code = ?
            )
            order by tiers.window_key, tiers.tier_number
            """,
            key,
        ),
        "window_key",
    )
    for window in windows:
        window["tiers"] = tiers.get(window["window_key"], [])
    return windows


def _payroll(marts: Marts, key: Sequence[Any]) -> list[Row]:
    """The balances of the pay cycles in which the month's amounts are paid, where everything of them is released."""
    return marts.rows(
        """
        with cycles as (
          select distinct items.payee_id, items.currency_code, items.pay_group_id, items.pay_cycle_code
          from marts.fct_payroll_items as items
          inner join marts.rpt_released_months as months
            on items.plan_id = months.plan_id and items.period_code = months.period_code
          where items.payee_id = ? and items.period_code = ? and months.is_rewards_released
            and items.pay_cycle_code is not null
        )
        select balances.*
        from marts.fct_payroll_balances as balances
        inner join cycles
          on balances.payee_id = cycles.payee_id and balances.currency_code = cycles.currency_code
          and balances.pay_group_id = cycles.pay_group_id and balances.pay_cycle_code = cycles.pay_cycle_code
        where balances.carried_in_amount <> 0 or balances.net_amount <> 0 or balances.exported_amount <> 0
        order by balances.pay_date, balances.balance_key
        """,
        key,
    )


def team_of(marts: Marts, manager_id: str, period_code: str) -> Row:
    """All that a manager's roll-up shows: each plan with its members, ranked, and which approvals are waited for."""
    manager = marts.one("select * from marts.dim_payees where payee_id = ?", [manager_id])
    members = marts.rows(
        """
        select team.*, payees.full_name, payees.job_title, plans.plan_name
        from marts.rpt_team_statements as team
        inner join marts.dim_payees as payees on team.payee_id = payees.payee_id
        inner join marts.dim_plans as plans on team.plan_id = plans.plan_id
        where team.manager_id = ? and team.period_code = ?
        order by team.plan_id, team.currency_code, team.attainment_rank nulls last, payees.full_name, team.payee_id
        """,
        [manager_id, period_code],
    )
    totals = {
        (row["plan_id"], row["currency_code"]): row
        for row in marts.rows(
            """
            select plan_id, currency_code, sum(posted_amount) as posted_amount,
              sum(year_to_date_amount) as year_to_date_amount
            from marts.rpt_team_statements where manager_id = ? and period_code = ? group by all
            """,
            [manager_id, period_code],
        )
    }
    plans = [
        {**totals[key], "plan_name": rows[0]["plan_name"], "state": rows[0], "members": rows}
        for key, rows in _grouped(members, ("plan_id", "currency_code"))
    ]
    return {"manager": manager, "manager_id": manager_id, "period_code": period_code, "plans": plans}


def as_of_date(marts: Marts) -> str:
    """The day to which the marts were calculated."""
    row = marts.one("select value from publication.run where name = 'as_of_date'")
    return str(row["value"]) if row else ""


def _by(rows: Iterable[Row], name: str) -> dict[Any, list[Row]]:
    return {key: found for (key,), found in _grouped(rows, (name,))}


def _grouped(rows: Iterable[Row], names: Sequence[str]) -> list[tuple[tuple[Any, ...], list[Row]]]:
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[name] for name in names)].append(row)
    return list(groups.items())


def pages_home(settings: RunSettings, period_code: str) -> Path:
    """Where a month's pages go unless another folder is named."""
    return settings.home / "statements" / period_code
