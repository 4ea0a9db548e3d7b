"""Rounding, beneficiaries, and what became due: commissions and lines."""

from collections import defaultdict
from datetime import date
from fractions import Fraction

from tests.calculation.oracle.clawbacks import amounts_taken
from tests.calculation.oracle.collecting import counted_rows
from tests.calculation.oracle.company import Company, Transaction, only_in_force
from tests.calculation.oracle.exact import parts, round_half_away, sign
from tests.calculation.oracle.results import Clawback, Commission, Line, Result, Reward


def commissions_of(company: Company, rewards: list[Reward]) -> list[Commission]:
    """Round rewards, those of a window's credits as they add up, and give them to their beneficiaries."""
    commissions = []
    running: dict[str, Fraction] = defaultdict(Fraction)
    for reward in sorted(rewards, key=lambda reward: reward.order):
        decimals = company.minor_units[reward.plan.currency_code]
        amount = round_half_away(reward.amount, decimals)
        if reward.credit is not None:
            before = running[reward.credit.window_key]
            running[reward.credit.window_key] = after = before + reward.amount
            amount = round_half_away(after, decimals) - round_half_away(before, decimals)
        shares = beneficiaries(company, reward)
        if not shares:
            commissions.append(Commission(reward, None, amount, "no_beneficiary"))
            continue
        divided = parts(amount, list(shares.values()), decimals)
        commissions += [
            Commission(reward, payee_id, part, reward.reason)
            for payee_id, part in zip(shares, divided, strict=True)
        ]
    return commissions


def beneficiaries(company: Company, reward: Reward) -> dict[str, Fraction]:
    """Return who is paid a reward, and by which weight, in the order of payee ids."""
    code, payee_id, day = reward.plan.beneficiary_code, reward.payee_id, reward.reward_date
    if code == "payee":
        return {payee_id: Fraction(1)}
    if code == "manager":
        manager = company.manager_of(payee_id, day)
        return {manager: Fraction(1)} if manager else {}
    teams = [payee_id] if payee_id in company.team_ids else company.teams_of(payee_id, day)
    weights: dict[str, Fraction] = defaultdict(Fraction)
    for team_id in teams:
        for row in only_in_force(company.members[team_id], day):
            weights[row.payee_id] = max(weights[row.payee_id], row.share_weight)
    return {member: weights[member] for member in sorted(weights)}


# --- Lines -------------------------------------------------------------------------------------------------


def lines_of(company: Company, commission: Commission, result: Result) -> list[Line]:
    """Make a commission due: at once, on its reward's day, and taken back by policy; or as the customer pays."""
    reward = commission.reward
    if reward.credit is None:
        return [line_of(commission, reward.kind, None, reward.reward_date, commission.amount)]
    transaction, plan = reward.credit.transaction, reward.plan
    if transaction.part is not None:
        payment = transaction.part.payment
        return [line_of(commission, payment.kind, payment.payment_id, reward.reward_date, commission.amount)]
    if plan.payout_event_code == "booking":
        booking = line_of(commission, "booking", None, reward.reward_date, commission.amount)
        return [booking, *clawback_lines(company, commission, result)]
    return payment_lines(company, commission, transaction, result)


def payment_lines(company: Company, commission: Commission, deal: Transaction, result: Result) -> list[Line]:
    """Return the line of each payment that counts: what is earned with it less what was earned before it.

    What a leaver does not get is forfeited; what goes back to the customer is taken of that first.
    """
    plan, lines = commission.reward.plan, []
    decimals = company.minor_units[plan.currency_code]
    terms = company.terms_on(plan.plan_id, deal.booked_date)
    lost = Fraction(0)  # of what counts as collected, without its sign
    for row in counted_rows(company, plan.plan_id, deal, result):
        assert commission.payee_id is not None and deal.amount
        more = (row.after - row.before) * sign(deal.amount)
        lost_before = lost
        if more < 0:
            lost = max(lost + more, Fraction(0))
        elif not company.gets_payment(commission.payee_id, terms, row.day, "pay"):
            lost += more
        earned = [
            earned_to_date(commission.amount, deal, counted - gone * sign(deal.amount), decimals)
            for counted, gone in ((row.before, lost_before), (row.after, lost))
        ]
        whole = earned_to_date(commission.amount, deal, row.after, decimals)
        whole -= earned_to_date(commission.amount, deal, row.before, decimals)
        payment = row.payment
        line = line_of(commission, payment.kind, payment.payment_id, row.day, earned[1] - earned[0])
        line.forfeited = whole - line.amount
        lines.append(line)
    return lines


def earned_to_date(commission: Fraction, deal: Transaction, counted: Fraction, decimals: int) -> Fraction:
    """Commission times the share of the deal that counts as collected."""
    assert deal.amount
    return round_half_away(commission * counted / deal.amount, decimals)


def clawback_lines(company: Company, commission: Commission, result: Result) -> list[Line]:
    """Return what is taken back and given again, and list every change, also where it moves no money."""
    reward, lines = commission.reward, []
    assert reward.credit is not None
    deal = reward.credit.transaction
    terms = company.terms_on(reward.plan.plan_id, deal.booked_date)
    changes = result.changes[deal.transaction_id, reward.plan.plan_id]
    for change, amount in zip(changes, amounts_taken(company, terms, commission, changes), strict=True):
        result.clawbacks.append(Clawback(commission, terms.clawback_policy_code, change, amount))
        if amount:
            event = "clawback" if change.is_rise else "clawback_return"
            line = line_of(commission, event, change.payment_id, change.day, amount)
            line.occasion = change.payment_id or change.cause
            lines.append(line)
    return lines


def line_of(commission: Commission, event: str, payment_id: str | None, day: date, amount: Fraction) -> Line:
    plan, payee_id = commission.reward.plan, commission.payee_id
    assert payee_id is not None
    return Line(
        reward_id=commission.reward.reward_id,
        plan_id=plan.plan_id,
        payee_id=payee_id,
        event=event,
        occasion=payment_id,
        payment_id=payment_id,
        event_date=day,
        currency=plan.currency_code,
        amount=amount,
    )
