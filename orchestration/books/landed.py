"""Lands the books and the log of actions in the warehouse, whole, in one transaction, the chains checked before."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import astuple, fields
from pathlib import Path

import duckdb

from orchestration.books.actions import Action, file_name, read_actions
from orchestration.books.configuration import Entry, changes_of, read_entries
from orchestration.books.exports import Export, read_exports
from orchestration.books.period import CALCULATIONS, HELD, LINES, Book, read_books
from orchestration.warehouse.files import SETTLED, BooksError
from orchestration.warehouse.settings import DBT_PROJECT_DIR

TABLES = (
    "actions",
    "calculations",
    "closings",
    "configuration_changes",
    "edit_actions",
    "exported_lines",
    "exports",
    "held_lines",
    "lines",
)
EDIT_ACTIONS = ["accept_edits", "approve_edits", "reject_edits"]
# What DuckDB and its driver raise for a value that does not fit its column.
NOT_LANDED = (duckdb.Error, OverflowError, UnicodeError)
MACRO = DBT_PROJECT_DIR / "macros" / "create_books.sql"


def land_books(connection: duckdb.DuckDBPyConnection, books_folder: Path) -> dict[str, int]:
    """Replace `raw_books` with what the files say. Returns rows by table; hold the run's lock.

    Raises BooksError, before anything is written, when a file is missing, was changed, or breaks its chain.
    """
    actions = read_actions(books_folder / "actions")
    books = read_books(books_folder / "periods")
    check_closings(actions, books)
    exports = read_exports(books_folder / "exports")
    check_exports(actions, exports)
    entries = read_entries(books_folder / "configuration")
    connection.execute("begin transaction")
    try:
        connection.execute(table_definitions())
        for table in TABLES:
            connection.execute(f"delete from raw_books.{table}")
        for action in actions:
            try:
                insert_action(connection, action)
            except NOT_LANDED as error:
                raise BooksError(
                    f"action {action.action_number} ({books_folder / 'actions' / file_name(action.action_number)}) cannot be "
                    f"landed: {first_line(error)}. It has changed nothing yet; "
                    f"`commissions supersede {action.action_number} --reason TEXT --by NAME` sets it aside"
                ) from None
        # By themselves: other actions do not touch what deals are calculated from.
        connection.execute(
            """
            insert into raw_books.edit_actions
            select action_number, action_code, acted_at, actor, transaction_id, reference_number
            from raw_books.actions where list_contains(?, action_code)
            """,
            [EDIT_ACTIONS],
        )
        for book in books:
            connection.execute(
                "insert into raw_books.closings values (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    book.period_code,
                    book.previous_hash,
                    book.book_hash,
                    book.as_of_date,
                    book.closed_at,
                    book.closed_by,
                    book.line_count,
                    book.configuration_fingerprint,
                ],
            )
        for export in exports:
            _insert_export(connection, export)
        _insert_changes(connection, entries)
        for table, file in (("lines", LINES), ("held_lines", HELD), ("calculations", CALCULATIONS)):
            _insert(connection, table, [book.folder / file for book in books if file in book.files])
        counts = {table: _count(connection, table) for table in TABLES}
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")
    return counts


def insert_action(connection: duckdb.DuckDBPyConnection, action: Action) -> None:
    """Insert an action into its typed table. Raises one of `NOT_LANDED` when a value does not fit."""
    names = ", ".join(field.name for field in fields(Action))
    marks = ", ".join("?" for _ in fields(Action))
    connection.execute(f"insert into raw_books.actions ({names}) values ({marks})", list(astuple(action)))


def rehearse(connection: duckdb.DuckDBPyConnection, action: Action, marts: Sequence[str] = ()) -> None:
    """Insert an action, read the marts that show it, and take it back: nothing is written that cannot be landed.

    ``marts``: names in the schema `marts`. Raises BooksError with what does not fit.
    """
    connection.execute("begin transaction")
    try:
        insert_action(connection, action)
        for mart in marts:
            connection.execute(f"select bit_xor(hash(mart)) from marts.{mart} as mart").fetchone()
    except NOT_LANDED as error:
        raise BooksError(f"this cannot be recorded: {first_line(error)}. Nothing was changed") from None
    finally:
        connection.execute("rollback")


def first_line(error: BaseException) -> str:
    """What an error says, in one line and without a full stop."""
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


def check_closings(actions: Sequence[Action], books: Sequence[Book]) -> None:
    """Raise BooksError when the log names a closing whose book is gone.

    The other way round is not an error: after a kill between the two steps only the book shows the closing.
    """
    closed = {book.period_code: book for book in books}
    for action in actions:
        if action.action_code != "close":
            continue
        book = closed.get(str(action.period_code))
        if book is None:
            raise BooksError(
                f"the book of {action.period_code} is missing, but action {action.action_number} closed it. "
                "Restore it from a backup"
            )
        if action.lines_fingerprint != book.book_hash:
            raise BooksError(
                f"{book.folder} is another book than the one that action {action.action_number} closed. "
                "Restore it from a backup"
            )


def check_exports(actions: Sequence[Action], exports: Sequence[Export]) -> None:
    """Raise BooksError when the log names an export whose record is gone or differs."""
    known = {export.export_number: export for export in exports}
    for action in actions:
        if not action.action_code.startswith("export_"):
            continue
        export = known.get(action.reference_number or 0)
        if export is None:
            raise BooksError(
                f"the record of {action.reason} is missing, but action {action.action_number} exported it. "
                "Restore it from a backup"
            )
        if action.lines_fingerprint != export.export_hash:
            raise BooksError(
                f"{export.folder} is another record than the one that action {action.action_number} exported. "
                "Restore it from a backup"
            )


def table_definitions() -> str:
    """The SQL that makes the empty tables: dbt's own macro, which holds plain SQL."""
    text = MACRO.read_text(encoding="utf-8")
    found = re.search(r"{% macro create_books\(\) -%}(.*){%- endmacro %}", text, re.DOTALL)
    if found is None or "{" in found[1]:
        raise BooksError(f"{MACRO} must hold plain SQL between its first and its last line")
    return found[1]


