"""Checks every equation that stands in a text, with exact fractions."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from fractions import Fraction

_NUMBER = r"-?\d[\d,]*(?:\.\d+)?"
_TERM = rf"{_NUMBER}(?: [A-Z]{{3}})?"
_EQUATION = re.compile(rf"({_TERM}(?: [x/+-] {_TERM})+) = ({_NUMBER})")
_ROUNDED = re.compile(rf"= ({_NUMBER}), rounded ({_NUMBER})(?![\d,.]| - )")
_ALONG = re.compile(rf"({_NUMBER}) \+ {_NUMBER} = ({_NUMBER}), rounded ({_NUMBER}) - ({_NUMBER}) = ")
_OPERATIONS: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    "x": operator.mul,
    "/": operator.truediv,
    "+": operator.add,
    "-": operator.sub,
}
_PARTS = re.compile(rf" ([x/+-]) |({_NUMBER})")


def number(text: str) -> Fraction:
    """A number as it is printed."""
    return Fraction(text.replace(",", ""))


def value_of(terms: str) -> Fraction:
    """What the left side comes to, from left to right."""
    total, sign = None, ""
    for sign_found, operand in _PARTS.findall(terms):
        if sign_found:
            sign = sign_found
        elif total is None:
            total = number(operand)
        else:
            total = _OPERATIONS[sign](total, number(operand))
    assert total is not None
    return total


def rounded(exact: Fraction, digits: int) -> Fraction:
    """Half away from zero."""
    scale = 10**digits
    whole = int(abs(exact) * scale + Fraction(1, 2))
    return Fraction(whole, scale) * (-1 if exact < 0 else 1)


def cut(exact: Fraction, digits: int) -> Fraction:
    """Towards zero."""
    return Fraction(int(exact * 10**digits), 10**digits)


def equations(text: str) -> Iterator[re.Match[str]]:
    """Every equation of a text."""
    return _EQUATION.finditer(text)


def faults(text: str, minor_unit: int) -> list[str]:
    """The equations and roundings that are not true; amounts are rounded to ``minor_unit`` decimals."""
    found = []
    for line in text.splitlines():
        for equation in equations(line):
            left, right = value_of(equation[1]), number(equation[2])
            after = line[equation.end() :]
            is_cut = re.match(r"(?: [A-Z]{3})?, cut at the 10th decimal", after)
            if right != (cut(left, 10) if is_cut else left):
                found.append(line.strip())
        for exact, shown in _ROUNDED.findall(line):
            if rounded(number(exact), minor_unit) != number(shown):
                found.append(line.strip())
        for before, after_exact, after_shown, before_shown in _ALONG.findall(line):
            if (rounded(number(after_exact), minor_unit), rounded(number(before), minor_unit)) != (
                number(after_shown),
                number(before_shown),
            ):
                found.append(line.strip())
    return found
