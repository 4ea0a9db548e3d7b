"""Rewards per credit: what does each credit establish?"""

from fractions import Fraction

from tests.calculation.oracle.company import Company
from tests.calculation.oracle.curves import Curve, Tier, curve_of
from tests.calculation.oracle.exact import round_half_away
from tests.calculation.oracle.rates import table_rate
from tests.calculation.oracle.results import Credit, Reward, WindowRow


def credit_rewards(company: Company, rows: dict[str, WindowRow]) -> list[Reward]:
    """Reward the credits of all windows, in order, not rounded; a plan without tiers gives nothing for them."""
    rewards = []
    for row in rows.values():
        gap, curve = None, None
        if row.credits and company.tiers[row.plan.plan_id]:
            gap, curve = curve_of(company, row)
        for credit in row.credits:
            reason, amount = gap, Fraction(0)
            if curve is not None:
                reason, amount = reward_of(company, curve, credit)
            rewards.append(
                Reward(
                    reward_id=credit.credit_id,
                    kind="credit",
                    plan=credit.plan,
                    payee_id=row.payee_id,
                    reward_date=credit.credit_date,
                    amount=amount,
                    row=row,
                    credit=credit,
                    reason=reason,
                )
            )
    return rewards


def reward_of(company: Company, curve: Curve, credit: Credit) -> tuple[str | None, Fraction]:
    """Return what a credit earns, or (reason, 0)."""
    plan, method = credit.plan, credit.plan.tier_method_code
    before, after = start_of(curve, credit), credit.after
    assert credit.payable is not None
    if credit.credited == 0 and credit.payable == 0:
        return None, Fraction(0)
    if method == "retroactive":
        totals = (before, after)
        if plan.payable_expression:
            totals = (credit.payable_before, credit.payable_after)
        return None, (
            curve.paid(curve.tier_at(after).rate * totals[1])
            - curve.paid(curve.tier_at(before).rate * totals[0])
        )
    if method == "marginal":
        if company.rates[plan.plan_id]:
            return by_table(company, curve, credit, before)
        return None, curve.marginal(before, after)
    tier = curve.tier_at(max(before, after) if method == "crossing" else min(before, after))
    rate = tier.rate
    if company.rates[plan.plan_id]:
        rated = effective_rate(company, credit, tier)
        if rated is None:
            return "missing_rate", Fraction(0)
        rate = rated
    return None, curve.paid(rate * credit.payable)


def start_of(curve: Curve, credit: Credit) -> Fraction:
    """Return from where a credit moves: where the one before it ended, or the first of all from the curve's start."""
    first_bound = curve.tiers[0].start
    plan = credit.plan
    if (plan.tier_method_code, plan.tier_start_code) != ("marginal", "first_bound") or first_bound >= 0:
        return credit.before
    return first_bound if credit.is_first else credit.before


def by_table(company: Company, curve: Curve, credit: Credit, before: Fraction) -> tuple[str | None, Fraction]:
    """Return each part of a credit at the rate of its tier times that of the rate table."""
    amount = Fraction(0)
    for tier in curve.tiers:
        part = curve.part_in(tier, before, credit.after)
        if part:
            rate = effective_rate(company, credit, tier)
            if rate is None:
                return "missing_rate", Fraction(0)
            amount += part * rate
    return None, amount


def effective_rate(company: Company, credit: Credit, tier: Tier) -> Fraction | None:
    """Return the tier's rate times that of the rate table, to 10 decimals; None without a fitting row."""
    table = table_rate(company, credit, tier.number)
    return None if table is None else round_half_away(tier.rate * table, 10)
