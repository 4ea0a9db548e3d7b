"""Turn the records of a system into typed rows, by the same readers as the fields of a file.

Data flow: pages of records -> one list of texts a column -> typed Arrow batch with hash and origin -> one Arrow
table without repeated keys. Faults are collected by column, so that a field that changed its type is distinguished from
single bad values.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from ingestion.api.client import Record
from ingestion.landing.files import (
    PROBLEMS_SHOWN,
    ROW_HASH,
    SOURCE_FILE,
    SOURCE_ROW,
    Problem,
    arrow_type,
    convert,
    hash_rows,
)
from ingestion.landing.tables import Column, Table

Key = tuple[Any, ...]

_RESERVED = (ROW_HASH, SOURCE_FILE, SOURCE_ROW)


def as_text(value: Any) -> str:
    """Return a JSON value as the text that a file would hold; None and "" are empty.

    Raises:
        TypeError: a float, which is not exact, or a type that JSON does not have.
    """
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case Decimal():
            return format(value, "f")
        case datetime() | date():
            return value.isoformat()
        case list() | tuple() | dict():
            return _compact(value)
    raise TypeError(f"{type(value).__name__} is not a value of JSON; parse numbers as Decimal")


def _compact(value: Any) -> str:
    """Return nested JSON in one spelling, numbers digit for digit."""
    if isinstance(value, Mapping):
        pairs = (
            f"{json.dumps(str(name), ensure_ascii=False)}:{_compact(value[name])}" for name in sorted(value)
        )
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(_compact(item) for item in value) + "]"
    if value is None:
        return "null"
    if isinstance(value, str | datetime | date):
        return json.dumps(value if isinstance(value, str) else value.isoformat(), ensure_ascii=False)
    return as_text(value)


@dataclass
class _Faults:
    """What could not be read in one column."""

    filled: int = 0
    bad: int = 0
    problems: list[Problem] = field(default_factory=list)


@dataclass
class Rows:
    """Collects the records of one read of a table.

    Attributes:
        seen: the fields met in any record.
        filled: those met with a value.
        count: records so far, repeated ones included.
    """

    table: Table
    origin: str
    seen: set[str] = field(default_factory=set)
    filled: set[str] = field(default_factory=set)
    count: int = 0

    def __post_init__(self) -> None:
        self._batches: list[pa.Table] = []
        self._faults: dict[str, _Faults] = {}
        self._problems: list[Problem] = []
        self._declared = {column.name: column for column in self.table.columns}

    def add(self, records: Sequence[Record]) -> None:
        """Type a page of records."""
        if not records:
            return
        numbers = list(range(self.count + 1, self.count + len(records) + 1))
        self.count += len(records)
        names = dict.fromkeys(name for record in records for name in record)
        self.seen.update(names)
        columns = [
            *self.table.columns,
            *(Column(name, "text") for name in names if name not in self._declared),
        ]
        self._check_names(columns)
        values: dict[str, list[Any]] = {}
        parts: dict[str, list[str]] = {}
        for column in columns:
            cells = self._cells(column, records, numbers)
            values[column.name], parts[column.name], faults = convert(self.origin, column, cells, numbers)
            self._note(column, cells, faults)
        self._batches.append(self._batch(columns, values, parts, numbers))

    def _cells(self, column: Column, records: Sequence[Record], numbers: Sequence[int]) -> list[str]:
        cells = []
        for number, record in zip(numbers, records, strict=True):
            try:
                cells.append(as_text(record.get(column.name)))
            except TypeError as error:
                self._problems.append(Problem(self.origin, str(error), number, column.name))
                cells.append("")
        return cells

    def _note(self, column: Column, cells: Sequence[str], problems: list[Problem]) -> None:
        filled = sum(cell != "" for cell in cells)
        if filled:
            self.filled.add(column.name)
        faults = self._faults.setdefault(column.name, _Faults())
        faults.filled += filled
        faults.bad += len(problems)
        faults.problems += problems[: PROBLEMS_SHOWN - len(faults.problems)]

    def _check_names(self, columns: Iterable[Column]) -> None:
        known: dict[str, str] = {}
        for column in columns:
            name = column.name.lower()
            if name in known:
                self._once(
                    f"the field is there twice (also '{known[name]}'); the warehouse cannot hold both", column
                )
            if name.startswith("_dlt_") or name in _RESERVED or not name.strip():
                self._once("the name is used by the landing itself; leave the field out of the read", column)
            known[name] = column.name

    def _once(self, message: str, column: Column) -> None:
        problem = Problem(self.origin, message, None, column.name)
        if problem not in self._problems:
            self._problems.append(problem)

    def _batch(
        self,
        columns: Sequence[Column],
        values: dict[str, list[Any]],
        parts: dict[str, list[str]],
        numbers: list[int],
    ) -> pa.Table:
        values[ROW_HASH] = hash_rows(parts[name] for name in sorted(parts))
        values[SOURCE_FILE] = [self.origin] * len(numbers)
        values[SOURCE_ROW] = numbers
        fields = [pa.field(column.name, arrow_type(column)) for column in columns]
        fields += [
            pa.field(ROW_HASH, pa.string()),
            pa.field(SOURCE_FILE, pa.string()),
            pa.field(SOURCE_ROW, pa.int64()),
        ]
        return pa.table(values, schema=pa.schema(fields))

    def retyped(self) -> dict[str, str]:
        """Return the columns of which no value could be read, each with what was wrong with the first."""
        return {
            name: faults.problems[0].message
            for name, faults in self._faults.items()
            if faults.bad and faults.bad == faults.filled
        }

    def problems(self) -> list[Problem]:
        """Return the single values that could not be read, empty keys, and impossible names."""
        retyped = self.retyped()
        found = [
            problem
            for name, faults in self._faults.items()
            if name not in retyped
            for problem in faults.problems
        ]
        return [*self._problems, *found]

    def keys(self, keys: Iterable[Sequence[Any]]) -> pa.Table:
        """Return keys as a typed Arrow table with the columns of the primary key."""
        listed = [tuple(key) for key in keys]
        arrays = {}
        for position, name in enumerate(self.table.primary_key):
            column = self._declared[name]
            cells = [as_text(key[position]) for key in listed]
            typed, _, faults = convert(
                f"{self.origin} (deleted)", column, cells, list(range(1, len(cells) + 1))
            )
            self._problems += faults[:PROBLEMS_SHOWN]
            arrays[name] = pa.array(typed, arrow_type(column))
        return pa.table(arrays)

    def distinct(self) -> pa.Table:
        """Return all rows, one a key: that with the latest stamp, of equal stamps the last one read.

        Empty keys, and without a stamp two different rows with one key, are added to `problems`.
        """
        rows = self._whole()
        stamps = rows[self.table.stamp].to_pylist() if self.table.stamp else [None] * rows.num_rows
        hashes, numbers = rows[ROW_HASH].to_pylist(), rows[SOURCE_ROW].to_pylist()
        chosen: dict[Key, int] = {}
        further = rows[self.table.further_key].to_pylist() if self.table.further_key else [0] * rows.num_rows
        for index, key in enumerate(
            zip(*(rows[name].to_pylist() for name in self.table.primary_key), strict=True)
        ):
            if None in key:
                name = self.table.primary_key[key.index(None)]
                if name not in self.retyped():
                    message = "the key is empty; a row without key cannot be followed"
                    self._problems.append(Problem(self.origin, message, numbers[index], name))
                continue
            place = (*key, further[index])
            before = chosen.get(place)
            if before is None or self._is_later(stamps[before], stamps[index]):
                chosen[place] = index
            if before is not None and self.table.stamp is None and hashes[before] != hashes[index]:
                shown = ", ".join(f"'{part}'" for part in key)
                self._problems.append(
                    Problem(
                        self.origin,
                        f"{shown} is the key of record {numbers[before]} as well, with other contents; load again, "
                        f"and if it stays, give the table {self.table.name} a key that names one row",
                        numbers[index],
                        " + ".join(self.table.primary_key),
                    )
                )
        if len(chosen) == rows.num_rows:
            return rows
        return rows.take(pa.array(sorted(chosen.values()), pa.int64()))

    @staticmethod
    def _is_later(before: datetime | None, now: datetime | None) -> bool:
        if before is None or now is None:
            return before is None
        return now >= before

    def _whole(self) -> pa.Table:
        if not self._batches:
            return self._batch(self.table.columns, {c.name: [] for c in self.table.columns}, {"": []}, [])
        whole = pa.concat_tables(self._batches, promote_options="default")
        self._batches = [whole]
        required = {*self.table.primary_key, ROW_HASH, SOURCE_FILE, SOURCE_ROW}
        first = [column.name for column in self.table.columns]
        names = [*first, *(name for name in whole.column_names if name not in self._declared)]
        schema = pa.schema(
            [
                whole.schema.field(name).with_nullable(name not in required or whole[name].null_count > 0)
                for name in names
            ]
        )
        return pa.table([whole[name] for name in names], schema=schema)
