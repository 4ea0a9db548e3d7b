"""The language of plan expressions: fields in double quotes, @@Variables, literals, and what joins them.

    "Amount" * 0.5    "Type" in ('A', 'B') and not "Online_Order__c"    divide("Amount", @@Quota)
    case when "Amount" > 10 then 1 else 0 end    coalesce("Amount", 0)

Null is contagious as in SQL: an operation on null is null, except in coalesce, case, and, or, `is null`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from tests.calculation.oracle.exact import cut

Value = Fraction | str | bool | None
Fields = Mapping[str, Value]
Variables = Mapping[str, Fraction | None]
Evaluate = Callable[[Fields, Variables], Value]

TOKEN = re.compile(
    r"""\s*(?:(?P<field>"[^"]+")|(?P<variable>@@\w+)|(?P<number>\d+(?:\.\d+)?)|(?P<text>'(?:[^']|'')*')
    |(?P<word>[A-Za-z_]+)|(?P<sign><>|!=|<=|>=|[-+*=<>(),]))""",
    re.VERBOSE,
)
COMPARISONS = ("=", "<>", "!=", "<", "<=", ">", ">=")


@dataclass(frozen=True)
class Expression:
    """A parsed expression and the names of the variables in it."""

    text: str
    variables: tuple[str, ...]
    value: Evaluate


@cache
def parse(text: str) -> Expression:
    """Parse an expression; ValueError says where it stops making sense."""
    parser = Parser(text)
    value = parser.either()
    if parser.token is not None:
        raise ValueError(f"{text}: {parser.token!r} is not expected")
    return Expression(text, tuple(sorted(parser.variables)), value)


def tokens(text: str) -> Iterator[str]:
    at, end = 0, len(text.rstrip())
    while at < end:
        found = TOKEN.match(text, at)
        if not found:
            raise ValueError(f"{text}: cannot read {text[at:]!r}")
        yield found.group().strip()
        at = found.end()


class Parser:
    """Reads one token after the other, from the loosest operator (or) to the tightest."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens(text)
        self.variables: set[str] = set()
        self.token: str | None = None
        self.advance()

    def advance(self) -> str | None:
        passed, self.token = self.token, next(self.tokens, None)
        return passed

    def sees(self, *words: str) -> bool:
        return self.token is not None and self.token.lower() in words

    def took(self, *words: str) -> str | None:
        return (self.advance() or "").lower() if self.sees(*words) else None

    def expect(self, word: str) -> None:
        if not self.took(word):
            raise ValueError(f"{self.text}: {word!r} is expected instead of {self.token!r}")

    def either(self) -> Evaluate:
        value = self.both()
        while self.took("or"):
            value = logical(value, self.both(), decisive=True)
        return value

    def both(self) -> Evaluate:
        value = self.negation()
        while self.took("and"):
            value = logical(value, self.negation(), decisive=False)
        return value

    def negation(self) -> Evaluate:
        if self.took("not"):
            inner = self.negation()
            return lambda fields, names: None if (v := inner(fields, names)) is None else not v
        return self.comparison()

    def comparison(self) -> Evaluate:
        left = self.sum()
        if self.took("is"):
            is_negated = bool(self.took("not"))
            self.expect("null")
            return lambda fields, names: (left(fields, names) is None) != is_negated
        if self.sees("in", "not"):
            is_negated = bool(self.took("not"))
            self.expect("in")
            return membership(left, self.items(), is_negated)
        if operator := self.took(*COMPARISONS):
            return compared(left, operator, self.sum())
        return left

    def items(self) -> list[Evaluate]:
        self.expect("(")
        values = [self.either()]
        while self.took(","):
            values.append(self.either())
        self.expect(")")
        return values

    def sum(self) -> Evaluate:
        value = self.product()
        while operator := self.took("+", "-"):
            value = calculated(value, operator, self.product())
        return value

    def product(self) -> Evaluate:
        value = self.signed()
        while self.took("*"):
            value = calculated(value, "*", self.signed())
        return value

    def signed(self) -> Evaluate:
        if self.took("-"):
            return calculated(lambda fields, names: Fraction(0), "-", self.signed())
        return self.atom()

    def atom(self) -> Evaluate:
        token = self.advance()
        if token is None:
            raise ValueError(f"{self.text}: something is missing at the end")
        if token == "(":
            value = self.either()
            self.expect(")")
            return value
        if token.startswith('"'):
            name = token[1:-1]
            return lambda fields, names: fields[name]
        if token.startswith("@@"):
            self.variables.add(token[2:])
            return lambda fields, names: names[token[2:]]
        if token.startswith("'"):
            said = token[1:-1].replace("''", "'")
            return lambda fields, names: said
        if token[0].isdigit():
            number = Fraction(token)
            return lambda fields, names: number
        return self.named(token.lower())

    def named(self, word: str) -> Evaluate:
        if word in ("true", "false", "null"):
            literal = {"true": True, "false": False, "null": None}[word]
            return lambda fields, names: literal
        if word == "case":
            return self.case()
        if word == "coalesce":
            values = self.items()
            return first_known(values)
        if word == "divide":
            above, below = self.items()
            return calculated(above, "/", below)
        raise ValueError(f"{self.text}: {word!r} is not known")

    def case(self) -> Evaluate:
        branches: list[tuple[Evaluate, Evaluate]] = []
        while self.took("when"):
            condition = self.either()
            self.expect("then")
            branches.append((condition, self.either()))
        otherwise: Evaluate = self.either() if self.took("else") else lambda fields, names: None
        self.expect("end")

        def chosen(fields: Fields, names: Variables) -> Value:
            for condition, value in branches:
                if condition(fields, names):
                    return value(fields, names)
            return otherwise(fields, names)

        return chosen