def _insert(connection: duckdb.DuckDBPyConnection, table: str, paths: Sequence[Path]) -> None:
    if not paths:
        return
    columns = connection.execute(
        "select column_name from information_schema.columns "
        "where table_schema = 'raw_books' and table_name = ? order by ordinal_position",
        [table],
    )
    names = ", ".join(f'"{name}"' for (name,) in columns.fetchall())
    files = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
    connection.execute(
        f"insert into raw_books.{table} ({names}) select {names} "
        f"from read_parquet([{files}], union_by_name = true, hive_partitioning = false)"
    )


def _insert_export(connection: duckdb.DuckDBPyConnection, export: Export) -> None:
    connection.execute(
        "insert into raw_books.exports values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            export.export_number,
            export.export_code,
            export.export_name,
            export.pay_group_id,
            export.export_period_code,
            export.currency_code,
            export.sequence_number,
            export.file_name,
            export.files[export.file_name],
            export.row_count,
            export.total_amount,
            export.exported_at,
            export.exported_by,
            export.previous_hash,
            export.export_hash,
        ],
    )
    path = str(export.folder / SETTLED).replace("'", "''")
    connection.execute(
        f"insert into raw_books.exported_lines by name select {export.export_number} as export_number, * "
        f"from read_parquet('{path}')"
    )


def _insert_changes(connection: duckdb.DuckDBPyConnection, entries: Sequence[Entry]) -> None:
    rows = [
        (entry.entry_number, number, entry.recorded_at, *astuple(change), entry.configuration_fingerprint,
         entry.previous_hash, entry.entry_hash)
        for entry in entries
        for number, change in enumerate(changes_of(entry), start=1)
    ]  # fmt: skip
    if not rows:
        return
    types = ("bigint", "bigint", "timestamp", *["varchar"] * 11)
    # One list per column: one statement per row is slow where a whole table of numbers changed.
    marks = ", ".join(f"unnest(?::{kind}[])" for kind in types)
    connection.execute(
        f"insert into raw_books.configuration_changes select {marks}",
        [list(column) for column in zip(*rows, strict=True)],
    )


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    found = connection.execute(f"select count(*) from raw_books.{table}").fetchone()
    return int(found[0]) if found else 0
