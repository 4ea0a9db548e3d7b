"""Find fields that vanished or changed their type, and name the plans that use them."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from ingestion.api.plans import used_columns, uses
from ingestion.landing.files import InputError, Problem
from ingestion.landing.tables import ColumnType, Table

Described = Mapping[str, ColumnType | None]

# A field of the second type can be read into a column of the first without loss.
_READABLE: Mapping[ColumnType, frozenset[str]] = {
    "text": frozenset({"text", "decimal", "date", "timestamp", "bool", "bigint"}),
    "decimal": frozenset({"decimal", "bigint"}),
    "bigint": frozenset({"bigint"}),
    "date": frozenset({"date"}),
    "timestamp": frozenset({"timestamp"}),
    "bool": frozenset({"bool"}),
}
_NEW_FIELDS_SHOWN = 5


class SchemaAlert(InputError):
    """Fields that the project relies on have vanished or changed at the source. Nothing was written."""


def alert(seeds: Path, system: str, origin: str, table: Table, column: str, what: str, fix: str) -> Problem:
    """Return the alert for one column, with the plans that use it."""
    used = [str(use) for use in uses(seeds, system, table.name, column)]
    by = f"used by {', '.join(used)}" if used else "no plan uses it in an expression"
    return Problem(origin, f"{what}; {by}; {fix}", None, f"{system}.{table.name}.{column}")


def described_alerts(
    seeds: Path, system: str, origin: str, table: Table, described: Described, known: Iterable[str]
) -> list[Problem]:
    """Return alerts from the source's own description of a table.

    Args:
        known: the fields of the last load; a new one may be the new name of a vanished one.
    """
    by_name = {name.lower(): name for name in described}
    before = {name.lower() for name in known}
    declared = {column.name.lower() for column in table.columns}
    new = [name for name in described if name.lower() not in before | declared] if before else []
    found = []
    for column in table.columns:
        name = by_name.get(column.name.lower())
        if name is None:
            found.append(_vanished(seeds, system, origin, table, column.name, new))
            continue
        now = described[name]
        if now is not None and now not in _READABLE[column.type]:
            what = f"is {now} at the source, and is declared as {column.type}"
            fix = "change its type back at the source, or declare the new type and look at the plans"
            found.append(alert(seeds, system, origin, table, column.name, what, fix))
    undeclared = {name for name in used_columns(seeds, system, table.name) if name.lower() not in declared}
    for name in sorted(undeclared):
        if name.lower() in before and name.lower() not in by_name:
            found.append(_vanished(seeds, system, origin, table, name, new))
    return found


def _vanished(
    seeds: Path, system: str, origin: str, table: Table, column: str, new: Iterable[str]
) -> Problem:
    listed = list(new)[:_NEW_FIELDS_SHOWN]
    perhaps = f" (new there: {', '.join(listed)})" if listed else ""
    fix = f"rename it back at the source{perhaps}, or change the plans and the declaration of {table.name}"
    return alert(seeds, system, origin, table, column, "is no longer a field of the source", fix)


def absent_alerts(
    seeds: Path,
    system: str,
    origin: str,
    table: Table,
    seen: set[str],
    expected: Iterable[str],
    known: Iterable[str],
) -> list[Problem]:
    """Return alerts for expected columns that no record had."""
    names = {name.lower() for name in seen}
    before = {name.lower() for name in known}
    declared = {column.name.lower() for column in table.columns}
    new = [name for name in sorted(seen) if name.lower() not in before | declared] if before else []
    return [
        _vanished(seeds, system, origin, table, name, new) for name in expected if name.lower() not in names
    ]


def retyped_alerts(
    seeds: Path, system: str, origin: str, table: Table, retyped: Mapping[str, str]
) -> list[Problem]:
    """Return alerts for columns of which no value could be read."""
    fix = "change its type back at the source, or declare the new type and look at the plans"
    return [
        alert(
            seeds,
            system,
            origin,
            table,
            name,
            f"has changed its type: declared as {table.column(name).type}, but the first value {fault}",
            fix,
        )
        for name, fault in retyped.items()
    ]
