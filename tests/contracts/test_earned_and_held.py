"""What is earned is recognised in its month, due or held; a hold moves the payment alone. Figures worked out by hand.

Three months are closed one after the other. Each deal brings a tenth; all of January's but D5 are held by hand.

    deal  booked   amount                         January  February  March     posted
    D1    01-10    1,000; the hold is lifted in February  100                  February 100
    D2    01-10    1,000; 800 in February             100       -20            March 80
    D3    01-10    500; deleted in February            50       -50            never
    D4    01-12    300; arrives in February                      30            March 30
    D5    01-31    100; held for a day                 10                      February 10
    D6    02-01    50, not held                                   5            February 5
    D7    03-31    240; held for a day                                    24   not yet
                                                      260       -35       24

Recognised in all 249 = posted in February 115 and in March 110, and 24 that are held. Over 24 months from January:

    January    260 / 24: D1 4.17, D2 4.17, D3 2.08, D5 0.42 = 10.84
    February   D1 8.33 - 4.17 = 4.16, D2 (80 - 4.17) / 23 = 3.297 = 3.30, D3 -2.08, D4 30 / 23 = 1.30, D5 0.83 - 0.42 = 0.41,
               D6 5 / 24 = 0.21 = 7.30
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb

from orchestration.books.landed import land_books
from orchestration.plans.situations.build import (
    ROOT,
    Tables,
    build_warehouse,
    calculate,
    models_in,
    write_raw_tables,
    write_seeds,
)
from tests.support.closing import close
from tests.support.companies.contract_company import START, company

JANUARY, FEBRUARY, MARCH = date(2014, 1, 31), date(2014, 2, 28), date(2014, 3, 31)
Deal = tuple[str, str, str, str, str]
RULE = {
    "plan_id": "deals",
    "valid_from": START,
    "benefit_months": "24",
    "expedient_months_max": "12",
    "first_month_code": "same",
    "cost_change_code": "prospective",
}
KNOWN_IN_JANUARY: dict[str, tuple[str, str]] = {
    "D1": ("2014-01-10", "1000"),
    "D2": ("2014-01-10", "1000"),
    "D3": ("2014-01-10", "500"),
    "D5": ("2014-01-31", "100"),
}
KNOWN_IN_FEBRUARY = {
    "D1": ("2014-01-10", "1000"),
    "D2": ("2014-01-10", "800"),
    "D4": ("2014-01-12", "300"),
    "D5": ("2014-01-31", "100"),
    "D6": ("2014-02-01", "50"),
}
KNOWN_IN_MARCH = {**KNOWN_IN_FEBRUARY, "D7": ("2014-03-31", "240")}
HELD_TO = {
    "D1": "",
    "D2": "2014-03-01",
    "D3": "2014-03-01",
    "D4": "2014-03-01",
    "D5": "2014-02-01",
    "D7": "2014-04-01",
}
RECOGNISED = "select period_code, sum(line_amount) from marts.fct_accounting_lines group by all order by all"
LINES = "select period_code, transaction_id, line_amount from marts.fct_accounting_lines order by all"
POSTED = "select posted_period_code, sum(line_amount) from marts.fct_ledger_lines group by all order by all"
SCHEDULE = """
    select period_code, sum(amortisation_amount), sum(closing_amount) from marts.rpt_asset_roll_forward group by all order by all
