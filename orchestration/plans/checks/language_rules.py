"""The plan language in the seeds: every expression, with the fields and variables that it may name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from ingestion.expressions import DEAL
from orchestration.plans.checks.problems import Problem
from orchestration.plans.checks.tables import Company, Row
from orchestration.plans.language import (
    CATALOGUE_VALUE,
    ExpressionChecker,
    Scope,
    Wanted,
    variables_of,
)

CATALOGUE_COLUMNS = ("value_expression", "payable_expression")


def expression_rules(company: Company) -> Iterator[Problem]:
    """Every expression of every plan table that is there."""
    variables = frozenset(row["variable_name"] for row in company["variables"])
    with ExpressionChecker() as checker:
        for declared in company.expressions:
            for row in company.rows.get(declared.seed, []):
                if not row.cells.get(declared.column):
                    continue
                scope: Scope | None = Scope(variables=variables)
                if declared.of == DEAL:
                    scope = _deal_scope(company, declared.seed, row, declared.column, variables)
                if scope:
                    wanted = cast(Wanted, declared.wanted)
                    yield from _problems(company, checker, row, declared.column, wanted, scope)


def _deal_scope(
    company: Company, table: str, row: Row, column: str, variables: frozenset[str]
) -> Scope | None:
    """What a deal expression may name; None where the source object is not known (reported by itself)."""
    plans = [row] if table == "plans" else company.of_plan("plans", row["plan_id"])
    source = plans[0]["source_object"] if plans else ""
    fields = company.fields_of(source) if source in company.sources else {}
    if not fields:
        return None
    if table == "payout_terms":
        return Scope(source, fields, frozenset())
    catalogue = table == "plans" and column in CATALOGUE_COLUMNS and bool(row["catalogue_id"])
    return Scope(source, fields, variables, catalogue)


def _problems(
    company: Company, checker: ExpressionChecker, row: Row, column: str, wanted: Wanted, scope: Scope
) -> Iterator[Problem]:
    text = row[column]
    prefix = f"plan '{row['plan_id']}', expression `{' '.join(text.split())}`"
    faults = checker.check(text, wanted, scope)
    for fault in faults:
        yield row.problem(column, f"{prefix}: {fault.message}", fault.fix)
    if faults:
        return
    for name in variables_of(text):
        if name != CATALOGUE_VALUE:
            yield from _value_problems(company, row, column, name, scope, prefix)


def _value_problems(
    company: Company, row: Row, column: str, name: str, scope: Scope, prefix: str
) -> Iterator[Problem]:
    """A variable that has rows, of which none can ever be read by this expression."""
    scopes = ("plan", "global") if scope.source_object else ("payee", "team", "plan", "global")
    values = company.values_of(name)
    readable = [
        value
        for value in values
        if value["scope_code"] in scopes
        and (value["scope_code"] != "plan" or value["scope_id"] == row["plan_id"])
    ]
    if not values:
        return  # its rows are reported by their dates
    if not readable:
        found = ", ".join(sorted({f"{v['scope_code']} {v['scope_id']}".strip() for v in values})[:3])
        yield row.problem(
            column,
            f"{prefix}: the variable @@{name} has values of other scopes only ({found}, ...); "
            + ("for a deal" if scope.source_object else "here")
            + f" it is read by {', then '.join(scopes)}",
            f"Add a row of scope plan ({row['plan_id']}) or global to seeds/plans/variables.csv",
        )
    elif not any(value.meets(row) for value in readable):
        yield row.problem(
            column,
            f"{prefix}: the variable @@{name} has no value between {row['valid_from']} and "
            f"{row['valid_to'] or 'open'}",
            "Correct the dates in seeds/plans/variables.csv or add a row",
        )
