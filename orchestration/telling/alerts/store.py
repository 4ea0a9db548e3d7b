"""Which alerts were raised, and to which channels they were sent: SQLite beside the outbox.

alerts   one row per raised alert, sent or held back as a repetition
sends    one row per alert and channel: pending, sent, or failed when it was tried for a day
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from orchestration.telling.alerts.alert import Alert
from orchestration.telling.events.outbox import moment_of, stamp

SCHEMA = """
create table if not exists alerts (
  alert_id text primary key,
  key text not null,
  kind text not null,
  severity text not null,
  title text not null,
  body text not null,
  subject text not null,
  raised_at text not null
) strict;
create table if not exists sends (
  alert_id text not null references alerts (alert_id),
  channel text not null,
  status text not null check (status in ('pending', 'sent', 'failed')),
  attempts integer not null,
  ended_at text,
  problem text,
  primary key (alert_id, channel)
) strict;
create index if not exists alerts_by_key on alerts (key, raised_at);
"""
HOURS_MAX = 24
RETRY_MINUTES = 10


@dataclass(frozen=True)
class Pending:
    """An alert that a channel does not have yet."""

    alert_id: str
    channel: str
    alert: Alert
    raised_at: datetime


class Store:
    """An open store; one connection, one thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def raise_alert(
        self, alert: Alert, channels: Sequence[str], repeat_hours: float, now: datetime
    ) -> list[str]:
        """Note an alert for the channels that did not have the same one lately; returns those channels."""
        alert_id = "alrt_" + hashlib.sha256(f"{alert.key} {stamp(now)}".encode()).hexdigest()[:32]
        with self._writing():
            lately = {
                row["channel"]
                for row in self.rows(
                    """
                    select channel from sends inner join alerts on sends.alert_id = alerts.alert_id
                    where key = ? and raised_at > ? and status <> 'failed'
                    """,
                    [alert.key, stamp(now - timedelta(hours=repeat_hours))],
                )
            }
            wanted = [name for name in channels if name not in lately]
            self.connection.execute(
                "insert or ignore into alerts values (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    alert_id, alert.key, alert.kind, alert.severity, alert.title, alert.text, alert.subject, stamp(now),
                ),
            )  # fmt: skip
            self.connection.executemany(
                "insert or ignore into sends values (?, ?, 'pending', 0, null, null)",
                [(alert_id, name) for name in wanted],
            )
        return wanted

    def pending(self, now: datetime) -> list[Pending]:
        """What is to be sent now, the oldest first; what failed waits for some minutes."""
        return [
            Pending(
                row["alert_id"],
                row["channel"],
                Alert(row["kind"], row["severity"], row["title"], row["body"], row["subject"]),
                moment_of(row["raised_at"]),
            )
            for row in self.rows(
                """
                select * from sends inner join alerts on sends.alert_id = alerts.alert_id
                where status = 'pending' and (ended_at is null or ended_at <= ?)
                order by raised_at, alerts.alert_id, channel
                """,
                [stamp(now - timedelta(minutes=RETRY_MINUTES))],
            )
        ]

    def note(self, pending: Pending, problem: str | None, now: datetime) -> None:
        """Record the outcome of a sending; what fails for a day is not tried any longer."""
        status = "sent"
        if problem is not None:
            status = "failed" if now - pending.raised_at > timedelta(hours=HOURS_MAX) else "pending"
        with self._writing():
            self.connection.execute(
                "update sends set status = ?, attempts = attempts + 1, ended_at = ?, problem = ? where alert_id = ? and channel = ?",
                (status, stamp(now), problem, pending.alert_id, pending.channel),
            )

    def drop(self, pending: Pending, now: datetime) -> None:
        """Record that the channel of a sending is no longer configured."""
        with self._writing():
            self.connection.execute(
                "update sends set status = 'failed', ended_at = ?, problem = ? where alert_id = ? and channel = ?",
                (stamp(now), "the channel is not configured any more", pending.alert_id, pending.channel),
            )

    def latest(self, limit: int) -> list[dict[str, Any]]:
        """The latest alerts with their outcome, the latest first."""
        rows = self.rows("select * from alerts order by raised_at desc, alert_id limit ?", [limit])
        return [{**dict(row), "became": self._became(row["alert_id"])} for row in rows]

    def _became(self, alert_id: str) -> str:
        sends = self.rows("select * from sends where alert_id = ? order by channel", [alert_id])
        told = [
            f"{row['channel']} {row['status']}" + (f" ({row['problem']})" if row["problem"] else "")
            for row in sends
        ]
        return ", ".join(told) or "held back: a repetition, or no channel wants it"

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """Rows of a query, their columns by name."""
        return self.connection.execute(query, parameters).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self.connection.execute("begin immediate")
        try:
            yield
        except BaseException:
            self.connection.execute("rollback")
            raise
        self.connection.execute("commit")


@contextmanager
def open_store(path: Path) -> Iterator[Store]:
    """Open the store, making it when it is not there. Raises sqlite3.DatabaseError when it cannot be used."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=60, isolation_level=None)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("pragma journal_mode = wal")
        connection.executescript(SCHEMA)
        yield Store(connection)
    finally:
        connection.close()
