"""Makes the events from what the books record: each action and each publication is one event, in one order.

Nothing else is read, so that an event cannot be lost between what happened and its event, and the same books always give
the same events: same ids, same order, same facts. Free text and names of people stay in the books.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from orchestration.books.actions import Action, read_actions
from orchestration.books.exports import folder_name
from orchestration.books.period import MANIFEST
from orchestration.books.publications import Publication, read_publications
from orchestration.warehouse.files import BooksError, canonical, read_object

# The type of the event that an action is. An action that is not named here is `action.<its code>`.
TYPES = {
    "release_credits": "credits.released",
    "release_rewards": "statement.released",
    "approve": "period.approved",
    "withdraw": "release.withdrawn",
    "adjust": "adjustment.requested",
    "approve_adjustment": "adjustment.approved",
    "reject_adjustment": "adjustment.rejected",
    "close": "period.closed",
    "export_payroll": "payout.exported",
    "export_journal": "journal.exported",
    "dispute_filed": "dispute.filed",
    "dispute_answered": "dispute.answered",
    "dispute_accepted": "dispute.accepted",
    "dispute_rejected": "dispute.rejected",
    "dispute_withdrawn": "dispute.withdrawn",
}
DECISIONS = ("approve_adjustment", "reject_adjustment")
DISPUTE = "dispute_"
FILED = "dispute_filed"
CALCULATED = "calculation.completed"
# What receivers may ask for; `action.*` are those of later versions.
EVENT_TYPES = (CALCULATED, *dict.fromkeys(TYPES.values()), "action.*")


@dataclass(frozen=True)
class Event:
    """One event. ``source`` is the record that it comes from, ``body`` the bytes that are sent, always the same.

    ``subject`` is what it is about, `period/2013-05` or `calculation`; ``subject_sequence`` counts the events of a subject
    from 1 without gaps, ``sequence`` all events.
    """

    sequence: int
    event_id: str
    source: str
    subject: str
    subject_sequence: int
    event_type: str
    occurred_at: str
    body: bytes

    @property
    def occurred_on(self) -> date:
        """The day of the event, in UTC."""
        return date.fromisoformat(self.occurred_at[:10])


def derive(books: Path) -> list[Event]:
    """All events of the books, in their order. Raises BooksError when a log is damaged."""
    # An event that was sent stays as it was sent.
    actions = read_actions(books / "actions", as_written=True)
    events: list[Event] = []
    counts: dict[str, int] = {}
    for record in _in_order(actions, read_publications(books / "publications")):
        facts = _facts(record, actions, books)
        number = counts[facts.subject] = counts.get(facts.subject, 0) + 1
        events.append(_event(facts, len(events) + 1, number))
    return events


def _in_order(
    actions: Sequence[Action], publications: Sequence[Publication]
) -> Iterator[Action | Publication]:
    """Actions by number; a publication comes after the actions that the log had when it was recorded."""
    done = 0
    for publication in publications:
        yield from actions[done : publication.action_count]
        done = max(done, publication.action_count)
        yield publication
    yield from actions[done:]


@dataclass(frozen=True)
class _Facts:
    source: str
    source_hash: str
    subject: str
    event_type: str
    occurred_at: str
    data: Mapping[str, Any]


def _event(facts: _Facts, sequence: int, subject_sequence: int) -> Event:
    event_id = f"evt_{hashlib.sha256(f'{facts.source} {facts.source_hash}'.encode()).hexdigest()[:32]}"
    occurred_at = datetime.fromisoformat(facts.occurred_at).replace(tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    content = {
        "id": event_id,
        "type": facts.event_type,
        "timestamp": occurred_at,
        "sequence": sequence,
        "subject": facts.subject,
        "subject_sequence": subject_sequence,
        "data": {name: value for name, value in facts.data.items() if value is not None},
    }
    return Event(
        sequence,
        event_id,
        facts.source,
        facts.subject,
        subject_sequence,
        facts.event_type,
        occurred_at,
        canonical(content).rstrip(b"\n"),
    )


def _facts(record: Action | Publication, actions: Sequence[Action], books: Path) -> _Facts:
    if isinstance(record, Publication):
        return _Facts(
            f"publication/{record.publication_number}",
            record.publication_hash,
            "calculation",
            CALCULATED,
            record.published_at,
            {
                "run_id": record.run_id,
                "as_of_date": record.as_of_date,
                "is_changed": record.is_changed,
                "line_count": record.line_count,
                "ledger_fingerprint": record.ledger_fingerprint,
                "payout_rows": {
                    "added": record.rows_added,
                    "changed": record.rows_changed,
                    "removed": record.rows_removed,
                },
                "payouts_changed": record.payouts_changed,
                "look_up": {"mart": "fct_payouts"},
            },
        )
    referenced = _referenced(record, actions)
    period_code = record.period_code or (referenced.period_code if referenced else None)
    return _Facts(
        f"action/{record.action_number}",
        record.action_hash,
        f"period/{period_code}"
        if period_code
        else f"action/{record.reference_number or record.action_number}",
        TYPES.get(record.action_code, f"action.{record.action_code}"),
        record.acted_at,
        {
            "action_number": record.action_number,
            "period_code": period_code,
            "plan_id": record.plan_id or (referenced.plan_id if referenced else None),
            **_further(record, referenced, books),
        },
    )


def _referenced(record: Action, actions: Sequence[Action]) -> Action | None:
    """The adjustment or dispute that an action is about; the numbers of other actions may be those of something else."""
    is_follower = record.action_code in DECISIONS or (
        record.action_code.startswith(DISPUTE) and record.action_code != FILED
    )
    return actions[record.reference_number - 1] if is_follower and record.reference_number else None


def _further(record: Action, referenced: Action | None, books: Path) -> dict[str, Any]:
    code = record.action_code
    if code.startswith("export_"):
        return _exported(record, books)
    if code == "close":
        book = _manifest(books / "periods" / str(record.period_code))
        return {
            "line_count": book["line_count"],
            "totals": [
                {"currency_code": currency, "amount": total}
                for currency, total in sorted(book["totals"].items())
            ],
            "book_hash": record.lines_fingerprint,
            "look_up": {"mart": "fct_payouts", "period_code": record.period_code},
        }
    if code == "adjust" or code in DECISIONS:
        asked = referenced if referenced and code != "adjust" else record
        return {
            "adjustment_number": asked.action_number,
            "reverses_number": record.reference_number if code == "adjust" else None,
            "payee_id": asked.payee_id,
            "currency_code": asked.currency_code,
            "amount": asked.amount,
            "look_up": {"mart": "fct_adjustments", "adjustment_number": asked.action_number},
        }
    if code.startswith(DISPUTE):
        filed = referenced or record
        return {
            "dispute_number": filed.action_number,
            "payee_id": filed.payee_id,
            "ledger_line_key": filed.ledger_line_key,
            "currency_code": filed.currency_code,
            "claimed_amount": filed.claimed_amount,
            "adjustment_number": record.adjustment_number,
            "role_code": record.role_code,
            "look_up": {"mart": "fct_disputes", "dispute_number": filed.action_number},
        }
    return {
        "role_code": record.role_code,
        "reference_number": record.reference_number,
        "payee_id": record.payee_id,
        "currency_code": record.currency_code,
        "amount": record.amount,
        "lines_fingerprint": record.lines_fingerprint,
        "look_up": {"mart": "fct_calculations", "period_code": record.period_code, "plan_id": record.plan_id}
        if record.plan_id and record.period_code
        else None,
    }


def _exported(record: Action, books: Path) -> dict[str, Any]:
    export = _manifest(books / "exports" / folder_name(record.reference_number or 0))
    return {
        "export_number": record.reference_number,
        "export_name": export["export_name"],
        "pay_group_id": export["pay_group_id"],
        "sequence_number": export["sequence_number"],
        "file_name": export["file_name"],
        "file_sha256": export["files"][export["file_name"]],
        "row_count": export["row_count"],
        "currency_code": record.currency_code,
        "amount": record.amount,
        "look_up": {"mart": "fct_exports", "export_number": record.reference_number},
    }


def _manifest(folder: Path) -> dict[str, Any]:
    if not (folder / MANIFEST).exists():
        raise BooksError(
            f"{folder / MANIFEST} is missing, but the log of actions names it; restore it from a backup"
        )
    return read_object(folder / MANIFEST)
