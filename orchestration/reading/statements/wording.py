"""The words of the pages: what a code means to the person who is paid."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal

from orchestration.wording import money, plain

# Amounts and rates in a text: digits with a point, not part of a name or a day.
NUMBERS = re.compile(r"(?<![\w.-])-?\d+\.\d+(?![\w.-])")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
SECTIONS = {
    "earned": ("Earned this month", "Commission that became due in this month."),
    "from_hold": ("Earned before, paid now", "Commission that was held until this month."),
    "clawback": (
        "Taken back",
        "Refunds, credit memos, cancellations and deals that stayed unpaid; and what is given back after those.",
    ),
    "correction": (
        "Corrections of earlier months",
        "Closed months are never changed: what turned out otherwise is posted here, with the month that it is about.",
    ),
    "adjustment": ("Manual adjustments", "Asked for by one person and approved by another."),
    "draw": ("Advances and guarantees", "Paid on top because the month came to less than was agreed."),
    "draw_recovery": ("Advances taken back", "Kept back to settle earlier advances."),
}
AMOUNTS = (
    ("earned_amount", "earned"),
    ("from_hold_amount", "from_hold"),
    ("clawback_amount", "clawback"),
    ("correction_amount", "correction"),
    ("adjustment_amount", "adjustment"),
    ("draw_advance_amount", "draw"),
    ("draw_recovery_amount", "draw_recovery"),
)
EVENTS = {
    "booking": "booked",
    "payment": "customer paid",
    "refund": "refunded to the customer",
    "credit_memo": "credit memo",
    "clawback": "taken back",
    "clawback_return": "given back",
    "bonus": "bonus",
    "floor": "guaranteed minimum",
    "custom": "special reward",
    "draw": "advance",
    "guarantee": "guarantee",
    "draw_recovery": "advance taken back",
    "adjustment": "manual adjustment",
}
CREDIT_TYPES = {
    "direct": "your own deal",
    "split": "your share of a split deal",
    "overlay": "supporting role",
    "territory": "your share of the territory's deal",
    "team": "your team's deal",
    "custom": "special credit",
    "rollup": "deal of your team",
}
STATES = {
    "draft": "not released",
    "credits_released": "credits released",
    "rewards_released": "released, approval pending",
    "approved": "approved",
    "paid": "closed",
}
NEXT_TIER = {
    "marginal": "on everything credited above it",
    "crossing": "on each deal that ends above it",
    "standing": "on each deal that starts above it",
    "retroactive": "on all of the window, from its first deal on",
}


def month(period_code: str) -> str:
    """A month in words: March 2013."""
    year, number = period_code.split("-")
    return f"{MONTHS[int(number) - 1]} {year}"


def day(value: date | None) -> str:
    """A day: 5 March 2013, or nothing."""
    return f"{value.day} {MONTHS[value.month - 1]} {value.year}" if value else ""


def last_day(first_day_after: date | None) -> str:
    """The last day of a range whose end is the first day after it."""
    return day(first_day_after - timedelta(days=1)) if first_day_after else ""


def tidy(text: str | None) -> str:
    """A text of the marts with its numbers as people write them: 1324000.0000000000 is 1,324,000, 0.0120 is 0.012."""
    return NUMBERS.sub(lambda found: _minus(f"{Decimal(plain(Decimal(found[0]))):,f}"), text or "")


def exact(amount: Decimal | None) -> str:
    """An amount with all its decimals, two at least: -1,234.50, with a true minus sign."""
    return money(amount).replace("-", "\N{MINUS SIGN}")


def rounded(amount: Decimal | None) -> str:
    """An amount to two decimals, for overviews of credited values; the unfolded lines have all of them."""
    return exact(None if amount is None else round(amount, 2))


def percent(ratio: Decimal | None) -> str:
    """A ratio in per cent, as exact as it is stored: 0.012 is 1.2 %."""
    return "" if ratio is None else f"{_minus(plain(ratio * 100))}\N{NO-BREAK SPACE}%"


def about(ratio: Decimal | None) -> str:
    """A ratio in per cent, cut to one decimal, so that nobody reads 100.0 % who is a cent short of it."""
    if ratio is None:
        return ""
    cut = Decimal(int(ratio * 1000)) / 10
    return f"{_minus(f'{cut:,.1f}')}\N{NO-BREAK SPACE}%"


def short(amount: Decimal) -> str:
    """An amount without decimals, for marks of a drawing: 550,000."""
    return _minus(f"{amount:,.0f}")


def tier_rate(rate: Decimal | None, is_multiple: bool) -> str:
    """The rate of a tier: in per cent, or as a multiple of the target incentive."""
    if rate is None:
        return "\N{EM DASH}"
    return f"\N{MULTIPLICATION SIGN}\N{NO-BREAK SPACE}{plain(rate)}" if is_multiple else percent(rate)


def _minus(text: str) -> str:
    return text.replace("-", "\N{MINUS SIGN}")
