"""Draws and guarantees: what a payee is paid at least a month, and what of it is recovered."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from fractions import Fraction

from tests.calculation.oracle.bonuses import next_month
from tests.calculation.oracle.company import Company, Draw, in_force
from tests.calculation.oracle.exact import clamp, round_half_away
from tests.calculation.oracle.results import DrawLine, Payout, month_code

Balances = dict[tuple[str, str], Fraction]  # draw, payee


def draw_lines(company: Company, posted: Mapping[Payout, Fraction], as_of: date) -> list[DrawLine]:
    """Return the lines of all months that have ended, in order. `posted` is what the months post without draws."""
    first_days = [draw.valid_from for draw in company.draws]
    if not first_days:
        return []
    month = min(first_days).replace(day=1)
    balances: Balances = {}
    lines: list[DrawLine] = []
    while next_month(month) <= as_of + timedelta(days=1):
        lines += draws_of_month(company, month, posted, balances)
        month = next_month(month)
    return lines


def draws_of_month(
    company: Company, month: date, posted: Mapping[Payout, Fraction], balances: Balances
) -> Iterator[DrawLine]:
    """Yield the lines of the month that begins on a day, and bring the balances to its end."""
    rows: dict[tuple[str, str], list[Draw]] = defaultdict(list)
    for draw in company.draws:
        if draw.valid_from <= month:
            rows[draw.draw_id, draw.payee_id].append(draw)
    for key, of_draw in sorted(rows.items()):
        draw = max(of_draw, key=lambda row: row.valid_from)  # after its end it still says how to recover
        balance = balances.get(key, Fraction(0))
        earned = earned_in(draw, month_code(month), posted)
        advance, recovery = settled(company, draw, month, in_force(draw, month), earned, balance)
        if draw.draw_kind_code == "recoverable":
            balances[key] = balance = balance + advance - recovery
        advanced = "draw" if draw.draw_kind_code == "recoverable" else "guarantee"
        for event, amount in ((advanced, advance), ("draw_recovery", -recovery)):
            if amount:
                yield DrawLine(
                    draw.draw_id,
                    draw.payee_id,
                    draw.plan_id,
                    month_code(month),
                    event,
                    draw.currency_code,
                    amount,
                    balance,
                )


def earned_in(draw: Draw, period: str, posted: Mapping[Payout, Fraction]) -> Fraction:
    """Return what a month posts for the payee: of the draw's plan, or of all plans in its currency."""
    total = Fraction(0)
    for (payee_id, plan_id, posted_period, currency), amount in posted.items():
        is_covered = draw.covers_code == "payee" or plan_id == draw.plan_id
        if (payee_id, posted_period, currency) == (draw.payee_id, period, draw.currency_code) and is_covered:
            total += amount
    return total


def settled(
    company: Company, draw: Draw, month: date, is_in_span: bool, earned: Fraction, balance: Fraction
) -> tuple[Fraction, Fraction]:
    """Return what a month advances and what it recovers."""
    nothing = Fraction(0)
    least = least_of(company, draw, month) if is_in_span else nothing
    advance = max(least - earned, nothing) if is_in_span else nothing
    if draw.draw_kind_code != "recoverable":
        return advance, nothing
    if draw.balance_max_amount is not None:
        advance = min(advance, max(draw.balance_max_amount - balance, nothing))
    decimals = company.minor_units[draw.currency_code]
    share = round_half_away(max(earned - least, nothing) * draw.recovery_ratio, decimals)
    return advance, min(balance, clamp(share, None, draw.recovery_amount_max))


def least_of(company: Company, draw: Draw, month: date) -> Fraction:
    """Return the amount of a draw for the month that begins on a day, by the days on which the payee is there."""
    end = next_month(month)
    share = Fraction(company.days_there(draw.payee_id, month, end), (end - month).days)
    return (
        round_half_away(draw.amount * share, company.minor_units[draw.currency_code])
        if share < 1
        else draw.amount
    )
