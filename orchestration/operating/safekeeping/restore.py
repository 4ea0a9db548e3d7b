"""Puts a backup back: proved before anything is touched, nothing newer lost unasked, and what was there kept aside."""

from __future__ import annotations

import itertools
import os
import shlex
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from orchestration.books.actions import HASH as ACTION_HASH
from orchestration.books.exports import HASH as EXPORT_HASH
from orchestration.books.period import HASH as BOOK_HASH
from orchestration.operating.safekeeping.backup import copy_file
from orchestration.operating.safekeeping.contents import (
    BOOKS,
    DAGSTER,
    PARTS,
    SEEDS,
    TOKENS,
    Backup,
    BackupError,
    backups_in,
    files_below,
    prove,
    read_backup,
)
from orchestration.operating.safekeeping.receipt import write_receipt
from orchestration.warehouse.files import (
    TEMPORARY,
    BooksError,
    file_hash,
    hash_of,
    read_object,
    sync,
    write_durably,
)
from orchestration.warehouse.settings import RunSettings

DAEMON_SECONDS = 120
REPLACED = "replaced"
ACTIONS_SHOWN = 3


@dataclass(frozen=True)
class Plan:
    """What a restore would do.

    Attributes:
        lost: closed months, exports and actions that the home has and the backup has not, in words.
        damaged: files of the home's books that are not as they were written and come back whole.
        other_seeds: seeds that differ from those of the backup; they are not touched.
    """

    backup: Backup
    lost: tuple[str, ...]
    damaged: tuple[str, ...]
    other_seeds: tuple[str, ...]


def find_backup(folder: Path) -> Backup:
    """A backup, or the newest of a folder of backups. Raises BackupError when there is none."""
    if (folder / "manifest.json").exists():
        return read_backup(folder)
    found = backups_in(folder)
    if not found:
        raise BackupError(f"{folder} holds no backup; name the folder that `commissions backup` was given")
    return read_backup(found[-1])


def plan_restore(settings: RunSettings, backup: Backup, seeds: Path) -> Plan:
    """Prove the backup and compare it with the home. Writes nothing. Raises BackupError when it is not whole."""
    prove(backup)
    lost, damaged = compared(settings, backup)
    known = {
        name.removeprefix(f"{SEEDS}/"): value
        for name, value in backup.files.items()
        if name.startswith(f"{SEEDS}/")
    }
    here = {str(path.relative_to(seeds)): file_hash(path) for path in files_below(seeds)}
    other = sorted(name for name in known.keys() | here.keys() if known.get(name) != here.get(name))
    return Plan(backup, lost, damaged, tuple(other))


def compared(settings: RunSettings, backup: Backup) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the home's books hold and the backup has not, in words; and files that are damaged in the home."""
    lost, damaged = [], []
    for path in files_below(settings.books):
        name = str(path.relative_to(settings.books))
        if TEMPORARY in name or backup.files.get(f"{BOOKS}/{name}") == file_hash(path):
            continue
        if f"{BOOKS}/{name}" not in backup.files or _is_whole(path):
            lost.append(name)
        else:
            damaged.append(name)
    return tuple(_in_words(lost)), tuple(damaged)


