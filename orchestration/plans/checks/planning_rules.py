"""What the seeds of planning say of open deals: known objects, known fields, expressions of the plan language."""

from __future__ import annotations

from collections.abc import Iterator

from orchestration.plans.checks.problems import Problem, did_you_mean
from orchestration.plans.checks.tables import Company, Row
from orchestration.plans.language import ExpressionChecker, Scope, Wanted

EXPECTED_DAY = "expected_close_date"
OPEN_DEALS: dict[str, Wanted] = {
    "open_expression": "condition",
    "close_date_expression": "date",
    "probability_expression": "number",
}


def pipeline_rules(company: Company) -> Iterator[Problem]:
    """The objects are in the data pool, the fields exist, and every expression can be read off a deal."""
    with ExpressionChecker() as checker:
        for row in company["open_deals"]:
            if row["source_object"] not in company.sources:
                hint = did_you_mean(row["source_object"], company.sources)
                yield row.problem(
                    "source_object",
                    f"'{row['source_object']}' is not an object of the data pool",
                    hint or f"Write one of {', '.join(sorted(company.sources))}",
                )
                continue
            for column, wanted in OPEN_DEALS.items():
                yield from _faults(company, checker, row, column, wanted, {})
        for row in company["won_fields"]:
            fields = (
                company.fields_of(row["source_object"]) if row["source_object"] in company.sources else {}
            )
            if not fields:
                continue  # reported with the object, or not known before it is landed
            if row["field_name"] not in fields:
                yield row.problem(
                    "field_name",
                    f"{row['source_object']} has no field {row['field_name']}",
                    did_you_mean(row["field_name"], fields) or "Write a field of the deal",
                )
                continue
            kind = _wanted(fields[row["field_name"]])
            if kind:
                yield from _faults(company, checker, row, "won_expression", kind, {EXPECTED_DAY: "DATE"})


def _wanted(kind: str) -> Wanted | None:
    if kind == "BOOLEAN":
        return "condition"
    if kind == "DATE":
        return "date"
    if kind == "VARCHAR":
        return "text"
    return "number" if kind.startswith(("DECIMAL", "BIGINT", "INTEGER")) else None


def _faults(
    company: Company,
    checker: ExpressionChecker,
    row: Row,
    column: str,
    wanted: Wanted,
    further: dict[str, str],
) -> Iterator[Problem]:
    fields = company.fields_of(row["source_object"])
    if not fields or not row[column]:
        return
    scope = Scope(row["source_object"], {**fields, **further}, frozenset())
    for fault in checker.check(row[column], wanted, scope):
        text = " ".join(row[column].split())
        yield row.problem(
            column, f"open deals of {row['source_object']}, expression `{text}`: {fault.message}", fault.fix
        )
