"""How an amount comes about, as lines of text in which every equation is true to its last digit.

What is cut or rounded says so; what the marts do not allow to write as an equation is printed without "=".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal, localcontext
from typing import Any

from orchestration.wording import money, plain

# Values are held at so many decimals, and cut there.
DECIMALS = Decimal("0.0000000001")
CUT = ", cut at the 10th decimal"
# Enough for a product of two amounts of 28 digits, and for their quotient.
DIGITS = 90
_NUMBER = re.compile(r"(?<![\w.-])-?\d+(?:\.\d+)?(?![\w.-])")


def grouped(text: str) -> str:
    """A text of the marts with thousands separators in its numbers; days and names stay."""
    return _NUMBER.sub(lambda found: f"{Decimal(found[0]):,f}", text)


def credit_steps(line: Mapping[str, Any]) -> list[str]:
    """From the deal to the credit: amount, currency, rates with their day, what counts, share, factor of the level.

    ``line`` is a row of rpt_line_explanations; of a line without a credit there is nothing to tell.
    """
    value, candidate = line["value_amount"], line["candidate_amount"]
    if value is None or candidate is None:
        return []
    currency, native = line["currency_code"], line["native_value_amount"]
    is_converted = line["units_from"] is not None
    native_currency = line["transaction_currency_code"] if is_converted else currency
    steps = []
    if line["transaction_amount"] is not None:
        amount = f"{money(line['transaction_amount'])} {line['transaction_currency_code'] or '(no currency)'}"
        worth = f"{money(native)} {native_currency}"
        steps.append(f"deal of {amount}" + ("" if worth == amount else f", worth {worth} under the plan"))
    whole = native
    if is_converted:
        whole, text = _converted(native, line["units_from"], line["units_to"], native_currency, currency)
        steps.append(f"{text}, at the rates of {line['fx_rate_date']}")
    if whole != value:
        steps.append(f"of it {money(value)} {currency} count here")
    steps += _shared(line, value, candidate)
    if line["credited_amount"] is not None and line["credited_amount"] != candidate:
        steps.append(
            f"all that one payee is given of the deal is capped at its value: {money(line['credited_amount'])}"
        )
    return steps


def _converted(
    native: Decimal, units_from: Decimal, units_to: Decimal, one: str, other: str
) -> tuple[Decimal, str]:
    with localcontext() as context:
        context.prec = DIGITS
        exact = native * units_to / units_from
        whole = exact.quantize(DECIMALS, ROUND_DOWN)
        is_cut = whole * units_from != native * units_to
    terms = f"{money(native)} {one}"
    if units_to != 1:
        terms += f" x {plain(units_to)}"
    if units_from != 1 or units_to == 1:
        terms += f" / {plain(units_from)}"
    return whole, f"{terms} = {money(whole)} {other}{CUT if is_cut else ''}"


def _shared(line: Mapping[str, Any], value: Decimal, candidate: Decimal) -> list[str]:
    share, factor = line["share_ratio"], line["level_factor"]
    if share is None or (candidate == value and factor == 1):
        return []
    of_level = f" of level {line['level_number']}" if line["level_number"] else ""
    with localcontext() as context:
        context.prec = DIGITS
        is_exact = value * share * factor == candidate
    names = (["share"] if share != 1 else []) + ([f"factor{of_level}"] if factor != 1 else [])
    said = " and ".join(names)
    if is_exact:
        terms = [plain(number) for number in (share, factor) if number != 1]
        return [f"{said}: {' x '.join([money(value), *terms])} = {money(candidate)}"]
    part = f", with the factor {plain(factor)}{of_level}" if factor != 1 else ""
    return [f"share: {money(candidate)} of {money(value)}{part}"]


def tier_steps(tiers_text: str | None) -> list[str]:
    """The equations of the tiers, one a line."""
    return [f"tier {grouped(tier)}" for tier in (tiers_text or "").split("; ") if tier]
