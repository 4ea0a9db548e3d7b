"""Modifiers: gates, multipliers, then floors and caps over a deal, a month, a year."""

from collections import defaultdict
from datetime import date, timedelta
from fractions import Fraction

from tests.calculation.oracle.attainment import end_of
from tests.calculation.oracle.bonuses import next_month
from tests.calculation.oracle.company import Company, ModifierRow, Window, only_in_force
from tests.calculation.oracle.exact import cut, round_half_away
from tests.calculation.oracle.results import Reward, WindowRow

Modifiers = list[ModifierRow]


def modify(company: Company, rewards: list[Reward], rows: dict[str, WindowRow], as_of: date) -> list[Reward]:
    """Apply the modifiers to rewards in place, and return them with the rewards that floors add."""
    rewards = sorted(rewards, key=lambda reward: reward.order)
    for reward in rewards:
        if company.modifiers[reward.plan.plan_id]:
            reward.amount = round_half_away(reward.amount, 10) * factor_of(company, rows, reward)
            reward.before_floors = reward.amount
    limit_deals(company, rewards)
    for scope in ("month", "year"):
        rewards += floor_rewards(company, rewards, rows, scope, as_of)
        rewards.sort(key=lambda reward: reward.order)
        cap_periods(company, rewards, scope)
    return rewards


def factor_of(company: Company, rows: dict[str, WindowRow], reward: Reward) -> Fraction:
    """Return the product of the multipliers that hold; 0 behind a gate that is shut."""
    for gate in modifiers_of(company, reward, "gate"):
        if not is_met(company, rows, reward, gate):
            return Fraction(0)
    factor = Fraction(1)
    for multiplier in modifiers_of(company, reward, "multiplier"):
        if multiplier.condition_plan_id is None or is_met(company, rows, reward, multiplier):
            factor *= amount_of(company, reward, multiplier)
    return round_half_away(factor, 10)


def modifiers_of(company: Company, reward: Reward, kind: str, scope: str | None = None) -> Modifiers:
    """Return the modifiers of a kind that hold for a reward, in order."""
    day = reward.row.parameters_date if reward.row else reward.reward_date
    rows = only_in_force(company.modifiers[reward.plan.plan_id], day)
    rows.sort(key=lambda row: row.modifier_number)
    return [row for row in rows if row.modifier_kind_code == kind and row.scope_code == scope]


def amount_of(company: Company, reward: Reward, modifier: ModifierRow) -> Fraction:
    day = reward.row.parameters_date if reward.row else reward.reward_date
    amount = company.number(modifier.amount_expression or "", modifier.plan_id, reward.payee_id, day)
    if amount is None:
        raise ValueError(f"modifier {modifier.modifier_number} of {modifier.plan_id}: no amount on {day}")
    return amount


def is_met(company: Company, rows: dict[str, WindowRow], reward: Reward, modifier: ModifierRow) -> bool:
    """Tell whether the payee's attainment in another plan, in the window of the reward's day, is in the range."""
    measured = [
        row
        for row in rows.values()
        if row.plan.plan_id == modifier.condition_plan_id
        and row.payee_id == reward.payee_id
        and row.plan.valid_from <= reward.reward_date
        and row.window.window_from <= reward.reward_date < row.window.window_to
    ]
    row = max(measured, key=lambda row: row.plan.valid_from, default=None)
    if row is None or row.ratio is None:
        return False
    assert row.attained is not None and row.quota
    low, high, ratio = modifier.condition_from, modifier.condition_to, row.attained / row.quota
    if reward.plan.tier_bound_code == "upper_inclusive":
        return (low is None or low < ratio) and (high is None or ratio <= high)
    return (low is None or low <= ratio) and (high is None or ratio < high)


# --- Over a deal -------------------------------------------------------------------------------------------


def limit_deals(company: Company, rewards: list[Reward]) -> None:
    """Bring what a payee earns on one deal to date between floor and cap; each reward is the difference."""
    running: dict[tuple[str, str, str], tuple[Fraction, Fraction]] = {}
    for reward in rewards:
        if reward.credit is None:
            continue
        key = (reward.plan.plan_id, reward.payee_id, reward.credit.transaction.transaction_id)
        plain, limited = running.get(key, (Fraction(0), Fraction(0)))
        plain += reward.amount
        wanted = limited_deal(company, reward, plain)
        reward.amount = wanted - limited
        running[key] = (plain, wanted)


