"""The dlt side of a load: source, pipeline, and the repair after a load that was killed.

Every version that was ever landed stays: a table is merged with dlt's `scd2` strategy over our own row hash.
A live row has `_dlt_valid_to` NULL; a replaced version and a row that left the source have it filled.
"""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import dlt
import duckdb
from dlt.common.schema.typing import TScd2StrategyDict, TSchemaContractDict
from dlt.sources import DltResource, DltSource

from ingestion.landing.changes import Mode, Plan, plan_system
from ingestion.landing.files import ROW_HASH, SOURCE_FILE, SOURCE_ROW
from ingestion.landing.settings import Settings
from ingestion.landing.tables import PRECISION, Column, Table, raw_schema

LOAD_FILE_FORMAT: Literal["parquet"] = "parquet"

# dlt takes these from the environment only. Without the first one Arrow rows carry no _dlt_load_id, and a
# killed load could not be distinguished from a finished one.
_DLT_ENVIRONMENT = {
    "NORMALIZE__PARQUET_NORMALIZER__ADD_DLT_LOAD_ID": "true",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
}

# Schema and table in the warehouse that say which landings were verified, and of which inputs.
MEMORY = ("ingestion", "landings")

# A column may join; a column that changes its type stops the load.
_SCHEMA_CONTRACT: TSchemaContractDict = {"tables": "evolve", "columns": "evolve", "data_type": "freeze"}


class WarehouseBusyError(Exception):
    """Another process is loading, or holds the warehouse file open."""


def _column_hint(column: Column, *, nullable: bool) -> dict[str, Any]:
    hint: dict[str, Any] = {"name": column.name, "data_type": column.type, "nullable": nullable}
    if column.type == "decimal":
        hint |= {"precision": PRECISION, "scale": column.scale}
    elif column.type == "timestamp":
        hint |= {"timezone": True, "precision": 6}
    return hint


def column_hints(table: Table) -> dict[str, Any]:
    """Return dlt's hints for all columns of a table, so that a column lands even when it is empty."""
    hints = [_column_hint(column, nullable=column.name not in table.primary_key) for column in table.columns]
    hints += [
        {"name": ROW_HASH, "data_type": "text", "nullable": False},
        {"name": SOURCE_FILE, "data_type": "text", "nullable": False},
        {"name": SOURCE_ROW, "data_type": "bigint", "nullable": False},
    ]
    return {hint["name"]: hint for hint in hints}


def write_disposition(table: Table, mode: Mode, deleted: Sequence[str] = ()) -> TScd2StrategyDict:
    """Return dlt's merge settings: which live rows a load may retire.

    A delta may only replace versions of the keys it brings, and retire the rows whose hashes are `deleted`; a
    full comparison may retire any row. The scope is always written out, because dlt keeps the hint of an earlier
    load until another one replaces it.
    """
    scope = "1 = 1"
    if mode == "delta":
        keys = [f'"{name}"' for name in table.primary_key]
        row = ", ".join(f"{{table}}.{key}" for key in keys)
        scope = f"({row}) IN (SELECT ({', '.join(keys)}) FROM {{staging_table}})"
        if len(keys) == 1:
            scope = f"{row} IN (SELECT {keys[0]} FROM {{staging_table}})"
        if deleted:
            hashes = ", ".join(f"'{row_hash}'" for row_hash in deleted)
            scope = f"({scope} OR {{table}}.{ROW_HASH} IN ({hashes}))"
    return {
        "disposition": "merge",
        "strategy": "scd2",
        "row_version_column_name": ROW_HASH,
        "destination_scope": scope,
    }


class _Planner:
    """Plans all tables of a system once per run, when dlt asks for the first of them."""

    def __init__(self, system: str, tables: Sequence[Table], extract_dir: Path, settings: Settings) -> None:
        self._system, self._tables = system, tables
        self._extract_dir, self._settings = extract_dir, settings
        self._load_id: str | None = None
        self._plans: dict[str, Plan] = {}

    def plan(self, table: Table, _state: Mapping[str, Any]) -> Plan:
        load_id = dlt.current.load_package_state()["load_id"]
        if load_id != self._load_id:
            states: Mapping[str, Any] = dlt.current.source_state().get("resources", {})
            self._plans = plan_system(self._system, self._tables, self._extract_dir, states, self._settings)
            self._load_id = load_id
        return self._plans[table.name]


