"""Quotes, signs and variables: what is seen in the text before its syntax."""

from __future__ import annotations

import re
from collections.abc import Iterator

from orchestration.plans.language.scope import CATALOGUE_VALUE, Fault, Scope
from orchestration.plans.language.wording import nearest

_SIGN = re.compile(
    r"""(?P<text>'(?:[^']|'')*')
      | (?P<name>"(?:[^"]|"")*")
      | (?P<comment>--|/\*)
      | @@(?P<variable>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<curly>[‘’‚“”„«»])
      | (?P<percent>[0-9.]*[0-9]\s*%(?!\s*[("@0-9]))
      | (?P<underscore>[0-9][0-9.]*_[0-9_.]*)
      | (?P<bare_decimal>\b(?:decimal|numeric|dec)\b(?!\s*\())
      | (?P<word>[A-Za-z_]\w*)
      | (?P<open>['"])
      | (?P<sign>[;@$€£¥?])
      | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
NUMBER = re.compile(r"[0-9]+(\.[0-9]*)?|\.[0-9]+")


def variables_of(text: str) -> tuple[str, ...]:
    """The names of the @@variables of an expression, each once, in the order of the text."""
    found = (match["variable"] for match in _SIGN.finditer(text))
    return tuple(dict.fromkeys(name for name in found if name))


def read_signs(text: str) -> Iterator[Fault]:
    """Faults that are seen before the syntax: a parser would drop them or explain them badly."""
    if not text.strip():
        yield Fault("nothing is written", "Leave the cell empty or write an expression")
    for match in _SIGN.finditer(text):
        found = match[0]
        match match.lastgroup:
            case "comment":
                yield Fault("a comment stands in it", "Write the remark in source_document")
            case "curly":
                yield Fault(
                    "the quotation marks are typographic ones", "Write ' around texts and \" around fields"
                )
            case "percent":
                number = found.rstrip("% ")
                yield Fault(f"{found} is not a number", f"Write it as a decimal, {_hundredth(number)}")
            case "underscore":
                yield Fault(f"{found} is not a decimal number", f"Write {found.replace('_', '')}")
            case "bare_decimal":
                yield Fault(f"{found} without a size keeps 3 decimals only", "Write decimal(28, 10)")
            case "open":
                inside = " (inside of a text an apostrophe is written twice: 'it''s')" if found == "'" else ""
                yield Fault(f"the quotation mark {found} is not closed", f"Write a second {found}{inside}")
            case "sign":
                yield _sign_fault(found)
            case "text" if "@@" in found:
                yield Fault(f"the text {found} contains @@", "Variables stand outside of quotation marks")
            case "name" if found.startswith('"@@'):
                yield Fault(f"{found} is a variable in quotation marks", f"Write {found[1:-1]}")


def _hundredth(number: str) -> str:
    digits = number.replace(".", "")
    decimals = len(number.partition(".")[2]) + 2
    padded = digits.zfill(decimals + 1)
    return f"{padded[:-decimals].lstrip('0') or '0'}.{padded[-decimals:]}"


def _sign_fault(sign: str) -> Fault:
    if sign == ";":
        return Fault("it is more than one statement", "Write one expression without ;")
    if sign == "@":
        return Fault("a single @ has no meaning", "A variable starts with two: @@Quota")
    return Fault(
        f"{sign} has no meaning", "Amounts are plain numbers, 12500.00; their currency is the plan's"
    )


def variable_faults(text: str, scope: Scope) -> Iterator[Fault]:
    for name in variables_of(text):
        if name == CATALOGUE_VALUE:
            if not scope.catalogue:
                yield Fault(
                    f"@@{CATALOGUE_VALUE} has no value here",
                    "It stands in value_expression and payable_expression of a plan with a catalogue_id",
                )
        elif name not in scope.variables:
            known = sorted(scope.variables) + ([CATALOGUE_VALUE] if scope.catalogue else [])
            hint = nearest(name, known)
            yield Fault(
                f"the variable @@{name} has no value in seeds/plans/variables.csv",
                f"Did you mean @@{hint}? If not, add a row with variable_name {name}"
                if hint
                else f"Add a row with variable_name {name}",
            )


def placed(text: str) -> str:
    """The text with each @@Name as the quoted name "@@Name", which any SQL parser takes for a column."""
    return _SIGN.sub(lambda match: f'"{match[0]}"' if match["variable"] else match[0], text)
