"""The book of a closed period: its lines, what it holds, its calculations and the whole configuration, as Parquet.

The folder is made aside and renamed: a period is closed when its folder is there, and not before.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.warehouse.files import (
    MANIFEST,
    TEMPORARY,
    BooksError,
    canonical,
    check_files,
    file_hash,
    hash_of,
    read_object,
    sync,
    write_durably,
)

HASH = "book_hash"
LINES, CALCULATIONS, CONFIGURATION = "lines.parquet", "calculations.parquet", "configuration.parquet"
HELD = "held.parquet"  # not in the books of earlier versions
FILES = (CALCULATIONS, CONFIGURATION, HELD, LINES)
PERIOD_CODE = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
# One thread and rows in their order: the same rows give the same bytes.
DETERMINISTIC = ("set threads = 1", "set preserve_insertion_order = true", "set TimeZone = 'UTC'")
PARQUET = "(format parquet, compression zstd)"
SEEDS_SCHEMA = "seeds"


@dataclass(frozen=True)
class Book:
    """A closed period, as its manifest has it. ``totals`` are texts of decimals by currency."""

    folder: Path
    period_code: str
    previous_hash: str
    as_of_date: str
    closed_at: str
    closed_by: str
    files: dict[str, str]
    line_count: int
    totals: dict[str, str]
    configuration_fingerprint: str
    book_hash: str


def read_books(folder: Path) -> list[Book]:
    """All closed periods in their order, the chain and every file's bytes checked.

    Raises BooksError that names the first file that is missing or was changed, or the month that is missing.
    """
    books: list[Book] = []
    found = sorted(path for path in folder.glob("*") if not path.name.endswith(TEMPORARY))
    for path in found:
        if not PERIOD_CODE.fullmatch(path.name):
            raise BooksError(f"{path} is not the book of a period; take it out of the folder")
        book = _read(path)
        if books and path.name != next_period(books[-1].period_code):
            raise BooksError(
                f"{folder / next_period(books[-1].period_code)} is missing: a later period is closed. "
                "Restore it from a backup"
            )
        if book.previous_hash != (books[-1].book_hash if books else ""):
            raise BooksError(
                f"{path / MANIFEST} does not follow the book of the period before it: one of the two was replaced. "
                "Restore them from a backup"
            )
        books.append(book)
    return books


def _read(folder: Path) -> Book:
    content = read_object(folder / MANIFEST)
    if content.get(HASH) != hash_of(content, without=HASH):
        raise BooksError(f"{folder / MANIFEST} was changed after the closing; restore it from a backup")
    if content.get("period_code") != folder.name:
        raise BooksError(f"{folder} holds the book of {content.get('period_code')}; restore it from a backup")
    check_files(folder, content["files"], "closing")
    return Book(folder=folder, **content)


def write_book(
    warehouse: duckdb.DuckDBPyConnection,
    folder: Path,
    period_code: str,
    *,
    previous_hash: str,
    as_of_date: str,
    closed_at: datetime,
    closed_by: str,
) -> Book:
    """Freeze a period: what it posts and holds, its calculations, and every seed as it was. Hold the run's lock.

    Raises BooksError when the period is closed already or the disk is full; nothing is left behind then.
    """
    target = folder / period_code
    if target.exists():
        raise BooksError(f"{period_code} is closed already ({target}); a closed period is never opened")
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    aside = folder / f"{period_code}.{os.getpid()}{TEMPORARY}"
    try:
        aside.mkdir()
        for statement in DETERMINISTIC:
            warehouse.execute(statement)
        _freeze(warehouse, period_code, aside)
        for name in FILES:
            sync(aside / name)
        lines = f"read_parquet('{aside / LINES}')"
        content: dict[str, Any] = {
            "period_code": period_code,
            "previous_hash": previous_hash,
            "as_of_date": as_of_date,
            "closed_at": closed_at.replace(microsecond=0, tzinfo=None).isoformat(),
            "closed_by": closed_by,
            "files": {name: file_hash(aside / name) for name in FILES},
            "line_count": _one(warehouse, f"select count(*) from {lines}"),
            "totals": totals(warehouse, aside / LINES),
            "configuration_fingerprint": file_hash(aside / CONFIGURATION),
        }
        content[HASH] = hash_of(content, without=HASH)
        write_durably(aside / MANIFEST, canonical(content))
        sync(aside)
        aside.rename(target)
        sync(folder)
    except (OSError, duckdb.Error) as error:
        raise BooksError(
            f"{period_code} was not closed: {str(error).splitlines()[0]}. Nothing was changed; fix it and try again"
        ) from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return Book(folder=target, **content)


def _freeze(warehouse: duckdb.DuckDBPyConnection, period_code: str, aside: Path) -> None:
    warehouse.execute(
        f"""
        copy (
          select * exclude (is_posted) from marts.fct_ledger_lines
          where posted_period_code = '{period_code}' and not is_posted
          order by ledger_line_key
        ) to '{aside / LINES}' {PARQUET}
        """
    )
    warehouse.execute(
        f"""
        copy (
          select * from intermediate.int_ledger__held_changes where period_code = '{period_code}' order by line_key
        ) to '{aside / HELD}' {PARQUET}
        """
    )
    warehouse.execute(
        f"""
        copy (select * from marts.fct_calculations where period_code = '{period_code}' order by calculation_id)
        to '{aside / CALCULATIONS}' {PARQUET}
        """
    )
    rows = " union all ".join(
        f"select '{name}' as seed_name, cast(to_json(seed) as varchar) as row_json from {SEEDS_SCHEMA}.\"{name}\" as seed"
        for name in seed_names(warehouse)
    )
    warehouse.execute(
        f"""
        copy (
          select seed_name, row_number() over (partition by seed_name order by row_json) as row_number, row_json
          from ({rows}) order by seed_name, row_number
        ) to '{aside / CONFIGURATION}' {PARQUET}
        """
    )


def seed_names(warehouse: duckdb.DuckDBPyConnection) -> list[str]:
    """The seeds of the warehouse."""
    found = warehouse.execute(
        "select table_name from information_schema.tables where table_schema = ? order by all", [SEEDS_SCHEMA]
    )
    return [name for (name,) in found.fetchall()]


def totals(connection: duckdb.DuckDBPyConnection, lines: Path) -> dict[str, str]:
    """What the lines of a book add up to: texts of decimals by currency."""
    rows = connection.execute(
        f"select currency_code, cast(sum(line_amount) as varchar) from read_parquet('{lines}') group by all order by all"
    )
    return dict(rows.fetchall())


def next_period(period_code: str) -> str:
    """The month after a month, YYYY-MM."""
    year, month = int(period_code[:4]), int(period_code[5:])
    return f"{year + month // 12:04}-{month % 12 + 1:02}"


def remove_leftovers(folder: Path) -> None:
    """Delete what a closing that was killed had begun."""
    for path in folder.glob(f"*{TEMPORARY}"):
        shutil.rmtree(path, ignore_errors=True)


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    found = connection.execute(query).fetchone()
    return int(found[0]) if found else 0
