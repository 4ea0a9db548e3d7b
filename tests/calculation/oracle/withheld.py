"""Withheld: estimated on booking and not yet earned, of plans that pay when paid; and when the rest expires."""

from datetime import date, timedelta
from fractions import Fraction

from tests.calculation.oracle.clawbacks import cancelled_date
from tests.calculation.oracle.company import Company, PayoutTerms, Transaction
from tests.calculation.oracle.results import Commission, Line, Movement


def movements_of(
    company: Company, commission: Commission, lines: list[Line], days: list[date], as_of: date
) -> list[Movement]:
    """Return how the withheld balance of a commission moved. `lines` are its payments', `days` those that count."""
    assert commission.reward.credit is not None
    deal = commission.reward.credit.transaction
    terms = company.terms_on(commission.reward.plan.plan_id, deal.booked_date)
    booked = deal.booked_date
    assert booked is not None
    moved = [Movement(commission, "estimated", booked, commission.amount)]
    balance, expired = commission.amount, Fraction(0)
    begun = sorted({booked, *(max(day, booked) for day in days)})
    for day, next_day in zip(begun, [*begun[1:], None], strict=True):
        if expired:
            moved.append(Movement(commission, "revived", day, expired))
            balance, expired = balance + expired, Fraction(0)
        for line in lines:
            if max(line.event_date, booked) == day:
                moved.append(Movement(commission, "earned", day, -line.amount))
                balance -= line.amount
                if line.forfeited:
                    moved.append(Movement(commission, "forfeited", day, -line.forfeited))
                    balance -= line.forfeited
        expires = expiry_after(terms, deal, day)
        if expires is not None and expires <= as_of and (next_day is None or expires < next_day):
            moved.append(Movement(commission, "expired", expires, -balance))
            balance, expired = Fraction(0), balance
    return moved


def expiry_after(terms: PayoutTerms, deal: Transaction, day: date) -> date | None:
    """Return the day on which the rest expires if nothing more comes after `day`."""
    ends = []
    if terms.expire_after_days is not None:
        ends.append(day + timedelta(days=terms.expire_after_days))
    cancelled = cancelled_date(terms, deal)
    if cancelled is not None and cancelled >= day:
        ends.append(cancelled)
    return min(ends, default=None)
