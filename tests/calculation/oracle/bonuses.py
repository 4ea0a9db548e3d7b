"""Bonuses: rewards for an attainment, when a window ends or at each month end in it."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction

from tests.calculation.oracle.attainment import attained_to, ratio_of
from tests.calculation.oracle.company import BonusRow, Company, only_in_force
from tests.calculation.oracle.exact import cut, parts, round_half_away
from tests.calculation.oracle.results import Reward, WindowRow

ONE_DAY = timedelta(days=1)


def bonus_rewards(company: Company, rows: dict[str, WindowRow], as_of: date) -> list[Reward]:
    """Return the bonuses that are due on `as_of`, each as what was added since the checkpoint before."""
    rewards = []
    for row in rows.values():
        for bonus in only_in_force(company.bonuses[row.plan.plan_id], row.parameters_date):
            due_before = Fraction(0)
            for checkpoint in checkpoints(bonus, row, as_of):
                reason, due = due_at(company, rows, row, bonus, checkpoint)
                rewards.append(
                    Reward(
                        reward_id=f"bonus|{row.window_key}|{bonus.bonus_number}|{checkpoint}",
                        kind="bonus",
                        plan=row.plan,
                        payee_id=row.payee_id,
                        reward_date=checkpoint - ONE_DAY,
                        amount=due - due_before,
                        row=row,
                        reason=reason,
                    )
                )
                due_before = due
    return rewards


def checkpoints(bonus: BonusRow, row: WindowRow, as_of: date) -> Iterator[date]:
    """Return the days after the last day of the window, or of each month in it, up to `as_of`.

    Months that end before the payee is on the plan are left out, and so is what is after the plan version: the
    next version pays it.
    """
    last = min(as_of + ONE_DAY, row.end)
    if bonus.frequency_code == "month":
        day = next_month(row.parameters_date)
        while day < row.window.window_to and day <= last:
            yield day
            day = next_month(day)
    if row.window.window_to <= last:
        yield row.window.window_to


def next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def due_at(
    company: Company, rows: dict[str, WindowRow], row: WindowRow, bonus: BonusRow, checkpoint: date
) -> tuple[str | None, Fraction]:
    """Return what a bonus comes to on a day, rounded; or (reason, 0)."""
    decimals = company.minor_units[row.plan.currency_code]
    expressions = [bonus.amount_expression, bonus.amount_to_expression]
    amounts = [
        company.number(text, row.plan.plan_id, row.payee_id, row.parameters_date) if text else Fraction(0)
        for text in expressions
    ]
    amount, amount_to = amounts
    if amount is None or amount_to is None:
        return "missing_variable", Fraction(0)
    if bonus.bonus_kind_code in ("rank", "pool"):
        others = [other for other in rows.values() if is_rival(row, other)]
        share = shared_prizes if bonus.bonus_kind_code == "rank" else shared_pool
        return None, share(others, bonus, amount, checkpoint, decimals).get(row.payee_id, Fraction(0))
    basis = basis_of(row, bonus, checkpoint)
    if basis is None or not is_in_range(row, bonus, basis):
        return None, Fraction(0)
    if bonus.bonus_kind_code == "linear" and bonus.amount_to_expression:
        assert bonus.basis_to is not None
        width = bonus.basis_to - bonus.basis_from
        amount += cut((amount_to - amount) * (basis - bonus.basis_from) / width)
    return None, round_half_away(amount, decimals)


def basis_of(row: WindowRow, bonus: BonusRow, checkpoint: date) -> Fraction | None:
    """Return what the bonus looks at, as it stands at a checkpoint."""
    if bonus.basis_code == "credit_count":
        return Fraction(len([credit for credit in row.credits_to(checkpoint) if credit in row.credits]))
    attained = attained_to(row, checkpoint)
    return attained if bonus.basis_code == "attained_amount" else ratio_of(row, attained)


def is_in_range(row: WindowRow, bonus: BonusRow, basis: Fraction) -> bool:
    """Tell whether the basis is in [from, to), or in (from, to] where bounds belong to the lower tier."""
    low, high = bonus.basis_from, bonus.basis_to
    if row.plan.tier_bound_code == "upper_inclusive":
        return low < basis and (high is None or basis <= high)
    return low <= basis and (high is None or basis < high)


def is_rival(row: WindowRow, other: WindowRow) -> bool:
    return row.plan == other.plan and row.window == other.window


def shared_prizes(
    others: list[WindowRow], bonus: BonusRow, prize: Fraction, checkpoint: date, decimals: int
) -> dict[str, Fraction]:
    """Give the prize to each position in the range; who is level shares the prizes of all their positions."""
    level: dict[Fraction, list[str]] = defaultdict(list)
    for other in others:
        basis = basis_of(other, bonus, checkpoint)
        if basis is not None and basis > 0:
            level[basis].append(other.payee_id)
    shares: dict[str, Fraction] = {}
    position = 1
    for basis in sorted(level, reverse=True):
        payees = sorted(level[basis])
        won = [
            place
            for place in range(position, position + len(payees))
            if bonus.basis_from <= place and (bonus.basis_to is None or place < bonus.basis_to)
        ]
        shared = parts(prize * len(won), [Fraction(1)] * len(payees), decimals)
        shares |= dict(zip(payees, shared, strict=True))
        position += len(payees)
    return shares


def shared_pool(
    others: list[WindowRow], bonus: BonusRow, pool: Fraction, checkpoint: date, decimals: int
) -> dict[str, Fraction]:
    """Share the pool by what was attained, among those whose basis is in the range."""
    attained: dict[str, Fraction] = {}
    for other in sorted(others, key=lambda other: other.payee_id):
        basis = basis_of(other, bonus, checkpoint)
        amount = attained_to(other, checkpoint)
        if basis is not None and is_in_range(other, bonus, basis) and amount and amount > 0:
            attained[other.payee_id] = amount
    return dict(zip(attained, parts(pool, list(attained.values()), decimals), strict=True))