def make_resource(
    table: Table, make_plan: Callable[[Table, Mapping[str, Any]], Plan], chunk_rows: int
) -> DltResource:
    """Return a resource that lands what the plan says; the plan is made from the state of the last load."""

    def rows() -> Iterator[Any]:
        state = dlt.current.resource_state()
        plan = make_plan(table, dict(state))
        state.clear()
        state.update(plan.remember)
        if plan.mode == "nothing" or plan.rows is None:
            return
        hints = dlt.mark.make_hints(write_disposition=write_disposition(table, plan.mode, plan.deleted))
        # An empty table is passed on as well: it retires all rows.
        for start in range(0, max(plan.rows.num_rows, 1), chunk_rows):
            yield dlt.mark.with_hints(plan.rows.slice(start, chunk_rows), hints)

    return dlt.resource(
        rows,
        name=table.name,
        primary_key=table.primary_key,
        columns=column_hints(table),
        write_disposition=write_disposition(table, "full"),
        schema_contract=_SCHEMA_CONTRACT,
    )


def make_source(
    system: str, tables: Sequence[Table], extract_dir: Path | None = None, settings: Settings | None = None
) -> DltSource:
    """Return a dlt source named `system` whose resources are named as the tables; reads nothing yet.

    Reading, typing and the guard against truncated files happen when dlt evaluates the first resource; they
    raise InputError before anything is written.
    """
    settings = settings or Settings.from_env()
    planner = _Planner(system, tables, extract_dir or settings.extracts, settings)

    @dlt.source(name=system, max_table_nesting=0)
    def extracts() -> list[DltResource]:
        return [make_resource(table, planner.plan, settings.chunk_rows) for table in tables]

    return extracts()


def _pipelines_dir(system: str, settings: Settings) -> Path:
    return settings.home / "dlt" / system


def make_pipeline(system: str, settings: Settings | None = None) -> dlt.Pipeline:
    """Return the dlt pipeline that lands `system` in the schema `raw_<system>` of the warehouse.

    Run it with loader_file_format="parquet", after `prepare`.
    """
    settings = settings or Settings.from_env()
    os.environ.update(_DLT_ENVIRONMENT)
    settings.home.mkdir(parents=True, exist_ok=True)
    return dlt.pipeline(
        pipeline_name=f"land_{system}",
        pipelines_dir=str(_pipelines_dir(system, settings)),
        destination=dlt.destinations.duckdb(str(settings.warehouse), naming_convention="duck_case"),
        dataset_name=raw_schema(system),
    )


# Warehouses that this process holds open.
_HELD: set[Path] = set()


