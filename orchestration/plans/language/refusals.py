"""Why what is not on the list has no place in an expression, and what to write instead."""

from __future__ import annotations

import difflib
import re

from sqlglot import exp

from orchestration.plans.language.scope import Fault
from orchestration.plans.language.vocabulary import FUNCTION_NAMES, REFUSED_AS
from orchestration.plans.language.wording import sql_of


def subquery_fault(node: exp.Expr) -> Fault:
    return Fault(
        f"{sql_of(node)} reads other rows",
        "An expression sees the fields of its own deal and @@variables only",
    )


def refusal_of(node: exp.Expr) -> Fault:
    """The message for a node that is not on the list."""
    if isinstance(node, (exp.Query, exp.Subquery, exp.Exists, exp.UDTF)):
        return subquery_fault(node)
    if node.parent is None and not isinstance(node, (exp.Condition, exp.Alias, exp.Star, exp.Interval)):
        return Fault("it is a statement, not an expression", "Write a condition or a value")
    if isinstance(node, exp.Window):
        return Fault(f"{sql_of(node)} looks at other deals", "A running total is the plan's attainment")
    if isinstance(node, (exp.Star, exp.Columns)):
        return Fault("* stands for all fields", "Name the fields that you mean")
    if isinstance(node, (exp.Div, exp.IntDiv)):
        return Fault(
            f"{sql_of(node)} divides with /, which leaves exact decimals",
            f"Write divide({sql_of(node.this)}, {sql_of(node.expression)})",
        )
    if isinstance(node, exp.Alias):
        return Fault(
            f"{node.alias} stands after the expression", f"Delete it, or put an operator before {node.alias}"
        )
    if isinstance(node, exp.Func) and not isinstance(node, exp.Array):
        return _function_fault(node)
    return Fault(
        f"{sql_of(node)} is not part of the plan language",
        'It has comparisons, + - *, and, or, not, case, in, between, like, is null and plain functions, lower("Type")',
    )


def _function_fault(node: exp.Expr) -> Fault:
    name = node.name if isinstance(node, exp.Anonymous) else _function_name(node)
    lower = name.lower()
    kind = REFUSED_AS.get(lower)
    if kind == "clock":
        return Fault(f"{lower} reads a clock", "The same deal must always give the same amount; name a day")
    if kind == "chance":
        return Fault(f"{lower} gives another value in each run", "Name the value")
    if kind == "outside":
        return Fault(
            f"{lower} reads what is outside of the deal", "Put the number into seeds/plans/variables.csv"
        )
    if kind == "float":
        return Fault(f"{sql_of(node)} leaves exact decimals", "Write it with + - * and divide(a, b)")
    if isinstance(node, exp.AggFunc):
        other = {exp.Max: "greatest", exp.Min: "least"}.get(type(node))
        return Fault(
            f"{lower} looks at several deals; an expression sees one",
            f"For the values of one deal write {other}(a, b)"
            if other
            else "Deals are added up by the plan's aggregate_code and calendar_id",
        )
    near = difflib.get_close_matches(lower, FUNCTION_NAMES, n=1)
    return Fault(
        f"the function {lower} is not part of the plan language",
        f"Did you mean {near[0]}?" if near else f"Known functions: {', '.join(FUNCTION_NAMES)}",
    )


def _function_name(node: exp.Expr) -> str:
    """The function as it is written; a name that the parser replaced is taken from the generated SQL."""
    written = re.match(r"([A-Za-z_][A-Za-z0-9_.]*)", sql_of(node))
    return written[1] if written else node.key
