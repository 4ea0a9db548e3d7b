"""A small company to load, and a way to look at what was landed."""

import csv
import gzip
import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from ingestion.landing.settings import SAMPLE_DIR, Settings
from ingestion.load import LoadResult, load_system
from ingestion.registry import SYSTEMS

Row = dict[str, str]


def sample_rows(system: str, table: str) -> list[Row]:
    """Return the rows of a bundled extract."""
    return list(csv.DictReader(io.StringIO(sample_text(system, table), newline="")))


def sample_header(system: str, table: str) -> list[str]:
    """Return the column names of a bundled extract, which may have no rows."""
    return next(csv.reader(io.StringIO(sample_text(system, table), newline="")))


def sample_text(system: str, table: str) -> str:
    """Return a bundled extract as text."""
    path = SAMPLE_DIR / system / f"{table}.csv"
    return (
        path.read_bytes() if path.exists() else gzip.decompress(path.with_suffix(".csv.gz").read_bytes())
    ).decode()


@dataclass
class Company:
    """Extracts that a test may change, and the warehouse that they are loaded into."""

    settings: Settings

    def path(self, system: str, table: str) -> Path:
        return self.settings.extracts / system / f"{table}.csv"

    def write(self, system: str, table: str, rows: list[Row], columns: list[str] | None = None) -> None:
        path = self.path(system, table)
        path.parent.mkdir(parents=True, exist_ok=True)
        names = columns or (list(rows[0]) if rows else self.columns(system, table))
        with path.open("w", newline="", encoding="utf-8") as handle:
            writer = csv.DictWriter(handle, names, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    def read(self, system: str, table: str) -> list[Row]:
        with self.path(system, table).open(newline="", encoding="utf-8") as handle:
            return list(csv.DictReader(handle))

    def columns(self, system: str, table: str) -> list[str]:
        declared = next(found for found in SYSTEMS[system].tables if found.name == table)
        return [column.name for column in declared.columns]

    def edit(self, system: str, table: str, change: Callable[[list[Row]], list[Row] | None]) -> None:
        """Let `change` alter the rows in place, or return other ones."""
        rows = self.read(system, table)
        self.write(system, table, change(rows) or rows, list(rows[0]))

    def load(self, system: str, **changed: Any) -> LoadResult:
        return load_system(system, replace(self.settings, **changed))

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as connection:
            return connection.execute(sql).fetchall()
