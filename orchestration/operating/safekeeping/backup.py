"""Makes a backup: whole or not at all, never of broken books, never in the place of one that holds more."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

from orchestration.books.archive import check_archive
from orchestration.operating.safekeeping.contents import (
    BOOKS,
    DAGSTER,
    EVENTS,
    EXPORTS,
    FORMAT,
    HASH,
    LANDINGS,
    MANIFEST,
    PUBLISHED,
    SEEDS,
    SOURCES,
    TOKENS,
    WRITE_BACK,
    Backup,
    BackupError,
    Holdings,
    backups_in,
    files_below,
    proved_holdings,
    read_backup,
)
from orchestration.operating.safekeeping.receipt import write_receipt
from orchestration.warehouse.files import (
    TEMPORARY,
    BooksError,
    canonical,
    file_hash,
    hash_of,
    sync,
    write_durably,
)
from orchestration.warehouse.marts_file import MartsFileError, open_marts
from orchestration.warehouse.settings import RunSettings

# Room that must be left on the disk of the backups, as a multiple of what is copied.
SPACE_FACTOR = 1.2
PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600


def make_backup(
    settings: RunSettings,
    folder: Path,
    *,
    keep: int,
    now: datetime | None = None,
    seeds: Path,
    sources: Path | None,
) -> Backup:
    """Copy the home into a new folder of ``folder`` and delete all but the newest ``keep``. Hold the run's lock.

    Raises:
        BackupError: ``folder`` holds something else, the home's books are broken or hold less than the last backup,
            or the disk is too full. The backups before are then as they were.
    """
    made_at = (now or datetime.now(UTC)).replace(microsecond=0)
    try:
        holdings = proved_holdings(settings.books)
        if (settings.landings / "manifest.json").exists():
            check_archive(settings.landings)
    except BooksError as error:
        raise BackupError(
            f"{error}. Broken books are not backed up; the backups before are as they were"
        ) from None
    if not (holdings.actions or settings.published.exists() or settings.landings.exists()):
        raise BackupError(f"{settings.home} holds nothing to back up: no run was published there")
    check_folder(folder)
    check_follows(folder, holdings)
    sources_of = dict(_chosen(settings, seeds, sources))
    check_space(folder, sources_of)
    target = folder / f"backup-{made_at:%Y%m%dT%H%M%SZ}"
    if target.exists():
        raise BackupError(f"{target} exists already: a backup was made this second")
    aside = folder / f"{target.name}.{os.getpid()}{TEMPORARY}"
    try:
        aside.mkdir(mode=PRIVATE_FOLDER, parents=True)
        for name, source in sources_of.items():
            copy_file(source, aside / name)
        content: dict[str, Any] = {
            "format": FORMAT,
            "made_at": made_at.isoformat(),
            "home": str(settings.home),
            "holdings": holdings.as_dict(),
            "files": {str(path.relative_to(aside)): file_hash(path) for path in files_below(aside)},
            "facts": {
                "version": version("commission-warehouse"),
                "duckdb": duckdb.__version__,
                **_published_facts(settings),
            },
        }
        content[HASH] = hash_of(content, without=HASH)
        write_durably(aside / MANIFEST, canonical(content))
        for path in [path for path in aside.rglob("*") if path.is_dir()]:
            sync(path)
        sync(aside)
        aside.rename(target)
        sync(folder)
    except (OSError, sqlite3.Error) as error:
        raise BackupError(f"{target} was not made: {error}. The backups before are as they were") from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    write_receipt(settings.home, target, content["made_at"], content[HASH])
    forget(folder, keep)
    return read_backup(target)


def check_folder(folder: Path) -> None:
    """Raise BackupError when a folder holds anything but backups; take away what a killed backup left."""
    if not folder.exists():
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True)
        return
    if not folder.is_dir():
        raise BackupError(f"{folder} is not a folder")
    for path in folder.glob(f"backup-*{TEMPORARY}"):
        shutil.rmtree(path, ignore_errors=True)
    known = set(backups_in(folder))
    strange = sorted(path for path in folder.iterdir() if path not in known and path.name != "lost+found")
    if strange:
        raise BackupError(
            f"{folder} holds something else ({strange[0].name}); name an empty folder, or one of backups"
        )


def check_follows(folder: Path, holdings: Holdings) -> None:
    """Raise BackupError when the last backup holds what the home has lost: in time it would be thrown away."""
    for last in reversed(backups_in(folder)):
        try:
            lost = read_backup(last).holdings.missing_from(holdings)
        except BackupError:
            continue
        if lost:
            more = f" and {len(lost) - 3} more" if len(lost) > 3 else ""
            raise BackupError(
                f"{last} holds what this home has not: {', '.join(lost[:3])}{more}. Is it another home, or were its books "
                f"lost? Restore them (commissions restore {folder} --dry-run), or name another folder"
            )
        return


def check_space(folder: Path, chosen: dict[str, Path]) -> None:
    """Raise BackupError when the disk has no room for the copy."""
    needed = SPACE_FACTOR * sum(path.stat().st_size for path in chosen.values())
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise BackupError(
            f"{folder} has {free / 1e6:,.0f} MB free and the backup needs {needed / 1e6:,.0f} MB: free some space, or keep "
            "fewer (--keep)"
        )


def copy_file(source: Path, target: Path, *, is_live: bool = True) -> None:
    """Copy one file durably, readable by its owner alone; a database of Dagster or of the events as of one moment.

    ``is_live``: another process may be writing to it; a file of a backup is copied byte by byte.
    """
    for folder in reversed([parent for parent in target.parents if not parent.exists()]):
        folder.mkdir(mode=PRIVATE_FOLDER)
    if is_live and source.suffix in (".db", ".sqlite"):
        # Copied as a file, it would lack what the daemon is writing.
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as live,
            closing(sqlite3.connect(target)) as copy,
        ):
            live.backup(copy)
            # Without a log beside it: who opens the copy leaves none behind.
            copy.execute("pragma journal_mode = delete")
    else:
        shutil.copyfile(source, target)
    target.chmod(PRIVATE_FILE)
    sync(target)


def forget(folder: Path, keep: int) -> None:
    """Delete all but the newest backups. A half-deleted one has no name of a backup."""
    for path in backups_in(folder)[:-keep]:
        aside = path.with_name(f"{path.name}{TEMPORARY}")
        path.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)


def _chosen(settings: RunSettings, seeds: Path, sources: Path | None) -> Iterator[tuple[str, Path]]:
    """The files to copy, by their path in the backup."""
    home = settings.home
    for part in (BOOKS, LANDINGS, PUBLISHED, EXPORTS, TOKENS, EVENTS, WRITE_BACK):
        for path in files_below(home / part):
            if (
                TEMPORARY not in path.name
                and not path.is_symlink()
                and not path.name.endswith(("-wal", "-shm"))
            ):
                yield f"{part}/{path.relative_to(home / part)}", path
    dagster = settings.dagster_home
    databases = [*dagster.glob("history/**/*.db"), *dagster.glob("schedules/*.db")]
    for path in [dagster / "dagster.yaml", *databases]:
        if path.exists():
            yield f"{DAGSTER}/{path.relative_to(dagster)}", path
    for path in files_below(seeds):
        yield f"{SEEDS}/{path.relative_to(seeds)}", path
    if sources and sources.exists():
        yield SOURCES, sources


def _published_facts(settings: RunSettings) -> dict[str, str]:
    """The run and the date of the published marts."""
    try:
        with open_marts(settings.published, settings.published_key()) as marts:
            return dict(marts.execute("select name, value from publication.run").fetchall())
    except (MartsFileError, duckdb.Error, OSError):
        return {}
