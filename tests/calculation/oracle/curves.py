"""Tiers: what is a running total worth?"""

from dataclasses import dataclass
from fractions import Fraction

from tests.calculation.oracle.attainment import days_in, sum_over_days
from tests.calculation.oracle.company import Company, only_in_force
from tests.calculation.oracle.exact import clamp, cut, round_half_away
from tests.calculation.oracle.results import WindowRow


@dataclass(frozen=True)
class Tier:
    """From where to where a total earns what. `rate` per unit, or `amount` for the whole tier."""

    number: int
    start: Fraction
    end: Fraction | None
    rate: Fraction
    amount: Fraction | None = None


@dataclass(frozen=True)
class Incentive:
    """Rates are multiples of it: one unit earns multiple x amount / divisor (quota, or quota x days)."""

    amount: Fraction
    divisor: Fraction


@dataclass(frozen=True)
class Curve:
    tiers: tuple[Tier, ...]
    is_upper_inclusive: bool = False
    incentive: Incentive | None = None

    def tier_at(self, total: Fraction) -> Tier:
        """Return the tier in which a total lies; below all it is the first, above all the last."""
        for tier in self.tiers[:-1]:
            assert tier.end is not None
            if total < tier.end or (total == tier.end and self.is_upper_inclusive):
                return tier
        return self.tiers[-1]

    def part_in(self, tier: Tier, before: Fraction, after: Fraction) -> Fraction:
        """Return how much of a move from one total to another lies in a tier."""
        low = None if tier is self.tiers[0] else tier.start
        return clamp(after, low, tier.end) - clamp(before, low, tier.end)

    def to_date(self, total: Fraction) -> Fraction:
        """F(total): each part of the total at the worth of the tier in which it lies.

        Below the first tier its line goes on, so a negative total has a negative worth.
        """
        worth = Fraction(0)
        for tier in self.tiers:
            part = self.part_in(tier, tier.start, total)
            if tier.amount is None:
                worth += tier.rate * part
            else:
                assert tier.end is not None
                worth += cut(tier.amount * part / (tier.end - tier.start))
        return self.paid(worth)

    def paid(self, worth: Fraction) -> Fraction:
        """Turn multiples into money, where there is an incentive."""
        if self.incentive is None:
            return worth
        return cut(cut(worth) * self.incentive.amount / self.incentive.divisor)

    def marginal(self, before: Fraction, after: Fraction) -> Fraction:
        return self.to_date(after) - self.to_date(before)


def curve_of(company: Company, row: WindowRow) -> tuple[str | None, Curve | None]:
    """Return a window's curve, or why there is none."""
    plan, payee_id, day = row.plan, row.payee_id, row.parameters_date
    tier_rows = sorted(only_in_force(company.tiers[plan.plan_id], day), key=lambda tier: tier.tier_number)
    if not tier_rows:
        return "missing_tiers", None
    if not row.quota and (plan.tier_basis_code == "quota_ratio" or plan.incentive_expression):
        return "zero_quota" if row.quota is not None else "missing_quota", None
    scale = row.quota if plan.tier_basis_code == "quota_ratio" and row.quota else Fraction(1)
    tiers = []
    for tier in tier_rows:
        text = tier.rate_expression or tier.tier_amount_expression or ""
        number = company.number(text, plan.plan_id, payee_id, day)
        if number is None:
            return "missing_variable", None
        start = round_half_away(tier.tier_from * scale, 10)
        end = None if tier.tier_to is None else round_half_away(tier.tier_to * scale, 10)
        is_rate = tier.rate_expression is not None
        rate, amount = (number, None) if is_rate else (Fraction(0), number)
        tiers.append(Tier(tier.tier_number, start, end, rate, amount))
    incentive = None
    if plan.incentive_expression:
        incentive = incentive_of(company, row)
        if incentive is None:
            return "missing_variable", None
    return None, Curve(tuple(tiers), plan.tier_bound_code == "upper_inclusive", incentive)


def incentive_of(company: Company, row: WindowRow) -> Incentive | None:
    """Return the target incentive of a window, whole or by days on the plan, over the quota."""
    plan, expression = row.plan, row.plan.incentive_expression or ""
    assert row.quota
    if plan.incentive_proration_code == "none":
        amount, days = company.number(expression, plan.plan_id, row.payee_id, row.parameters_date), 1
    else:
        amount = sum_over_days(company, expression, row)
        days = days_in(row.window)
    if amount is None:
        return None
    return Incentive(round_half_away(amount, 4), round_half_away(row.quota * days, 4))