def first_known(values: list[Evaluate]) -> Evaluate:
    def known(fields: Fields, names: Variables) -> Value:
        return next((v for value in values if (v := value(fields, names)) is not None), None)

    return known


def logical(left: Evaluate, right: Evaluate, *, decisive: bool) -> Evaluate:
    """Join by `or` (true decides) or `and` (false decides); null where neither decides and one is null."""

    def joined(fields: Fields, names: Variables) -> Value:
        sides = (left(fields, names), right(fields, names))
        if decisive in sides:
            return decisive
        return None if None in sides else not decisive

    return joined


def compared(left: Evaluate, operator: str, right: Evaluate) -> Evaluate:
    def comparison(fields: Fields, names: Variables) -> Value:
        a, b = left(fields, names), right(fields, names)
        if a is None or b is None:
            return None
        if operator == "=":
            return a == b
        if operator in ("<>", "!="):
            return a != b
        if isinstance(a, str) != isinstance(b, str):
            raise ValueError(f"{a!r} {operator} {b!r}: a text and a number")
        below, is_equal = a < b, a == b  # type: ignore[operator]
        return {"<": below, "<=": below or is_equal, ">": not below and not is_equal, ">=": not below}[
            operator
        ]

    return comparison


def membership(left: Evaluate, values: list[Evaluate], is_negated: bool) -> Evaluate:
    def member(fields: Fields, names: Variables) -> Value:
        sought = left(fields, names)
        found = [value(fields, names) for value in values]
        if sought is None:
            return None
        if sought in found:
            return not is_negated
        return None if None in found else is_negated

    return member


def calculated(left: Evaluate, operator: str, right: Evaluate) -> Evaluate:
    def result(fields: Fields, names: Variables) -> Value:
        a, b = left(fields, names), right(fields, names)
        if a is None or b is None:
            return None
        if not isinstance(a, Fraction) or not isinstance(b, Fraction):
            raise ValueError(f"{a!r} {operator} {b!r}: not two numbers")
        if operator == "+":
            return a + b
        if operator == "-":
            return a - b
        if operator == "*":
            return a * b
        return cut(a / b) if b else None

    return result
