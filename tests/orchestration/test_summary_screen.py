"""The summary of a large company fits a screen, adds up, and says what it leaves out."""

import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal

import duckdb
import pytest

from orchestration.reading.summary import CHANGES_SHOWN, changes, landed, payouts


@pytest.fixture
def marts() -> Iterator[duckdb.DuckDBPyConnection]:
    """A published copy without rows, as far as these sections read it."""
    with duckdb.connect(":memory:") as connection:
        connection.execute(
            """
            attach ':memory:' as marts;
            use marts;
            create table marts.fct_payouts (payout_key varchar, payee_id varchar, plan_id varchar,
              period_code varchar, currency_code varchar, payout_amount decimal(18, 4));
            create table marts.dim_payees (payee_id varchar, full_name varchar);
            create table marts.dim_plans (plan_id varchar, plan_name varchar, valid_from date);
            create schema publication;
            create table publication.landed (source_system varchar, table_name varchar,
              file_count bigint, new_count bigint, retired_count bigint, live_count bigint);
            create table publication.payout_changes (change_code varchar, payout_key varchar, payee_id varchar,
              plan_id varchar, period_code varchar, currency_code varchar,
              previous_amount decimal(18, 4), new_amount decimal(18, 4));
            """
        )
        yield connection


def pay(marts: duckdb.DuckDBPyConnection, *, payees: int, plans: int, currencies: int = 1) -> None:
    """One payout a payee in a month of 2024-02, and one each of the month before that nobody looks at."""
    marts.execute(
        f"""
        insert into fct_payouts
        select 'key' || number || period, 'P' || number, 'plan_' || number % {plans}, period,
          ['USD', 'EUR', 'GBP', 'CAD', 'AUD', 'CHF', 'JPY'][number % {currencies} + 1], number - 3
        from range({payees}) as numbers(number), (values ('2024-01'), ('2024-02')) as periods(period);
        insert into dim_payees select 'P' || number, 'Name ' || number from range({payees}) as numbers(number);
        insert into dim_plans select 'plan_' || number, 'Plan ' || number, date '2020-01-01'
        from range({plans}) as numbers(number);
        """
    )


def test_a_small_company_sees_every_payout(marts: duckdb.DuckDBPyConnection) -> None:
    pay(marts, payees=25, plans=2)
    text = payouts(marts)
    assert all(f"  Name {number} " in text for number in range(25))
    assert "left out" not in text


def test_a_large_company_sees_the_first_and_the_last_ten(marts: duckdb.DuckDBPyConnection) -> None:
    pay(marts, payees=5000, plans=20)
    text = payouts(marts)
    told = {number for number in range(5000) if f"  Name {number} " in text}
    assert told == {*range(10), *range(4990, 5000)}
    assert "4,980 payees are left out. All, plan by plan: commissions summary --all" in text
    assert len(text.splitlines()) < 30
    # 0 + ... + 4999, less 3 each.
    assert f"5,000    5,000  {sum(range(5000)) - 15000:,}.00  USD" in text


def test_all_of_them_are_listed_when_asked_for(marts: duckdb.DuckDBPyConnection) -> None:
    pay(marts, payees=5000, plans=40)
    text = payouts(marts, everything=True)
    assert all(f"  Name {number} " in text for number in range(5000))
    assert all(f"  Plan {number} " in text for number in range(40))
    assert "left out" not in text


@pytest.mark.parametrize("currencies", [1, 2, 5, 7])
@pytest.mark.parametrize("plans", [1, 11, 20, 300])
def test_it_stays_short_whatever_the_company(
    marts: duckdb.DuckDBPyConnection, plans: int, currencies: int
) -> None:
    pay(marts, payees=700, plans=plans, currencies=currencies)
    assert len(payouts(marts).splitlines()) <= 32


def test_the_plans_of_a_payee_count_together(marts: duckdb.DuckDBPyConnection) -> None:
    pay(marts, payees=30, plans=1)
    marts.execute("insert into fct_payouts values ('more', 'P0', 'plan_0', '2024-02', 'USD', 5000)")
    first = next(line for line in payouts(marts).splitlines() if "payees with most" in line)
    lines = payouts(marts).splitlines()
    assert lines[lines.index(first) + 1].split()[:3] == ["Name", "0", "4,997.00"]


def test_the_largest_changes_are_listed_and_the_others_counted(marts: duckdb.DuckDBPyConnection) -> None:
    marts.executemany(
        "insert into publication.payout_changes values ('changed', ?, ?, 'p', '2024-02', 'USD', 10, ?)",
        [[f"key{number}", f"P{number}", Decimal(10 + number)] for number in range(1, 101)],
    )
    lines = changes(marts).splitlines()
    assert lines[0].endswith("0 added, 100 changed, 0 removed")
    assert lines[1] == "  changed: payee P100, p, 2024-02: 10.00 -> 110.00 USD"
    assert len(lines) == CHANGES_SHOWN + 2 <= 15
    assert lines[-1] == f"  and {100 - CHANGES_SHOWN} smaller ones: select * from publication.payout_changes"


def test_many_tables_are_told_by_source(marts: duckdb.DuckDBPyConnection) -> None:
    marts.executemany(
        "insert into publication.landed values (?, ?, 2000, 3, 1, 2000)",
        [["crm" if number < 9 else "hris", f"t{number}"] for number in range(12)],
    )
    rows = [line.split() for line in landed(marts).splitlines()]
    assert rows[2:] == [
        ["crm", "9", "18,000", "27", "9", "18,000"],
        ["hris", "3", "6,000", "9", "3", "6,000"],
    ]
    assert len(landed(marts, everything=True).splitlines()) == 14


def test_the_command_line_waits_for_no_library_that_it_does_not_use() -> None:
    heavy = ("dagster", "dlt", "pydantic", "pandas", "pyarrow", "sqlglot")
    code = f"import sys, orchestration.cli.main, orchestration.reading.summary; print(*sorted(set({heavy!r}) & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == ""
