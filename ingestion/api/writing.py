"""The frame for writing to a system: records are upserted in batches, and each is answered for by itself.

A writer never gives up a batch for one bad record: a batch that the system refuses whole is halved until the bad ones are alone,
and records that met a lock or a limit are sent again. What it writes it may write again: the key decides which record it is.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

import simplejson  # type: ignore[import-untyped]

from ingestion.api.client import Client
from ingestion.api.errors import ApiError

# Statuses with which a batch is refused for what is in it, not for who sends it or when.
_CONTENT_STATUSES = (400, 409, 413, 422)


@dataclass(frozen=True)
class Outgoing:
    """A record to write: what finds it in the system, and its fields by their names there (texts, Decimals, None)."""

    key: str
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """The outcome of one record.

    Attributes:
        reason: the system's words, without secrets.
        may_pass: worth sending again.
        is_gone: the system no longer has the record.
    """

    key: str
    is_written: bool
    reason: str = ""
    may_pass: bool = False
    is_gone: bool = False


class Writer(ABC):
    """Writes one object of one system.

    Args:
        client: the system's client, with its credentials, waits and retries (429 and 5xx of whole requests).
        crm_object: the system's name of the object.
        key_field: the field that finds a record; `record_id_field` where it is the record's own id.
    """

    batch_max: ClassVar[int]
    record_id_field: ClassVar[str]

    def __init__(self, client: Client, crm_object: str, key_field: str) -> None:
        self.client, self.crm_object, self.key_field = client, crm_object, key_field

    @property
    def is_by_id(self) -> bool:
        """Whether records are found by their own id, and so are only updated, never made."""
        return self.key_field == self.record_id_field

    @abstractmethod
    def faults(self, fields: Sequence[str]) -> list[str]:
        """Return what keeps the fields from being written, each with its fix; empty: nothing.

        Raises:
            ApiError: the object cannot be described.
        """

    @abstractmethod
    def send(self, records: Sequence[Outgoing]) -> list[Outcome]:
        """Write at most `batch_max` records in one request, and return the outcome of each.

        Raises:
            ApiError: the whole request failed.
        """

    def write(self, records: Sequence[Outgoing]) -> list[Outcome]:
        """Write at most `batch_max` records; those that may pass are tried again, as often as the client tries.

        Raises:
            ApiError: credentials, permissions, or no answer after all attempts; what was written before stays.
        """
        outcomes: dict[str, Outcome] = {}
        left = list(records)
        options = self.client.options
        for attempt in range(options.attempts):
            if attempt:
                time.sleep(min(options.backoff_seconds * 2 ** (attempt - 1), options.wait_seconds_max))
            for outcome in self._halved(left):
                outcomes[outcome.key] = outcome
            left = [record for record in left if outcomes[record.key].may_pass]
            if not left:
                break
        return [outcomes[record.key] for record in records]

    def _halved(self, records: Sequence[Outgoing]) -> list[Outcome]:
        try:
            outcomes = self.send(records)
        except ApiError as error:
            if error.status not in _CONTENT_STATUSES:
                raise
            if len(records) == 1:
                return [Outcome(records[0].key, False, str(error))]
            return self._in_halves(records)
        told = {outcome.key for outcome in outcomes}
        silent = [record for record in records if record.key not in told]
        if not silent:
            return outcomes
        if len(records) == 1:
            return [Outcome(records[0].key, False, "the answer does not name its outcome")]
        # The answer names no record: asked about alone it can only mean that one.
        return [*outcomes, *self._in_halves(silent)]

    def _in_halves(self, records: Sequence[Outgoing]) -> list[Outcome]:
        middle = (len(records) + 1) // 2
        parts = [part for part in (records[:middle], records[middle:]) if part]
        return [outcome for part in parts for outcome in self._halved(part)]

    def post(self, method: str, path: str, body: Any) -> Any:
        """Send a body whose Decimals are written digit for digit, and return the parsed answer."""
        answer = self.client.request(
            method,
            path,
            data=simplejson.dumps(body, use_decimal=True, ensure_ascii=False).encode(),
            headers={"Content-Type": "application/json"},
        )
        return answer.json()


def plain(value: Any) -> Any:
    """A value as text where it is a number: 12.5000 is 12.5; None stays."""
    if isinstance(value, Decimal):
        shown = f"{value:f}"
        return shown.rstrip("0").rstrip(".") if "." in shown else shown
    return value if value is None else str(value)
