"""The log of the configuration: which cells of the seeds and which settings changed, when a run first saw it, and by whom.

One file per entry, numbered and chained by hash like the actions. The first entry holds every row; each later one the rows
that went and came. All entries together give the seeds as they were at any of them.
"""

from __future__ import annotations

import getpass
import os
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestration.books.actions import file_name
from orchestration.books.settings_rows import NAME, read_settings
from orchestration.plans.checks.files import SeedContract, names_of, read_contracts, read_seed
from orchestration.warehouse.files import TEMPORARY, BooksError, canonical, hash_of, put_new, read_object
from orchestration.warehouse.settings import PROJECT_ROOT

HASH = "entry_hash"
FIELDS = frozenset(
    {"entry_number", "recorded_at", "files", "configuration_fingerprint", "previous_hash", HASH}
)

# The filled cells of a row; an empty cell is as good as a column that is not there.
Row = dict[str, str]
Rows = Mapping[str, Sequence[Row]]


@dataclass(frozen=True)
class Entry:
    """One entry. ``recorded_at`` is UTC in ISO form; ``files`` has one mapping per changed file: its name, who changed it
    (``author``, ``commit_id``), the columns that name a row (``key_columns``), and the rows ``removed`` and ``added``."""

    entry_number: int
    recorded_at: str
    files: Sequence[Mapping[str, Any]]
    configuration_fingerprint: str
    previous_hash: str
    entry_hash: str


@dataclass(frozen=True)
class Change:
    """One change as people read it: a cell, or a whole row that came or went; in the first entry a whole file."""

    file: str
    author: str
    commit_id: str | None
    change_code: str  # recorded, added, changed or removed
    row_key: str
    column_name: str | None
    before: str | None
    after: str | None


def read_entries(folder: Path) -> list[Entry]:
    """All entries in their order, the chain checked, and that the rows of each follow from those before.

    Raises BooksError that names the first file that is missing, was edited, or does not follow the one before.
    """
    paths = {path.name: path for path in folder.glob("*") if not path.name.endswith(TEMPORARY)}
    entries: list[Entry] = []
    seeds: dict[str, Counter[tuple[tuple[str, str], ...]]] = {}
    for number in range(1, len(paths) + 1):
        path = folder / file_name(number)
        if path.name not in paths:
            raise BooksError(
                f"{path} is missing: entries are numbered without gaps. Restore the folder from a backup"
            )
        content = read_object(path)
        if set(content) != FIELDS or content["entry_number"] != number:
            raise BooksError(f"{path} is not entry {number} of the configuration; restore it from a backup")
        if content[HASH] != hash_of(content, without=HASH):
            raise BooksError(f"{path} was changed after it was written; restore it from a backup")
        if content["previous_hash"] != (entries[-1].entry_hash if entries else ""):
            raise BooksError(
                f"{path} does not follow the entry before it: one of the two was replaced. Restore them from a backup"
            )
        entry = Entry(**content)
        _apply(seeds, entry, path)
        entries.append(entry)
    return entries


def configuration_at(entries: Sequence[Entry]) -> dict[str, list[Row]]:
    """Seeds and settings after the last of these entries: rows by file, in no order that means anything."""
    seeds: dict[str, Counter[tuple[tuple[str, str], ...]]] = {}
    for entry in entries:
        _apply(seeds, entry, Path(file_name(entry.entry_number)))
    return {file: [dict(row) for row in sorted(rows.elements())] for file, rows in seeds.items()}


def record_configuration(
    folder: Path, seeds_folder: Path, *, recorded_at: datetime, settings: Mapping[str, Path] | None = None
) -> Entry | None:
    """Write an entry when seeds or ``settings`` (see `settings_files`) differ from the last one, else return None.

    Hold the run's lock.

    Raises BooksError when the log was changed or the disk is full; nothing is left behind then.
    """
    entries = read_entries(folder)
    before = configuration_at(entries)
    settings = settings or {}
    now = {**read_configuration(seeds_folder), **read_settings(settings)}
    contracts, _ = read_contracts(seeds_folder)
    files = []
    for file in sorted({*before, *now}):
        went, came = _difference(before.get(file, ()), now.get(file, ()))
        if went or came or (file in now and file not in before):
            is_seed = file.endswith(".csv")
            path = seeds_folder.parent / file if is_seed else settings.get(file, PROJECT_ROOT / file)
            author, commit_id = author_of(path)
            files.append(
                {
                    "file": file,
                    "author": author,
                    "commit_id": commit_id,
                    "key_columns": (key_columns(contracts.get(Path(file).stem)) if is_seed else [NAME]),
                    "removed": went,
                    "added": came,
                }
            )
    if not files:
        return None
    content: dict[str, Any] = {
        "entry_number": len(entries) + 1,
        "recorded_at": recorded_at.replace(microsecond=0, tzinfo=None).isoformat(),
        "files": files,
        "configuration_fingerprint": fingerprint(now),
        "previous_hash": entries[-1].entry_hash if entries else "",
    }
    content[HASH] = hash_of(content, without=HASH)
    put_new(folder / file_name(len(entries) + 1), canonical(content))
    return Entry(**content)


