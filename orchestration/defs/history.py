"""Dagster's history, looked at in a copy: opening it where it is would write to it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy
import yaml
from dagster import DagsterInstance
from dagster._core.errors import DagsterError
from dagster._core.instance.ref import InstanceRef

# Errors of databases quote whole statements.
WORDS_MAX = 200
FILES = ("history/runs.db", "history/runs/index.db", "schedules/schedules.db")


class HistoryError(Exception):
    """The history cannot be read. ``fix`` says what to do."""

    def __init__(self, message: str, fix: str) -> None:
        self.fix = fix
        super().__init__(message)


@contextmanager
def history(dagster_home: Path) -> Iterator[DagsterInstance]:
    """An instance over a copy of the history's databases; a history in PostgreSQL is read where it is.

    Raises HistoryError when it cannot be read.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        try:
            _copy(dagster_home, copy)
            with DagsterInstance.from_ref(InstanceRef.from_dir(str(copy))) as instance:
                yield instance
        except sqlalchemy.exc.DatabaseError as problem:
            aside = dagster_home.with_name("dagster.broken")
            raise HistoryError(
                f"the history of runs cannot be read: {str(problem.orig).splitlines()[0]}",
                f"restore it from a backup, or begin a new one: mv {dagster_home} {aside}",
            ) from None
        except OSError as problem:
            raise HistoryError(
                f"the history of runs cannot be read: {problem}",
                f"ls -la {dagster_home}; see the other findings",
            ) from None
        except Exception as problem:
            # The package of PostgreSQL's errors need not be installed.
            known = (DagsterError, sqlalchemy.exc.SQLAlchemyError, ImportError)
            if not isinstance(problem, known) and not type(problem).__module__.startswith("dagster_postgres"):
                raise
            raise HistoryError(
                f"the history of runs cannot be read: {' '.join(str(problem).split())[:WORDS_MAX]}",
                f"look at `storage` in {dagster_home / 'dagster.yaml'}, its environment variable and its database",
            ) from None


def _copy(dagster_home: Path, copy: Path) -> None:
    """Copy the databases with their write-ahead logs, and dagster.yaml without what belongs to a running daemon."""
    for name in FILES:
        for path in (dagster_home / name, dagster_home / f"{name}-wal"):
            if path.exists():
                target = copy / path.relative_to(dagster_home)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
    path = dagster_home / "dagster.yaml"
    try:
        content = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.exists() else {}
    except yaml.YAMLError:
        content = {}  # reported by the check of dagster.yaml
    kept = {name: content[name] for name in ("storage", "concurrency") if name in content}
    (copy / "dagster.yaml").write_text(
        yaml.safe_dump({**kept, "telemetry": {"enabled": False}}), encoding="utf-8"
    )


def last_beat(dagster_home: Path) -> float | None:
    """When Dagster's daemon last gave a sign of life, in seconds since 1970; None for never, or a history that is broken."""
    if not (dagster_home / "schedules").exists():
        return None
    try:
        with history(dagster_home) as instance:
            return max((beat.timestamp for beat in instance.get_daemon_heartbeats().values()), default=None)
    except HistoryError:
        return None
