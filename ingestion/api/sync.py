"""One load of a system read by a connector: what changed, by the rules of the files' loads.

Data flow: state of the last load -> read since (cursor - overlap), or whole -> typed rows -> alerts and checks ->
plan (nothing, delta, full) -> dlt. The plan carries the new cursor, so rows and cursor are committed together.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dlt
import pyarrow as pa
import pyarrow.compute as pc
from dlt.extract import DltResource
from dlt.sources import DltSource

from ingestion.api.alerts import SchemaAlert, absent_alerts, described_alerts, retyped_alerts
from ingestion.api.client import Client
from ingestion.api.config import Configured
from ingestion.api.connector import Connector, Deleted, FullReadNeeded, Reading
from ingestion.api.hidden import without_hidden
from ingestion.api.plans import used_columns
from ingestion.api.records import Rows
from ingestion.landing.changes import Plan, digest_of, shrinks
from ingestion.landing.files import ROW_HASH, InputError, Problem
from ingestion.landing.pipeline import connect, landed_tables, make_resource, quoted
from ingestion.landing.settings import Settings
from ingestion.landing.tables import Table, raw_schema

State = Mapping[str, Any]

# The part of a table's state that belongs to connectors; the rest is shared with the loads of files.
_STATE = "api"


@dataclass
class _Read:
    """What one read of a table brought."""

    rows: Rows
    deleted: list[tuple[Any, ...]]
    is_full: bool


class Sync:
    """Plans the tables of one system; the connector, its client and its description are made once a load."""

    def __init__(self, configured: Configured, settings: Settings) -> None:
        self._configured, self._settings = configured, settings
        self._system = configured.config.name
        self._load_id: str | None = None
        self._connector: Connector
        self._client: Client
        self._described: dict[str, Mapping[str, Any] | None] = {}
        self._hidden: dict[str, list[str]] = {}

    def plan(self, table: Table, state: State) -> Plan:
        """Read a table and return what to land of it.

        Raises:
            SchemaAlert: a field vanished or changed its type.
            InputError: values, keys, row count or freshness are not in order.
            ApiError: the system cannot be read.
        """
        self._begin()
        if table in self._configured.empty:
            return self._full(table, Rows(table, self._origin(table)).distinct(), state, {})
        kept: State = state.get(_STATE) or {}
        reading = self._configured.reading(self._connector, table)
        now = datetime.now(UTC)
        read = self._read(table, self._since(table, reading, kept, now), kept)
        rows = self._checked(table, reading, read, kept)
        remember = {_STATE: self._remember(table, reading, read, rows, kept, now)}
        if hidden := self._hidden[table.name]:
            remember[_STATE]["hidden"] = hidden
        if table.stamp is None:
            remember[_STATE]["changed_at"] = self._changed_at(rows, state, kept, now)
        self._check_age(table, remember[_STATE].get("cursor" if table.stamp else "changed_at"), now)
        if read.is_full:
            return self._full(table, rows, state, remember)
        return self._delta(table, rows, read, state, remember)

    def _begin(self) -> None:
        load_id = dlt.current.load_package_state()["load_id"]
        if load_id == self._load_id:
            return
        self._connector = self._configured.make()
        self._client = self._connector.client()
        states: Mapping[str, Any] = dlt.current.source_state().get("resources", {})
        problems: list[Problem] = []
        for table in self._configured.tables:
            sought = self._configured.sought(table)
            described = self._connector.fields(sought, self._client)
            self._described[table.name] = described
            sought, hidden = without_hidden(self._configured, sought, described, self._settings.seeds)
            self._hidden[table.name] = hidden
            if described is not None:
                known = (states.get(table.name, {}).get(_STATE) or {}).get("fields", [])
                problems += described_alerts(
                    self._settings.seeds, self._system, self._origin(table), sought, described, known
                )
        if problems:
            raise SchemaAlert(problems)
        if landed := [problem for table in self._configured.tables for problem in self._typed_anew(table)]:
            raise InputError(landed)
        self._load_id = load_id

    def _typed_anew(self, table: Table) -> list[Problem]:
        """Return a problem for each column that has landed with another type than it is declared with now."""
        landed = dlt.current.source_schema().tables.get(table.name, {}).get("columns", {})
        return [
            Problem(
                self._origin(table),
                f"has landed as {before} and is declared as {column.type} now, and a landed column keeps its type; take "
                f"the declaration back, or land the system under another name, or drop the schema "
                f"{raw_schema(self._system)} (its old versions are lost) and load again",
                None,
                column.name,
            )
            for column in table.columns
            if (before := landed.get(column.name, {}).get("data_type")) not in (None, column.type)
        ]

    def _origin(self, table: Table) -> str:
        return f"{self._configured.config.connector}:{table.name}"

    def _since(self, table: Table, reading: Reading, kept: State, now: datetime) -> datetime | None:
        if not reading.incremental or "cursor" not in kept or "full_at" not in kept:
            return None
        # What a source forgets is never read whole: its absence would retire what has landed.
        if self._settings.read_whole and reading.full_every is not None:
            return None
        last_full = datetime.fromisoformat(kept["full_at"])
        if reading.full_every is not None and now - last_full >= reading.full_every:
            return None
        return datetime.fromisoformat(kept["cursor"]) - reading.overlap

    def _read(self, table: Table, since: datetime | None, kept: State) -> _Read:
        try:
            return self._read_once(table, since, dict(kept.get("memory") or {}))
        except FullReadNeeded:
            if since is None:
                raise
            return self._read_once(table, None, {})

    def _read_once(self, table: Table, since: datetime | None, memory: dict[str, Any]) -> _Read:
        self._connector.memory[table.name] = memory
        read = _Read(Rows(table, self._origin(table)), [], since is None)
        for page in self._connector.read(self._configured.sought(table), self._client, since):
            if isinstance(page, Deleted):
                read.deleted += [tuple(key) for key in page.keys]
            else:
                read.rows.add(page)
        return read

    def _checked(self, table: Table, reading: Reading, read: _Read, kept: State) -> pa.Table:
        place = (self._settings.seeds, self._system, self._origin(table), table)
        alerts = retyped_alerts(*place, read.rows.retyped())
        if self._described[table.name] is None and read.rows.count:
            expected = self._expected(table, reading, read, kept)
            alerts += absent_alerts(*place, read.rows.seen, expected, kept.get("fields", []))
        if alerts:
            raise SchemaAlert(alerts)
        rows = read.rows.distinct()
        if problems := read.rows.problems():
            raise InputError(problems)
        return rows

    def _expected(self, table: Table, reading: Reading, read: _Read, kept: State) -> list[str]:
        """Return the columns that the records of this read must have."""
        used = used_columns(self._settings.seeds, self._system, table.name)
        before = set(kept.get("filled", []))
        if reading.omits_empty:
            if not read.is_full:
                return []
            return [name for name in sorted(before) if name in used | {c.name for c in table.columns}]
        declared = [column.name for column in self._configured.sought(table).columns]
        return [*declared, *sorted((used & before) - set(declared))]

    def _remember(
        self, table: Table, reading: Reading, read: _Read, rows: pa.Table, kept: State, now: datetime
    ) -> dict[str, Any]:
        described = self._described[table.name]
        fields = set(described) if described is not None else read.rows.seen
        if not read.is_full and described is None:
            fields = fields | set(kept.get("fields", []))
        filled = read.rows.filled if read.is_full else read.rows.filled | set(kept.get("filled", []))
        remember: dict[str, Any] = {"fields": sorted(fields), "filled": sorted(filled)}
        if memory := self._connector.memory.get(table.name):
            remember["memory"] = memory
        if table.stamp:
            latest = pc.max(rows[table.stamp]).as_py()
            before = None if read.is_full else datetime.fromisoformat(kept["cursor"])
            stamps = [stamp for stamp in (latest and min(latest, now), before) if stamp]
            if stamps:
                remember["cursor"] = max(stamps).isoformat()
                if reading.incremental:
                    remember["full_at"] = now.isoformat() if read.is_full else kept["full_at"]
                if reading.incremental and reading.full_every is None:
                    remember["is_never_whole"] = True
        return remember

    def _changed_at(self, rows: pa.Table, state: State, kept: State, now: datetime) -> str:
        """Return when a load last found other rows in a table without a stamp."""
        is_same = state.get("content") == digest_of(rows[ROW_HASH].to_pylist())
        return str(kept.get("changed_at", now.isoformat())) if is_same else now.isoformat()

    def _check_age(self, table: Table, cursor: str | None, now: datetime) -> None:
        allowed = self._configured.max_age.get(table.name)
        if allowed is None or cursor is None:
            return
        age = now - datetime.fromisoformat(cursor)
        if age > allowed:
            message = (
                f"the latest change is of {cursor}, {age.days} days ago, more than the {allowed} that max_age allows; "
                "see whether the source still takes changes, or raise max_age in sources.toml"
            )
            raise InputError([Problem(self._origin(table), message, None, table.stamp)])

    def _full(self, table: Table, rows: pa.Table, state: State, remember: dict[str, Any]) -> Plan:
        content = digest_of(rows[ROW_HASH].to_pylist())
        remember |= {"rows": rows.num_rows, "content": content}
        self._check_shrink(table, int(state.get("rows", 0)), rows.num_rows)
        if state.get("content") == content:
            return Plan("nothing", None, remember, rows.num_rows)
        return Plan("full", rows, remember, rows.num_rows)

    def _delta(
        self, table: Table, rows: pa.Table, read: _Read, state: State, remember: dict[str, Any]
    ) -> Plan:
        compared = _compare_with_live(self._system, table, rows, read, self._settings)
        expected = compared.live + compared.new - len(compared.gone)
        self._check_shrink(table, compared.live, compared.live - len(compared.gone))
        remember["rows"] = expected
        if compared.changed.num_rows == 0 and not compared.gone:
            if "content" in state:
                remember["content"] = state["content"]
            return Plan("nothing", None, remember, expected)
        return Plan("delta", compared.changed, remember, expected, compared.gone)

    def _check_shrink(self, table: Table, before: int, now: int) -> None:
        override = f"{self._system}.{table.name}"
        if override in self._settings.allow_shrink or not shrinks(before, now, self._settings):
            return
        message = (
            f"the system has {now} rows, the last load had {before}: {before - now} rows would be retired, more "
            f"than the {self._settings.shrink_ratio_max * 100:f} % allowed; check that the user of the credentials "
            f"still sees all rows, and if so set COMMISSIONS_ALLOW_SHRINK={override} for this load"
        )
        raise InputError([Problem(self._origin(table), message)])


@dataclass(frozen=True)
class _Compared:
    """Rows of a delta against the live rows: counts, the changed rows, the row hashes of deleted ones."""

    live: int
    new: int
    changed: pa.Table
    gone: tuple[str, ...]


def _compare_with_live(
    system: str, table: Table, rows: pa.Table, read: _Read, settings: Settings
) -> _Compared:
    schema = raw_schema(system)
    with contextlib.closing(connect(settings, read_only=True)) as connection:
        if table.name not in landed_tables(connection, schema, "_dlt_valid_to"):
            return _Compared(0, rows.num_rows, rows, ())
        keys = ", ".join(quoted(name) for name in table.primary_key)
        live = f"(SELECT {keys}, {ROW_HASH} FROM {quoted(schema, table.name)} WHERE _dlt_valid_to IS NULL)"
        connection.register("incoming", rows.select([*table.primary_key, ROW_HASH]))
        connection.register("deleted", read.rows.keys(read.deleted))
        count = connection.execute(f"SELECT count(*) FROM {live}").fetchone()
        new = connection.execute(
            f"SELECT count(*) FROM incoming ANTI JOIN {live} AS live USING ({keys})"
        ).fetchone()
        same = connection.execute(
            f"SELECT incoming.{ROW_HASH} FROM incoming SEMI JOIN {live} AS live USING ({ROW_HASH})"
        ).fetchall()
        # A row that the source still sends is there, whatever its feed of deletions says.
        gone = connection.execute(
            f"SELECT live.{ROW_HASH} FROM {live} AS live SEMI JOIN deleted USING ({keys}) "
            f"ANTI JOIN incoming USING ({keys}) ORDER BY 1"
        ).fetchall()
    mask = pc.is_in(rows[ROW_HASH], value_set=pa.array([row_hash for (row_hash,) in same], pa.string()))
    return _Compared(
        count[0] if count else 0,
        new[0] if new else 0,
        rows.filter(pc.invert(mask)),
        tuple(row_hash for (row_hash,) in gone),
    )


def make_source(configured: Configured, settings: Settings | None = None) -> DltSource:
    """Return a dlt source named as the system, its resources named as the tables; asks nothing yet."""
    settings = settings or Settings.from_env()
    sync = Sync(configured, settings)

    @dlt.source(name=configured.config.name, max_table_nesting=0)
    def records() -> list[DltResource]:
        tables = (*configured.tables, *configured.empty)
        return [make_resource(table, sync.plan, settings.chunk_rows) for table in tables]

    return records()
