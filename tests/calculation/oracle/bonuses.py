"""Bonuses: rewards for an attainment, when a window ends or at each month end in it."""

from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction

from tests.calculation.oracle.attainment import attained_to, is_ever_there, ratio_of
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
    others = [other for other in rows.values() if is_rival(row, other) and takes_part(company, other)]
    if bonus.bonus_kind_code in ("rank", "pool") and not takes_part(company, row):
        return None, Fraction(0)
    if bonus.bonus_kind_code == "rank":
        return None, won_of_prize(company, others, row, bonus, checkpoint)
    if bonus.bonus_kind_code == "pool":
        shares = shared_pool(others, bonus, amount, checkpoint, decimals)
        return None, shares.get(row.payee_id, Fraction(0))
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


def takes_part(company: Company, row: WindowRow) -> bool:
    """Say whether somebody was there on a day of the contest; what they are still credited later wins no place."""
    return is_ever_there(company, row.plan, row.payee_id, row.window)


def won_of_prize(
    company: Company, others: list[WindowRow], row: WindowRow, bonus: BonusRow, checkpoint: date
) -> Fraction:
    """Return what one prize adds to a payee's share of the sum of the prizes that their tie has won."""
    plan = row.plan
    decimals = company.minor_units[plan.currency_code]
    contest = [
        each
        for each in only_in_force(company.bonuses[plan.plan_id], row.parameters_date)
        if each.bonus_kind_code == "rank" and each.basis_code == bonus.basis_code
    ]
    contest.sort(key=lambda each: (each.basis_from, each.bonus_number))
    first, tied = tie_of(others, row, bonus, checkpoint)
    if not tied:
        return Fraction(0)
    worths: dict[int, Fraction] = {}
    for each in contest:
        prize = company.number(each.amount_expression, plan.plan_id, row.payee_id, row.parameters_date)
        places = [place for place in range(first, first + len(tied)) if has_place(each, place)]
        worths[each.bonus_number] = (prize or Fraction(0)) * len(places)
    total = sum(worths.values(), Fraction(0))
    if not total:
        return Fraction(0)
    shares = dict(zip(tied, parts(total, [Fraction(1)] * len(tied), decimals), strict=True))
    shown = parts(shares[row.payee_id], list(worths.values()), decimals)
    return dict(zip(worths, shown, strict=True))[bonus.bonus_number]


def has_place(bonus: BonusRow, place: int) -> bool:
    return bonus.basis_from <= place and (bonus.basis_to is None or place < bonus.basis_to)


def tie_of(
    others: list[WindowRow], row: WindowRow, bonus: BonusRow, checkpoint: date
) -> tuple[int, list[str]]:
    """Return the first place that a payee holds and who holds it with them; nobody without a basis above 0."""
    reached = {other.payee_id: basis_of(other, bonus, checkpoint) or Fraction(0) for other in others}
    own = reached[row.payee_id]
    if own <= 0:
        return 0, []
    better = [payee for payee, basis in reached.items() if basis > own]
    return len(better) + 1, sorted(payee for payee, basis in reached.items() if basis == own)


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
