"""The books, the exports, the log of actions, the landings, and the last backup."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb

from orchestration.books.actions import read_actions
from orchestration.books.archive import check_archive, landed_tables, row_counts
from orchestration.books.exports import read_exports
from orchestration.books.landed import check_closings, check_exports, first_line, land_books
from orchestration.books.period import LINES, read_books, totals
from orchestration.operating.doctor.finding import Finding, Patient, check, days_ago, error, ok, warning
from orchestration.operating.doctor.warehouse import RUN
from orchestration.operating.safekeeping.receipt import read_receipt
from orchestration.warehouse.files import BooksError
from orchestration.warehouse.lock import holder_of
from orchestration.warehouse.marts_file import MartsFileError, open_marts

BACKUP_DAYS_MAX = 7
BACKUP = "commissions backup FOLDER (a folder on another disk)"


@check("books", "actions")
def actions(patient: Patient) -> Iterator[Finding]:
    """The log of actions is one chain."""
    try:
        known = read_actions(patient.settings.books / "actions")
    except BooksError as problem:
        yield error(str(problem), fix=restoring(patient))
        return
    yield ok(f"{len(known):,} in one chain")


@check("books", "closed months")
def periods(patient: Patient) -> Iterator[Finding]:
    """Each closed month has its bytes and sums, and no month that the log or the marts name is missing."""
    folder = patient.settings.books / "periods"
    try:
        books = read_books(folder)
        with duckdb.connect(":memory:") as connection:
            for book in books:
                found = totals(connection, book.folder / LINES)
                if {key: Decimal(value) for key, value in found.items()} != {
                    key: Decimal(value) for key, value in book.totals.items()
                }:
                    raise BooksError(
                        f"{book.folder}: the lines add up to {found}, the manifest says {book.totals}"
                    )
    except (BooksError, duckdb.Error, OSError) as problem:
        yield error(str(problem), fix=restoring(patient))
        return
    try:
        check_closings(read_actions(patient.settings.books / "actions"), books)
    except BooksError as problem:
        if not _is_broken_log(patient):
            yield error(str(problem), fix=restoring(patient))
            return
    lost = sorted(_published_closings(patient) - {book.period_code for book in books})
    if lost:
        yield error(
            f"the published marts show {', '.join(lost)} as closed, and there is no book",
            folder,
            fix=restoring(patient),
        )
    elif books:
        yield ok(f"{len(books)} in one chain, {books[0].period_code} to {books[-1].period_code}")
    else:
        yield ok("none yet")


@check("books", "exports")
def exports(patient: Patient) -> Iterator[Finding]:
    """Each exported file is unchanged, and no file that the log names is missing."""
    try:
        known = read_exports(patient.settings.books / "exports")
        if not _is_broken_log(patient):
            check_exports(read_actions(patient.settings.books / "actions"), known)
    except BooksError as problem:
        yield error(str(problem), fix=restoring(patient))
        return
    yield ok(f"{len(known):,} in one chain, every file as it was exported" if known else "none yet")


@check("books", "landing of the books")
def landing(patient: Patient) -> Iterator[Finding]:
    """Every action and every book fits the typed tables of the warehouse."""
    try:
        with duckdb.connect(":memory:") as connection:
            land_books(connection, patient.settings.books)
    except BooksError as problem:
        if "cannot be landed" in str(problem):
            yield error(
                str(problem), fix="the command that the message names; what was meant is then asked for again"
            )
        return  # a broken chain is reported by its own check
    except (duckdb.Error, OSError) as problem:
        yield error(f"cannot be landed: {first_line(problem)}", fix=restoring(patient))
        return
    yield ok("all of it fits the tables of the warehouse")


@check("books", "landings")
def landings(patient: Patient) -> Iterator[Finding]:
    """The archive is whole, and holds what the warehouse holds: the warehouse could be lost."""
    settings = patient.settings
    if not (settings.landings / "manifest.json").exists():
        if settings.published.exists():
            yield warning("there are none, so the warehouse must not be lost", settings.landings, fix=RUN)
        else:
            yield ok("none yet: nothing was published")
        return
    try:
        archive = check_archive(settings.landings)
        kept = row_counts(settings.landings)
    except BooksError as problem:
        yield error(str(problem), fix=f"with a good warehouse: {RUN}; without one: {restoring(patient)}")
        return
    lacking = _lacking(patient, kept)
    if lacking and not settings.unfinished.exists():
        yield warning(
            f"the warehouse has other rows than the archive: {', '.join(lacking[:3])}",
            settings.landings,
            fix=RUN,
        )
    else:
        yield ok(f"{archive.tables} tables, {archive.rows:,} rows: the warehouse can be made again from them")


@check("books", "backup")
def backup(patient: Patient) -> Iterator[Finding]:
    """There is a backup, and it is not old."""
    receipt = read_receipt(patient.settings.home)
    has_books = any(patient.settings.books.glob("*/*"))
    if receipt is None:
        if has_books:
            yield warning("the books were never backed up by `commissions backup`", fix=BACKUP)
        else:
            yield ok("none yet, and no action or closed month to lose")
        return
    made_at = datetime.fromisoformat(receipt["made_at"])
    told = f"the last one is {receipt['folder']}, {days_ago(made_at, patient.now)}"
    if (patient.now - made_at).days > BACKUP_DAYS_MAX and has_books:
        yield warning(told, fix=BACKUP)
    else:
        yield ok(told)


def restoring(patient: Patient) -> str:
    """How to get the books back: from the last backup, where one is known."""
    receipt = read_receipt(patient.settings.home)
    folder = Path(receipt["folder"]).parent if receipt else "FOLDER (where the backups are)"
    return f"commissions restore {folder} --dry-run, then without --dry-run"


def _is_broken_log(patient: Patient) -> bool:
    try:
        read_actions(patient.settings.books / "actions")
    except BooksError:
        return True
    return False


def _published_closings(patient: Patient) -> set[str]:
    """Months that the published marts call paid; empty where they cannot be read."""
    try:
        with open_marts(patient.settings.published, patient.settings.published_key()) as marts:
            rows = marts.execute(
                "select distinct period_code from marts.fct_calculations where state_code = 'paid'"
            )
            return {str(period) for (period,) in rows.fetchall()}
    except (MartsFileError, duckdb.Error, OSError):
        return set()


def _lacking(patient: Patient, kept: dict[str, int]) -> list[str]:
    """Landed tables of the warehouse with other rows than the archive; empty where the warehouse cannot be read."""
    settings = patient.settings
    if holder_of(settings.lock) or not settings.warehouse.exists():
        return []
    try:
        with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
            return [
                name
                for name in (f"{schema}.{table}" for schema, table, _ in landed_tables(connection))
                if kept.get(name) != _count(connection, name)
            ]
    except (duckdb.Error, OSError):
        return []


def _count(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    schema, table = name.split(".", 1)
    found = connection.execute(f'select count(*) from "{schema}"."{table}"').fetchone()
    return int(found[0]) if found else 0