def restore(
    settings: RunSettings,
    plan: Plan,
    *,
    is_forced: bool,
    last_beat: Callable[[Path], float | None],
    now: datetime | None = None,
) -> Path | None:
    """Put the backup's parts in the place of the home's. Hold the run's lock.

    Returns the folder in which what was there is kept; None where there was nothing. A restore that is killed is finished by
    the same command; until then no other command starts.

    ``last_beat`` gives the last sign of life of Dagster's daemon in a DAGSTER_HOME, in seconds since 1970.

    Raises BackupError when something would be lost and ``is_forced`` is false, or when Dagster's daemon is alive.
    """
    if plan.lost and not is_forced:
        raise BackupError(
            f"{settings.books} holds what {plan.backup.folder} has not: {'; '.join(plan.lost)}. Books are never cut unasked. "
            "Take a newer backup, or repeat with --force to lose these (they are kept in the folder `replaced`)"
        )
    if compared(settings, plan.backup)[0] != plan.lost:
        raise BackupError(f"{settings.books} has grown meanwhile; type the command again")
    now = now or datetime.now(UTC)
    check_no_daemon(last_beat(settings.dagster_home), now)
    aside = settings.home / f"restoring.{os.getpid()}{TEMPORARY}"
    kept = _unused(settings.home / REPLACED / f"{now:%Y%m%dT%H%M%SZ}")
    try:
        for left in settings.home.glob(f"restoring.*{TEMPORARY}"):
            shutil.rmtree(left)
        aside.mkdir()
        for name in plan.backup.files:
            if name.split("/")[0] in PARTS:
                copy_file(plan.backup.folder / name, aside / name, is_live=False)
                if file_hash(aside / name) != plan.backup.files[name]:
                    raise BackupError(f"{name} could not be copied whole; nothing was changed")
        _open_up(aside)
        published = aside / "published" / settings.published.name
        if published.exists():
            published.chmod(0o444)
        # From here on until the end no command starts.
        force = " --force" if is_forced else ""
        command = f"commissions restore {shlex.quote(str(plan.backup.folder))}{force}\n"
        write_durably(settings.restoring, command.encode())
        sync(settings.home)
        for part in (*PARTS, "warehouse.duckdb", "warehouse.duckdb.wal", "unfinished"):
            _swap(settings.home, part, aside, kept)
        settings.restoring.unlink()
        sync(settings.home)
    except OSError as error:
        raise BackupError(
            f"{settings.home} could not be restored: {error}. Fix it and type the command again"
        ) from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    write_receipt(settings.home, plan.backup.folder, plan.backup.made_at, plan.backup.backup_hash)
    return kept if kept.exists() else None


def check_no_daemon(beat: float | None, now: datetime) -> None:
    """Raise BackupError when Dagster's daemon is alive: it would go on writing into what is moved away."""
    if beat is not None and now.timestamp() - beat < DAEMON_SECONDS:
        raise BackupError(
            "Dagster's daemon was alive in the last two minutes. Stop it (sudo systemctl stop commissions-daemon "
            f"commissions-webserver), wait {DAEMON_SECONDS} s and type the command again"
        )


def _unused(folder: Path) -> Path:
    """The folder, or the first of its followers that is not there."""
    names = itertools.chain(
        [folder], (folder.with_name(f"{folder.name}-{number}") for number in itertools.count(2))
    )
    return next(path for path in names if not path.exists())


def _open_up(folder: Path) -> None:
    """Give restored files the rights of newly written ones, tokens excepted: in a backup all are closed to others."""
    mask = os.umask(0)
    os.umask(mask)
    for path in folder.rglob("*"):
        if TOKENS not in path.relative_to(folder).parts[:1]:
            path.chmod((0o777 if path.is_dir() else 0o666) & ~mask)


def _swap(home: Path, part: str, aside: Path, kept: Path) -> None:
    """Move what is there away, and the backup's part into its place. Dagster keeps its history where the backup has none."""
    if part == DAGSTER and not (aside / part).exists():
        return
    if (home / part).exists():
        kept.mkdir(parents=True, exist_ok=True)
        (home / part).rename(kept / part)
    if (aside / part).exists():
        (aside / part).rename(home / part)
    sync(home)


def _is_whole(path: Path) -> bool:
    """Whether a file of the books that differs from the backup's is as it was written: then it is another history."""
    if path.suffix != ".json":
        return False
    try:
        content = read_object(path)
    except BooksError:
        return False
    return any(
        name in content and content[name] == hash_of(content, without=name)
        for name in (ACTION_HASH, BOOK_HASH, EXPORT_HASH)
    )


def _in_words(names: list[str]) -> list[str]:
    """Files of the books as what they are: closed months and exports, each once; many actions as one line."""
    found: dict[str, list[str]] = {}
    for name in names:
        kind, _, rest = name.partition("/")
        found.setdefault(kind, []).append(rest.split("/")[0].removesuffix(".json"))
    months, exports, actions = (
        sorted(set(found.pop(kind, []))) for kind in ("periods", "exports", "actions")
    )
    told = [f"closed month {name}" for name in months] + [f"export {name}" for name in exports]
    if len(actions) > ACTIONS_SHOWN:
        told.append(f"{len(actions)} actions, {actions[0]} to {actions[-1]}")
    else:
        told += [f"action {name}" for name in actions]
    return told + sorted(found)
