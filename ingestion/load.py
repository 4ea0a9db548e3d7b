"""Load source systems into the warehouse and report what changed.

Data flow: extracts -> check -> dlt (parquet) -> DuckDB schema raw_<system>. A system is loaded whole or not
at all: a problem in one file stops it before anything is written, a kill is taken back by the next load. A landing that
would change nothing is not made (`unchanged`).
"""

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dlt
import duckdb

from ingestion.api.errors import ApiError
from ingestion.landing.changes import Passes, check_system
from ingestion.landing.files import InputError, Problem, locate
from ingestion.landing.pipeline import (
    LOAD_FILE_FORMAT,
    WarehouseBusyError,
    boundary,
    connect,
    exclusive,
    held_open,
    landed_tables,
    prepare,
    quoted,
    table_columns,
)
from ingestion.landing.settings import Settings
from ingestion.landing.tables import SourceSystem, Table
from ingestion.landing.unchanged import Inputs, Landed, inputs_of, raw_fingerprints, recall, remember
from ingestion.landing.whole import note_whole_read
from ingestion.models import unloaded_systems, unread_tables
from ingestion.registry import SYSTEMS, configured_systems

__all__ = [
    "InputError",
    "LandingError",
    "LoadResult",
    "TableCount",
    "TableResult",
    "WarehouseBusyError",
    "check_inputs",
    "exclusive",
    "landing_is_current",
    "load_all",
    "load_system",
    "prepare",
    "raw_fingerprints",
    "table_counts",
    "verify",
]


class LandingError(Exception):
    """The warehouse does not hold the rows that the files have: a fault of the landing, not of a file."""


@dataclass(frozen=True)
class TableCount:
    """Versions of a raw table: `live` now, `retired` when they were replaced or left the source."""

    live: int
    retired: int


@dataclass(frozen=True)
class TableResult:
    """What a load did to one table.

    Attributes:
        in_file: rows of the extract, or rows that a connected system is known to have.
        new_versions: versions landed by this load: new rows and changed ones.
        retired: rows that left the source with this load (a changed row is not among them).
        live: rows now in force.
    """

    in_file: int
    new_versions: int
    retired: int
    live: int


@dataclass(frozen=True)
class LoadResult:
    """What a load did to one system; `fixed` counts rows of a killed load that were taken back first."""

    system: str
    tables: dict[str, TableResult]
    load_ids: tuple[str, ...]
    notices: tuple[str, ...]
    fixed: int


def _system(name: str | SourceSystem) -> SourceSystem:
    if isinstance(name, SourceSystem):
        return name
    if name not in SYSTEMS:
        raise KeyError(f"unknown source system '{name}'; known are: {', '.join(SYSTEMS)}")
    return SYSTEMS[name]


def check_inputs(extract_dir: Path, passes: Passes | None = None) -> list[Problem]:
    """Read and type all extracts of all systems of files without writing; return up to 20 problems per system.

    A system or table that the models read and that is not loaded is a problem too.

    Args:
        passes: an extract that has passed before, with the same bytes and declaration, is not read again.
    """
    connected = configured_systems(Settings.from_env())
    return (
        unloaded_systems(SYSTEMS)
        + unread_tables(connected)
        + [
            problem
            for system in SYSTEMS.values()
            if system.reads_files
            for problem in check_system(system.name, system.tables, extract_dir, passes)
        ]
    )


