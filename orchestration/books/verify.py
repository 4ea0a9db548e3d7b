"""Proves the books: chains, bytes, sums, and that landings + books + configuration give the same ledger again."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import duckdb

from orchestration.books.actions import read_actions
from orchestration.books.archive import check_archive, restore_landings
from orchestration.books.configuration import read_entries
from orchestration.books.exports import read_exports
from orchestration.books.landed import check_closings, check_exports, land_books
from orchestration.books.period import DETERMINISTIC, LINES, PARQUET, read_books, totals
from orchestration.books.publications import read_publications
from orchestration.calculation.manifest import dbt_executable
from orchestration.warehouse.dbt_failures import core_line
from orchestration.warehouse.files import BooksError, file_hash
from orchestration.warehouse.settings import DBT_PROJECT_DIR, TELEMETRY_OFF, RunSettings


def verify(settings: RunSettings, *, is_rebuilt: bool) -> list[str]:
    """Check every file of the books; with ``is_rebuilt`` calculate the ledger again and compare its bytes.

    Returns what was proved, line by line. Raises BooksError with the first thing that is wrong.
    """
    actions = read_actions(settings.books / "actions")
    books = read_books(settings.books / "periods")
    check_closings(actions, books)
    exports = read_exports(settings.books / "exports")
    check_exports(actions, exports)
    told = [f"actions: {len(actions):,} in one chain"]
    entries = read_entries(settings.books / "configuration")
    if entries:
        told.append(
            f"configuration: {len(entries):,} entries in one chain, {entries[-1].configuration_fingerprint[:12]}"
        )
    connection = duckdb.connect(":memory:")
    land_books(connection, settings.books)
    for book in books:
        found = totals(connection, book.folder / LINES)
        if found != book.totals:
            raise BooksError(f"{book.folder}: the lines add up to {found}, the manifest says {book.totals}")
        paid = "; ".join(f"{Decimal(total):,} {currency}" for currency, total in found.items()) or "nothing"
        told.append(f"book {book.period_code}: {book.line_count:,} lines, {paid}, {book.book_hash[:12]}")
    if books:
        told.append(f"books: {len(books)} in one chain, {books[0].period_code} to {books[-1].period_code}")
    if exports:
        told.append(f"exports: {len(exports)} in one chain, every file as it was exported")
    publications = read_publications(settings.books / "publications")
    if publications:
        told.append(f"publications: {len(publications):,} in one chain")
    if (settings.landings / "manifest.json").exists():
        archive = check_archive(settings.landings)
        told.append(f"landings: {archive.tables} tables, {archive.rows:,} rows, {archive.archive_hash[:12]}")
    if is_rebuilt:
        told.append(compare_rebuilt(settings))
    return told


def compare_rebuilt(settings: RunSettings) -> str:
    """Rebuild the warehouse aside from landings, books and configuration; compare the ledger's bytes."""
    if not settings.published.exists():
        raise BooksError("nothing is published yet, so there is nothing to compare with")
    with settings.open_published() as copy:
        facts = dict(copy.execute("select name, value from publication.run").fetchall())
    with tempfile.TemporaryDirectory(dir=settings.home) as folder:
        rebuilt = Path(folder) / "warehouse.duckdb"
        rebuild(settings, rebuilt, str(facts["as_of_date"]))
        # What was closed since the run is posted by now; the published copy says so only after the next one.
        closed = [book.period_code for book in read_books(settings.books / "periods")]
        with settings.open_published() as copy:
            before = ledger_bytes(copy, "fct_ledger_lines", closed, Path(folder) / "published.parquet")
        with duckdb.connect(str(rebuilt), read_only=True) as connection:
            after = ledger_bytes(
                connection, "marts.fct_ledger_lines", closed, Path(folder) / "rebuilt.parquet"
            )
    if before != after:
        raise BooksError(
            f"the ledger rebuilt from {settings.landings}, {settings.books} and the seeds differs from the published one "
            f"({after[:12]} instead of {before[:12]}). Were seeds, models or adjustments changed since the last run? Run, then verify"
        )
    return f"ledger: rebuilt from landings, books and seeds, the same bytes ({after[:12]})"


def rebuild(settings: RunSettings, warehouse: Path, as_of_date: str) -> None:
    """Make a new warehouse file from the landings archive and the books, and calculate it with dbt.

    Raises BooksError when an archive cannot be used, or with dbt's error.
    """
    with duckdb.connect(str(warehouse)) as connection:
        restore_landings(connection, settings.landings)
        land_books(connection, settings.books)
    answer = subprocess.run(
        [dbt_executable(), "--no-use-colors", "build", "--exclude-resource-type", "test", "unit_test"]
        + ["--vars", f"{{as_of_date: '{as_of_date}'}}", "--target-path", str(warehouse.parent / "target")]
        + ["--log-path", str(warehouse.parent / "logs")],
        cwd=DBT_PROJECT_DIR,
        env={
            **os.environ,
            **TELEMETRY_OFF,
            "DBT_PROFILES_DIR": str(DBT_PROJECT_DIR),
            "COMMISSIONS_WAREHOUSE": str(warehouse),
            # What it spills does not meet what a run spills.
            "COMMISSIONS_HOME": str(warehouse.parent),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        raise BooksError(f"the rebuilt warehouse could not be calculated: {core_line(answer.stdout)}")


def ledger_bytes(
    connection: duckdb.DuckDBPyConnection, relation: str, closed: Sequence[str], target: Path
) -> str:
    """SHA-256 of the ledger as Parquet, lines in the order of their keys, those of the ``closed`` periods as posted."""
    for statement in DETERMINISTIC:
        connection.execute(statement)
    periods = ", ".join(f"'{period}'" for period in closed) or "null"
    lines = (
        f"select * replace (is_posted or coalesce(posted_period_code in ({periods}), false) as is_posted)"
        f" from {relation} order by ledger_line_key"
    )
    connection.execute(f"copy ({lines}) to '{target}' {PARQUET}")
    return file_hash(target)


def restore_lost_warehouse(settings: RunSettings) -> bool:
    """Put back the landed tables when the warehouse file is gone but the archive is there. Hold the run's lock.

    Returns whether it did. The file appears whole or not at all.
    """
    if settings.warehouse.exists() or not (settings.landings / "manifest.json").exists():
        return False
    aside = settings.warehouse.with_name(f"{settings.warehouse.name}.restored")
    aside.unlink(missing_ok=True)
    with duckdb.connect(str(aside)) as connection:
        restore_landings(connection, settings.landings)
        connection.execute("checkpoint")
    aside.rename(settings.warehouse)
    return True
