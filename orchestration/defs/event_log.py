"""Dagster's history of events in the files that Dagster itself writes, at a fraction of the cost.

Dagster opens a file again for each event, in several transactions that each wait for the disk. A run of the whole project
stores some thousand events before its first step.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any
from weakref import WeakSet

import sqlalchemy
from dagster import DagsterInstance, Field, StringSource
from dagster._core.event_api import EventHandlerFn
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.sqlite.sqlite_event_log import (
    SqliteEventLogStorage,
    SqliteEventLogStorageWatchdog,
)
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import QueuePool
from watchdog.events import FileSystemEvent
from watchdog.observers import Observer

# Files kept open; one more closes the one that was not used for longest. A run uses two, a web server one per run that is looked at.
OPEN_FILES_MAX = 8


class PooledSqliteEventLogStorage(SqliteEventLogStorage):
    """Dagster's SQLite event log, whose files stay open and whose events are stored in one transaction per file.

    Files and tables are Dagster's own, so either class reads what the other has written, also at the same time.
    A stored event survives the death of the process; the last ones may be lost when the machine loses its power, which
    never damages a file (write-ahead log, `synchronous = normal`).
    """

    _obs: Any

    def __init__(self, base_dir: str | None = None, inst_data: ConfigurableClassData | None = None) -> None:
        """``base_dir``: the folder of the files; without it, that of the instance, where Dagster has them too."""
        # Held while a connection is in use. Whoever holds it may ask again for a connection and gets the same one.
        self._lock = threading.RLock()
        self._in_use: dict[str, Connection] = {}
        self._engines: OrderedDict[str, tuple[tuple[int, int] | None, Engine]] = OrderedDict()
        self._tables: set[str] = set()
        self._asset_key_columns: set[str] = set()
        self._is_placed = base_dir is not None
        if base_dir is None:
            self._inst_data = inst_data
            self._instance_weakref = None
        else:
            super().__init__(base_dir, inst_data)
        _storages.add(self)

    @classmethod
    def config_type(cls) -> Any:
        """The optional folder of the files."""
        return {"base_dir": Field(StringSource, is_required=False)}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> PooledSqliteEventLogStorage:
        """Made by Dagster from dagster.yaml."""
        return cls(inst_data=inst_data, **config_value)

    def register_instance(self, instance: DagsterInstance) -> None:
        """Learn whose history this is, and with that where its files are."""
        if not self._is_placed:
            folder = Path(instance.root_directory) / "history" / "runs"
            super().__init__(str(folder), self._inst_data)
            self._is_placed = True
        super().register_instance(instance)

    def store_event(self, event: EventLogEntry) -> None:
        """Store one event; when this returns, it outlives the process."""
        self._store(event.run_id, [event])

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store events in one transaction per file: those planned by a run, where DAGSTER_EVENT_BATCH_SIZE allows it."""
        for run_id, of_run in groupby(events, key=lambda event: event.run_id):
            self._store(run_id, list(of_run))

    def _store(self, run_id: str, events: Sequence[EventLogEntry]) -> None:
        # What Dagster does with an event, in two transactions around it. The run's own file is committed first, as by
        # Dagster: the index never knows of an event that the run has not.
        with self.index_connection(), self.run_connection(run_id):
            for event in events:
                super().store_event(event)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._lock:
            if shard in self._in_use:
                yield self._in_use[shard]
                return
            with self._engine(shard).begin() as connection:
                self._in_use[shard] = connection
                try:
                    yield connection
                finally:
                    del self._in_use[shard]

    def _engine(self, shard: str) -> Engine:
        path = Path(self.path_for_shard(shard))
        file, engine = self._engines.get(shard, (None, None))
        if engine is not None:
            if file == _identity(path):
                self._engines.move_to_end(shard)
                return engine
            # Deleted or replaced meanwhile: what is open is no longer the history.
            del self._engines[shard]
            engine.dispose()
            self._initialized_dbs.discard(shard)
        engine = _make_engine(self.conn_string_for_shard(shard))
        if shard not in self._initialized_dbs or not path.exists():
            self._initdb(engine)
            self._initialized_dbs.add(shard)
        self._engines[shard] = (_identity(path), engine)
        for oldest in [name for name in self._engines if name not in self._in_use][:-OPEN_FILES_MAX]:
            self._engines.pop(oldest)[1].dispose()
        return engine

    def has_table(self, table_name: str) -> bool:
        """Whether the index has a table; it is asked once, for tables come and never go."""
        if table_name not in self._tables:
            with self.index_connection() as connection:
                if not sqlalchemy.inspect(connection).has_table(table_name):
                    return False
            self._tables.add(table_name)
        return True

    def _has_asset_key_col_on_connection(self, conn: Connection, column_name: str) -> bool:
        if column_name not in self._asset_key_columns:
            if not super()._has_asset_key_col_on_connection(conn, column_name):
                return False
            self._asset_key_columns.add(column_name)
        return True

    def upgrade(self) -> None:
        """Bring the tables to those of this version of Dagster."""
        self.close_files()
        super().upgrade()

    def wipe(self) -> None:
        """Delete all events."""
        self.close_files()
        super().wipe()

    def watch(self, run_id: str, cursor: str | None, callback: EventHandlerFn) -> None:
        """Call back on each new event of a run."""
        if not self._obs:
            self._obs = Observer()
            self._obs.start()
        watchdog = _LogWatchdog(self, run_id, callback, cursor)
        self._watchers[run_id][callback] = (
            watchdog,
            self._obs.schedule(watchdog, self._base_dir, recursive=True),
        )

    def dispose(self) -> None:
        """Close all files; their write-ahead logs are gone then."""
        if self._is_placed:
            super().dispose()
        self.close_files()

    def close_files(self) -> None:
        """Close the files that nobody is using just now. The next event opens them again."""
        with self._lock:
            for shard in [name for name in self._engines if name not in self._in_use]:
                self._engines.pop(shard)[1].dispose()


class _LogWatchdog(SqliteEventLogStorageWatchdog):
    """Looks at the write-ahead log as well: while the file is open, new events are in there alone."""

    def dispatch(self, event: FileSystemEvent) -> None:
        if event.event_type == "modified" and event.src_path in (self._log_path, f"{self._log_path}-wal"):
            self._process_log()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _make_engine(address: str) -> Engine:
    engine = sqlalchemy.create_engine(
        address,
        poolclass=QueuePool,
        pool_size=1,
        # The lock of the storage lets one thread at a time use it.
        connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
    )
    sqlalchemy.event.listen(engine, "connect", _set_up)
    return engine


def _set_up(connection: sqlite3.Connection, _record: object) -> None:
    """Use a write-ahead log, and let the disk be waited for only when that is written back."""
    [mode] = connection.execute("pragma journal_mode").fetchone()
    if mode != "wal":  # a restored file
        # Another process has it open: next time.
        with contextlib.suppress(sqlite3.OperationalError):
            [mode] = connection.execute("pragma journal_mode = wal").fetchone()
    if mode == "wal":
        connection.execute("pragma synchronous = normal")


# A connection of SQLite must not be carried over a fork: the locks of its process stay behind.
_storages: WeakSet[PooledSqliteEventLogStorage] = WeakSet()
_forking = threading.Lock()
_held: list[threading.RLock] = []


def _before_fork() -> None:
    _forking.acquire()
    for storage in list(_storages):
        storage._lock.acquire()
        _held.append(storage._lock)
        storage.close_files()


def _after_fork() -> None:
    while _held:
        _held.pop().release()
    _forking.release()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