def _known_error(error: BaseException) -> InputError | ApiError | None:
    """Return the error of ours that dlt has wrapped, if that is what stopped it."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, InputError | ApiError):
        seen = seen.__cause__ or seen.__context__
    return seen


def _states(pipeline: dlt.Pipeline, system: str) -> Mapping[str, Mapping[str, Any]]:
    states: Mapping[str, Mapping[str, Any]] = (
        pipeline.state.get("sources", {}).get(system, {}).get("resources", {})
    )
    return states


def _rows_remembered(pipeline: dlt.Pipeline, system: str) -> dict[str, int]:
    states = _states(pipeline, system)
    return {name: int(state["rows"]) for name, state in states.items() if "rows" in state}


def _count(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> TableCount:
    row = connection.execute(
        f"SELECT count(*) FILTER (_dlt_valid_to IS NULL), count(_dlt_valid_to) FROM {quoted(schema, table)}"
    ).fetchone()
    return TableCount(*row) if row else TableCount(0, 0)


def _changes(
    connection: duckdb.DuckDBPyConnection, schema: str, table: Table, load_ids: Iterable[str]
) -> tuple[int, int]:
    """Return the new versions and the rows retired by these loads."""
    name, new, gone = quoted(schema, table.name), 0, 0
    same_key = " AND ".join(f"live.{quoted(key)} = closed.{quoted(key)}" for key in table.primary_key)
    for load_id in load_ids:
        row = connection.execute(
            f"""
            SELECT
                (SELECT count(*) FROM {name} WHERE _dlt_load_id = $load_id),
                (
                    SELECT count(*) FROM {name} AS closed
                    WHERE closed._dlt_valid_to BETWEEN $closed_at - INTERVAL 1 MILLISECOND
                                                   AND $closed_at + INTERVAL 1 MILLISECOND
                      AND NOT EXISTS (
                        SELECT 1 FROM {name} AS live WHERE live._dlt_valid_to IS NULL AND {same_key}
                      )
                )
            """,
            {"load_id": load_id, "closed_at": boundary(load_id)},
        ).fetchone()
        new, gone = (new + row[0], gone + row[1]) if row else (new, gone)
    return new, gone


def table_counts(system: str | SourceSystem, settings: Settings) -> dict[str, TableCount]:
    """Return live and retired versions of each raw table of a system; zeros where nothing was landed yet."""
    tables = _system(system).tables
    if not settings.warehouse.exists():
        return {table.name: TableCount(0, 0) for table in tables}
    schema = _system(system).schema
    with contextlib.closing(connect(settings, read_only=True)) as connection:
        landed = set(landed_tables(connection, schema, "_dlt_valid_to"))
        return {
            table.name: _count(connection, schema, table.name) if table.name in landed else TableCount(0, 0)
            for table in tables
        }


def verify(system: str | SourceSystem, pipeline: dlt.Pipeline, settings: Settings) -> dict[str, TableCount]:
    """Check after a run that each table has as many live rows as its file; return what was counted.

    Raises:
        LandingError: a count differs.
    """
    declared = _system(system)
    counts, origin = table_counts(declared, settings), "file" if declared.reads_files else "source"
    differences = [
        f"{declared.schema}.{name}: {counts[name].live} live rows, the {origin} has {rows}"
        for name, rows in _rows_remembered(pipeline, declared.name).items()
        if name in counts and counts[name].live != rows
    ]
    if differences:
        raise LandingError(
            f"the warehouse does not hold what the {origin}s have; drop the raw schema of the system and load it "
            "again:\n  " + "\n  ".join(differences)
        )
    return counts


def landing_is_current(system: str | SourceSystem, settings: Settings) -> bool:
    """Whether `load_system` would find that nothing has changed, and make no landing.

    A system that a connector reads is always asked.

    Raises:
        WarehouseBusyError: another process has the warehouse open.
        KeyError: the system is unknown.
    """
    declared = _system(system)
    return recall(declared, inputs_of(declared, settings), settings) is not None


def load_system(system: str | SourceSystem, settings: Settings, *, full: bool = False) -> LoadResult:
    """Load all tables of one system.

    A landing of files that would change nothing is not made; the result is the same as if it were.

    Args:
        full: make the landing in any case, and read a connected system whole.

    Raises:
        InputError: a file or what a connector read cannot be loaded (SchemaAlert: a field vanished or changed
            its type); nothing was written.
        ApiError: a connected system cannot be read; nothing was written.
        WarehouseBusyError: another process is loading, or has the warehouse open.
        LandingError: the warehouse does not hold what the files have.
        KeyError: the system is unknown.
    """
    declared = _system(system)
    with exclusive(settings):
        inputs = inputs_of(declared, settings)
        if not full and (landed := recall(declared, inputs, settings)) is not None:
            tables = {name: TableResult(in_file, 0, 0, live) for name, (in_file, live) in landed.rows.items()}
            return LoadResult(declared.name, tables, (), landed.notices, 0)
        with held_open(settings):
            return _land(declared, inputs, settings, full=full)


def _land(declared: SourceSystem, inputs: Inputs | None, settings: Settings, *, full: bool) -> LoadResult:
    fixed = prepare(declared.name, settings)
    pipeline = declared.pipeline(settings)
    planned = declared.source(settings.extracts, replace(settings, read_whole=full or settings.read_whole))
    begun_at = datetime.now(UTC)
    try:
        info = pipeline.run(planned, loader_file_format=LOAD_FILE_FORMAT)
    except Exception as error:
        if (known := _known_error(error)) is not None:
            raise known from None
        raise
    counts = verify(declared, pipeline, settings)
    result = _result(declared, pipeline, counts, tuple(info.loads_ids), fixed, settings)
    if not declared.reads_files:
        note_whole_read(declared, _states(pipeline, declared.name), begun_at, settings)
    if inputs is not None:
        rows = {name: (table.in_file, table.live) for name, table in result.tables.items()}
        digests = {name: state.get("digest") for name, state in _states(pipeline, declared.name).items()}
        remember(declared, inputs, Landed(rows, result.notices), digests, settings)
    return result


def _result(
    declared: SourceSystem,
    pipeline: dlt.Pipeline,
    counts: Mapping[str, TableCount],
    load_ids: tuple[str, ...],
    fixed: int,
    settings: Settings,
) -> LoadResult:
    in_file = _rows_remembered(pipeline, declared.name)
    tables: dict[str, TableResult] = {}
    notices: list[str] = []
    with contextlib.closing(connect(settings, read_only=True)) as connection:
        columns = table_columns(connection, declared.schema)
        for table in declared.tables:
            new, gone = _changes(connection, declared.schema, table, load_ids)
            tables[table.name] = TableResult(in_file.get(table.name, 0), new, gone, counts[table.name].live)
            notices += _undeclared(declared.schema, table, columns.get(table.name, []))
            if hidden := (_states(pipeline, declared.name).get(table.name, {}).get("api") or {}).get(
                "hidden"
            ):
                notices.append(
                    f"{declared.schema}.{table.name}: the system does not show {', '.join(hidden)}; no plan or model reads "
                    "them, and they land empty"
                )
            if not declared.reads_files:
                continue
            path, file = locate(settings.extracts, declared.name, table)
            if path is None:
                notices.append(f"{file}: the file is absent, the rows of the last load stay in force")
    return LoadResult(declared.name, tables, load_ids, tuple(notices), fixed)


def _undeclared(schema: str, table: Table, columns: Iterable[str]) -> list[str]:
    """Return a notice for each column that lies in the warehouse and is not declared."""
    known = {column.name for column in table.columns}
    return [
        f"{schema}.{table.name}: column {name} is not declared and lands as text; declare it to type it"
        for name in columns
        if name not in known and not name.startswith("_")
    ]


def load_all(
    settings: Settings, systems: Iterable[str] | None = None, *, full: bool = False
) -> list[LoadResult]:
    """Load the named systems, by default all; stop at the first that cannot be loaded."""
    return [load_system(name, settings, full=full) for name in (systems or SYSTEMS)]
