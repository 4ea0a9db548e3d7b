"""Held: on which day is a line due, and what of it is held back longer?"""

from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction

from tests.calculation.oracle.company import Company, Hold, PayoutTerms
from tests.calculation.oracle.exact import round_half_away
from tests.calculation.oracle.results import Commission, Line, Part

ONE_DAY = timedelta(days=1)


def parts_of(company: Company, commission: Commission, lines: list[Line], as_of: date) -> Iterator[Part]:
    """Cut the lines of a commission, in order, into what is due now and what is held back.

    What takes back is cut alike, so that no more of either part is taken than there was.
    """
    reward = commission.reward
    terms = company.terms_on(reward.plan.plan_id, terms_date(commission))
    decimals = company.minor_units[reward.plan.currency_code]
    share_now = 1 - (terms.holdback_ratio or 0)
    holds = [hold for hold in company.holds if is_meant(hold, commission)]
    to_date = Fraction(0)
    given: dict[str, date | None] = {}  # part -> when the last of what can be taken back is due
    for line in lines:
        before, to_date = to_date, to_date + line.amount
        now = round_half_away(to_date * share_now, decimals) - round_half_away(before * share_now, decimals)
        amounts = {"now": now}
        if terms.holdback_ratio is not None:
            amounts["holdback"] = line.amount - now
        due: dict[str, date | None] = {}
        for code, amount in amounts.items():
            first: date | None = line.event_date + timedelta(days=terms.hold_days)
            if code == "holdback":
                first = latest(release_date(terms, line.event_date), first)
            if amount < 0:
                first = latest(line.event_date, given.get(code, line.event_date))
            due[code] = released(holds, first)
            is_due = (due[code] or date.max) <= as_of
            yield Part(line, code, due[code], amount, is_due)
            if amount >= 0:
                given[code] = latest(due[code], given.get(code, due[code]))


def terms_date(commission: Commission) -> date | None:
    """Return the day whose terms hold: the deal's booking date, else the reward's own."""
    credit = commission.reward.credit
    return credit.transaction.deal.booked_date if credit else commission.reward.reward_date


def is_meant(hold: Hold, commission: Commission) -> bool:
    credit = commission.reward.credit
    deal_id = credit.transaction.deal.transaction_id if credit else None
    return (
        hold.plan_id in (None, commission.reward.plan.plan_id)
        and hold.payee_id in (None, commission.payee_id)
        and hold.transaction_id in (None, deal_id)
    )


def released(holds: list[Hold], day: date | None) -> date | None:
    """Return the first day from `day` on that lies in no hold; None where one has no end."""
    while day is not None:
        holding = [hold for hold in holds if hold.held_from <= day and day < (hold.held_to or date.max)]
        if not holding:
            return day
        day = latest(day, *(hold.held_to for hold in holding))
    return None


def latest(*days: date | None) -> date | None:
    """Return the latest day; None is later than all."""
    return None if None in days else max(day for day in days if day is not None)


def release_date(terms: PayoutTerms, event_date: date) -> date:
    """Return the day on which what is held back of an event is released."""
    if terms.holdback_release_code == "days":
        return event_date + timedelta(days=terms.holdback_days or 0)
    months = 3 if terms.holdback_release_code == "quarter_end" else 12
    end_month = (event_date.month - 1) // months * months + months
    first_of_next = date(event_date.year + end_month // 12, end_month % 12 + 1, 1)
    return first_of_next - ONE_DAY