def limited_deal(company: Company, reward: Reward, total: Fraction) -> Fraction:
    if total > 0:
        for floor in modifiers_of(company, reward, "floor", "deal"):
            total = max(total, amount_of(company, reward, floor))
    for cap in modifiers_of(company, reward, "cap", "deal"):
        most = amount_of(company, reward, cap)
        total = max(min(total, most), -most)
    return total


# --- Over a month or a year --------------------------------------------------------------------------------


def period_of(day: date, scope: str) -> Window:
    if scope == "year":
        return Window("year", f"{day.year}", date(day.year, 1, 1), date(day.year + 1, 1, 1))
    return Window("month", f"{day:%Y-%m}", date(day.year, day.month, 1), next_month(day))


def floor_rewards(
    company: Company, rewards: list[Reward], rows: dict[str, WindowRow], scope: str, as_of: date
) -> list[Reward]:
    """Return for each ended period in which a payee was on a plan with a floor what is missing to the floor."""
    totals: dict[tuple[str, str, str], Fraction] = defaultdict(Fraction)
    for reward in rewards:
        period = period_of(reward.reward_date, scope)
        totals[reward.plan.plan_id, reward.payee_id, period.window_code] += reward.amount
    added = []
    for (plan_id, payee_id, code), (period, last_on_plan) in floor_periods(company, scope, as_of).items():
        row = row_on(rows, plan_id, payee_id, last_on_plan)
        if row is None:
            continue
        reward_id = f"floor|{plan_id}|{payee_id}|{scope}|{code}"
        last_day = period.window_to - timedelta(days=1)
        reward = Reward(reward_id, "floor", row.plan, payee_id, last_day, Fraction(0), row)
        floors = modifiers_of(company, reward, "floor", scope)
        if floors:
            least = max(amount_of(company, reward, floor) for floor in floors)
            days = (period.window_to - period.window_from).days
            least = cut(least * company.days_there(payee_id, period.window_from, period.window_to) / days)
            reward.amount = max(least - totals[plan_id, payee_id, code], Fraction(0))
            added.append(reward)
    return added


Periods = dict[tuple[str, str, str], tuple[Window, date]]  # plan, payee, code -> period, last day on the plan


def floor_periods(company: Company, scope: str, as_of: date) -> Periods:
    """Return the ended periods in which somebody was on a plan that has floors of the scope."""
    found: Periods = {}
    for plan in sorted(company.plans, key=lambda plan: plan.valid_from):
        modifiers = company.modifiers[plan.plan_id]
        if not any(row.modifier_kind_code == "floor" and row.scope_code == scope for row in modifiers):
            continue
        for assignment in sorted(company.assignments[plan.plan_id], key=lambda row: row.valid_from):
            first = max(assignment.valid_from, plan.valid_from)
            end = min(end_of(assignment), end_of(plan))
            period = period_of(first, scope)
            while period.window_to <= as_of + timedelta(days=1) and max(period.window_from, first) < end:
                last = min(period.window_to, end) - timedelta(days=1)
                start = max(period.window_from, first)
                last_there = company.last_day_there(assignment.payee_id, start, last)
                if last_there:
                    found[plan.plan_id, assignment.payee_id, period.window_code] = (period, last_there)
                period = period_of(period.window_to, scope)
    return found


def row_on(rows: dict[str, WindowRow], plan_id: str, payee_id: str, day: date) -> WindowRow | None:
    """Return the payee's window of a plan with the day in it, under the version in force on it."""
    for row in rows.values():
        is_theirs = (row.plan.plan_id, row.payee_id) == (plan_id, payee_id)
        if is_theirs and max(row.window.window_from, row.plan.valid_from) <= day < row.end:
            return row
    return None


def cap_periods(company: Company, rewards: list[Reward], scope: str) -> None:
    """Let what a payee earns in a period to date reach at most the cap; each reward is the difference."""
    running: dict[tuple[str, str, str], tuple[Fraction, Fraction]] = {}
    for reward in rewards:
        period = period_of(reward.reward_date, scope)
        key = (reward.plan.plan_id, reward.payee_id, period.window_code)
        plain, limited = running.get(key, (Fraction(0), Fraction(0)))
        plain += reward.amount
        caps = [amount_of(company, reward, cap) for cap in modifiers_of(company, reward, "cap", scope)]
        wanted = min([plain, *caps])
        reward.amount = wanted - limited
        running[key] = (plain, wanted)
