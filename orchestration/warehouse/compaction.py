"""Keeps the warehouse file from growing, and gives the disk back what it no longer uses.

dbt builds each table beside the old one, and DuckDB gives a block back only at a checkpoint, which waits for other transactions:
a run that rebuilds everything would make a file half as long again. Two things help.

`drop_models`, before such a run: the old tables go first, so that the new ones use their place. Costs nothing.
`compact`, after publishing: where much is free all the same, a new file is written beside the old one, compared with it,
and renamed over it. A kill before the rename leaves the old file as it was. It costs the time to write every table once more.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

# What is free is used again by the next run, so that a smaller share is not worth the writing.
FREE_SHARE_MAX = 0.3
# Below this a copy is not worth its seconds.
FREE_BYTES_MIN = 64 * 1024**2
SUFFIX = ".compacted"
# A smaller file may be twice as long as it need be; the tables of a run that fails then stay to be looked at.
DROP_BYTES_MIN = 256 * 1024**2

# What is in a database besides rows: all that must be the same in the copy.
_CATALOGUE = {
    "schemas": "select schema_name, comment from duckdb_schemas() where database_name = ? and not internal",
    "tables": """select schema_name, table_name, column_count, index_count, check_constraint_count, comment
        from duckdb_tables() where database_name = ?""",
    "columns": """select schema_name, table_name, column_name, column_index, data_type, is_nullable, column_default, comment
        from duckdb_columns() where database_name = ? and not internal""",
    "views": "select schema_name, view_name, sql, comment from duckdb_views() where database_name = ? and not internal",
    "macros": """select schema_name, function_name, function_type, parameters, macro_definition, comment
        from duckdb_functions() where database_name = ? and not internal""",
    "indexes": "select schema_name, table_name, index_name, sql from duckdb_indexes() where database_name = ?",
    "sequences": "select schema_name, sequence_name, last_value from duckdb_sequences() where database_name = ?",
    "types": "select schema_name, type_name, logical_type from duckdb_types() where database_name = ? and not internal",
    "constraints": """select schema_name, table_name, constraint_type, constraint_text
        from duckdb_constraints() where database_name = ?""",
}


class CompactionError(Exception):
    """The file was not compacted; it is as it was."""


@dataclass(frozen=True)
class Compaction:
    """What was done to the file. Sizes in bytes; ``was_compacted`` is false where it was not worth it."""

    before_bytes: int
    after_bytes: int
    free_share: float
    was_compacted: bool


def compact(
    warehouse: Path,
    *,
    free_share_max: float = FREE_SHARE_MAX,
    free_bytes_min: int = FREE_BYTES_MIN,
    config: Mapping[str, str] | None = None,
) -> Compaction:
    """Rewrite the warehouse when more than a share of its blocks is free. Hold the run's lock.

    Every connection to the file must be closed. ``config`` are settings of DuckDB (`machine_limits.limits`).

    Raises CompactionError when the disk has no room, or the copy is not the same; the file is then unchanged.
    """
    remove_leftovers(warehouse)
    copy = warehouse.with_name(f"{warehouse.name}{SUFFIX}")
    try:
        free_share, free_bytes, used_bytes = _blocks(warehouse, config)
        before = warehouse.stat().st_size
        if free_share <= free_share_max or free_bytes < free_bytes_min:
            return Compaction(before, before, free_share, was_compacted=False)
        available = shutil.disk_usage(warehouse.parent).free
        if available < 1.5 * used_bytes:
            raise CompactionError(
                f"{warehouse.parent} has {available / 1e6:.0f} MB free, and the copy needs {1.5 * used_bytes / 1e6:.0f} MB"
            )
        _copy_over(warehouse, copy, config)
        return Compaction(before, warehouse.stat().st_size, free_share, was_compacted=True)
    except (duckdb.Error, OSError) as error:
        raise CompactionError(str(error).splitlines()[0]) from error
    finally:
        remove_leftovers(warehouse)


def drop_models(
    warehouse: Path,
    models: Iterable[tuple[str, str]],
    *,
    file_bytes_min: int = DROP_BYTES_MIN,
    config: Mapping[str, str] | None = None,
) -> int:
    """Drop the tables that the run is about to build, given as (schema, name); returns how many there were.

    Hold the run's lock, close every connection to the file, and note that the warehouse is not what readers see
    (`begin_writing`). Give only tables that are built whole, and only those of this run: what is dropped and not built
    is gone. Views, also those upon the tables, stay. A file of less than ``file_bytes_min`` is left as it is.
    """
    if not warehouse.exists() or warehouse.stat().st_size < file_bytes_min:
        return 0
    wanted = set(models)
    with duckdb.connect(str(warehouse), config=dict(config or {})) as connection:
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = current_database() order by all"
        ).fetchall()
        dropped = [table for table in tables if table in wanted]
        connection.execute("begin")
        for schema, table in dropped:
            connection.execute(f"drop table {_quoted(schema)}.{_quoted(table)}")
        connection.execute("commit")
        connection.execute("checkpoint")
    return len(dropped)


def remove_leftovers(warehouse: Path) -> None:
    """Delete what a compaction that was killed has left beside the file."""
    for path in warehouse.parent.glob(f"{warehouse.name}{SUFFIX}*"):
        path.unlink(missing_ok=True)


def _blocks(warehouse: Path, config: Mapping[str, str] | None) -> tuple[float, int, int]:
    """Share of free blocks, free bytes, used bytes; what is in the write-ahead log goes into the file first."""
    with duckdb.connect(str(warehouse), config=dict(config or {})) as connection:
        connection.execute("checkpoint")
        found = connection.execute(
            "select block_size, total_blocks, used_blocks, free_blocks from pragma_database_size()"
        ).fetchone()
    block, total, used, free = found or (0, 0, 0, 0)
    return (free / total if total else 0.0), free * block, used * block


def _copy_over(warehouse: Path, copy: Path, config: Mapping[str, str] | None) -> None:
    # In the memory: a connection to the file itself would lock it for the copy that it is to read.
    with duckdb.connect(":memory:", config=dict(config or {})) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set enable_progress_bar = false")
        # Under its own name: that is how views and macros may name it.
        name = _quoted(warehouse.stem)
        connection.execute(f"attach {_literal(warehouse)} as {name} (read_only)")
        connection.execute(f"attach {_literal(copy)} as compacted")
        connection.execute(f"copy from database {name} to compacted")
        connection.execute("checkpoint compacted")
        _compare(connection, warehouse.stem)
        connection.execute("detach compacted")
        if Path(f"{copy}.wal").exists() or Path(f"{warehouse}.wal").exists():
            raise CompactionError("a write-ahead log is unfinished")
        with copy.open("rb") as file:
            os.fsync(file.fileno())
        copy.chmod(warehouse.stat().st_mode & 0o777)
        # The old file is still attached, so that nobody has begun to write to it meanwhile.
        os.replace(copy, warehouse)
    folder = os.open(warehouse.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _compare(connection: duckdb.DuckDBPyConnection, original: str) -> None:
    """Raise CompactionError unless the copy holds the same things, and as many rows in each table."""
    for kind, query in _CATALOGUE.items():
        before, after = (
            sorted(map(_words, connection.execute(query, [database]).fetchall()))
            for database in (original, "compacted")
        )
        if before != after:
            raise CompactionError(f"the copy has other {kind} ({len(after)}) than the file ({len(before)})")
    tables = connection.execute(
        "select schema_name, table_name from duckdb_tables() where database_name = ? order by all", [original]
    ).fetchall()
    for schema, table in tables:
        name = f"{_quoted(schema)}.{_quoted(table)}"
        rows = _rows(connection, f"{_quoted(original)}.{name}")
        copied = _rows(connection, f"compacted.{name}")
        if rows != copied:
            raise CompactionError(f"the copy of {schema}.{table} has {copied} rows, the file {rows}")


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    found = connection.execute(f"select count(*) from {table}").fetchone()
    return int(found[0]) if found else 0


def _words(row: Sequence[object]) -> list[str]:
    # DuckDB writes the columns of `exclude` and `replace` in any order when it prints a view.
    return sorted(re.findall(r"\w+|[^\w\s]", repr(row)))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