def connect(settings: Settings, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Open the warehouse file, or one more connection to a file that is held open.

    Raises:
        WarehouseBusyError: another process has it open.
    """
    read_only = read_only and settings.warehouse.resolve() not in _HELD
    try:
        return duckdb.connect(str(settings.warehouse), read_only=read_only)
    except duckdb.IOException as error:
        if "lock" not in str(error).lower():
            raise
        raise WarehouseBusyError(
            f"{settings.warehouse} is open in another process; close it (a reader should open the published "
            f"copy) and start again: {error}"
        ) from error


@contextlib.contextmanager
def held_open(settings: Settings) -> Iterator[None]:
    """Hold the warehouse open while a load runs: to open a file again costs more than most steps of a small load.

    All connections of this process, those of dlt too, share the open file; a reader in another process waits for the
    end. What was committed is safe from a kill: it is in the log beside the file, which the next opening reads.

    Raises:
        WarehouseBusyError: another process has it open.
    """
    path = settings.warehouse.resolve()
    with contextlib.closing(connect(settings)):
        _HELD.add(path)
        try:
            yield
        finally:
            _HELD.discard(path)


def quoted(*names: str) -> str:
    """Return a qualified name for SQL."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def table_columns(connection: duckdb.DuckDBPyConnection, schema: str) -> dict[str, list[str]]:
    """Return the columns of each table of a schema, both in the order of their names.

    The tables are asked one by one: the database's list of all columns looks into every view of the warehouse too.
    """
    names = connection.execute(
        "SELECT table_name FROM duckdb_tables() "
        "WHERE database_name = current_database() AND schema_name = ? ORDER BY 1",
        [schema],
    ).fetchall()
    return {
        name: sorted(
            column
            for column, *_ in connection.execute(f"SELECT * FROM {quoted(schema, name)} LIMIT 0").description
        )
        for (name,) in names
    }


def landed_tables(connection: duckdb.DuckDBPyConnection, schema: str, column: str) -> list[str]:
    """Return the tables of a schema that have the column."""
    return [name for name, columns in table_columns(connection, schema).items() if column in columns]


def boundary(load_id: str) -> datetime:
    """Return the instant that dlt stamps on the versions a load opens and closes: its id is the epoch."""
    return datetime.fromtimestamp(float(load_id), tz=UTC)


def undo_unfinished_loads(connection: duckdb.DuckDBPyConnection, system: str) -> int:
    """Take back what loads that were killed have left in `raw_<system>`; return the number of rows fixed.

    dlt records a load in _dlt_loads as its last step. Each table is merged in a transaction of its own, so
    a kill can leave some tables merged. Their rows are deleted by load id. The versions that the merge had
    closed are opened again: those whose `_dlt_valid_to` is not the boundary of a finished load.
    """
    schema, fixed = raw_schema(system), 0
    tables = landed_tables(connection, schema, "_dlt_load_id")
    finished: list[str] = []
    if "_dlt_loads" in landed_tables(connection, schema, "load_id"):
        rows = connection.execute(
            f"SELECT load_id FROM {quoted(schema, '_dlt_loads')} WHERE status = 0"
        ).fetchall()
        finished = [load_id for (load_id,) in rows]
    boundaries = [boundary(load_id) for load_id in finished]
    connection.execute("BEGIN TRANSACTION")
    for table in tables:
        name = quoted(schema, table)
        deleted = connection.execute(
            f"DELETE FROM {name} WHERE NOT list_contains(?::VARCHAR[], _dlt_load_id)", [finished]
        ).fetchone()
        fixed += deleted[0] if deleted else 0
    for table in landed_tables(connection, schema, "_dlt_valid_to"):
        name = quoted(schema, table)
        closed = connection.execute(
            f"SELECT DISTINCT _dlt_valid_to FROM {name} WHERE _dlt_valid_to IS NOT NULL"
        )
        for (closed_at,) in closed.fetchall():
            # A load id is a rounded float: two loads are never a millisecond apart.
            if any(abs(closed_at - known) < timedelta(milliseconds=1) for known in boundaries):
                continue
            opened = connection.execute(
                f"UPDATE {name} SET _dlt_valid_to = NULL WHERE _dlt_valid_to = ?", [closed_at]
            ).fetchone()
            fixed += opened[0] if opened else 0
    for table in landed_tables(connection, f"{schema}_staging", "_dlt_load_id"):
        connection.execute(f"DELETE FROM {quoted(f'{schema}_staging', table)}")
    connection.execute("COMMIT")
    return fixed


def _forget(connection: duckdb.DuckDBPyConnection, system: str) -> None:
    """Delete the note that the last landing of a system was verified."""
    if MEMORY[1] in landed_tables(connection, MEMORY[0], "source_system"):
        connection.execute(f"DELETE FROM {quoted(*MEMORY)} WHERE source_system = ?", [system])


def prepare(system: str, settings: Settings) -> int:
    """Make the warehouse and dlt's working folder ready for a load; return the rows fixed after a kill.

    Call it before each run of the pipeline. dlt's folder is thrown away: its state comes back from the
    warehouse, so a half-done load package cannot be loaded twice. From here on no landing of the system counts as
    verified.

    Raises:
        WarehouseBusyError: another process has the warehouse open.
    """
    fixed = 0
    settings.home.mkdir(parents=True, exist_ok=True)
    if settings.warehouse.exists():
        with contextlib.closing(connect(settings)) as connection:
            _forget(connection, system)
            fixed = undo_unfinished_loads(connection, system)
    shutil.rmtree(_pipelines_dir(system, settings), ignore_errors=True)
    return fixed


@contextlib.contextmanager
def exclusive(settings: Settings) -> Iterator[None]:
    """Hold the right to load into this warehouse: two loads at once would wipe each other's working folder.

    The operating system takes the lock back when the process ends, however it ends.

    Raises:
        WarehouseBusyError: another process is loading.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    path = settings.home / "load.lock"
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise WarehouseBusyError(
                f"another load is running on {settings.warehouse}; wait for its end"
            ) from error
        yield
