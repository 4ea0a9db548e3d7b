"""What people ask of the outbox: lists, states, dead letters, replays, and whether it is what the books say."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from orchestration.telling.events.deriving import derive
from orchestration.telling.events.outbox import Outbox, receiver_lock
from orchestration.telling.events.receivers import Receiver
from orchestration.warehouse.files import BooksError
from orchestration.warehouse.lock import RunLock
from orchestration.warehouse.settings import RunSettings


class NothingChosen(ValueError):
    """No event fits what was asked for."""


@dataclass(frozen=True)
class Choice:
    """Which events: all of the conditions that are given. ``since`` is a day in UTC, ``dead`` only what was given up."""

    ids: Sequence[str] = ()
    after: int = 0
    subject: str | None = None
    event_type: str | None = None
    since: date | None = None
    limit: int = -1
    dead_of: str | None = None


def chosen(outbox: Outbox, choice: Choice) -> list[dict[str, Any]]:
    """The events of a choice in their order."""
    marks = ", ".join("?" for _ in choice.ids)
    rows = outbox.rows(
        f"""
        select * from outbox_events as events
        where sequence > ?
          and (? is null or subject = ?)
          and (? is null or event_type glob ?)
          and (? is null or occurred_at >= ?)
          and (? is null or exists (
            select 1 from deliveries
            where deliveries.sequence = events.sequence and receiver = ? and status = 'dead'
          ))
          {f"and event_id in ({marks})" if choice.ids else ""}
        order by sequence
        limit ?
        """,
        [
            choice.after,
            choice.subject,
            choice.subject,
            choice.event_type,
            choice.event_type,
            choice.since.isoformat() if choice.since else None,
            choice.since.isoformat() if choice.since else None,
            choice.dead_of,
            choice.dead_of,
            *choice.ids,
            choice.limit,
        ],
    )
    found = {row["event_id"] for row in rows}
    if missing := [one for one in choice.ids if one not in found]:
        raise NothingChosen(f"there is no event {missing[0]} that fits; see `commissions events list`")
    return [dict(row) for row in rows]


def replay(
    settings: RunSettings, outbox: Outbox, receiver: Receiver, choice: Choice, *, is_dry_run: bool
) -> list[dict[str, Any]]:
    """Queue events once more for a receiver, under their ids; returns them.

    Raises NothingChosen when no event fits, RunInProgress while the receiver is being delivered to.
    """
    events = chosen(outbox, choice)
    if not events:
        raise NothingChosen("no event fits; see `commissions events list`")
    if not is_dry_run:
        # Not while an attempt is on its way: its answer would count for the replay.
        with RunLock(receiver_lock(settings.outbox, receiver.name)):
            outbox.replay(receiver.name, [event["sequence"] for event in events])
    return events


def states(outbox: Outbox, receivers: Mapping[str, Receiver]) -> list[dict[str, Any]]:
    """How far each receiver has come, including those that are no longer configured."""
    known = {row["receiver"]: dict(row) for row in outbox.rows(
        """
        select
          receiver,
          count(*) filter (where status = 'acknowledged') as acknowledged,
          count(*) filter (where status = 'pending') as pending,
          count(*) filter (where status = 'dead') as dead,
          max(sequence) filter (where status = 'acknowledged') as last_sequence,
          max(acknowledged_at) as acknowledged_at
        from deliveries group by receiver order by receiver
        """
    )}  # fmt: skip
    nothing = {"acknowledged": 0, "pending": 0, "dead": 0, "last_sequence": None, "acknowledged_at": None}
    return [
        {"receiver": name, **nothing, **known.get(name, {}), "configured": name in receivers}
        for name in [*receivers, *(name for name in known if name not in receivers)]
    ]


def dead_letters(outbox: Outbox, *, only_unreported: bool = False) -> list[dict[str, Any]]:
    """Deliveries that were given up, with what went wrong last."""
    return [
        dict(row)
        for row in outbox.rows(
            """
            select receiver, events.sequence, event_id, events.subject, event_type, attempts, next_attempt_at as given_up_at,
              response_code, problem
            from deliveries
            inner join outbox_events as events on deliveries.sequence = events.sequence
            where status = 'dead' and (not ? or is_reported = 0)
            order by receiver, events.sequence
            """,
            [only_unreported],
        )
    ]


def note_reported(outbox: Outbox, letters: Sequence[Mapping[str, Any]]) -> None:
    """Record that an alert about these dead letters was sent."""
    with outbox.writing() as connection:
        connection.executemany(
            "update deliveries set is_reported = 1 where receiver = ? and sequence = ?",
            [(letter["receiver"], letter["sequence"]) for letter in letters],
        )


def verify(settings: RunSettings, outbox: Outbox) -> str:
    """Make every event from the books again and compare; returns what was proved.

    Facts that a later version added to a type do not count as a difference. Raises BooksError with the first one that is.
    """
    events = derive(settings.books)
    rows = outbox.rows("select * from outbox_events order by sequence")
    if len(rows) > len(events):
        raise BooksError(
            f"event {rows[len(events)]['sequence']} is not in the books: restore them from a backup"
        )
    for row, event in zip(rows, events, strict=False):
        stored, made = json.loads(row["body"]), json.loads(event.body)
        stored_facts, made_facts = stored.pop("data"), made.pop("data")
        is_same = (
            stored == made
            and (row["sequence"], row["event_id"]) == (event.sequence, event.event_id)
            and (row["subject"], row["event_type"]) == (event.subject, event.event_type)
            and (row["subject_sequence"], row["occurred_at"]) == (event.subject_sequence, event.occurred_at)
            and all(made_facts.get(name) == value for name, value in stored_facts.items())
        )
        if not is_same:
            raise BooksError(
                f"event {row['sequence']} ({row['event_id']}) is not what {event.source} says: one of the two was changed. "
                "Restore the books, or move the outbox away: it is rebuilt"
            )
    waiting = len(events) - len(rows)
    return f"events: {len(rows):,}, each as the books say" + (
        f"; {waiting:,} wait to be derived by the next delivery" if waiting else ""
    )
