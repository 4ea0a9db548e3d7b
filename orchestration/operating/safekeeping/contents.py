"""What a backup holds, how it says so, and how it is proved."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.books.actions import read_actions
from orchestration.books.archive import check_archive
from orchestration.books.exports import read_exports
from orchestration.books.landed import check_closings, check_exports
from orchestration.books.period import read_books
from orchestration.warehouse.files import BooksError, file_hash, hash_of, read_object

MANIFEST = "manifest.json"
HASH = "backup_hash"
FORMAT = 1
BOOKS, LANDINGS, PUBLISHED, EXPORTS, TOKENS, EVENTS, WRITE_BACK, DAGSTER = (
    "books",
    "landings",
    "published",
    "exports",
    "tokens",
    "events",
    "write_back",
    "dagster",
)
# Folders of the home that go back into it, in the order in which they are put in place: the books first.
PARTS = (BOOKS, LANDINGS, PUBLISHED, EXPORTS, TOKENS, EVENTS, WRITE_BACK, DAGSTER)
# Kept for comparison; a restore does not touch the project.
SEEDS, SOURCES = "seeds", "sources.toml"
NAME = re.compile(r"backup-\d{8}T\d{6}Z")


class BackupError(Exception):
    """A backup could not be made, or cannot be used. The message names the file and the fix."""


@dataclass(frozen=True)
class Holdings:
    """How far books have come: hashes of actions, closed months and exports in their order, by name."""

    actions: dict[str, str]
    periods: dict[str, str]
    exports: dict[str, str]

    def __str__(self) -> str:
        months = list(self.periods)
        closed = f"{months[0]} to {months[-1]}" if len(months) > 1 else "".join(months) or "none"
        return f"{len(self.actions):,} actions, closed months: {closed}, {len(self.exports):,} exports"

    def missing_from(self, other: Holdings) -> list[str]:
        """What these books hold and the other ones do not, or not the same, in words."""
        return [
            *(
                f"closed month {name}"
                for name, value in self.periods.items()
                if other.periods.get(name) != value
            ),
            *(f"export {name}" for name, value in self.exports.items() if other.exports.get(name) != value),
            *(f"action {name}" for name, value in self.actions.items() if other.actions.get(name) != value),
        ]

    def as_dict(self) -> dict[str, dict[str, str]]:
        """For the manifest."""
        return {"actions": self.actions, "periods": self.periods, "exports": self.exports}


@dataclass(frozen=True)
class Backup:
    """A backup, as its manifest has it. ``files`` are SHA-256 by path, ``made_at`` UTC in ISO form."""

    folder: Path
    made_at: str
    home: str
    holdings: Holdings
    files: dict[str, str]
    facts: dict[str, str]
    backup_hash: str


def proved_holdings(books: Path) -> Holdings:
    """Read books, chains and bytes checked. Raises BooksError with the first thing that is wrong."""
    actions = read_actions(books / "actions")
    periods = read_books(books / "periods")
    check_closings(actions, periods)
    exports = read_exports(books / "exports")
    check_exports(actions, exports)
    return Holdings(
        {f"{action.action_number:06}": action.action_hash for action in actions},
        {book.period_code: book.book_hash for book in periods},
        {export.folder.name: export.export_hash for export in exports},
    )


def files_below(folder: Path) -> Iterator[Path]:
    """All files of a folder, in the order of their names; none where there is no folder."""
    yield from sorted(path for path in folder.rglob("*") if path.is_file() or path.is_symlink())


def backups_in(folder: Path) -> list[Path]:
    """The finished backups of a folder, the oldest first."""
    return sorted(path for path in folder.glob("backup-*") if NAME.fullmatch(path.name) and path.is_dir())


def read_backup(folder: Path) -> Backup:
    """Read a backup's manifest. Raises BackupError when there is none, or when it was changed."""
    try:
        content: dict[str, Any] = read_object(folder / MANIFEST)
    except BooksError:
        raise BackupError(f"{folder} is not a backup: its {MANIFEST} cannot be read") from None
    if content.get(HASH) != hash_of(content, without=HASH):
        raise BackupError(f"{folder / MANIFEST} was changed after the backup; take another backup")
    if content["format"] != FORMAT:
        raise BackupError(
            f"{folder} is a backup of format {content['format']}, this version reads format {FORMAT}: install the version "
            f"that made it ({content['facts'].get('version')})"
        )
    return Backup(
        folder,
        content["made_at"],
        content["home"],
        Holdings(**content["holdings"]),
        content["files"],
        content["facts"],
        content[HASH],
    )


def prove(backup: Backup) -> None:
    """Check every byte of a backup, the books' chains, and the landings.

    Raises BackupError that names the first file that is missing, was changed, or does not belong there.
    """
    found = {str(path.relative_to(backup.folder)) for path in files_below(backup.folder)} - {MANIFEST}
    for name, expected in sorted(backup.files.items()):
        path = backup.folder / name
        if name not in found:
            raise BackupError(f"{path} is missing; take another backup")
        if path.is_symlink() or file_hash(path) != expected:
            raise BackupError(f"{path} was changed after the backup; take another backup")
    if strange := sorted(found - set(backup.files)):
        raise BackupError(f"{backup.folder / strange[0]} is not in the manifest; take another backup")
    try:
        holdings = proved_holdings(backup.folder / BOOKS)
        if (backup.folder / LANDINGS / "manifest.json").exists():
            check_archive(backup.folder / LANDINGS)
    except BooksError as error:
        raise BackupError(str(error)) from None
    if holdings != backup.holdings:
        raise BackupError(
            f"{backup.folder / BOOKS} are other books than the manifest names; take another backup"
        )
