"""Journals whose figures were worked out by hand. Never refreshed to go green: a difference is a mistake or a decision.

The company of the payroll contract; its deals in dollars are capitalised over 24 months from the booking month.

    March, commission              24ths: March, April (round to date, less the month before)
    D1  999.97                     41.67   41.66
    D2  1,033.30 - 999.97 = 33.33   1.39    1.39
    D4  -50.00                     -2.08   -2.09
    D5  123.45                      5.14    5.15
    D6  -3.00                      -0.13   -0.12     -0.125 is half away from zero
    D7  1,000.00                   41.67   41.66
    D8  77.78                       3.24    3.24
        2,181.53 capitalised       90.90
    April
    D9  120.00, D10 10.00                   5.00, 0.42
        130.00 capitalised                 96.31

Two bonuses of 50 and 20 euros are expensed. March is paid on 15 April: 1,083.30 + 123.45 + 1,050.00 + 77.78 = 2,334.53; 50 and 3 below
nothing are carried, so that the liability is 2,281.53 - 2,334.53 = -53 of March.
"""

from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from orchestration.books import exporting
from orchestration.books.desk import open_desk
from orchestration.warehouse.files import BooksError
from orchestration.warehouse.settings import RunSettings
from tests.support.companies.contract_company import START, approve, company, install
from tests.support.companies.pay_groups import everybody

GOLDEN = Path(__file__).parent / "journal"
OVER_TWO_YEARS = {
    "plan_id": "deals",
    "valid_from": START,
    "benefit_months": "24",
    "expedient_months_max": "12",
    "first_month_code": "same",
    "cost_change_code": "prospective",
}


def export(settings: RunSettings, month: str) -> list[str]:
    with open_desk(settings) as desk:
        return exporting.journal(desk, month, "laura")


def pay(settings: RunSettings, cycle: str) -> None:
    with open_desk(settings) as desk:
        exporting.payroll(desk, cycle, None, "laura")


def golden(prefix: str) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(GOLDEN.glob(f"{prefix}*.csv"))}


def handed_out(settings: RunSettings) -> dict[str, str]:
    return {
        path.name: path.read_text(encoding="utf-8")
        for path in sorted(settings.exports.rglob("journal_*.csv"))
    }


def ask(settings: RunSettings, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(settings.published), read_only=True) as marts:
        return marts.execute(query).fetchall()


def test_journals_are_those_that_were_worked_out_by_hand(tmp_path: Path) -> None:
    settings = install(tmp_path, company(capitalisation_rules=[OVER_TWO_YEARS], **everybody()))
    with pytest.raises(
        BooksError, match="2014-03 rests on months that are not approved: deals 2014-03 is draft"
    ):
        export(settings, "2014-03")
    approve(settings, "2014-03")
    export(settings, "2014-03")
    pay(settings, "2014-03")
    with pytest.raises(
        BooksError, match="2014-04 rests on months that are not approved: deals 2014-04 is draft"
    ):
        export(settings, "2014-04")
    approve(settings, "2014-04")
    with pytest.raises(BooksError, match="2014-05 has not ended: the journal is written to 2014-04-30"):
        export(settings, "2014-05")
    with pytest.raises(BooksError, match="2014-02 has no entries"):
        export(settings, "2014-02")
    with pytest.raises(BooksError, match="'March' is not a month"):
        export(settings, "March")
    export(settings, "2014-04")
    assert handed_out(settings) == golden("journal_2014-0")
    again = export(settings, "2014-04")
    assert [line for line in again if "nothing new" in line] == [
        "2014-04 EUR: nothing new since journal_2014-04_EUR_1",
        "2014-04 USD: nothing new since journal_2014-04_USD_1",
    ]
    assert handed_out(settings) == golden("journal_2014-0")
    assert ask(
        settings,
        "select period_code, opening_amount, addition_amount, amortisation_amount, closing_amount "
        "from rpt_asset_roll_forward order by all",
    ) == [
        ("2014-03", Decimal(0), Decimal("2181.53"), Decimal("90.90"), Decimal("2090.63")),
        ("2014-04", Decimal("2090.63"), Decimal("130"), Decimal("96.31"), Decimal("2124.32")),
    ]
    assert ask(
        settings,
        "select period_code, accrued_amount, paid_amount, closing_amount from rpt_liability_roll_forward "
        "where currency_code = 'USD' order by all",
    ) == [
        ("2014-03", Decimal("2281.53"), Decimal(0), Decimal("2281.53")),
        ("2014-04", Decimal("130"), Decimal("2334.53"), Decimal("77")),
    ]


def test_c12_is_posted_in_three_steps_and_amortised_from_signing(tmp_path: Path) -> None:
    """C12: 3,600 on a two-year contract. Paid in February, which starts nothing: 150 from January to December of next year."""
    settings = install(
        tmp_path,
        company(
            [("C12", "ana", "2014-01-20", "36000", "USD")],
            bonuses=[],
            capitalisation_rules=[OVER_TWO_YEARS],
            **everybody(months=(1,)),
        ),
        date(2014, 3, 31),
    )
    schedule = (
        "select period_code, amortisation_amount, closing_amount from rpt_amortisation_schedule order by all"
    )
    unpaid = ask(settings, schedule)
    approve(settings, "2014-01")
    for month in ("2014-01", "2014-02", "2014-03"):
        if month == "2014-02":
            pay(settings, "2014-01")
        export(settings, month)
    assert {name.replace("journal", "c12"): text.replace("journal_", "c12_") for name, text in handed_out(settings).items()} == golden("c12")  # fmt: skip
    assert ask(settings, schedule) == unpaid
    assert [row[1] for row in unpaid] == [150] * 24
    assert [unpaid[0][0], unpaid[-1][0], unpaid[-1][2]] == ["2014-01", "2015-12", 0]
