"""Results of planning as files: one DuckDB file with described tables, and each table as CSV. They appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb

from orchestration.planning.scratch import literal


@dataclass(frozen=True)
class Table:
    """A table of a result: its description and those of its columns, in their order."""

    name: str
    description: str
    columns: Mapping[str, str]


def write_results(
    warehouse: Path, folder: Path, name: str, tables: Sequence[Table], facts: Mapping[str, str]
) -> Path:
    """Write the tables of the schema `results` to ``folder``/``name``.duckdb and to CSV files beside it; returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path, aside = folder / f"{name}.duckdb", folder / f"{name}.duckdb.tmp"
    aside.unlink(missing_ok=True)
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"attach {literal(warehouse)} as calculated (read_only)")
        connection.execute(f"attach {literal(aside)} as made")
        connection.execute("create table made.facts (name varchar, value varchar)")
        for fact, value in facts.items():
            connection.execute("insert into made.facts values (?, ?)", [fact, value])
        for table in tables:
            columns = ", ".join(table.columns)
            connection.execute(
                f"create table made.{table.name} as select {columns} from calculated.results.{table.name}"
            )
            connection.execute(f"comment on table made.{table.name} is {literal(table.description)}")
            for column, description in table.columns.items():
                connection.execute(f"comment on column made.{table.name}.{column} is {literal(description)}")
            csv = folder / f"{table.name}.csv"
            connection.execute(f"copy made.{table.name} to {literal(f'{csv}.tmp')} (header, delimiter ',')")
            os.replace(f"{csv}.tmp", csv)
        connection.execute("checkpoint made")
        connection.execute("detach made")
    os.replace(aside, path)
    return path


def table_lines(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Aligned lines: three columns of text, then amounts."""
    widths = [max(len(row[at]) for row in (header, *rows)) for at in range(len(header))]
    texts = 3  # the columns that are not amounts
    return [
        "  ".join(
            cell.ljust(width) if at < texts else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (header, *rows)
    ]


def money(amount: Decimal) -> str:
    """An amount as people read it."""
    return f"{amount:,.2f}"
