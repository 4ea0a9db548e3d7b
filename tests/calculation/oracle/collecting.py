"""What the customer paid: payments are matched to their deals, and what of them counts is added up."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from tests.calculation.oracle.company import (
    CollectedPart,
    Company,
    Invoice,
    Payment,
    PayoutTerms,
    Transaction,
)
from tests.calculation.oracle.exact import clamp, cut
from tests.calculation.oracle.results import Collection, Result


def in_order(payments: Iterable[Payment]) -> list[Payment]:
    return sorted(payments, key=lambda payment: (payment.paid_date or date.min, payment.payment_id))


def collect_payments(company: Company, as_of: date, result: Result) -> None:
    """Match payments to the deals of today, and to those that each plan reads."""
    today = {t.transaction_id: t for t in company.transactions}
    result.collections = {row.payment.payment_id: row for row in collected(company, today, as_of)}
    for plan_id in sorted({plan.plan_id for plan in company.plans}):
        read = {transaction_id: company.as_read(plan_id, deal) for transaction_id, deal in today.items()}
        for row in collected(company, read, as_of):
            if row.reason is None and row.transaction_id:
                result.matched.setdefault((plan_id, row.transaction_id), []).append(row)


def collected(company: Company, deals: Mapping[str, Transaction], as_of: date) -> Iterator[Collection]:
    """Match each payment through its invoice to its deal, and add up what was collected on the deal itself."""
    billed_on_invoice: dict[str, Fraction] = defaultdict(Fraction)
    collected_on_deal: dict[str, Fraction] = defaultdict(Fraction)
    for payment in in_order(company.payments.values()):
        invoice = company.invoices.get(payment.invoice_id)
        deal = deals.get(f"crm/Opportunity/{invoice.deal_id}") if invoice and invoice.deal_id else None
        reason = reason_unmatched(payment, invoice, deal, as_of)
        row = Collection(payment, deal.transaction_id if deal else None, reason)
        if reason:
            yield row
            continue
        assert invoice and deal and invoice.total  # else there is a reason
        assert invoice.subtotal is not None and payment.amount is not None
        net_ratio = invoice.subtotal / invoice.total  # tax and freight taken out
        net_before = cut(billed_on_invoice[invoice.invoice_id] * net_ratio)
        billed_on_invoice[invoice.invoice_id] += payment.amount
        row.net = cut(billed_on_invoice[invoice.invoice_id] * net_ratio) - net_before
        row.before = row.after = collected_on_deal[deal.transaction_id]
        if not row.is_memo:
            row.after = collected_on_deal[deal.transaction_id] = row.before + row.net
        yield row


def reason_unmatched(
    payment: Payment, invoice: Invoice | None, deal: Transaction | None, as_of: date
) -> str | None:
    """Return the first reason why a payment reaches no deal."""
    if payment.is_deleted:
        return "deleted_in_source"
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


# --- What counts under the terms of a plan -----------------------------------------------------------------


@dataclass(frozen=True)
class Counted:
    """A billing row, and what counts as collected of its deal before and after it."""

    payment: Payment
    day: date
    before: Fraction
    after: Fraction


def counted_rows(company: Company, plan_id: str, deal: Transaction, result: Result) -> Iterator[Counted]:
    """Return the rows that count under a plan's terms for the deal; a credit memo may count as collected."""
    terms = company.terms_on(plan_id, deal.booked_date)
    total = Fraction(0)
    for row in result.matched.get((plan_id, deal.transaction_id), []):
        if row.is_memo and terms.rebate_code == "uncollected":
            continue
        payment = row.payment
        assert row.net is not None and payment.amount is not None and payment.paid_date is not None
        part = payment.amount if terms.collected_part_code == "gross" else row.net
        before, total = total, total + (-part if row.is_memo else part)
        yield Counted(payment, payment.paid_date, bounded(before, terms, deal), bounded(total, terms, deal))


def bounded(total: Fraction, terms: PayoutTerms, deal: Transaction) -> Fraction:
    """Keep a running total between nothing and the deal's amount, or only on the amount's side of nothing."""
    assert deal.amount
    low, high = sorted((Fraction(0), deal.amount))
    if terms.overpayment_code == "earned":
        return clamp(total, low, None) if deal.amount > 0 else clamp(total, None, high)
    return clamp(total, low, high)


def collected_parts(company: Company, plan_id: str, deal: Transaction, result: Result) -> list[Transaction]:
    """Return the payments of a deal as transactions, each on its own day, under a plan that credits payments."""
    terms = company.terms_on(plan_id, deal.booked_date)
    made = [part_of(deal, row) for row in counted_rows(company, plan_id, deal, result)]
    for row in result.matched.get((plan_id, deal.transaction_id), []):
        if row.is_memo and terms.rebate_code == "uncollected":
            assert row.payment.paid_date is not None
            nothing = Counted(row.payment, row.payment.paid_date, Fraction(0), Fraction(0))
            made.append(part_of(deal, nothing))
    return made


def part_of(deal: Transaction, row: Counted) -> Transaction:
    part = CollectedPart(deal, row.payment, row.before, row.after)
    transaction_id = f"{deal.transaction_id}@{row.payment.payment_id}"
    return replace(deal, transaction_id=transaction_id, booked_date=row.day, part=part)
