"""Taken back: what a deal booked and paid on its booking date loses later, and what each loss does."""

from collections.abc import Iterable
from datetime import date, timedelta
from fractions import Fraction

from tests.calculation.oracle.company import Company, PayoutTerms, PlanVersion, Transaction
from tests.calculation.oracle.company import day as day_of
from tests.calculation.oracle.exact import clamp, cut, round_half_away, sign
from tests.calculation.oracle.expressions import parse
from tests.calculation.oracle.results import Change, Collection, Commission, Credit, Deduction, Result

Event = tuple[date, int, date, str, str]  # day, place within it, paid date, payment id, cause: in this order
BILLED, UNPAID, CANCELLED = range(3)


def changes_under(
    company: Company, plan: PlanVersion, deal: Transaction, as_of: date, result: Result
) -> list[Change]:
    """Return the changes of a deal's loss up to `as_of`; none where the plan does not pay on booking."""
    if (plan.credit_event_code, plan.payout_event_code) != ("booking", "booking"):
        return []
    terms = company.terms_on(plan.plan_id, deal.booked_date)
    return changes_of(terms, deal, result.matched.get((plan.plan_id, deal.transaction_id), []), as_of)


def changes_of(terms: PayoutTerms, deal: Transaction, rows: list[Collection], as_of: date) -> list[Change]:
    """Follow the loss of a deal through its events; a deal without amount has nothing to lose."""
    if not deal.amount or deal.booked_date is None:
        return []
    loss, by_id = Loss(deal.amount), {row.payment.payment_id: row for row in rows}
    changes: list[Change] = []
    weight, taken = (0, 1), Fraction(0)
    for event in events_of(terms, deal, rows):
        day, place, _, payment_id, cause = event
        if day > as_of:
            break
        before = loss.lost
        loss.meet(place, by_id.get(payment_id))
        after = loss.lost
        if after == before:
            continue
        if abs(after) > abs(before):  # a fall keeps the weight of the last rise
            weight = weight_of(terms, (day - deal.booked_date).days)
        taken_before = taken
        taken += (after - before) * Fraction(*weight) / deal.amount
        if after == 0:
            taken = Fraction(0)
        changes.append(Change(cause, payment_id or None, day, before, after, weight, taken_before, taken))
    return changes


def events_of(terms: PayoutTerms, deal: Transaction, rows: list[Collection]) -> list[Event]:
    """Return what may change the loss, by day: billing rows by payment id, non-payment, cancellation."""
    booked = deal.booked_date
    assert booked is not None
    events: list[Event] = []
    for row in rows:
        assert row.payment.paid_date is not None
        paid = row.payment.paid_date
        events.append((max(paid, booked), BILLED, paid, row.payment.payment_id, row.payment.kind))
    if terms.unpaid_after_days is not None:
        events.append((booked + timedelta(days=terms.unpaid_after_days), UNPAID, booked, "", "unpaid"))
    if (cancelled := cancelled_date(terms, deal)) is not None:
        events.append((cancelled, CANCELLED, booked, "", "cancelled"))
    return sorted(events)


def cancelled_date(terms: PayoutTerms, deal: Transaction) -> date | None:
    """Return the day on which a deal was cancelled, not before it was booked."""
    if terms.cancelled_date_expression is None or deal.booked_date is None:
        return None
    text = parse(terms.cancelled_date_expression).value(deal.fields_today, {})
    if text is not None and not isinstance(text, str):
        raise ValueError(f"{terms.cancelled_date_expression} is {text!r}, not a day")
    cancelled = day_of(text)
    return max(cancelled, deal.booked_date) if cancelled else None


