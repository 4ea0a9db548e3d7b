"""Delivers what is due: one pass over all receivers. Start it as often as you like, also twice at once; it may be killed at any time.

A receiver is served by one process at a time (a lock on a file, which the system releases when the process ends). Of each
subject the first open event is sent; the next one only when that was acknowledged or given up. An acknowledgement counts once
it is in the outbox: a kill before that sends the event again, under the same id.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from orchestration.books.desk import complete_log
from orchestration.books.publications import record_publication
from orchestration.telling.alerts import Alert, send_alerts
from orchestration.telling.events.asking import dead_letters, note_reported
from orchestration.telling.events.deriving import derive
from orchestration.telling.events.outbox import Due, Outbox, open_outbox, receiver_lock, stamp
from orchestration.telling.events.receivers import Receiver
from orchestration.telling.notifications import NotificationsError
from orchestration.telling.signing import headers
from orchestration.telling.transport import Answer, NoAnswer, retry_after_seconds, send
from orchestration.warehouse.lock import RunInProgress, RunLock
from orchestration.warehouse.settings import RunSettings

Clock = Callable[[], datetime]
GONE = 410
THROTTLED = (429, 503)
RETRY_AFTER_SECONDS_MAX = 86_400
BACKOFF_FACTOR = 3
JITTER_RATIO = 0.2
# A receiver that fails so often in a row is down: the rest waits for the next pass instead of for time-outs.
FAILURES_IN_A_ROW_MAX = 5
# After this long a pass begins nothing new, so that it does not hold up other runs.
PASS_SECONDS_MAX = 60.0


def utc_now() -> datetime:
    """The moment, for the stamps of attempts."""
    return datetime.now(UTC)


@dataclass
class Served:
    """What a pass did for one receiver."""

    receiver: str
    acknowledged: int = 0
    failed: int = 0
    dead: list[Due] = field(default_factory=list)
    pending: int = 0
    next_attempt_at: str | None = None
    note: str = ""
    is_refused: bool = False

    def __str__(self) -> str:
        told = [f"{self.acknowledged:,} acknowledged", f"{self.failed:,} failed"]
        if self.dead:
            told.append(f"{len(self.dead):,} given up")
        if self.pending:
            until = f", the next attempt at {self.next_attempt_at}" if self.next_attempt_at else ""
            told.append(f"{self.pending:,} waiting{until}")
        return f"{self.receiver}: {', '.join(told)}" + (f"; {self.note}" if self.note else "")


def catch_up(settings: RunSettings, outbox: Outbox, now: datetime) -> int:
    """Bring the outbox up to the books; returns how many events are new.

    Also completes the books after a kill: a publication, a closing or an export that is missing from its log.
    Raises BooksError when books and outbox do not fit together.
    """
    # A run that holds the lock leaves it to the next pass.
    with suppress(RunInProgress):
        complete_log(settings)
    record_publication(settings)
    with RunLock(settings.events_lock, wait=True):
        added = outbox.add(derive(settings.books), now)
    # The time of this pass: the sensor compares it with the published file.
    os.utime(outbox.path)
    return added


def deliver(
    settings: RunSettings,
    receivers: Mapping[str, Receiver],
    *,
    clock: Clock = utc_now,
    is_dry_run: bool = False,
) -> list[Served]:
    """Derive the events that are new, and send each receiver what is due. Receivers are served side by side.

    Raises BooksError when books and outbox do not fit together; nothing is sent then.
    """
    with open_outbox(settings.outbox) as outbox:
        catch_up(settings, outbox, clock())
        for receiver in receivers.values():
            outbox.queue(receiver)
    if not receivers:
        return []
    with ThreadPoolExecutor(len(receivers), thread_name_prefix="receiver") as pool:
        served = list(
            pool.map(lambda one: _serve(settings.outbox, one, clock, is_dry_run), receivers.values())
        )
    if not is_dry_run:
        _alert(settings, served)
    return served


def _alert(settings: RunSettings, served: Sequence[Served]) -> None:
    """Alert about what was given up, also by a pass that was killed before its alert, and about receivers that get nothing."""
    with open_outbox(settings.outbox) as outbox:
        letters = dead_letters(outbox, only_unreported=True)
        alerts = [
            Alert(
                "dead_letter",
                "error",
                f"{letter['receiver']} did not take {letter['event_type']} of {letter['subject']}",
                f"Event {letter['sequence']} ({letter['event_id']}) was given up after {letter['attempts']} attempts: "
                f"{letter['problem']}. When {letter['receiver']} is fixed: "
                f"commissions events replay --to {letter['receiver']} --dead",
                f"{letter['receiver']}/{letter['event_id']}",
            )
            for letter in letters
        ]
        alerts += [
            Alert(
                "run_failed",
                "error",
                f"Events for {one.receiver} are not sent",
                f"{one.note}. They wait, and are sent when it is fixed.",
                f"deliver_events/{one.receiver}",
            )
            for one in served
            if one.is_refused
        ]
        # Also those that a channel did not take before.
        sent = send_alerts(*alerts, settings=settings)
        if all(one.channel for one in sent):
            note_reported(outbox, letters)


def _serve(path: Path, receiver: Receiver, clock: Clock, is_dry_run: bool) -> Served:
    served = Served(receiver.name)
    with open_outbox(path) as outbox:
        if receiver.disabled:
            served.note = "disabled"
        elif is_dry_run:
            due = outbox.due(receiver, clock(), -1)
            served.note = "would be sent now: " + (
                ", ".join(f"{one.sequence} {one.event_type} {one.subject}" for one in due) or "nothing"
            )
        else:
            try:
                keys = receiver.keys()
                with RunLock(receiver_lock(path, receiver.name)):
                    _Pass(outbox, receiver, keys, clock, served).run()
            except NotificationsError as error:
                served.note, served.is_refused = f"nothing was sent: {error}", True
            except RunInProgress as busy:
                served.note = f"{busy.holder} is delivering to it"
        open_rows = outbox.rows(
            "select count(*), min(next_attempt_at) from deliveries where receiver = ? and status = 'pending'",
            [receiver.name],
        )[0]
        served.pending = open_rows[0]
        if served.pending and open_rows[1] > stamp(clock()):
            served.next_attempt_at = f"{open_rows[1][:19]}Z"
    return served


class _Pass:
    """One pass for one receiver: as many requests at a time as it takes, one per subject."""

    def __init__(
        self, outbox: Outbox, receiver: Receiver, keys: Sequence[bytes], clock: Clock, served: Served
    ) -> None:
        self.outbox, self.receiver, self.keys, self.clock, self.served = outbox, receiver, keys, clock, served
        self.failures_in_a_row = 0
        self.began_at = clock()

    def run(self) -> None:
        """Send until nothing is due, the receiver seems down, or the pass has lasted long enough."""
        flying: dict[Future[Answer | NoAnswer], tuple[Due, int]] = {}
        with ThreadPoolExecutor(self.receiver.parallel, thread_name_prefix=self.receiver.name) as pool:
            while True:
                if not self._is_over():
                    self._start(pool, flying)
                if not flying:
                    break
                done, _ = wait(flying, return_when=FIRST_COMPLETED)
                for future in done:
                    self._record(*flying.pop(future), future.result())
        if self._seems_down():
            self.served.note = f"{self.failures_in_a_row} failures in a row: the rest waits for the next pass"

    def _seems_down(self) -> bool:
        return self.failures_in_a_row >= FAILURES_IN_A_ROW_MAX

    def _is_over(self) -> bool:
        return self._seems_down() or (self.clock() - self.began_at).total_seconds() > PASS_SECONDS_MAX

    def _start(
        self, pool: ThreadPoolExecutor, flying: dict[Future[Answer | NoAnswer], tuple[Due, int]]
    ) -> None:
        free = self.receiver.parallel - len(flying)
        if free <= 0:
            return
        busy = {due.sequence for due, _ in flying.values()}
        for due in self.outbox.due(self.receiver, self.clock(), free + len(busy)):
            if due.sequence not in busy and len(flying) < self.receiver.parallel:
                now = self.clock()
                attempt = self.outbox.begin(self.receiver.name, due, now)
                flying[pool.submit(self._send, due, now)] = (due, attempt)

    def _send(self, due: Due, now: datetime) -> Answer | NoAnswer:
        try:
            return send(
                "POST",
                self.receiver.url,
                body=due.body,
                headers={
                    "Content-Type": "application/json",
                    **headers(self.keys, due.event_id, int(now.timestamp()), due.body),
                },
                timeout_seconds=self.receiver.timeout_seconds,
                ca_file=self.receiver.ca_file,
            )
        except NoAnswer as error:
            return error

    def _record(self, due: Due, attempt: int, answer: Answer | NoAnswer) -> None:
        now = self.clock()
        if isinstance(answer, Answer) and 200 <= answer.status < 300:
            self.outbox.acknowledge(self.receiver.name, due, attempt, answer.status, now)
            self.served.acknowledged += 1
            self.failures_in_a_row = 0
            return
        self.failures_in_a_row += 1
        self.served.failed += 1
        code = answer.status if isinstance(answer, Answer) else None
        pause = _pause(answer, now)
        is_given_up = due.attempts + 1 >= self.receiver.attempts_max or code == GONE
        next_attempt_at = now + timedelta(seconds=backoff_seconds(self.receiver, due))
        self.outbox.fail(
            self.receiver.name,
            due,
            attempt,
            code=code,
            problem=f"answered {code}" if code else str(answer),
            next_attempt_at=None if is_given_up else max(next_attempt_at, pause or next_attempt_at),
            paused_until=pause,
            now=now,
        )
        if is_given_up:
            self.served.dead.append(replace(due, attempts=due.attempts + 1))


def _pause(answer: Answer | NoAnswer, now: datetime) -> datetime | None:
    """Until when a receiver asks for no requests; None when it does not."""
    if not isinstance(answer, Answer) or answer.status not in THROTTLED:
        return None
    seconds = retry_after_seconds(answer.retry_after, now)
    return None if not seconds else now + timedelta(seconds=min(seconds, RETRY_AFTER_SECONDS_MAX))


def backoff_seconds(receiver: Receiver, due: Due) -> float:
    """How long to wait after the failure that ends attempt ``due.attempts + 1``.

    The jitter comes from a hash of event, receiver and attempt: spread out, and the same each time that it is calculated.
    """
    base = min(receiver.retry_seconds_min * BACKOFF_FACTOR**due.attempts, receiver.retry_seconds_max)
    digest = hashlib.sha256(f"{due.event_id} {receiver.name} {due.attempts}".encode()).digest()
    share = int.from_bytes(digest[:8]) / 2**64
    return base * (1 - JITTER_RATIO + 2 * JITTER_RATIO * share)
