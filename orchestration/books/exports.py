"""Exported files and their records: each exported once, in one chain outside the warehouse.

A record is a folder `books/exports/000001`: the file, the amounts that it settled as Parquet, and a manifest with hashes and the
hash of the record before. It is made aside and renamed: an amount is exported when its folder is there, and not before.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.books.period import DETERMINISTIC, PARQUET
from orchestration.warehouse.files import (
    MANIFEST,
    SETTLED,
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

HASH = "export_hash"
NUMBER_WIDTH = 6


@dataclass(frozen=True)
class Export:
    """One exported file, as its manifest has it. ``total_amount`` is the text of a decimal in ``currency_code``."""

    folder: Path
    export_number: int
    export_code: str
    export_name: str
    pay_group_id: str | None
    export_period_code: str
    currency_code: str
    sequence_number: int
    file_name: str
    files: dict[str, str]
    row_count: int
    total_amount: str
    exported_at: str
    exported_by: str
    previous_hash: str
    export_hash: str

    @property
    def file(self) -> Path:
        """The file in the record."""
        return self.folder / self.file_name


@dataclass(frozen=True)
class Draft:
    """A file that is to be exported: its lines, and the query of the amounts that it settles."""

    export_code: str
    export_name: str
    pay_group_id: str | None
    export_period_code: str
    currency_code: str
    sequence_number: int
    file_name: str
    lines: tuple[str, ...]
    total_amount: str
    settled: str
    parameters: tuple[str, ...]


def read_exports(folder: Path) -> list[Export]:
    """All exports in their order, the chain and every file's bytes checked.

    Raises BooksError that names the first file that is missing or was changed, or the record that is missing.
    """
    names = {path.name for path in folder.glob("*") if not path.name.endswith(TEMPORARY)}
    exports: list[Export] = []
    for number in range(1, len(names) + 1):
        path = folder / folder_name(number)
        if path.name not in names:
            raise BooksError(
                f"{path} is missing: exports are numbered without gaps. Restore the folder from a backup"
            )
        export = _read(path, number)
        if export.previous_hash != (exports[-1].export_hash if exports else ""):
            raise BooksError(
                f"{path / MANIFEST} does not follow the export before it: one of the two was replaced. "
                "Restore them from a backup"
            )
        exports.append(export)
    return exports


def _read(folder: Path, number: int) -> Export:
    content = read_object(folder / MANIFEST)
    if content.get("export_number") != number or content.get(HASH) != hash_of(content, without=HASH):
        raise BooksError(f"{folder / MANIFEST} was changed after the export; restore it from a backup")
    check_files(folder, content["files"], "export")
    return Export(folder=folder, **content)


def write_export(
    warehouse: duckdb.DuckDBPyConnection,
    folder: Path,
    known: Sequence[Export],
    draft: Draft,
    *,
    exported_at: datetime,
    exported_by: str,
) -> Export:
    """Write the next export and return it. ``known`` are the exports so far; hold the run's lock.

    Raises BooksError when the disk is full or a record of that number exists; nothing is left behind then.
    """
    target = folder / folder_name(len(known) + 1)
    if target.exists():
        raise BooksError(f"{target} exists already and is never replaced")
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob(f"*{TEMPORARY}"):
        shutil.rmtree(path, ignore_errors=True)
    aside = folder / f"{target.name}.{os.getpid()}{TEMPORARY}"
    try:
        aside.mkdir()
        write_durably(aside / draft.file_name, file_bytes(draft.lines))
        for statement in DETERMINISTIC:
            warehouse.execute(statement)
        warehouse.execute(
            f"copy ({draft.settled}) to '{aside / SETTLED}' {PARQUET}", list(draft.parameters) or None
        )
        sync(aside / SETTLED)
        content: dict[str, Any] = {
            "export_number": len(known) + 1,
            "export_code": draft.export_code,
            "export_name": draft.export_name,
            "pay_group_id": draft.pay_group_id,
            "export_period_code": draft.export_period_code,
            "currency_code": draft.currency_code,
            "sequence_number": draft.sequence_number,
            "file_name": draft.file_name,
            "files": {name: file_hash(aside / name) for name in (draft.file_name, SETTLED)},
            "row_count": len(draft.lines) - 1,
            "total_amount": draft.total_amount,
            "exported_at": exported_at.replace(microsecond=0, tzinfo=None).isoformat(),
            "exported_by": exported_by,
            "previous_hash": known[-1].export_hash if known else "",
        }
        content[HASH] = hash_of(content, without=HASH)
        write_durably(aside / MANIFEST, canonical(content))
        sync(aside)
        aside.rename(target)
        sync(folder)
    except (OSError, duckdb.Error) as error:
        raise BooksError(
            f"{draft.export_name} was not exported: {str(error).splitlines()[0]}. "
            "Nothing was changed; fix it and try again"
        ) from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return Export(folder=target, **content)


def file_bytes(lines: Sequence[str]) -> bytes:
    """The lines as the file has them: UTF-8, each with its end."""
    return "".join(f"{line}\n" for line in lines).encode()


def folder_name(number: int) -> str:
    """Name of a record's folder, the same order as text and as number."""
    return f"{number:0{NUMBER_WIDTH}}"
