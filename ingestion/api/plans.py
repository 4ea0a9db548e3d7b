"""Which plans use a column: the rows of the seeds whose expressions name it."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Seeds whose rows belong to a plan and may hold expressions over the fields of its source object.
_SEEDS = ("plans/plans.csv", "plans/tiers.csv", "plans/rates.csv", "plans/bonuses.csv", "plans/modifiers.csv",
          "crediting/credit_rules.csv")  # fmt: skip
_EXPRESSION = "_expression"


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


def uses(seeds: Path, system: str, table: str, column: str) -> list[Use]:
    """Return the uses of `"column"` by the plans whose source object is `<system>/<table>`.

    Names are compared as the database does, without case.
    """
    source_object, quoted = f"{system}/{table}".lower(), f'"{column}"'.lower()
    plans = {
        row.get("plan_id", "")
        for _, row in _rows(seeds, "plans/plans.csv")
        if row.get("source_object", "").lower() == source_object
    }
    return [
        Use(row["plan_id"], f"seeds/{name}", number, field)
        for name in _SEEDS
        for number, row in _rows(seeds, name)
        if row.get("plan_id") in plans and row.get("source_object", source_object).lower() == source_object
        for field, value in row.items()
        if field.endswith(_EXPRESSION) and quoted in value.lower()
    ]


def used_columns(seeds: Path, system: str, table: str) -> set[str]:
    """Return the column names, in double quotes in the seeds, that plans over this table use."""
    source_object = f"{system}/{table}".lower()
    plans = {
        row.get("plan_id", "")
        for _, row in _rows(seeds, "plans/plans.csv")
        if row.get("source_object", "").lower() == source_object
    }
    return {
        part
        for name in _SEEDS
        for _, row in _rows(seeds, name)
        if row.get("plan_id") in plans and row.get("source_object", source_object).lower() == source_object
        for field, value in row.items()
        if field.endswith(_EXPRESSION)
        for part in value.split('"')[1::2]
    }
