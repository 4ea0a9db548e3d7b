"""The whole calculation, stage by stage."""

from collections import defaultdict
from collections.abc import Callable
from datetime import date
from fractions import Fraction

from tests.calculation.oracle.attainment import place_moves, window_rows
from tests.calculation.oracle.bonuses import bonus_rewards
from tests.calculation.oracle.clawbacks import changes_under, deductions, taken_to_date
from tests.calculation.oracle.collecting import collect_payments, collected_parts, counted_rows
from tests.calculation.oracle.company import Company, PlanVersion, Tables, Transaction
from tests.calculation.oracle.crediting import candidates_of
from tests.calculation.oracle.draws import draw_lines
from tests.calculation.oracle.holds import parts_of
from tests.calculation.oracle.ledger import commissions_of, lines_of
from tests.calculation.oracle.modifiers import modify
from tests.calculation.oracle.results import Commission, Disposition, Payout, Result, Reward
from tests.calculation.oracle.rewards import credit_rewards
from tests.calculation.oracle.valuation import reason_not_eligible, worth_of
from tests.calculation.oracle.withheld import movements_of

CustomRewards = Callable[[Company, Result], list[Reward]]


def calculate(tables: Tables, as_of: date, custom_rewards: CustomRewards | None = None) -> Result:
    """Calculate everything that is known on `as_of`; `custom_rewards` are a company's own, from its credits."""
    return calculate_company(Company(tables), as_of, custom_rewards)


def calculate_company(company: Company, as_of: date, custom_rewards: CustomRewards | None = None) -> Result:
    result = Result(as_of)
    collect_payments(company, as_of, result)
    for transaction in company.transactions:
        settle(company, transaction, as_of, result)
    credits = list(result.credits.values())
    moves = place_moves([*credits, *deductions(company, credits, as_of, result)])
    result.windows = window_rows(company, moves, as_of)
    rewards = credit_rewards(company, result.windows) + bonus_rewards(company, result.windows, as_of)
    if custom_rewards:
        rewards += custom_rewards(company, result)
    rewards = modify(company, rewards, result.windows, as_of)
    result.rewards = {reward.reward_id: reward for reward in rewards}
    commissions = commissions_of(company, rewards)
    result.commissions = {(row.reward.reward_id, row.payee_id): row for row in commissions}
    for commission in commissions:
        if commission.payee_id is not None:
            make_due(company, commission, result)
    pay(company, result)
    return result


def settle(company: Company, transaction: Transaction, as_of: date, result: Result) -> None:
    """Judge, value and credit one transaction under every plan that names its source object.

    Where a plan credits payments, the payments of a deal are transactions beside it.
    """
    plan_ids = sorted({p.plan_id for p in company.plans if p.source_object == transaction.source_object})
    if not plan_ids:
        settled = Disposition(transaction.transaction_id, None, "no_plan_for_source")
        result.dispositions[transaction.transaction_id, None] = settled
    for plan_id in plan_ids:
        read = company.as_read(plan_id, transaction)
        judged = [read]
        if company.credits_payments(plan_id):
            judged += collected_parts(company, plan_id, read, result)
        for each in judged:
            settled = settle_under(company, plan_id, each, as_of, result)
            result.dispositions[each.transaction_id, plan_id] = settled


def settle_under(
    company: Company, plan_id: str, transaction: Transaction, as_of: date, result: Result
) -> Disposition:
    settled = Disposition(transaction.transaction_id, plan_id, None)
    plan = company.plan_on(plan_id, transaction.booked_date)
    settled.reason = reason_not_eligible(company, plan_id, plan, transaction, as_of)
    if settled.reason or plan is None:
        return settled
    taken = taken_at_valuation(company, plan, transaction, as_of, result)
    settled.reason, worth = worth_of(company, plan, transaction, taken)
    if worth is None:
        return settled
    settled.value = worth.value
    reason, candidates = candidates_of(company, plan, transaction, worth)
    credits = {candidate.credit_id: candidate for candidate in candidates if candidate.reason is None}
    refused = [candidate for candidate in candidates if candidate.reason]
    result.credits |= credits
    result.refused += refused
    if credits:
        settled.credit_count = len(credits)
        settled.credited = sum((credit.credited or Fraction(0) for credit in credits.values()), Fraction(0))
        return settled
    settled.reason = reason
    if refused:  # the one that came furthest
        reasons = [candidate.reason or "" for candidate in refused]
        settled.reason = max(reasons, key=lambda reason: company.precedence[reason])
    return settled


def taken_at_valuation(
    company: Company, plan: PlanVersion, transaction: Transaction, as_of: date, result: Result
) -> Fraction:
    """Follow what a deal loses after its booking; return the share of it that is valued no more."""
    if transaction.part is not None:
        return Fraction(0)
    changes = changes_under(company, plan, transaction, as_of, result)
    result.changes[transaction.transaction_id, plan.plan_id] = changes
    terms = company.terms_on(plan.plan_id, transaction.booked_date)
    return taken_to_date(changes) if terms.clawback_policy_code == "recalculate" else Fraction(0)


def make_due(company: Company, commission: Commission, result: Result) -> None:
    """Make the lines of a commission, the parts in which they are due, and what is withheld of it."""
    lines = lines_of(company, commission, result)
    result.lines |= {line.key: line for line in lines}
    result.parts += parts_of(company, commission, lines, result.as_of)
    credit, plan = commission.reward.credit, commission.reward.plan
    if credit and (plan.credit_event_code, plan.payout_event_code) == ("booking", "collection"):
        days = [row.day for row in counted_rows(company, plan.plan_id, credit.transaction, result)]
        result.movements += movements_of(company, commission, lines, days, result.as_of)


def pay(company: Company, result: Result) -> None:
    """Add up what is due, each part in the month of its due date, and the draws that go with it."""
    payouts: dict[Payout, Fraction] = defaultdict(Fraction)
    for part in result.parts:
        if part.is_due:
            payouts[part.line.payee_id, part.line.plan_id, part.period, part.line.currency] += part.amount
    result.draws = draw_lines(company, payouts, result.as_of)
    for line in result.draws:
        payouts[line.payee_id, line.plan_id, line.period, line.currency] += line.amount
    result.payouts = dict(payouts)
