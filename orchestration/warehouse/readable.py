"""The warehouse as readers will see it: the finished marts in a file beside it, everything else read where it lies.

Marts are views over views, and some of them are read by ten others. Here each is calculated once, in the order of the graph:
a view's own SQL is run where the names of what it reads mean the copies made before. What is asked of the marts afterwards,
by tests too, is asked of rows and not of views.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TypeVar

import duckdb

from orchestration.warehouse.marts_file import attach

MARTS = "marts"
WAREHOUSE = "warehouse"
COPY = "copy"
Name = tuple[str, str]
T = TypeVar("T")
# DuckDB plans a query on one core. While one is planned, another is calculated.
QUERIES_AT_A_TIME = 2
# As dbt calculates: in its time zone, with the functions of the warehouse.
SESSION = "set TimeZone = 'UTC'; set search_path = 'memory.main,warehouse.main'"
_NAMES = re.compile(r'"?(\w+)"?\."?(\w+)"?')
# As dbt writes a relation: database, schema and name in quotes.
_RELATION = re.compile(r'"(?:[^"]+)"\."(\w+)"\."(\w+)"')
_CREATED = re.compile(r"^CREATE VIEW .*? AS (?=WITH |SELECT |FROM |\(|VALUES )", re.DOTALL)


class ReadableWarehouse:
    """Reads a warehouse and writes marts into a copy. Use it as a context manager; the warehouse is only read.

    Args:
        copy: the file of marts; made where there is none. Marts in it count as calculated.
        key: encrypts the copy, or opens it.
        config: DuckDB settings of the connection.
    """

    def __init__(
        self,
        warehouse: Path,
        copy: Path,
        key: str | None = None,
        *,
        config: Mapping[str, str] | None = None,
    ) -> None:
        self.connection = duckdb.connect(":memory:", config=dict(config or {}))
        try:
            self.connection.execute("attach ? as warehouse (read_only)", [str(warehouse)])
            attach(self.connection, copy, COPY, key, read_only=False)
            self.connection.execute(f"set enable_progress_bar = false; {SESSION}")
            # Names are given a meaning by one thread at a time.
            self._naming = threading.RLock()
            self._own = threading.local()
            self._views = self._read_views()
            self._tables = self._read_tables(WAREHOUSE)
            self._shown: set[Name] = set()
            self._copied = {name for schema, name in self._read_tables(COPY) if schema == "main"}
            self._readers = self._count_readers()
            for schema in {schema for schema, _ in [*self._views, *self._tables]}:
                self.connection.execute(f'create schema if not exists memory."{schema}"')
        except Exception:
            self.connection.close()
            raise

    def __enter__(self) -> ReadableWarehouse:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    @property
    def marts(self) -> list[str]:
        """All marts of the warehouse, each after those that it reads."""
        names = {name for name in [*self._views, *self._tables] if name[0] == MARTS}
        return [name for schema, name in self._in_order() if (schema, name) in names]

    def copy_mart(self, name: str) -> int:
        """Write one mart into the copy, in the place of the one that is there. Returns its rows."""
        body = self._body((MARTS, name))
        self._show_what(body)
        created = self.execute(f'create or replace table {COPY}."{name}" as {body}').fetchone()
        self._copied.add(name)
        return int(created[0]) if created else 0

    def copy_marts(self, names: Collection[str]) -> dict[str, int]:
        """Write the named marts into the copy, each after those that it reads, two at a time. Returns their rows."""
        rows: dict[str, int] = {}
        graph = TopologicalSorter(self._graph())
        try:
            graph.prepare()
        except CycleError:
            return {name: self.copy_mart(name) for name in names}
        with self._threads() as pool:
            running: dict[Future[int], Name] = {}
            while graph.is_active():
                while found := graph.get_ready():
                    for ready in found:
                        if ready[0] == MARTS and ready[1] in names:
                            running[pool.submit(self.copy_mart, ready[1])] = ready
                        else:
                            graph.done(ready)
                if running:
                    for done in wait(running, return_when=FIRST_COMPLETED).done:
                        name = running.pop(done)
                        rows[name[1]] = done.result()
                        graph.done(name)
        return rows

    def each(self, jobs: Iterable[Callable[[], T]]) -> list[T]:
        """Do the jobs, two at a time, which ask through `execute`. Returns their results in their order."""
        with self._threads() as pool:
            return [future.result() for future in [pool.submit(job) for job in jobs]]

    def execute(self, sql: str) -> duckdb.DuckDBPyConnection:
        """Run a statement: in a thread of this warehouse by a cursor of the thread's own."""
        return getattr(self._own, "cursor", self.connection).execute(sql)

    @contextmanager
    def _threads(self) -> Iterator[ThreadPoolExecutor]:
        cursors: list[duckdb.DuckDBPyConnection] = []

        def begin() -> None:
            self._own.cursor = self.connection.cursor()
            cursors.append(self._own.cursor)
            self._own.cursor.execute(SESSION)

        pool = ThreadPoolExecutor(QUERIES_AT_A_TIME, initializer=begin)
        try:
            yield pool
        finally:
            # What has not begun need not, where something failed.
            pool.shutdown(cancel_futures=True)
            for cursor in cursors:
                cursor.close()

    def recalculate(self) -> None:
        """Take no view in the copy for calculated: what it reads may have changed since."""
        self._copied = {name for name in self._copied if (MARTS, name) in self._tables}

    def drop_mart(self, name: str) -> None:
        """Take a mart out of the copy that the warehouse no longer has."""
        self.connection.execute(f'drop table {COPY}."{name}"')
        self._copied.discard(name)

    def copied(self) -> list[str]:
        """The marts in the copy."""
        return sorted(self._copied)

    def close_copy(self) -> None:
        """Make the copy a whole file and release it."""
        self.connection.execute(f"checkpoint {COPY}")
        self.connection.execute(f"detach {COPY}")

    def query(self, sql: str) -> str:
        """SQL as dbt compiled it, so that it reads the finished marts."""

        def here(match: re.Match[str]) -> str:
            name = match[1], match[2]
            if name not in self._views and name not in self._tables:
                return match[0]
            self._show(name)
            return f'memory."{name[0]}"."{name[1]}"'

        return _RELATION.sub(here, sql)

    def relation(self, schema: str, name: str) -> str:
        """The name under which a relation of the warehouse is read here."""
        self._show((schema, name))
        return f'memory."{schema}"."{name}"'

    def _body(self, name: Name) -> str:
        return self._views.get(name) or f'select * from {WAREHOUSE}."{name[0]}"."{name[1]}"'

    def _show_what(self, sql: str) -> None:
        for name in self._read_by(sql):
            self._show(name)

    def _show(self, name: Name) -> None:
        """Have the name mean something here: a copied mart, a table of the warehouse, a view over such."""
        with self._naming:
            if name not in self._shown:
                self._shown.add(name)
                self._name(name)

    def _name(self, name: Name) -> None:
        schema, table = name
        shown = f'memory."{schema}"."{table}"'
        body = self._body(name)
        if schema == MARTS and table in self._copied:
            self.execute(f'create view {shown} as select * from {COPY}."{table}"')
        elif name in self._views:
            self._show_what(body)
            # A view that several read is calculated once.
            kind = "table" if self._readers.get(name, 0) > 1 else "view"
            self.execute(f"create {kind} {shown} as {body}")
        else:
            self.execute(f"create view {shown} as {body}")

    def _read_by(self, sql: str) -> Iterator[Name]:
        for match in _NAMES.finditer(sql):
            name = match[1], match[2]
            if name in self._views or name in self._tables:
                yield name

    def _count_readers(self) -> dict[Name, int]:
        readers: dict[Name, int] = {}
        for body in self._views.values():
            for name in set(self._read_by(body)):
                readers[name] = readers.get(name, 0) + 1
        return readers

    def _in_order(self) -> list[Name]:
        graph = self._graph()
        try:
            return list(TopologicalSorter(graph).static_order())
        except CycleError:
            # A name in a text that only looks like a relation. The order is for speed.
            return sorted(graph)

    def _graph(self) -> dict[Name, set[Name]]:
        graph = {
            name: {one for one in self._read_by(body) if one != name} for name, body in self._views.items()
        }
        for table in self._tables:
            graph.setdefault(table, set())
        return graph

    def _read_views(self) -> dict[Name, str]:
        rows = self.connection.execute(
            "select schema_name, view_name, sql from duckdb_views() where database_name = ? and not internal",
            [WAREHOUSE],
        ).fetchall()
        return {
            (schema, name): _CREATED.sub("", sql.strip(), count=1).rstrip(";")
            if _CREATED.match(sql.strip())
            else f'select * from {WAREHOUSE}."{schema}"."{name}"'
            for schema, name, sql in rows
        }

    def _read_tables(self, database: str) -> set[Name]:
        rows = self.connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = ?", [database]
        ).fetchall()
        return {(schema, name) for schema, name in rows}
