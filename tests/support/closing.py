"""Closes a month of a calculated warehouse in a real book."""

from datetime import date, datetime
from pathlib import Path

import duckdb

from orchestration.books.actions import append, read_actions
from orchestration.books.period import read_books, write_book

CLOSED_AT = datetime(2026, 1, 31)


def close(warehouse: Path, books: Path, period: str, as_of: date) -> None:
    """Close a month as the command does, without the approvals before it."""
    with duckdb.connect(str(warehouse)) as connection:
        earlier = read_books(books / "periods")
        book = write_book(
            connection,
            books / "periods",
            period,
            previous_hash=earlier[-1].book_hash if earlier else "",
            as_of_date=as_of.isoformat(),
            closed_at=CLOSED_AT,
            closed_by="laura",
        )
    append(
        books / "actions",
        read_actions(books / "actions"),
        action_code="close",
        acted_at=CLOSED_AT,
        actor="laura",
        period_code=period,
        lines_fingerprint=book.book_hash,
    )
