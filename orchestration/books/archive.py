"""Keeps the landed tables outside the warehouse file, so that the file can be lost.

`landings/manifest.json` lists each table with its definition, its rows and the file that holds them; the files are named
by their bytes. The manifest is replaced in one step, after the files that it names are on the disk.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.books.period import DETERMINISTIC, PARQUET
from orchestration.warehouse.files import (
    TEMPORARY,
    BooksError,
    canonical,
    file_hash,
    hash_of,
    read_object,
    replace_durably,
    sync,
)

MANIFEST = "manifest.json"
HASH = "archive_hash"
BOOKS_SCHEMA = "raw_books"


@dataclass(frozen=True)
class Archive:
    """What the archive holds: tables, rows of all, and the hash of its manifest."""

    tables: int
    rows: int
    archive_hash: str


def archive_landings(connection: duckdb.DuckDBPyConnection, folder: Path) -> Archive:
    """Write every landed table of the warehouse to ``folder``. Hold the run's lock.

    Raises BooksError when it cannot be written; the archive before stays whole.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.glob(f"*{TEMPORARY}"):
        leftover.unlink()
    tables = {}
    try:
        for statement in DETERMINISTIC:
            connection.execute(statement)
        for schema, name, definition in landed_tables(connection):
            temporary = folder / f"{name}.{os.getpid()}{TEMPORARY}"
            written = connection.execute(
                f'copy (select * from "{schema}"."{name}" order by all) to \'{temporary}\' {PARQUET}'
            ).fetchone()
            sync(temporary)
            digest = file_hash(temporary)
            temporary.replace(folder / f"{digest}.parquet")
            tables[f"{schema}.{name}"] = {
                "definition": definition,
                "file": digest,
                "row_count": int(written[0]) if written else 0,
            }
        content = {"tables": tables}
        content[HASH] = hash_of(content, without=HASH)  # type: ignore[assignment]
        sync(folder)
        replace_durably(folder / MANIFEST, canonical(content))
    except (OSError, duckdb.Error) as error:
        raise BooksError(
            f"{folder} could not be written: {str(error).splitlines()[0]}. The archive before is whole; fix it and "
            "run again"
        ) from None
    kept = {f"{table['file']}.parquet" for table in tables.values()} | {MANIFEST}
    for path in folder.iterdir():
        if path.name not in kept:
            path.unlink()
    return _described(folder)


def check_archive(folder: Path) -> Archive:
    """Read the archive's manifest and check each file's bytes.

    Raises BooksError that names the file that is missing or was changed.
    """
    for name, table in _manifest(folder).items():
        path = folder / f"{table['file']}.parquet"
        if not path.exists():
            raise BooksError(f"{path} ({name}) is missing; restore it from a backup")
        if file_hash(path) != table["file"]:
            raise BooksError(f"{path} ({name}) was changed; restore it from a backup")
    return _described(folder)


def row_counts(folder: Path) -> dict[str, int]:
    """Rows of each archived table, by schema.name. Raises BooksError when the manifest was changed."""
    return {name: int(table["row_count"]) for name, table in _manifest(folder).items()}


def restore_landings(connection: duckdb.DuckDBPyConnection, folder: Path) -> Archive:
    """Make the landed tables in a new warehouse, in one transaction, the archive's bytes checked before.

    Raises BooksError when the archive cannot be used.
    """
    archive = check_archive(folder)
    connection.execute("begin transaction")
    try:
        for name, table in _manifest(folder).items():
            schema, relation = name.split(".", 1)
            connection.execute(f'create schema if not exists "{schema}"')
            connection.execute(table["definition"])
            source = folder / f"{table['file']}.parquet"
            connection.execute(
                f'insert into "{schema}"."{relation}" by name from read_parquet(\'{source}\', hive_partitioning = false)'
            )
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")
    return archive


def _manifest(folder: Path) -> dict[str, dict[str, str]]:
    content = read_object(folder / MANIFEST)
    if content.get(HASH) != hash_of(content, without=HASH):
        raise BooksError(f"{folder / MANIFEST} was changed after it was written; restore it from a backup")
    tables: dict[str, dict[str, str]] = content["tables"]
    return tables


def _described(folder: Path) -> Archive:
    tables = _manifest(folder)
    rows = sum(int(table["row_count"]) for table in tables.values())
    return Archive(len(tables), rows, str(read_object(folder / MANIFEST)[HASH]))


def landed_tables(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str]]:
    """Schema, name and definition of the landed tables; dlt's scratch schemas are empty between loads."""
    return connection.execute(
        r"""
        select schema_name, table_name, sql from duckdb_tables()
        where database_name = current_database() and schema_name like 'raw\_%' escape '\'
          and schema_name <> ? and not ends_with(schema_name, '_staging')
        order by all
        """,
        [BOOKS_SCHEMA],
    ).fetchall()
