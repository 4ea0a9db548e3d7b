"""Write to HubSpot: batch update by record id, batch upsert by a property with unique values, 100 records a request."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ingestion.api.errors import RETRY_STATUSES
from ingestion.api.writing import Outcome, Outgoing, Writer, plain
from ingestion.systems.hubspot.reader import properties_of

_GONE = "OBJECT_NOT_FOUND"
_PASSING = {"RATE_LIMITS", "TRANSIENT_ERROR"}


class HubSpotWriter(Writer):
    """Writes one object of an account."""

    batch_max: ClassVar[int] = 100
    record_id_field: ClassVar[str] = "id"

    def faults(self, fields: Sequence[str]) -> list[str]:
        """Ask for the properties: each is there and not read-only, the key has unique values."""
        described = {str(entry["name"]): entry for entry in properties_of(self.client, self.crm_object)}
        found = []
        for name in fields:
            entry = described.get(name)
            if entry is None:
                found.append(f"{self.crm_object} has no property {name}; create it")
            elif (entry.get("modificationMetadata") or {}).get("readOnlyValue"):
                found.append(f"the property {name} of {self.crm_object} is read-only; choose another")
        key = described.get(self.key_field)
        if not self.is_by_id and not (key and key.get("hasUniqueValue")):
            found.append(
                f"the property {self.key_field} of {self.crm_object} has no unique values; create it as one that has"
            )
        return found

    def send(self, records: Sequence[Outgoing]) -> list[Outcome]:
        """Update or upsert the records; HubSpot answers 207 where some of them fail."""
        key = {} if self.is_by_id else {"idProperty": self.key_field}
        action = "update" if self.is_by_id else "upsert"
        answer = self.post(
            "POST",
            f"/crm/v3/objects/{self.crm_object}/batch/{action}",
            {
                "inputs": [
                    {
                        **key,
                        "id": record.key,
                        "objectWriteTraceId": record.key,
                        # An empty text empties the property.
                        "properties": {name: plain(value) or "" for name, value in record.fields.items()},
                    }
                    for record in records
                ]
            },
        )
        failed = {
            str(found): self._failure(error) for error in answer.get("errors") or [] for found in _ids(error)
        }
        results = answer.get("results") or []
        if not failed and not answer.get("errors") and len(results) == len(records):
            return [Outcome(record.key, True) for record in records]
        written = {key for result in results for key in self._keys_of(result)}
        outcomes = []
        for record in records:
            if record.key in failed:
                reason, may_pass, is_gone = failed[record.key]
                outcomes.append(Outcome(record.key, False, reason, may_pass, is_gone))
            elif record.key in written:
                outcomes.append(Outcome(record.key, True))
        return outcomes

    def _keys_of(self, result: Mapping[str, Any]) -> set[str]:
        """By what a result may name its record: the mark that was sent along, the id, the key property."""
        named = [result.get("objectWriteTraceId")]
        named.append(
            result.get("id") if self.is_by_id else (result.get("properties") or {}).get(self.key_field)
        )
        return {str(name) for name in named if name is not None}

    def _failure(self, error: Mapping[str, Any]) -> tuple[str, bool, bool]:
        category = str(error.get("category") or error.get("errorType") or "ERROR")
        told = self.client.redactor(f"{category}: {error.get('message')}")
        status = error.get("status")
        may_pass = category in _PASSING or (isinstance(status, int) and status in RETRY_STATUSES)
        return told, may_pass, category == _GONE


def _ids(error: Mapping[str, Any]) -> list[Any]:
    """The records that an error is about."""
    context = error.get("context") or {}
    ids: list[Any] = []
    for name in ("ids", "id", "objectWriteTraceId"):
        value = context.get(name) or []
        ids += value if isinstance(value, list) else [value]
    return ids
