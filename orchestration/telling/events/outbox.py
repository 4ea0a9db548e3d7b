"""The outbox: the events, append-only, and for each receiver how far it has come. SQLite, so that others can read at the same time.

Everything but deliveries and attempts is made again from the books when the file is lost; deliveries then start again, under
the same ids.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestration.telling.events.deriving import Event
from orchestration.telling.events.receivers import Receiver
from orchestration.telling.events.schema import SCHEMA_VERSION, statements
from orchestration.warehouse.files import BooksError

AT_ONCE = "0001-01-01T00:00:00.000000Z"


def receiver_lock(path: Path, receiver: str) -> Path:
    """The file that is held locked while a receiver is delivered to; ``path`` is the outbox."""
    return path.with_name(f"to_{receiver}.lock")


@dataclass(frozen=True)
class Due:
    """A delivery that may be attempted now. ``attempts`` is how many attempts ended so far."""

    sequence: int
    event_id: str
    subject: str
    event_type: str
    body: bytes
    attempts: int
    replays: int


def stamp(moment: datetime) -> str:
    """A moment as the outbox writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment_of(text: str) -> datetime:
    """The moment that `stamp` wrote."""
    return datetime.fromisoformat(text)


class Outbox:
    """An open outbox. One connection, one thread; any number of processes may have it open."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.connection, self.path = connection, path

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction that writes, waiting for another writer to end."""
        self.connection.execute("begin immediate")
        try:
            yield self.connection
        except BaseException:
            self.connection.execute("rollback")
            raise
        self.connection.execute("commit")

    def rows(self, query: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[sqlite3.Row]:
        """Rows of a query, their columns by name."""
        return self.connection.execute(query, parameters).fetchall()

    def last_sequence(self) -> int:
        """The sequence of the last event; 0 when there is none."""
        return int(self.rows("select coalesce(max(sequence), 0) from outbox_events")[0][0])

    def add(self, events: Sequence[Event], now: datetime) -> int:
        """Append the events that are not there yet; returns how many.

        Raises BooksError when the outbox holds events that the books do not have: one of the two is not the other's.
        """
        with self.writing() as connection:
            known = self.rows("select sequence, event_id, source from outbox_events order by sequence")
            for row, event in zip(known, events, strict=False):
                if row["event_id"] != event.event_id:
                    raise BooksError(self._stranger(row))
            if len(known) > len(events):
                raise BooksError(self._stranger(known[len(events)]))
            new = events[len(known) :]
            connection.executemany(
                "insert into outbox_events values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        event.sequence,
                        event.event_id,
                        event.source,
                        event.subject,
                        event.subject_sequence,
                        event.event_type,
                        event.occurred_at,
                        event.body.decode(),
                        stamp(now),
                    )
                    for event in new
                ],
            )
        return len(new)

    def _stranger(self, row: sqlite3.Row) -> str:
        return (
            f"event {row['sequence']} of {self.path} comes from {row['source']}, which the books do not have as it was. "
            "Restore the books from a backup; if the older books are right, move the outbox away: it is rebuilt"
        )

    def queue(self, receiver: Receiver) -> int:
        """Queue for a receiver the events that it wants and was not queued for yet; returns how many."""
        with self.writing() as connection:
            connection.execute("insert or ignore into receivers values (?, 0, ?)", (receiver.name, AT_ONCE))
            (mark,) = self.rows("select queued_sequence from receivers where receiver = ?", [receiver.name])[
                0
            ]
            new = self.rows("select * from outbox_events where sequence > ? order by sequence", [mark])
            wanted = [
                (receiver.name, row["sequence"], row["subject"], AT_ONCE)
                for row in new
                if receiver.wants(row["event_type"], datetime.fromisoformat(row["occurred_at"]).date())
            ]
            connection.executemany(
                "insert into deliveries values (?, ?, ?, 'pending', 0, ?, null, null, null, 0, 0)", wanted
            )
            if new:
                connection.execute(
                    "update receivers set queued_sequence = ? where receiver = ?",
                    (new[-1]["sequence"], receiver.name),
                )
        return len(wanted)

    def due(self, receiver: Receiver, now: datetime, limit: int) -> list[Due]:
        """Deliveries that may be attempted: of each subject the first that is open, when its time has come."""
        rows = self.rows(
            """
            select events.sequence, event_id, events.subject, event_type, body, attempts, replays
            from deliveries
            inner join outbox_events as events on deliveries.sequence = events.sequence
            where deliveries.receiver = :receiver
              and status = 'pending'
              and next_attempt_at <= :now
              and not exists (
                select 1 from deliveries as earlier
                where earlier.receiver = deliveries.receiver
                  and earlier.subject = deliveries.subject
                  and earlier.sequence < deliveries.sequence
                  and earlier.status <> 'acknowledged'
                  and (earlier.status = 'pending' or :waits)
              )
              and not exists (
                select 1 from receivers where receiver = :receiver and paused_until > :now
              )
            order by events.sequence
            limit :limit
            """,
            {
                "receiver": receiver.name,
                "now": stamp(now),
                "waits": receiver.after_giving_up == "wait",
                "limit": limit,
            },
        )
        return [Due(**{**dict(row), "body": row["body"].encode()}) for row in rows]

    def begin(self, receiver: str, due: Due, now: datetime) -> int:
        """Note that an attempt begins; returns the attempt's row."""
        with self.writing() as connection:
            cursor = connection.execute(
                "insert into attempts values (?, ?, ?, null, null, null)",
                (receiver, due.sequence, stamp(now)),
            )
        return int(cursor.lastrowid or 0)

    def acknowledge(self, receiver: str, due: Due, attempt: int, code: int, now: datetime) -> None:
        """Note that the receiver has the event."""
        with self.writing() as connection:
            self._end(connection, attempt, code, None, now)
            connection.execute(
                """
                update deliveries set status = 'acknowledged', attempts = ?, acknowledged_at = ?, response_code = ?,
                  problem = null
                where receiver = ? and sequence = ? and replays = ?
                """,
                (due.attempts + 1, stamp(now), code, receiver, due.sequence, due.replays),
            )

    def fail(
        self,
        receiver: str,
        due: Due,
        attempt: int,
        *,
        code: int | None,
        problem: str,
        next_attempt_at: datetime | None,
        paused_until: datetime | None,
        now: datetime,
    ) -> None:
        """Note a failed attempt. ``next_attempt_at`` None gives the delivery up."""
        with self.writing() as connection:
            self._end(connection, attempt, code, problem, now)
            connection.execute(
                """
                update deliveries set status = ?, attempts = ?, next_attempt_at = ?, response_code = ?, problem = ?,
                  is_reported = 0
                where receiver = ? and sequence = ? and replays = ?
                """,
                (
                    "dead" if next_attempt_at is None else "pending",
                    due.attempts + 1,
                    stamp(next_attempt_at) if next_attempt_at else stamp(now),
                    code,
                    problem,
                    receiver,
                    due.sequence,
                    due.replays,
                ),
            )
            if paused_until:
                connection.execute(
                    "update receivers set paused_until = max(paused_until, ?) where receiver = ?",
                    (stamp(paused_until), receiver),
                )

    def _end(
        self,
        connection: sqlite3.Connection,
        attempt: int,
        code: int | None,
        problem: str | None,
        now: datetime,
    ) -> None:
        connection.execute(
            "update attempts set finished_at = ?, response_code = ?, problem = ? where rowid = ?",
            (stamp(now), code, problem, attempt),
        )

    def replay(self, receiver: str, sequences: Sequence[int]) -> None:
        """Queue events once more for a receiver, also those that it was not queued for, as if never attempted."""
        with self.writing() as connection:
            connection.executemany(
                """
                insert into deliveries
                select ?, sequence, subject, 'pending', 0, ?, null, null, null, 0, 0 from outbox_events where sequence = ?
                on conflict (receiver, sequence) do update set
                  status = 'pending', attempts = 0, next_attempt_at = excluded.next_attempt_at, acknowledged_at = null,
                  problem = null, response_code = null, replays = replays + 1, is_reported = 0
                """,
                [(receiver, AT_ONCE, sequence) for sequence in sequences],
            )


@contextmanager
def open_outbox(path: Path) -> Iterator[Outbox]:
    """Open the outbox, making it when it is not there. Raises BooksError when the file cannot be used."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=60, isolation_level=None)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("pragma journal_mode = wal")
        # An acknowledgement that a power cut forgets is sent again; an order that it forgets is not made up.
        connection.execute("pragma synchronous = full")
        outbox = Outbox(connection, path)
        _prepare(outbox)
        yield outbox
    except sqlite3.DatabaseError as error:
        raise BooksError(
            f"{path} cannot be used: {error}. Free the disk, or move a damaged file away: it is rebuilt from the books"
        ) from None
    finally:
        connection.close()


def _prepare(outbox: Outbox) -> None:
    def version() -> int:
        return int(outbox.rows("pragma user_version")[0][0])

    if version() == 0:
        with outbox.writing() as connection:
            # executescript would commit; another process may have been first.
            if version() == 0:
                for statement in statements():
                    connection.execute(statement)
                connection.execute(f"pragma user_version = {SCHEMA_VERSION}")
    if version() != SCHEMA_VERSION:
        raise BooksError(f"{outbox.path} was made by a later version; update this installation")