def read_configuration(seeds_folder: Path) -> dict[str, list[Row]]:
    """The rows of every seed file, by its path from the folder above the seeds."""
    found = {}
    for path in sorted(seeds_folder.rglob("*.csv")):
        seed = read_seed(path, seeds_folder.parent)
        found[seed.file] = [
            {name: value for name, value in cells.items() if value != ""} for _, cells in seed.rows
        ]
    return found


def fingerprint(seeds: Rows) -> str:
    """One hash of all rows, whatever their order."""
    content = {file: sorted(sorted(row.items()) for row in rows) for file, rows in seeds.items() if rows}
    return hash_of({"seeds": content}, without=HASH)


def changes_of(entry: Entry) -> Iterator[Change]:
    """What an entry says, change by change, in a fixed order."""
    for part in entry.files:
        told = (part["file"], part["author"], part["commit_id"])
        if entry.entry_number == 1:
            count = len(part["added"])
            yield Change(*told, "recorded", "", None, None, f"{count} row" if count == 1 else f"{count} rows")
            continue
        keys = part["key_columns"]
        came = {_key(row, keys): row for row in part["added"]}
        went = {_key(row, keys): row for row in part["removed"]}
        # Rows with the same key are logged as removed and added.
        is_unique = len(came) == len(part["added"]) and len(went) == len(part["removed"])
        paired = came.keys() & went.keys() if is_unique else set()
        for row in part["removed"]:
            if _key(row, keys) not in paired:
                yield Change(*told, "removed", _key(row, keys), None, _text(row), None)
        for row in part["added"]:
            key = _key(row, keys)
            if key not in paired:
                yield Change(*told, "added", key, None, None, _text(row))
                continue
            old = went[key]
            for name in sorted(row.keys() | old.keys()):
                if row.get(name) != old.get(name):
                    yield Change(*told, "changed", key, name, old.get(name), row.get(name))


def key_columns(contract: SeedContract | None) -> list[str]:
    """The columns that name a row of a seed, as its property file tests them; none where it tests none."""
    if contract is None:
        return []
    found: dict[str, list[str]] = {}
    for check in contract.checks:
        if check.name == "unique" and check.column:
            found.setdefault("unique", [check.column])
        elif check.name == "unique_combination":
            found.setdefault("unique_combination", names_of(check.arguments.get("columns")))
        elif check.name == "no_overlap":
            columns = names_of(check.arguments.get("partition_by"))
            columns.append(str(check.arguments.get("valid_from", "valid_from")))
            found.setdefault("no_overlap", columns)
    return next((found[name] for name in ("unique", "unique_combination", "no_overlap") if name in found), [])


def author_of(path: Path) -> tuple[str, str | None]:
    """Who changed a file last, and the commit: git's answer; without one, or before a commit, who runs this."""
    if not _git(path, "status", "--porcelain"):
        author, _, commit_id = _git(path, "log", "-1", "--format=%an%x00%H").partition("\0")
        if commit_id:
            return author, commit_id
    try:
        return os.environ.get("COMMISSIONS_ACTOR") or getpass.getuser(), None
    except (KeyError, OSError):
        return "unknown", None


def _git(path: Path, *arguments: str) -> str:
    """What git says about a file; nothing where it says nothing, or is not there."""
    folder = next((above for above in path.parents if above.is_dir()), path.parent)
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments, "--", str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _apply(seeds: dict[str, Counter[tuple[tuple[str, str], ...]]], entry: Entry, path: Path) -> None:
    for part in entry.files:
        rows = seeds.setdefault(part["file"], Counter())
        rows.subtract(map(_hashable, part["removed"]))
        rows.update(map(_hashable, part["added"]))
        if any(count < 0 for count in rows.values()):
            raise BooksError(f"{path} takes rows away that were not there; restore the folder from a backup")
        seeds[part["file"]] = +rows
    content = {file: [dict(row) for row in rows.elements()] for file, rows in seeds.items()}
    if fingerprint(content) != entry.configuration_fingerprint:
        raise BooksError(f"{path} gives another configuration than it says; restore the folder from a backup")


def _difference(before: Sequence[Row], now: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    old, new = Counter(map(_hashable, before)), Counter(map(_hashable, now))
    return (
        [dict(row) for row in sorted((old - new).elements())],
        [dict(row) for row in sorted((new - old).elements())],
    )


def _hashable(row: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(row.items()))


def _key(row: Mapping[str, str], columns: Sequence[str]) -> str:
    return ", ".join(f"{name} {row.get(name, '')}".strip() for name in columns or sorted(row))


def _text(row: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(row.items()))
