"""The syntax tree, and each of its nodes against the list."""

from __future__ import annotations

import re
from collections.abc import Iterator

import duckdb
import sqlglot
from sqlglot import exp

from orchestration.plans.language.refusals import refusal_of, subquery_fault
from orchestration.plans.language.scope import Fault, Scope
from orchestration.plans.language.signs import NUMBER, placed
from orchestration.plans.language.vocabulary import (
    CAST_TYPES,
    COMPARISONS,
    DATE_PARTS,
    DIGITS_MAX,
    FLOAT_TYPES,
    FUNCTIONS,
    SYNTAX,
)
from orchestration.plans.language.wording import listed, nearest, sql_of


def parse(text: str) -> exp.Expr | Fault:
    try:
        trees = sqlglot.parse(placed(text), dialect="duckdb")
    except Exception:  # the parser meets broken texts with TypeError and others as well as its own errors
        trees = []
    tree = trees[0] if len(trees) == 1 else None
    if isinstance(tree, exp.Tuple):
        return _not_one()
    if not isinstance(tree, exp.Expr):
        return _not_one() if re.fullmatch(r"[0-9., ]+", text) else _syntax_fault(text)
    return tree


def _not_one() -> Fault:
    return Fault(
        "it is more than one expression",
        "Write numbers with a decimal point and without thousands separators, 12500.00",
    )


def _syntax_fault(text: str) -> Fault:
    """What DuckDB, whose messages are plainer, says of a text that is not one expression."""
    with duckdb.connect(":memory:") as connection:
        found = connection.execute(
            """
            select
              json_extract_string(parsed, '$.error_message'),
              json_array_length(parsed, '$.statements'),
              json_array_length(parsed, '$.statements[0].node.select_list')
            from (select json_serialize_sql(cast(? as varchar)) as parsed)
            """,
            [f"select ({placed(text)}\n)"],
        ).fetchone()
    message, statements, values = found or (None, 0, 0)
    if not message and (statements, values) != (1, 1):
        return _not_one()
    said = str(message or "syntax error").splitlines()[0].replace('"@@', '"')
    return Fault(
        f"not a SQL expression: {said}",
        'Write an expression over the source\'s fields, for example "Amount" > 0',
    )


