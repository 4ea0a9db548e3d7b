"""Which plans use a column: the rows of the seeds whose expressions name it."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ingestion.expressions import DEAL, expressions
from ingestion.models import DEAL_FIELDS, DEALS, deal_table


@dataclass(frozen=True)
class Use:
    """A plan's expression that names a column; `row` is the line of the file (header = 1)."""

    plan_id: str
    file: str
    row: int
    field: str

    def __str__(self) -> str:
        return f"plan {self.plan_id} ({self.file} row {self.row}, {self.field})"


def _rows(seeds: Path, name: str) -> Iterator[tuple[int, dict[str, str]]]:
    path = seeds / name
    if path.exists():
        with path.open(newline="", encoding="utf-8-sig") as handle:
            reader = csv.DictReader(handle)
            for row in reader:
                yield reader.line_num, {key: value or "" for key, value in row.items() if key}


def _deals(system: str, table: str) -> Mapping[str, str] | None:
    """Return the columns of a table by the fields that staging makes of them; None where it holds no deals for plans."""
    chosen = deal_table()
    if chosen is None or (system, table) != (chosen[0], chosen[1].name):
        return None
    return chosen[1].fields


def _expressions(seeds: Path, system: str, table: str) -> Iterator[tuple[Use, str]]:
    """Yield the expressions of the plans that pay on a table, each with its place."""
    named = {f"{system}/{table}".lower()}
    if _deals(system, table) is not None:
        named.add(DEALS.lower())
    plans = {
        row.get("plan_id", "")
        for _, row in _rows(seeds, "plans/plans.csv")
        if row.get("source_object", "").lower() in named
    }
    columns: dict[str, list[str]] = {}
    for declared in expressions(seeds):
        if declared.of == DEAL:
            columns.setdefault(declared.file, []).append(declared.column)
    for name, fields in columns.items():
        for number, row in _rows(seeds, name):
            if row.get("plan_id") not in plans:
                continue
            if "source_object" in row and row["source_object"].lower() not in named:
                continue
            for field in fields:
                yield Use(row["plan_id"], f"seeds/{name}", number, field), row.get(field, "")


def uses(seeds: Path, system: str, table: str, column: str) -> list[Use]:
    """Return the uses of `"column"` by the plans whose source object is `<system>/<table>`, or stands for it.

    Names are compared as the database does, without case. A plan may name the field that staging makes of a column.
    """
    made = [field for field, source in (_deals(system, table) or {}).items() if source == column]
    quoted = [f'"{name}"'.lower() for name in (column, *made)]
    return [
        use
        for use, value in _expressions(seeds, system, table)
        if any(name in value.lower() for name in quoted)
    ]


def used_columns(seeds: Path, system: str, table: str) -> set[str]:
    """Return the column names, in double quotes in the seeds, that plans over this table use."""
    names = {part for _, value in _expressions(seeds, system, table) for part in value.split('"')[1::2]}
    fields = _deals(system, table)
    if fields is None:
        return names
    columns = {field.lower(): source for field, source in fields.items()}
    own = {name.lower() for name in DEAL_FIELDS} - {"id", "amount"}
    return {
        columns.get(name.lower(), name)
        for name in names
        if name.lower() in columns or name.lower() not in own
    }