class Loss:
    """What a deal has lost to date. A negative deal is its mirror: all is counted in the direction of its amount."""

    def __init__(self, amount: Fraction) -> None:
        self.whole, self.direction = abs(amount), sign(amount)
        self.paid = self.refunded = self.returned_by_memo = Fraction(0)
        self.is_overdue = self.is_cancelled = False

    def meet(self, place: int, row: Collection | None) -> None:
        if row is None:
            self.is_overdue = self.is_overdue or place == UNPAID
            self.is_cancelled = self.is_cancelled or place == CANCELLED
            return
        assert row.net is not None
        net = row.net * self.direction
        if row.is_memo:
            self.returned_by_memo -= net
            return
        self.paid += net
        if row.payment.kind == "refund":
            self.refunded -= net

    @property
    def lost(self) -> Fraction:
        """The loss, between nothing and the deal's amount and signed as it."""
        outstanding = self.whole - self.paid
        lost = min(self.refunded, max(outstanding, Fraction(0))) + self.returned_by_memo
        if self.is_overdue:
            lost = max(lost, outstanding)
        if self.is_cancelled:
            lost = self.whole
        return clamp(lost, Fraction(0), self.whole) * self.direction


def weight_of(terms: PayoutTerms, days: int) -> tuple[int, int]:
    """Return the weight of a rise so many days after the booking, as numerator and denominator."""
    window = terms.clawback_window_days
    if window is None:
        return 1, 1
    if days >= window:
        return 0, max(window, 1)
    return (window - days if terms.clawback_proration_code == "straight_line" else window), window


def taken_to_date(changes: list[Change]) -> Fraction:
    return changes[-1].taken_after if changes else Fraction(0)


# --- By policy ---------------------------------------------------------------------------------------------


def amounts_taken(
    company: Company, terms: PayoutTerms, commission: Commission, changes: list[Change]
) -> list[Fraction]:
    """Return the line of each change: what it takes of the commission is negative. Only money at the original rate."""
    if terms.clawback_policy_code != "original_rate":
        return [Fraction(0)] * len(changes)
    base = base_of(terms, commission)
    decimals = company.minor_units[commission.reward.plan.currency_code]
    return [
        round_half_away(base * change.taken_before, decimals)
        - round_half_away(base * change.taken_after, decimals)
        for change in changes
    ]


def base_of(terms: PayoutTerms, commission: Commission) -> Fraction:
    """Return the commission, or what of it rate and multipliers gave before a floor added to it."""
    before, after = commission.reward.before_floors, commission.reward.amount
    if terms.clawback_base_code == "paid" or before is None or after == 0:
        return commission.amount
    return cut(commission.amount * max(min(Fraction(1), before / after), Fraction(0)), 6)


def deductions(company: Company, credits: Iterable[Credit], as_of: date, result: Result) -> list[Deduction]:
    """Return what lost parts of credits take off later windows under next_period_attainment, up to `as_of`."""
    made = []
    for credit in credits:
        deal = credit.transaction
        terms = company.terms_on(credit.plan.plan_id, deal.booked_date)
        if terms.clawback_policy_code == "next_period_attainment":
            changes = result.changes.get((deal.transaction_id, credit.plan.plan_id), [])
            for number, change in enumerate(changes):
                deduction = deduction_of(company, credit, number, change)
                if deduction is not None and deduction.move_date <= as_of:
                    made.append(deduction)
    return made


def deduction_of(company: Company, credit: Credit, number: int, change: Change) -> Deduction | None:
    """Place the deduction of a change in its own window, or in the one after the credit's where that is later."""
    plan = credit.plan
    if credit.window is None or not has_later_windows(plan):
        return None
    day = max(change.day, credit.window.window_to)
    version = company.plan_on(plan.plan_id, day)
    if version is None or not has_later_windows(version):
        return None
    window = company.window_from(version.calendar_id, day)
    if window is None:
        return None
    counted = credit.credited or Fraction(0)
    if plan.aggregate_code == "count":
        counted = sign(counted)
    amount = cut(counted * change.taken_before) - cut(counted * change.taken_after)
    if amount == 0:
        return None
    return Deduction(credit, version, window, max(day, window.window_from), number, amount)


def has_later_windows(plan: PlanVersion) -> bool:
    """Tell whether a plan has a running total in more than one window; an average is no running total."""
    return plan.calendar_id not in ("life", "transaction") and plan.aggregate_code in ("sum", "count")
