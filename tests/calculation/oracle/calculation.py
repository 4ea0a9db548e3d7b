"""The whole calculation, stage by stage."""

from collections.abc import Callable
from datetime import date
from fractions import Fraction

from oracle.attainment import place_credits, window_rows
from oracle.bonuses import bonus_rewards
from oracle.company import Company, Tables, Transaction
from oracle.crediting import candidates_of
from oracle.ledger import collect_payments, commissions_of, lines_of
from oracle.modifiers import modify
from oracle.results import Disposition, Result, Reward
from oracle.rewards import credit_rewards
from oracle.valuation import reason_not_eligible, worth_of

CustomRewards = Callable[[Company, Result], list[Reward]]


def calculate(tables: Tables, as_of: date, custom_rewards: CustomRewards | None = None) -> Result:
    """Calculate everything that is known on `as_of`; `custom_rewards` are a company's own, from its credits."""
    company, result = Company(tables), Result()
    for transaction in company.transactions:
        settle(company, transaction, as_of, result)
    result.windows = window_rows(company, place_credits(result.credits.values()), as_of)
    rewards = credit_rewards(company, result.windows) + bonus_rewards(company, result.windows, as_of)
    if custom_rewards:
        rewards += custom_rewards(company, result)
    rewards = modify(company, rewards, result.windows, as_of)
    result.rewards = {reward.reward_id: reward for reward in rewards}
    commissions = commissions_of(company, rewards)
    result.commissions = {(row.reward.reward_id, row.payee_id): row for row in commissions}
    collect_payments(company, as_of, result)
    for line in lines_of(company, commissions, result):
        result.lines[line.reward_id, line.payee_id, line.payment_id] = line
        payout = (line.payee_id, line.plan_id, line.period, line.currency)
        result.payouts[payout] = result.payouts.get(payout, Fraction(0)) + line.amount
    return result


def settle(company: Company, transaction: Transaction, as_of: date, result: Result) -> None:
    """Judge, value and credit one transaction under every plan that names its source object."""
    plan_ids = sorted({p.plan_id for p in company.plans if p.source_object == transaction.source_object})
    if not plan_ids:
        settled = Disposition(transaction.transaction_id, None, "no_plan_for_source")
        result.dispositions[transaction.transaction_id, None] = settled
    for plan_id in plan_ids:
        settled = settle_under(company, plan_id, transaction, as_of, result)
        result.dispositions[transaction.transaction_id, plan_id] = settled


def settle_under(
    company: Company, plan_id: str, transaction: Transaction, as_of: date, result: Result
) -> Disposition:
    settled = Disposition(transaction.transaction_id, plan_id, None)
    plan = company.plan_on(plan_id, transaction.booked_date)
    settled.reason = reason_not_eligible(company, plan_id, plan, transaction, as_of)
    if settled.reason or plan is None:
        return settled
    settled.reason, worth = worth_of(company, plan, transaction)
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
