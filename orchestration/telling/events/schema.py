"""The tables of the outbox.

Tables (times are UTC texts of one width, so that they compare as they sort):

    outbox_events   one row per event; triggers refuse changes and deletions
    receivers       one row per receiver that was ever seen: up to which event it was queued, until when it asked for no requests
    deliveries      one row per receiver and event it wants: pending, acknowledged or dead, attempts so far, when the next is due
    attempts        one row per attempt; `finished_at` is empty when the process was killed in it
    published_events   a view for consumers that poll: select body from published_events where sequence > ? order by sequence
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

SCHEMA_VERSION = 1
SCHEMA = """
create table outbox_events (
  sequence integer primary key,
  event_id text not null unique,
  source text not null unique,
  subject text not null,
  subject_sequence integer not null,
  event_type text not null,
  occurred_at text not null,
  body text not null,
  recorded_at text not null,
  unique (subject, subject_sequence)
) strict;
create trigger outbox_events_stay before update on outbox_events
begin select raise(abort, 'events are never changed'); end;
create trigger outbox_events_are_kept before delete on outbox_events
begin select raise(abort, 'events are never deleted'); end;

create table receivers (
  receiver text primary key,
  queued_sequence integer not null,
  paused_until text not null
) strict;

create table deliveries (
  receiver text not null,
  sequence integer not null references outbox_events (sequence),
  subject text not null,
  status text not null check (status in ('pending', 'acknowledged', 'dead')),
  attempts integer not null,
  next_attempt_at text not null,
  acknowledged_at text,
  response_code integer,
  problem text,
  replays integer not null,
  is_reported integer not null,
  primary key (receiver, sequence)
) strict;
create index deliveries_by_subject on deliveries (receiver, subject, sequence) where status <> 'acknowledged';
create index deliveries_open on deliveries (receiver, next_attempt_at) where status <> 'acknowledged';

create table attempts (
  receiver text not null,
  sequence integer not null,
  started_at text not null,
  finished_at text,
  response_code integer,
  problem text
) strict;
create index attempts_by_delivery on attempts (receiver, sequence);

create view published_events as
select sequence, event_id, subject, subject_sequence, event_type, occurred_at, body from outbox_events;
"""


def statements() -> Iterator[str]:
    """The statements that make the tables, one by one."""
    statement = ""
    for line in SCHEMA.splitlines():
        statement += f"{line}\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
