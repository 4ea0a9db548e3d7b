"""Asks a receiver which events it has, and compares: an acknowledgement may be lost on its way, and a receiver may lose its data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from orchestration.telling.events.outbox import Outbox
from orchestration.telling.events.receivers import Receiver
from orchestration.telling.notifications import NotificationsError
from orchestration.telling.signing import headers
from orchestration.telling.transport import NoAnswer, send


@dataclass(frozen=True)
class Comparison:
    """The events of a receiver after some sequence, by what the outbox and the receiver say of them.

    ``unacknowledged`` are open in the outbox; ``lost`` are acknowledged and the receiver does not have them;
    ``unconfirmed`` are open in the outbox and the receiver has them; ``unknown`` are ids of events that were never sent from here.
    The last three are empty when the receiver has no `acknowledged_url`.
    """

    receiver: str
    acknowledged: int
    was_asked: bool
    unacknowledged: list[dict[str, Any]] = field(default_factory=list)
    lost: list[dict[str, Any]] = field(default_factory=list)
    unconfirmed: list[dict[str, Any]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """Whether the receiver has every event."""
        return not (self.unacknowledged or self.lost or self.unknown)


def compare(outbox: Outbox, receiver: Receiver, after: int, now: datetime) -> Comparison:
    """Compare what the outbox notes of a receiver with what the receiver says.

    Raises NotificationsError when the receiver does not answer as it should.
    """
    rows = [
        dict(row)
        for row in outbox.rows(
            """
            select events.sequence, event_id, events.subject, event_type, status, attempts, problem
            from deliveries inner join outbox_events as events on deliveries.sequence = events.sequence
            where receiver = ? and events.sequence > ? order by events.sequence
            """,
            [receiver.name, after],
        )
    ]
    open_rows = [row for row in rows if row["status"] != "acknowledged"]
    acknowledged = len(rows) - len(open_rows)
    if receiver.acknowledged_url is None:
        return Comparison(receiver.name, acknowledged, False, unacknowledged=open_rows)
    has = set(_ask(receiver, after, now))
    ours = {row["event_id"] for row in outbox.rows("select event_id from outbox_events")}
    return Comparison(
        receiver.name,
        acknowledged,
        True,
        unacknowledged=[row for row in open_rows if row["event_id"] not in has],
        lost=[row for row in rows if row["status"] == "acknowledged" and row["event_id"] not in has],
        unconfirmed=[row for row in open_rows if row["event_id"] in has],
        unknown=sorted(has - ours),
    )


def _ask(receiver: Receiver, after: int, now: datetime) -> list[str]:
    """GET `acknowledged_url?after=N`, signed over an empty body; the answer is {"events": ["evt_...", ...]}."""
    url = str(receiver.acknowledged_url)
    url += ("&" if "?" in url else "?") + urlencode({"after": after})
    signed = headers(receiver.keys(), f"reconcile_{after}", int(now.timestamp()), b"")
    try:
        answer = send(
            "GET",
            url,
            headers={"Accept": "application/json", **signed},
            timeout_seconds=receiver.timeout_seconds,
            ca_file=receiver.ca_file,
            reads_body=True,
        )
    except NoAnswer as error:
        raise NotificationsError(f"{receiver.name} did not say what it has: {error}") from None
    if answer.status != 200:
        raise NotificationsError(f"{receiver.name} did not say what it has: answered {answer.status}")
    try:
        content = json.loads(answer.body)
    except ValueError:
        content = None
    events = content.get("events") if isinstance(content, Mapping) else None
    if not isinstance(events, list) or not all(isinstance(one, str) for one in events):
        raise NotificationsError(
            f'{receiver.name}: acknowledged_url must answer {{"events": ["evt_...", ...]}} (docs/events.md)'
        )
    return events