class Tree:
    """Holds the nodes of a syntax tree against the list of what the plan language has."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    def faults(self, node: exp.Expr) -> Iterator[Fault]:
        """Faults of the node and of what is below it; nothing below a refused node is reported."""
        refused = self._refused(node)
        if refused:
            yield refused
            return
        yield from self._comparison_faults(node)
        if isinstance(node, exp.Column):
            return
        for child in node.iter_expressions():
            if not isinstance(child, (exp.DataType, exp.Var)):
                yield from self.faults(child)

    def _refused(self, node: exp.Expr) -> Fault | None:
        """Why the node has no place in an expression, else None."""
        if isinstance(node, exp.Column):
            return self._column_fault(node)
        if isinstance(node, exp.Literal):
            return _literal_fault(node)
        if isinstance(node, exp.Cast):
            return _cast_fault(node)
        if isinstance(node, (exp.Extract, exp.TimestampTrunc, exp.DateTrunc)):
            return _part_fault(node)
        if isinstance(node, exp.In):
            return subquery_fault(node) if set(node.args) - {"this", "expressions"} & _filled(node) else None
        if isinstance(node, exp.Anonymous) and node.name.lower() == "divide":
            return _divide_fault(node)
        if type(node) in FUNCTIONS or isinstance(node, SYNTAX):
            return None
        return refusal_of(node)

    def _column_fault(self, node: exp.Column) -> Fault | None:
        name = node.name
        if node.table:
            return Fault(
                f"{sql_of(node)} names a field of another table",
                f'An expression sees the fields of its own deal only; write "{name}"',
            )
        quoted = isinstance(node.this, exp.Identifier) and node.this.quoted
        if quoted and name.startswith("@@"):
            return None
        if self.scope.source_object is None:
            return self._no_fields_fault(name)
        if quoted and name in self.scope.fields:
            return None
        return self._unknown_name(node, name, quoted)

    def _no_fields_fault(self, name: str) -> Fault:
        near = nearest(name, self.scope.variables)
        return Fault(
            f"names the field {name}, but this number belongs to a payee and a day, not to a deal",
            f"Did you mean @@{near}?" if near else "Write numbers and @@variables only",
        )

    def _unknown_name(self, node: exp.Column, name: str, quoted: bool) -> Fault:
        fields, variables = self.scope.fields, self.scope.variables
        near = nearest(name, fields)
        same = near if near and near.lower() == name.lower() else None
        as_text = f"Did you mean the text '{name.replace(chr(39), chr(39) * 2)}' (in single quotes)?"
        is_compared = _is_compared_value(node)
        if quoted:
            if is_compared and not same:
                return Fault(f'there is no field "{name}" in {self.scope.source_object}', as_text)
            fix = f'Did you mean "{near}"?' if near else f"Known fields: {listed(fields)}"
            return Fault(f'there is no field "{name}" in {self.scope.source_object}', fix)
        bare = f"the name {name} stands without quotation marks"
        variable = next((known for known in sorted(variables) if known.lower() == name.lower()), None)
        if same:
            return Fault(bare, f'Write "{same}"')
        if variable:
            return Fault(bare, f"Write @@{variable}")
        if is_compared:
            return Fault(bare, as_text)
        if near:
            return Fault(bare, f'Did you mean "{near}"?')
        return Fault(
            bare, "Write fields in double quotes, \"Amount\", and texts in single quotes, 'Reseller'"
        )

    def _comparison_faults(self, node: exp.Expr) -> Iterator[Fault]:
        if not isinstance(node, (*COMPARISONS, exp.In, exp.Like, exp.ILike, exp.Between)):
            return
        sides = [node.this, *(side for side in node.iter_expressions() if side is not node.this)]
        if isinstance(node, exp.In) and any(isinstance(side, exp.Null) for side in sides):
            yield Fault(
                f"{sql_of(node)} finds nothing by null", f"Write {sql_of(node.this)} is null beside it"
            )
        if isinstance(node, (exp.EQ, exp.NEQ)) and any(isinstance(side, exp.Null) for side in sides):
            said = "is not null" if isinstance(node, exp.NEQ) else "is null"
            other = next((side for side in sides if not isinstance(side, exp.Null)), sides[0])
            yield Fault(f"{sql_of(node)} is never true", f"Write {sql_of(other)} {said}")
        if any(
            not isinstance(part, (exp.Literal, exp.Paren, exp.Neg)) for side in sides for part in side.walk()
        ):
            return
        for side in sides:
            if side.is_string and side.name in self.scope.fields:
                yield Fault(
                    f"{sql_of(node)} compares two texts",
                    f'The field {side.name} stands in double quotes: write "{side.name}"',
                )
                return


def _filled(node: exp.Expr) -> set[str]:
    return {name for name, value in node.args.items() if value not in (None, False, [])}


def _is_compared_value(node: exp.Expr) -> bool:
    """True on the right side of a comparison, where texts stand."""
    above: exp.Expr | None = node.parent
    return isinstance(above, (*COMPARISONS, exp.In, exp.Like, exp.ILike)) and above.this is not node


def _literal_fault(node: exp.Literal) -> Fault | None:
    if node.is_string:
        return None
    written = node.name
    if re.fullmatch(r"[0-9.]+e[+-]?[0-9]+", written, re.IGNORECASE):
        return Fault(f"{written} is a floating-point number", f"Write it out, {_written_out(written)}")
    if not NUMBER.fullmatch(written):
        return Fault(f"{written} is not a decimal number", "Write digits and a decimal point, 12500.00")
    if len(written.replace(".", "").lstrip("0")) > DIGITS_MAX:
        return Fault(f"{written} has more than {DIGITS_MAX} digits", "Write fewer digits")
    return None


def _written_out(number: str) -> str:
    mantissa, _, power = number.lower().partition("e")
    if len(mantissa) > DIGITS_MAX or abs(int(power)) > DIGITS_MAX:
        return "with fewer digits"
    whole, _, decimals = mantissa.partition(".")
    point = len(whole) + int(power)
    digits = whole + decimals
    if point <= 0:
        digits, point = "0" * (1 - point) + digits, 1
    digits = digits.ljust(point, "0")
    return f"{digits[:point].lstrip('0') or '0'}.{digits[point:]}".rstrip(".")


def _cast_fault(node: exp.Cast) -> Fault | None:
    wanted = node.to
    if wanted.this in FLOAT_TYPES:
        return Fault(f"{sql_of(node)} gives a floating-point number", "Write cast(... as decimal(28, 10))")
    if wanted.this not in CAST_TYPES:
        return Fault(
            f"cast to {wanted.sql(dialect='duckdb').lower()} is not part of the plan language",
            "Cast to decimal(28, 10), varchar, date, integer, bigint or boolean",
        )
    return None


def _part_fault(node: exp.Expr) -> Fault | None:
    unit = node.this if isinstance(node, exp.Extract) else node.args.get("unit")
    name = unit.name.upper() if isinstance(unit, exp.Expr) else ""
    if name in DATE_PARTS:
        return None
    known = ", ".join(sorted(part.lower() for part in DATE_PARTS))
    return Fault(f"{sql_of(node)} takes a part of a date that is not known", f"Take one of: {known}")


def _divide_fault(node: exp.Anonymous) -> Fault | None:
    if len(node.expressions) != 2:
        return Fault(f"divide takes two numbers, not {len(node.expressions)}", "Write divide(a, b)")
    divisor = node.expressions[1]
    if divisor.is_number and not divisor.name.strip("0."):
        return Fault(f"{sql_of(node)} divides by zero", "Correct the divisor")
    return None
