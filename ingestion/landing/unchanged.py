"""Whether a landing would change nothing, so that it need not be made.

It would change nothing when all that decides it is what it was at the last landing that was verified (the extracts, their
declarations, the limits, the code), and when the raw tables are still what that landing left. Both are kept in the
warehouse itself, in `ingestion.landings`: a warehouse that is lost, older or restored brings its own memory, or none.
The row is deleted before a load writes anything and written after the load is verified.
"""

import contextlib
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import duckdb

from ingestion.landing.files import InputError, locate, open_extract
from ingestion.landing.pipeline import MEMORY, WarehouseBusyError, connect, landed_tables, quoted
from ingestion.landing.settings import Settings
from ingestion.landing.tables import SourceSystem

_PACKAGE = Path(__file__).resolve().parents[1]
# A whole row in SQL; a column of the same name would be confused with it, so no source has one.
_ROW = '"_whole row of the raw table"'


def code_digest(folder: Path, libraries: Iterable[str]) -> str:
    """Return a digest of the Python files of a folder and of the versions of the libraries."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        found.update(f"{path.relative_to(folder).as_posix()}\n".encode())
        found.update(hashlib.sha256(path.read_bytes()).digest())
    for name in libraries:
        found.update(f"{name} {version(name)}\n".encode())
    return found.hexdigest()


# Read when the code is: a long-lived process keeps running the code that it has loaded, whatever lies on the disk by now.
CODE = code_digest(_PACKAGE, ("dlt", "duckdb", "pyarrow"))


@dataclass(frozen=True)
class Inputs:
    """All that decides what a landing of a system of files does.

    Attributes:
        digest: of the extracts, the declarations, the limits and the code.
        extracts: digest of each table's extract, as the load remembers it; None where the file is absent.
    """

    digest: str
    extracts: Mapping[str, str | None]


def inputs_of(system: SourceSystem, settings: Settings) -> Inputs | None:
    """Return what a landing would read by now; None where a file cannot be read, or where a connector asks the system."""
    if not system.reads_files:
        return None
    extracts: dict[str, str | None] = {}
    for table in system.tables:
        try:
            path, file = locate(settings.extracts, system.name, table)
            extracts[table.name] = None if path is None else open_extract(path, file, table).digest
        except (InputError, OSError):
            return None
    limits = (
        settings.shrink_ratio_max,
        settings.shrink_rows_min,
        sorted(name for name in settings.allow_shrink if name.startswith(f"{system.name}.")),
    )
    decisive = repr((CODE, system.name, system.tables, sorted(extracts.items()), limits))
    return Inputs(hashlib.sha256(decisive.encode()).hexdigest(), extracts)


def raw_fingerprints(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], str]:
    """Return a fingerprint of each table of all schemas raw_*, by schema and table.

    It is of the columns' names and types and of all rows, whatever their order: equal fingerprints mean equal tables as long
    as DuckDB's version stays. dlt's scratch schemas are left out, its tables of loads and states are not.
    """
    return _fingerprints(connection, r"schema_name LIKE 'raw\_%' ESCAPE '\'", [])


def _fingerprints(
    connection: duckdb.DuckDBPyConnection, condition: str, arguments: list[str]
) -> dict[tuple[str, str], str]:
    # The tables' definitions are asked for, not their columns: that would look into every view of the warehouse too.
    tables = connection.execute(
        "SELECT schema_name, table_name, sql FROM duckdb_tables() "
        f"WHERE database_name = current_database() AND {condition} ORDER BY ALL",
        arguments,
    ).fetchall()
    schemas = {schema for schema, _, _ in tables}
    return {
        (schema, table): _fingerprint(connection, schema, table, definition)
        for schema, table, definition in tables
        if schema.removesuffix("_staging") == schema or schema.removesuffix("_staging") not in schemas
    }


def _fingerprint(connection: duckdb.DuckDBPyConnection, schema: str, table: str, definition: str) -> str:
    # A sum and an exclusive or of two hashes of each row. The constant behind the row mixes its last column in as well as
    # the others: two rows that swap a value do not cancel out.
    row = connection.execute(
        f"SELECT count(*), coalesce(sum(hash({_ROW}, 1)), 0), coalesce(bit_xor(hash({_ROW}, 2)), 0) "
        f"FROM {quoted(schema, table)} AS {_ROW}"
    ).fetchone()
    count, total, mixed = row or (0, 0, 0)
    shape = hashlib.sha256(definition.encode()).hexdigest()[:16]
    return f"{shape}-{count}-{total:x}-{mixed:x}"


def _raw_tables(connection: duckdb.DuckDBPyConnection, system: SourceSystem) -> dict[str, str]:
    found = _fingerprints(connection, "schema_name = ?", [system.schema])
    return {table: fingerprint for (_, table), fingerprint in found.items()}


@dataclass(frozen=True)
class Landed:
    """What a verified landing had in the end.

    Attributes:
        rows: rows in the file and live rows, by table.
        notices: what it reported.
    """

    rows: Mapping[str, tuple[int, int]]
    notices: tuple[str, ...]


def remember(
    system: SourceSystem,
    inputs: Inputs,
    landed: Landed,
    loaded: Mapping[str, object],
    settings: Settings,
) -> None:
    """Note a landing that was verified. Call it with the inputs as they were before the load, after `verify`.

    Nothing is noted where a file changed while the load ran: the next load looks again.

    Args:
        loaded: digest of each table's extract as the load has read it.
    """
    present = {name: digest for name, digest in inputs.extracts.items() if digest is not None}
    if any(loaded.get(name) != digest for name, digest in present.items()):
        return
    if inputs_of(system, settings) != inputs:
        return
    # The landing is made and verified: what keeps it from being noted only means that the next one is made as well.
    with (
        contextlib.suppress(WarehouseBusyError, duckdb.Error),
        contextlib.closing(connect(settings)) as connection,
    ):
        connection.execute("BEGIN TRANSACTION")
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(MEMORY[0])}")
        if not landed_tables(connection, MEMORY[0], "landed"):
            connection.execute(
                f"CREATE OR REPLACE TABLE {quoted(*MEMORY)} (source_system VARCHAR, digest VARCHAR, "
                "raw_tables VARCHAR, landed VARCHAR, verified_at TIMESTAMP WITH TIME ZONE)"
            )
        connection.execute(f"DELETE FROM {quoted(*MEMORY)} WHERE source_system = ?", [system.name])
        connection.execute(
            f"INSERT INTO {quoted(*MEMORY)} VALUES (?, ?, ?, ?, now())",
            [
                system.name,
                inputs.digest,
                json.dumps(_raw_tables(connection, system), sort_keys=True),
                json.dumps({"rows": dict(landed.rows), "notices": landed.notices}),
            ],
        )
        connection.execute("COMMIT")


def recall(system: SourceSystem, inputs: Inputs | None, settings: Settings) -> Landed | None:
    """Return what the last landing had where one of these inputs would change nothing; None where it has to be made.

    Raises:
        WarehouseBusyError: another process has the warehouse open.
    """
    if inputs is None or not settings.warehouse.exists():
        return None
    try:
        with contextlib.closing(connect(settings, read_only=True)) as connection:
            found = connection.execute(
                f"SELECT raw_tables, landed FROM {quoted(*MEMORY)} WHERE source_system = ? AND digest = ?",
                [system.name, inputs.digest],
            ).fetchall()
            if len(found) != 1 or json.loads(found[0][0]) != _raw_tables(connection, system):
                return None
        landed = json.loads(found[0][1])
        rows = {table.name: (int(landed["rows"][table.name][0]), int(landed["rows"][table.name][1]))
                for table in system.tables}  # fmt: skip
        return Landed(rows, tuple(str(notice) for notice in landed["notices"]))
    except (duckdb.Error, ValueError, TypeError, LookupError):
        # What cannot be read here proves nothing: the landing is made, and reports what is wrong.
        return None
