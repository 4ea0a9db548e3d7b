"""Rounding, beneficiaries, and when it is due: commissions, collections, lines."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from fractions import Fraction

from oracle.company import Company, Invoice, Payment, Transaction, only_in_force
from oracle.exact import clamp, cut, parts, round_half_away
from oracle.results import Collection, Commission, Line, Result, Reward


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


# --- Collections -------------------------------------------------------------------------------------------


def in_order(payments: Iterable[Payment]) -> list[Payment]:
    return sorted(payments, key=lambda payment: (payment.paid_date or date.min, payment.payment_id))


def collect_payments(company: Company, as_of: date, result: Result) -> None:
    """Match each payment through its invoice to its deal, and add up what was collected on the deal itself."""
    deals = {t.transaction_id: t for t in company.transactions}
    paid_on_invoice: dict[str, Fraction] = defaultdict(Fraction)
    collected_on_deal: dict[str, Fraction] = defaultdict(Fraction)
    for payment in in_order(company.payments):
        invoice = company.invoices.get(payment.invoice_id)
        deal = deals.get(f"crm/Opportunity/{invoice.deal_id}") if invoice and invoice.deal_id else None
        reason = reason_unmatched(payment, invoice, deal, as_of)
        row = Collection(payment, deal.transaction_id if deal else None, reason)
        result.collections[payment.payment_id] = row
        if reason:
            continue
        assert invoice and deal and invoice.total  # else there is a reason
        assert invoice.subtotal is not None and payment.amount is not None
        net_ratio = invoice.subtotal / invoice.total  # tax and freight taken out
        net_before = cut(paid_on_invoice[invoice.invoice_id] * net_ratio)
        paid_on_invoice[invoice.invoice_id] += payment.amount
        net_after = cut(paid_on_invoice[invoice.invoice_id] * net_ratio)
        row.collected = net_after - net_before
        row.before = collected_on_deal[deal.transaction_id]
        row.after = collected_on_deal[deal.transaction_id] = row.before + row.collected


def reason_unmatched(
    payment: Payment, invoice: Invoice | None, deal: Transaction | None, as_of: date
) -> str | None:
    """Return the first reason why a payment reaches no deal."""
    if payment.paid_date is None:
        return "missing_paid_date"
    if payment.paid_date > as_of:
        return "after_as_of_date"
    if payment.amount is None:
        return "missing_amount"
    if not payment.invoice_id:
        return "missing_invoice"
    if invoice is None:
        return "unknown_invoice"
    if not invoice.deal_id:
        return "missing_deal"
    if deal is None:
        return "unknown_deal"
    if payment.currency != deal.currency:
        return "currency_differs"
    if not deal.amount:
        return "deal_without_amount"
    if not invoice.total or invoice.subtotal is None:
        return "invoice_without_total"
    return None


# --- Lines -------------------------------------------------------------------------------------------------


def lines_of(company: Company, commissions: list[Commission], result: Result) -> list[Line]:
    """Make commission due: whole on the reward's day, or bit by bit as the customer pays."""
    collected: dict[str, list[Collection]] = defaultdict(list)
    for row in result.collections.values():  # in the order of payment
        if row.reason is None and row.transaction_id is not None:
            collected[row.transaction_id].append(row)
    lines = []
    for commission in commissions:
        reward, payee_id = commission.reward, commission.payee_id
        if payee_id is None:
            continue
        is_collected = reward.plan.payout_event_code == "collection"
        if reward.credit is None or not is_collected:
            event = "booking" if reward.credit else reward.kind
            lines.append(line_of(commission, payee_id, event, None, reward.reward_date, commission.amount))
            continue
        deal = reward.credit.transaction
        for row in collected[deal.transaction_id]:
            assert row.before is not None and row.after is not None and row.payment.paid_date is not None
            decimals = company.minor_units[reward.plan.currency_code]
            amount = earned_to_date(commission.amount, deal, row.after, decimals)
            amount -= earned_to_date(commission.amount, deal, row.before, decimals)
            payment = row.payment
            lines.append(
                line_of(commission, payee_id, payment.kind, payment.payment_id, row.payment.paid_date, amount)
            )
    return lines


def line_of(
    commission: Commission, payee_id: str, event: str, payment_id: str | None, day: date, amount: Fraction
) -> Line:
    plan = commission.reward.plan
    return Line(
        commission.reward.reward_id,
        plan.plan_id,
        payee_id,
        event,
        payment_id,
        day,
        plan.currency_code,
        amount,
    )


def earned_to_date(commission: Fraction, deal: Transaction, collected: Fraction, decimals: int) -> Fraction:
    """Commission times the share of the deal that is collected, between none and all of it."""
    amount = deal.amount
    assert amount
    counted = clamp(collected, min(Fraction(0), amount), max(Fraction(0), amount))
    return round_half_away(commission * counted / amount, decimals)
