"""The ledger: what each month posts is what is owed by its knowledge less what closed months have posted.

And what it recognises is what is earned by then, due or held, less what was earned by the end of the month before.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from tests.calculation.oracle.calculation import calculate_company
from tests.calculation.oracle.company import Company, Tables
from tests.calculation.oracle.draws import Balances, draws_of_month
from tests.calculation.oracle.results import DrawLine, Payout, Result, month_code

LineKey = tuple[str, str, str | None, str]  # reward, payee, occasion, part
Account = tuple[str, str, str]  # payee, plan, currency


@dataclass(frozen=True)
class Owed:
    """A part of a line: its plan and currency, the month to which it belongs, and its amount."""

    plan_id: str
    currency: str
    period: str
    amount: Fraction


@dataclass(frozen=True)
class Entry:
    key: LineKey
    plan_id: str
    currency: str
    origin_period: str
    posted_period: str
    amount: Fraction


@dataclass
class Books:
    """What closed months have posted: of each line in all, line by line, and in draws."""

    posted: dict[LineKey, Owed] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    draws: list[DrawLine] = field(default_factory=list)
    balances: Balances = field(default_factory=dict)
    payouts: dict[Payout, Fraction] = field(default_factory=dict)
    earned: dict[Account, Fraction] = field(default_factory=dict)
    recognised: dict[str, dict[Account, Fraction]] = field(default_factory=dict)
    last_closed: str = ""


def closed_month_by_month(months: Iterable[tuple[Tables, date]]) -> Books:
    """Post and close months one after the other, each by what is known on its last day."""
    books = Books()
    for tables, as_of in months:
        close_month(books, tables, as_of)
    return books


def close_month(books: Books, tables: Tables, as_of: date) -> None:
    """Post what is owed on the last day of a month, with the draws on it, and close the month."""
    period, company = month_code(as_of), Company(tables)
    assert period > books.last_closed, "months are closed in order"
    payouts: dict[Payout, Fraction] = defaultdict(Fraction)
    result = calculate_company(company, as_of)
    earned = earned_by(result, books.posted, as_of)
    accounts = {*earned, *books.earned}
    books.recognised[period] = {
        each: earned.get(each, Fraction(0)) - books.earned.get(each, Fraction(0)) for each in accounts
    }
    books.earned = earned
    for entry in entries_of(books, owed_by(result, books.posted), period):
        books.entries.append(entry)
        before = books.posted.get(entry.key)
        amount = entry.amount + (before.amount if before else 0)
        books.posted[entry.key] = Owed(entry.plan_id, entry.currency, entry.origin_period, amount)
        payouts[entry.key[1], entry.plan_id, period, entry.currency] += entry.amount
    drawn = list(draws_of_month(company, as_of.replace(day=1), payouts, books.balances))
    for line in drawn:
        payouts[line.payee_id, line.plan_id, line.period, line.currency] += line.amount
    books.draws += drawn
    books.payouts |= payouts
    books.last_closed = period


def owed_by(result: Result, posted: dict[LineKey, Owed]) -> dict[LineKey, Owed]:
    """Return the parts that are due. What a closed month has paid is not held again, so it stays due."""
    owed: dict[LineKey, Owed] = {}
    for part in result.parts:
        line, key = part.line, (*part.line.key, part.code)
        assert key not in owed
        before = posted.get(key)
        if part.is_due or (before and before.amount):
            owed[key] = Owed(line.plan_id, line.currency, month_code(line.event_date), part.amount)
    return owed


def earned_by(result: Result, posted: dict[LineKey, Owed], as_of: date) -> dict[Account, Fraction]:
    """Add up what is earned by a day, whether it is due or held."""
    earned: dict[Account, Fraction] = defaultdict(Fraction)
    for part in result.parts:
        line, before = part.line, posted.get((*part.line.key, part.code))
        if line.event_date <= as_of or part.is_due or (before and before.amount):
            earned[line.payee_id, line.plan_id, line.currency] += part.amount
    return dict(earned)


def entries_of(books: Books, owed: dict[LineKey, Owed], period: str) -> Iterable[Entry]:
    """Yield what a month posts: lines that no closed month has, and what others differ by."""
    for key in sorted({*owed, *books.posted}, key=str):
        now, before = owed.get(key), books.posted.get(key)
        line = now or before
        assert line is not None
        amount = (now.amount if now else 0) - (before.amount if before else Fraction(0))
        if before is None or amount:
            yield Entry(key, line.plan_id, line.currency, line.period, period, amount)
