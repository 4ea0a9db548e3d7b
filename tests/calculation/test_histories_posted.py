"""Long random histories in the warehouse: each month is calculated by what is known at its end, and closed in a real book.

Rows come late, twice and in any order, are edited, reversed and withdrawn; what closed months posted stays as it is, and
what the next month posts is what the oracle posts, to the cent (invariants 4 to 7). What it recognises, due or held, is what the
oracle has earned by its end less what it had by the end of the month before.

HISTORY_MONTHS=24 HISTORIES=30      whole histories (`make histories`); by default their beginning
"""

import os
from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import duckdb

from orchestration.books.landed import land_books
from orchestration.plans.situations.build import ROOT, calculate, models_in, write_raw_tables, write_seeds
from tests.calculation.batches import merged, name_of
from tests.calculation.histories import random_history
from tests.calculation.oracle.postings import Books, close_month
from tests.support.closing import close

MONTHS = int(os.environ.get("HISTORY_MONTHS", "2"))
COUNT = int(os.environ.get("HISTORIES", "4"))
SEED = os.environ.get("ORACLE_SEED", "1")
Amounts = dict[tuple[Any, ...], Fraction]
POSTED = """
    select payee_id, plan_id, reward_id, origin_period_code, line_amount
    from marts.fct_ledger_lines
    where posted_period_code = ? and entry_code <> 'draw'
"""
PAID = "select payee_id, plan_id, currency_code, payout_amount from marts.fct_payouts where period_code = ?"
RECOGNISED = """
    select payee_id, plan_id, currency_code, earned_amount
    from intermediate.int_ledger__earned_lines
    where period_code = ? and entry_code = 'reward'
"""
CLOSED = "select ledger_line_key, line_amount from marts.fct_ledger_lines where is_posted order by all"
UNEQUAL = """
    select count(*)
    from (select line_key, sum(line_amount) as amount from marts.fct_ledger_lines where entry_code <> 'draw' group by all)
    full outer join intermediate.int_ledger__entitlements as owed using (line_key)
    where coalesce(amount, 0) <> coalesce(owed.line_amount, 0)
"""
# With what a closing writes into the book.
READ = models_in(POSTED, PAID, RECOGNISED, CLOSED, UNEQUAL) | {"fct_calculations", "int_ledger__held_changes"}


def added_up(rows: Iterable[tuple[Any, ...]]) -> Amounts:
    """Add up the last cell of rows by all others; what comes to nothing may have a row or none."""
    totals: Amounts = defaultdict(Fraction)
    for *key, amount in rows:
        totals[tuple(key)] += Fraction(amount)
    return {key: amount for key, amount in totals.items() if amount}


def test_months_closed_one_by_one_post_what_the_oracle_posts(tmp_path: Path) -> None:
    histories = {name_of(n): random_history(name_of(n), Random(f"{SEED}/{n}")) for n in range(COUNT)}
    expected = {name: Books() for name in histories}
    warehouse, books = tmp_path / "warehouse.duckdb", tmp_path / "books"
    closed: list[tuple[Any, ...]] = []
    for month in range(MONTHS):
        known = [history[month] for history in histories.values()]
        as_of = known[0].as_of
        period = f"{as_of:%Y-%m}"
        tables = merged(each.tables for each in known)
        warehouse.unlink(missing_ok=True)
        write_seeds(tables, tmp_path / "seeds", ROOT / "seeds")
        write_raw_tables(tables, warehouse)
        with duckdb.connect(str(warehouse)) as connection:
            land_books(connection, books)
        calculate(tmp_path, tmp_path / "seeds", as_of, ROOT / "dbt_project", wanted=READ)
        for name, history in histories.items():
            close_month(expected[name], history[month].tables, as_of)
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            assert connection.execute(CLOSED).fetchall() == closed, f"{period} changed a closed month"
            assert connection.execute(UNEQUAL).fetchone() == (0,), f"{period} does not post what is owed"
            posted = added_up(connection.execute(POSTED, [period]).fetchall())
            paid = added_up(connection.execute(PAID, [period]).fetchall())
            recognised = added_up(connection.execute(RECOGNISED, [period]).fetchall())
        entries = [entry for each in expected.values() for entry in each.entries]
        assert posted == added_up(
            (entry.key[1], entry.plan_id, entry.key[0], entry.origin_period, entry.amount)
            for entry in entries
            if entry.posted_period == period
        ), period
        assert paid == added_up(
            (payee_id, plan_id, currency, amount)
            for each in expected.values()
            for (payee_id, plan_id, paid_in, currency), amount in each.payouts.items()
            if paid_in == period
        ), period
        assert recognised == added_up(
            (*account, amount)
            for each in expected.values()
            for account, amount in each.recognised[period].items()
        ), period
        close(warehouse, books, period, as_of)
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            rows = (
                "select ledger_line_key, line_amount from marts.fct_ledger_lines where posted_period_code = ?"
            )
            closed = sorted([*closed, *connection.execute(rows, [period]).fetchall()])