"""
LIABILITY = "select period_code, closing_amount from marts.rpt_liability_roll_forward order by all"
TERMS = {
    "plan_id": "deals",
    "valid_from": START,
    "collected_part_code": "net",
    "rebate_code": "uncollected",
    "overpayment_code": "capped",
    "clawback_policy_code": "original_rate",
    "clawback_base_code": "paid",
    "clawback_proration_code": "none",
}
CHECKS = (
    "assert_journal_equals_the_ledger",
    "assert_journal_entries_balance",
    "assert_contract_costs_are_amortised_in_full",
    "assert_roll_forwards_tie_to_journal_and_ledger",
    "assert_ledger_equals_entitlement",
)
# With what a closing writes into the book, and what the checks read.
READ = models_in(RECOGNISED, POSTED, SCHEDULE, LIABILITY) | {
    "fct_calculations",
    "fct_journal_lines",
    "int_ledger__entitlements",
    "int_ledger__held_changes",
    "rpt_held_lines",
    "stg_books__exported_lines",
}


def known(deals: dict[str, tuple[str, str]], held: Sequence[str]) -> Tables:
    """The company as it is known at the end of a month: its deals, and what is held by hand."""
    rows: list[Deal] = [(number, "ana", day, amount, "USD") for number, (day, amount) in deals.items()]
    holds = [
        {
            "hold_id": number,
            "transaction_id": f"crm/Opportunity/{number}",
            "held_from": "2014-01-01",
            "held_to": HELD_TO[number],
            "reason": "asked",
        }
        for number in held
    ]
    return company(rows, bonuses=[], capitalisation_rules=[RULE], holds=holds)


def ask(warehouse: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(query).fetchall()


def month(home: Path, tables: Tables, as_of: date) -> Path:
    """Calculate a month over the books."""
    warehouse = home / "warehouse.duckdb"
    warehouse.unlink(missing_ok=True)
    write_seeds(tables, home / "seeds", ROOT / "seeds")
    write_raw_tables(tables, warehouse)
    with duckdb.connect(str(warehouse)) as connection:
        land_books(connection, home / "books")
    calculate(home, home / "seeds", as_of, ROOT / "dbt_project", wanted=READ)
    return warehouse


def check(home: Path, as_of: date) -> None:
    """Ask the data tests of the journal; one that fails is an error."""
    calculate(home, home / "seeds", as_of, ROOT / "dbt_project", command=["test", "--select", *CHECKS])


def test_a_hold_moves_the_payment_and_nothing_else(tmp_path: Path) -> None:
    warehouse = month(tmp_path, known(KNOWN_IN_JANUARY, ("D1", "D2", "D3", "D5")), JANUARY)
    assert ask(warehouse, RECOGNISED) == [("2014-01", Decimal(260))]
    assert ask(warehouse, POSTED) == []
    close(warehouse, tmp_path / "books", "2014-01", JANUARY)

    warehouse = month(tmp_path, known(KNOWN_IN_FEBRUARY, ("D2", "D4", "D5")), FEBRUARY)
    assert ask(warehouse, RECOGNISED) == [("2014-01", Decimal(260)), ("2014-02", Decimal(-35))]
    assert ask(warehouse, POSTED) == [("2014-02", Decimal(115))]
    check(tmp_path, FEBRUARY)
    close(warehouse, tmp_path / "books", "2014-02", FEBRUARY)

    warehouse = month(tmp_path, known(KNOWN_IN_MARCH, ("D2", "D4", "D5", "D7")), MARCH)
    assert ask(warehouse, POSTED) == [("2014-02", Decimal(115)), ("2014-03", Decimal(110))]
    close(warehouse, tmp_path / "books", "2014-03", MARCH)
    lines = [(period, str(deal)[-2:], int(amount)) for period, deal, amount in ask(warehouse, LINES)]
    warehouse = month(tmp_path, known(KNOWN_IN_MARCH, ("D2", "D4", "D5", "D7")), MARCH)
    assert [(period, str(deal)[-2:], int(amount)) for period, deal, amount in ask(warehouse, LINES)] == lines
    assert lines == [
        ("2014-01", "D1", 100), ("2014-01", "D2", 100), ("2014-01", "D3", 50), ("2014-01", "D5", 10),
        ("2014-02", "D2", -20), ("2014-02", "D3", -50), ("2014-02", "D4", 30), ("2014-02", "D6", 5),
        ("2014-03", "D7", 24),
    ]  # fmt: skip
    assert ask(warehouse, SCHEDULE)[:2] == [
        ("2014-01", Decimal("10.84"), Decimal("249.16")),
        ("2014-02", Decimal("7.30"), Decimal("206.86")),
    ]
    assert ask(warehouse, LIABILITY) == [("2014-01", 260), ("2014-02", 225), ("2014-03", 249)]
    check(tmp_path, MARCH)


def test_c12_is_amortised_from_signing_however_long_it_is_held(tmp_path: Path) -> None:
    """C12: 3,600 over two years, 150 a month. Held for 60 days it is paid in March, and amortised as if it were not held."""
    deals: list[Deal] = [("C12", "ana", "2014-01-20", "36000", "USD")]
    terms: dict[str, list[dict[str, str]]] = {"plain": [], "held": [{**TERMS, "hold_days": "60"}]}
    made = {
        name: build_warehouse(
            company(deals, bonuses=[], capitalisation_rules=[RULE], payout_terms=rows),
            tmp_path / name,
            MARCH,
            wanted=READ,
        )
        for name, rows in terms.items()
    }
    schedule = "select * from marts.rpt_amortisation_schedule order by all"
    assert ask(made["held"], schedule) == ask(made["plain"], schedule)
    expense = "select period_code, amortisation_amount from marts.rpt_amortisation_schedule order by all"
    assert [row[1] for row in ask(made["held"], expense)] == [150] * 24
    assert ask(made["held"], POSTED) == [("2014-03", 3600)]
    assert ask(made["held"], LIABILITY) == [("2014-01", 3600), ("2014-02", 3600), ("2014-03", 3600)]
