"""A separate warehouse for projections and simulations: the landed tables of the real one, seeds that may differ, the same models.

The real warehouse, books and published marts are only read.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from orchestration.calculation.fingerprints import file_hash
from orchestration.plans.checks.problems import shown as shown_values
from orchestration.plans.situations.build import calculate
from orchestration.warehouse.marts_file import open_marts
from orchestration.warehouse.publish import published_nodes
from orchestration.warehouse.settings import DBT_PROJECT_DIR, RunSettings, shown

Cells = dict[str, str]


class PlanningError(Exception):
    """Nothing was projected or simulated. The message says why, and what to do."""


@dataclass(frozen=True)
class Scratch:
    """A folder with a warehouse and seeds that nobody else reads."""

    home: Path

    @property
    def warehouse(self) -> Path:
        """The DuckDB file of the calculation."""
        return self.home / "warehouse.duckdb"

    @property
    def seeds(self) -> Path:
        """The seeds of the calculation, with their property files."""
        return self.home / "seeds"

    def dbt(self, as_of: date, *command: str, **variables: object) -> None:
        """Run dbt over the warehouse. Raises BuildError with what dbt said."""
        calculate(self.home, self.seeds, as_of, DBT_PROJECT_DIR, command=command, variables=variables)


def published_as_of(settings: RunSettings) -> date:
    """The day to which the published marts were calculated.

    Raises PlanningError when there is nothing to compare with: no run, or a warehouse that is not what people see.
    """
    if not settings.published.exists() or not settings.warehouse.exists():
        raise PlanningError("there is nothing to start from yet; `commissions run` first")
    if (reason := settings.why_unfinished()) is not None:
        raise PlanningError(f"{reason}; `commissions run` first")
    with open_marts(settings.published, settings.published_key()) as marts:
        found = marts.execute("select value from publication.run where name = 'as_of_date'").fetchone()
    if found is None:
        raise PlanningError(
            f"{shown(settings.published)} does not say its as-of date; `commissions run` first"
        )
    return date.fromisoformat(found[0])


def make_scratch(settings: RunSettings, home: Path, seeds: Path) -> Scratch:
    """Make an empty scratch in ``home`` with the landed tables (without books) and a copy of the seeds."""
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    scratch = Scratch(home)
    shutil.copytree(seeds, scratch.seeds)
    with duckdb.connect(str(scratch.warehouse)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"attach {literal(settings.warehouse)} as real (read_only)")
        tables = connection.execute(
            """
            select schema_name, table_name from duckdb_tables()
            where
              database_name = 'real' and starts_with(schema_name, 'raw_')
              and (schema_name <> 'raw_books' or table_name = 'edit_actions') -- deals are read with accepted edits
            order by all
            """
        ).fetchall()
        for schema, table in tables:
            connection.execute(f"create schema if not exists {schema}")
            connection.execute(f'create table {schema}."{table}" as from real.{schema}."{table}"')
        connection.execute("detach real")
    return scratch


def refuse_edited_seeds(settings: RunSettings, seeds: Path) -> None:
    """Raise PlanningError when a seed differs from what the last run has loaded: what came of it is not published yet."""
    loaded = loaded_seeds(settings)
    edited = [
        file.name
        for file in sorted(seeds.rglob("*.csv"))
        if file.stem in loaded and file_hash(file) != loaded[file.stem]
    ]
    if edited:
        raise PlanningError(
            f"edited after the last run: {shown_values(edited)}. `commissions run` first, so that the comparison is with "
            "what holds"
        )


def loaded_seeds(settings: RunSettings) -> dict[str, str]:
    """The hashes of the seed files that the last run has published, by seed; empty where none are known."""
    nodes = published_nodes(settings.published, settings.published_key())
    return {
        name.rsplit(".", 1)[-1]: fingerprint
        for name, fingerprint in nodes.items()
        if name.startswith("seed.")
    }


def read_rows(path: Path) -> tuple[list[str], list[Cells]]:
    """Header and rows of a seed, all cells text."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        return list(reader.fieldnames or []), list(reader)


def write_rows(path: Path, header: Sequence[str], rows: Sequence[Mapping[str, str]]) -> None:
    """Write a seed; every filled cell in quotes, so that single quotes stay where they are."""
    lines = [",".join(header)]
    lines += [",".join(_quoted(row.get(name) or "") for name in header) for row in rows]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if cell else ""


def literal(value: object) -> str:
    """A SQL string."""
    return "'" + str(value).replace("'", "''") + "'"


def seed_file(seeds: Path, name: str) -> Path:
    """The file of a seed. Raises PlanningError when it is not there."""
    found = next(seeds.rglob(f"{name}.csv"), None)
    if found is None:
        raise PlanningError(f"{name}.csv is not under {shown(seeds)}")
    return found
