"""Filtering and valuation: does a transaction count under a plan, and what is it worth?"""

from datetime import date
from fractions import Fraction

from tests.calculation.oracle.company import CollectedPart, Company, PlanVersion, Transaction, only_in_force
from tests.calculation.oracle.exact import cut, round_half_away
from tests.calculation.oracle.expressions import Fields, Variables, parse
from tests.calculation.oracle.results import Worth


def reason_not_eligible(
    company: Company, plan_id: str, plan: PlanVersion | None, transaction: Transaction, as_of: date
) -> str | None:
    """Return the first reason that stands in the way. What stands in the way of a deal does so for its payments."""
    booked = transaction.booked_date
    deal_booked = transaction.deal.booked_date
    if transaction.is_deleted:
        return "deleted_in_source"
    if deal_booked is not None and deal_booked > as_of:
        return "after_as_of_date"
    if not transaction.is_won:
        return "status_not_eligible"
    if booked is None or deal_booked is None:
        return "missing_booked_date"
    if plan is None:
        return "outside_period"
    variables = company.deal_variables([plan.filter_expression], plan_id, booked)
    if None in variables.values():
        return "missing_filter_variable"
    if parse(plan.filter_expression).value(transaction.fields, variables) is not True:
        return "filter_not_met"
    rules = only_in_force(company.credit_rules[plan_id], booked)
    if all(rule.recipient_code == "owner" for rule in rules):
        if not transaction.owner_alias:
            return "missing_owner"
        if company.payee_behind(transaction.source_system, transaction.owner_alias, booked) is None:
            return "owner_not_in_hris"
    if plan.credit_event_code == "collection" and transaction.part is None:
        return "credited_on_collection"
    is_memo = transaction.part is not None and transaction.part.payment.kind == "credit_memo"
    if is_memo and company.terms_on(plan_id, deal_booked).rebate_code == "uncollected":
        return "memo_not_counted"
    return None


def worth_of(
    company: Company, plan: PlanVersion, transaction: Transaction, taken: Fraction
) -> tuple[str | None, Worth | None]:
    """Return (reason, None) or (None, worth). `taken` is the share of the deal that counts as if it had never been."""
    booked = transaction.booked_date
    assert booked is not None
    fields = transaction.fields
    texts = (plan.value_expression, plan.payable_expression, plan.weight_expression)
    variables = company.deal_variables(texts, plan.plan_id, booked)
    if None in variables.values():
        return "missing_value_variable", None
    if plan.catalogue_id:
        variables["CatalogueValue"] = catalogue_value(company, plan, fields, booked)
        if variables["CatalogueValue"] is None:
            return "missing_catalogue_value", None
    value = number_in(plan.value_expression, fields, variables)
    payable = number_in(plan.payable_expression or plan.value_expression, fields, variables)
    if value is None or payable is None:
        return "missing_amount", None
    reason, units_from, units_to = conversion(company, plan, transaction)
    if reason:
        return reason, None
    dimensions = tuple(
        text_in(expression, fields)
        for expression in (
            plan.rate_dimension_1_expression,
            plan.rate_dimension_2_expression,
            plan.rate_dimension_3_expression,
        )
    )
    weight = number_in(plan.weight_expression, fields, variables) if plan.weight_expression else None
    converted = cut(value * units_to / units_from), cut(payable * units_to / units_from)
    worth, payable_worth = (part_of(cut(whole * (1 - taken)), transaction.part) for whole in converted)
    return None, Worth(worth, payable_worth, weight, (dimensions[0], dimensions[1], dimensions[2]))


def part_of(whole: Fraction, part: CollectedPart | None) -> Fraction:
    """Return what a payment's part of the deal is worth, or the whole."""
    if part is None:
        return whole
    assert part.deal.amount
    return cut(whole * part.after / part.deal.amount) - cut(whole * part.before / part.deal.amount)


def catalogue_value(company: Company, plan: PlanVersion, fields: Fields, on: date) -> Fraction | None:
    key = text_in(plan.catalogue_key_expression, fields)
    entries = only_in_force(company.catalogue[plan.catalogue_id or ""], on)
    return next((entry.value for entry in entries if entry.catalogue_key == key), None)


def conversion(
    company: Company, plan: PlanVersion, transaction: Transaction
) -> tuple[str | None, Fraction, Fraction]:
    """Return a reason, or the units per base of the transaction's and the plan's currency."""
    one = Fraction(1)
    currency, booked = transaction.currency, transaction.deal.booked_date
    assert booked is not None
    if plan.value_currency_code == "plan":
        return None, one, one
    if not currency:
        return "missing_currency", one, one
    if currency not in company.minor_units:
        return "unknown_currency", one, one
    if currency == plan.currency_code:
        return None, one, one
    units_from, units_to = company.units_on(currency, booked), company.units_on(plan.currency_code, booked)
    if units_from is None or units_to is None:
        return "missing_fx_rate", one, one
    return None, units_from, units_to


def number_in(expression: str, fields: Fields, variables: Variables) -> Fraction | None:
    value = parse(expression).value(fields, variables)
    if value is not None and not isinstance(value, Fraction):
        raise ValueError(f"{expression} is {value!r}, not a number")
    return None if value is None else round_half_away(value, 10)


def text_in(expression: str | None, fields: Fields) -> str | None:
    if expression is None:
        return None
    value = parse(expression).value(fields, {})
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{expression} is {value!r}, not a text")
    return value
