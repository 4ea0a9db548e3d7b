"""The plan language in the seeds: every expression, with the fields and variables that it may name."""

from __future__ import annotations

from collections.abc import Iterator

from orchestration.plans.checks.problems import Problem
from orchestration.plans.checks.tables import Company, Row
from orchestration.plans.language import (
    CATALOGUE_VALUE,
    ExpressionChecker,
    Scope,
    Wanted,
    variables_of,
)

# Read off a deal: fields, and variables of scope plan and global.
DEAL_EXPRESSIONS: dict[str, dict[str, Wanted]] = {
    "plans": {
        "filter_expression": "condition",
        "value_expression": "number",
        "payable_expression": "number",
        "catalogue_key_expression": "text",
        "rate_dimension_1_expression": "text",
        "rate_dimension_2_expression": "text",
        "rate_dimension_3_expression": "text",
        "weight_expression": "number",
    },
    "credit_rules": {
        "payee_expression": "text",
        "condition_expression": "condition",
        "share_expression": "number",
    },
    "payout_terms": {"cancelled_date_expression": "date"},
}
# Read for a payee on a day: variables of every scope, no fields.
NUMBER_EXPRESSIONS: dict[str, tuple[str, ...]] = {
    "plans": ("quota_expression", "incentive_expression"),
    "tiers": ("rate_expression", "tier_amount_expression"),
    "bonuses": ("amount_expression", "amount_to_expression"),
    "modifiers": ("amount_expression",),
}
CATALOGUE_COLUMNS = ("value_expression", "payable_expression")


def expression_rules(company: Company) -> Iterator[Problem]:
    """Every expression of every plan table that is there."""
    variables = frozenset(row["variable_name"] for row in company["variables"])
    with ExpressionChecker() as checker:
        for table, wanted in DEAL_EXPRESSIONS.items():
            for row in company.rows.get(table, []):
                for column, kind in wanted.items():
                    scope = _deal_scope(company, table, row, column, variables)
                    if scope and row[column]:
                        yield from _problems(company, checker, row, column, kind, scope)
        for table, columns in NUMBER_EXPRESSIONS.items():
            for row in company.rows.get(table, []):
                for column in columns:
                    if row[column]:
                        yield from _problems(
                            company, checker, row, column, "number", Scope(variables=variables)
                        )


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
        yield row.problem(column, f"{prefix}: {fault.message}", fault.mend)
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
