"""Long histories made at random: what is known of a company at the end of each of 24 months.

A history ends in the state of a random company whose deals are spread over two years. On the way there rows arrive late,
twice and in any order; deals are edited, deleted and undeleted and change their owner; payments are wrong at first,
withdrawn, or reversed later; numbers and terms are corrected; holds and draws are added. Months that were closed by what
was known before stay as they are, so that all of it is posted as differences.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from random import Random

from tests.calculation.oracle.postings import Books, closed_month_by_month
from tests.support.companies.company_files import Row, Tables
from tests.support.companies.random_company import AMOUNTS, SHARED, fx_rates, random_company

FIRST_DAY = date(2024, 1, 1)
MONTHS = 24
LAST = MONTHS - 1
OWN_WINDOWS = ("2024-12-31", "2025-04-01", "2025-06-15", "2026-01-01")
LATE_TABLES = ("crm/OpportunitySplit", "billing/invoices", "hris/territory_history", "hris/job_info")

Versions = list[tuple[int, Row]]
"""A row as it was landed, or as a seed says it, from the month of that number on."""


@dataclass(frozen=True)
class Known:
    """What is known at the end of a month."""

    as_of: date
    tables: Tables


def random_history(name: str, random: Random) -> list[Known]:
    """Make the history of a company; `name` is as for `random_company`."""
    return HistoryMaker(name, random).make()


def posted_by(history: list[Known]) -> Books:
    """Return what the months post when each is closed by what is known at its end."""
    return closed_month_by_month((known.tables, known.as_of) for known in history)


def last_day(month: int) -> date:
    """Return the last day of a month of the history, the first one has number 0."""
    year, number = FIRST_DAY.year + month // 12, month % 12 + 1
    return date(year, number, monthrange(year, number)[1])


def month_of(day: str) -> int:
    """Return the number of the month that holds a day."""
    return (int(day[:4]) - FIRST_DAY.year) * 12 + int(day[5:7]) - 1


def moved(day: str, months: int) -> str:
    """Return the same day so many months later, or the last one of its month; not before the history begins."""
    end = last_day(max(month_of(day) + months, 0))
    found = end.replace(day=min(int(day[8:]), end.day)) if month_of(day) + months >= 0 else FIRST_DAY
    return str(found)


class HistoryMaker:
    """Makes one history: first where it ends, then when each version of each row becomes known."""

    def __init__(self, name: str, random: Random) -> None:
        self.name = name
        self.random = random
        self.tables = random_company(name, random)

    def chance(self, of_100: int) -> bool:
        return self.random.randrange(100) < of_100

    def make(self) -> list[Known]:
        self.spread_deals()
        self.prolong_calendars()
        self.reverse_payments()
        records = {table: self.records_of(table) for table in self.tables}
        return [Known(last_day(month), self.known_in(month, records)) for month in range(MONTHS)]

    # Where it ends

    def spread_deals(self) -> None:
        """Move deals up to 17 months on, their payments with them and some even later, and holds somewhere."""
        shifts = {
            row["Id"]: self.random.choice([0, 0, 1, 2, 3, 5, 8, 11, 14, 17])
            for row in self.tables["crm/Opportunity"]
        }
        for row in self.tables["crm/Opportunity"]:
            self.move(row, shifts[row["Id"]], "CloseDate", "Cancelled_Date__c")
        for row in self.tables.get("billing/payments", []):
            later = self.random.choice([0, 0, 0, 1, 2, 4])
            self.move(row, shifts[row["opportunity_id"]] + later, "paid_date")
        for row in self.tables.get("holds", []):
            self.move(row, self.random.randint(0, 12), "held_from", "held_to")

    def move(self, row: Row, months: int, *columns: str) -> None:
        for column in columns:
            day = row[column]
            row[column] = day and moved(day, months)

    def prolong_calendars(self) -> None:
        """Quote rates and make windows until the history ends, and let plans list the numbers that they miss."""
        self.tables["fx/CurrencyRate"] = fx_rates(last_day(LAST))
        calendars = {row["calendar_id"] for row in self.tables.get("windows", [])}
        for calendar in sorted(filter(None, calendars)):
            for window_from, window_to in pairwise(OWN_WINDOWS):
                cells = {"window_from": window_from, "window_to": window_to, "window_code": f"W{window_from}"}
                self.tables["windows"].append({"calendar_id": calendar, "source_document": "tests", **cells})
        for row in self.tables["plans"]:
            row["gap_code"] = "list"

    def reverse_payments(self) -> None:
        """Reverse some payments in a later month, and some of the reversals again."""
        made: list[Row] = []
        for row in self.tables.get("billing/payments", []):
            while self.chance(12) and row["amount"] and row["paid_date"]:
                day = moved(row["paid_date"], self.random.randint(1, 4))
                back = {"payment_id": f"{row['payment_id']}r", "kind": "refund", "paid_date": day}
                row = row | back | {"amount": str(-Decimal(row["amount"]))}
                made.append(row)
        if made:
            self.tables["billing/payments"] += made

    # When it becomes known

    def records_of(self, table: str) -> list[Versions]:
        rows = self.tables[table]
        if table == "crm/Opportunity":
            landed: dict[str | None, list[Row]] = {}
            for row in rows:
                landed.setdefault(row["Id"], []).append(row)
            return [self.deal(versions) for versions in landed.values()]
        if table == "billing/payments":
            return [self.payment(row) for row in rows]
        if table == "variables":
            return [self.corrected(row, {"value": self.other_number(row["value"])}, 35) for row in rows]
        if table == "payout_terms":
            hold_days, policy = (
                self.random.choice(["0", "10", "45"]),
                self.random.choice(["none", "original_rate"]),
            )
            other: Row = {"hold_days": hold_days, "clawback_policy_code": policy}
            return [self.corrected(row, other, 25) for row in rows]
        if table == "holds":  # known late; some have no end at first
            return [self.corrected(row, {"held_to": None}, 40, self.random.randint(0, 12)) for row in rows]
        if table == "draws":
            return [[(self.random.choice([0, 0, 2, 5]), row)] for row in rows]
        if table in LATE_TABLES:
            return [[(self.late(0) if self.chance(20) else 0, row)] for row in rows]
        return [[(0, row)] for row in rows]

    def late(self, month: int) -> int:
        """Return the month in which something of a month arrives: mostly the same."""
        return month + self.random.choice([0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 6])

    def corrected(self, row: Row, other: Row, of_100: int, first: int = 0) -> Versions:
        """Let a row of a seed begin with other cells, and be corrected in some month."""
        if not self.chance(of_100):
            return [(first, row)]
        return [(first, row | other), (self.random.randint(first + 1, LAST), row)]

    def other_number(self, number: str | None) -> str:
        return str(Decimal(number or "0") * self.random.choice([2, 3]))

    def deal(self, landed: list[Row]) -> Versions:
        """Put edits before the final version of a deal, and let the versions arrive one after the other."""
        final = landed[-1]
        edits = [self.edited(final) for _ in range(self.random.randint(1, 3) if self.chance(50) else 0)]
        deleted = [final | {"IsDeleted": "true"}] if self.chance(6) else []
        return self.arriving(final["CloseDate"], [*landed[:-1], *edits, final, *deleted])

    def edited(self, deal: Row) -> Row:
        """Return a deal as it was before: not won, deleted, somebody else's, of another amount, day or type."""
        owners = [row["Id"] for row in self.tables["crm/User"]]
        day = deal["CloseDate"]
        changes: list[Row] = [
            {"Amount": self.random.choice(AMOUNTS)},
            {"Amount": self.random.choice(AMOUNTS)},
            {"OwnerId": self.random.choice(owners)},
            {"OwnerId": self.random.choice(owners)},
            {"StageName": "Negotiation"},
            {"IsDeleted": "true"},
            {"_dlt_valid_to": "2024-06-01"},  # the source sent it no more
            {"CloseDate": day and moved(day, self.random.choice([-2, -1, 1, 2]))},
            {"Type": self.random.choice(["New", "Renewal", "Upsell"])},
            {"Cancelled_Date__c": None if deal["Cancelled_Date__c"] else day and moved(day, 1)},
        ]
        return deal | self.random.choice(changes)

    def payment(self, final: Row) -> Versions:
        """Let a payment be wrong or withdrawn at first, or be sent twice."""
        versions, day = [final], final["paid_date"]
        if self.chance(20):
            changes: list[Row] = [
                {"amount": self.other_number(final["amount"])},
                {"paid_date": day and moved(day, self.random.choice([-1, 1]))},
                {"invoice_id": None},
                {"currency_code": "GBP"},
            ]
            versions.insert(0, final | self.random.choice(changes))
        if self.chance(6):
            versions.insert(self.random.randint(0, 1), final)
            versions.insert(1, final | {"_dlt_valid_to": "2024-06-01"})
        if self.chance(15):
            versions.append(final)
        return self.arriving(day, versions)

    def arriving(self, day: str | None, versions: list[Row]) -> Versions:
        """Let versions arrive in order, the first one soon after its day. What is to come is not known."""
        first = self.late(month_of(day) if day else self.random.randint(0, 6))
        later = [self.random.randint(first, max(first, LAST)) for _ in versions[1:]]
        return list(zip([first, *sorted(later)], versions, strict=True))

    def known_in(self, month: int, records: dict[str, list[Versions]]) -> Tables:
        """Return the tables of a month: of raw tables all versions so far, of seeds the latest; in any order."""
        tables: Tables = {}
        for table, of_table in records.items():
            known = [[row for since, row in versions if since <= month] for versions in of_table]
            if table not in SHARED and not table.startswith("fx/"):
                self.random.shuffle(known)
            tables[table] = [
                row for versions in known for row in (versions if "/" in table else versions[-1:])
            ]
        return tables
