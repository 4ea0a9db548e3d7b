"""Write to Salesforce: sObject collections, by external id (upsert) or by record id (update), 200 records a request."""

from collections.abc import Sequence
from typing import Any, ClassVar

from ingestion.api.client import Client
from ingestion.api.errors import ApiError
from ingestion.api.writing import Outcome, Outgoing, Writer
from ingestion.systems.salesforce.connector import DEFAULT_VERSION

# Faults of one record: those of a record that is no longer there, and those that pass by themselves.
_GONE = {"ENTITY_IS_DELETED", "NOT_FOUND"}
_PASSING = {"UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "REQUEST_RUNNING_TOO_LONG"}


class SalesforceWriter(Writer):
    """Writes one object of an org."""

    batch_max: ClassVar[int] = 200
    record_id_field: ClassVar[str] = "Id"

    def __init__(
        self, client: Client, crm_object: str, key_field: str, version: str = DEFAULT_VERSION
    ) -> None:
        super().__init__(client, crm_object, key_field)
        self._data = f"/services/data/{version}"

    def faults(self, fields: Sequence[str]) -> list[str]:
        """Ask the describe: each field is there and may be written, the key is an external id."""
        body = self.client.get(f"{self._data}/sobjects/{self.crm_object}/describe")
        described: dict[str, Any] = {field["name"]: field for field in body["fields"]}
        found = []
        for name in fields:
            field = described.get(name)
            if field is None:
                found.append(
                    f"{self.crm_object} has no field {name} that this user sees; create it, or give the user Edit on it"
                )
            elif not field.get("updateable", True):
                found.append(f"{self.crm_object}.{name} may not be edited; give the user Edit on it")
        key = described.get(self.key_field)
        if not self.is_by_id and not (key and key.get("externalId")):
            found.append(
                f"{self.crm_object}.{self.key_field} is no external id; create it as a text field with External ID "
                "and Unique"
            )
        return found

    def send(self, records: Sequence[Outgoing]) -> list[Outcome]:
        """Upsert or update the records; allOrNone is false, so each succeeds or fails by itself."""
        collections = f"{self._data}/composite/sobjects"
        path = collections if self.is_by_id else f"{collections}/{self.crm_object}/{self.key_field}"
        id_name = "id" if self.is_by_id else self.key_field
        answers = self.post(
            "PATCH",
            path,
            {
                "allOrNone": False,
                "records": [
                    {"attributes": {"type": self.crm_object}, id_name: record.key, **record.fields}
                    for record in records
                ],
            },
        )
        if not isinstance(answers, list) or len(answers) != len(records):
            raise ApiError(
                self.client.system, f"{self.crm_object}: the answer is not one result a record; send again"
            )
        return [self._outcome(record, answer) for record, answer in zip(records, answers, strict=True)]

    def _outcome(self, record: Outgoing, answer: dict[str, Any]) -> Outcome:
        if answer.get("success"):
            return Outcome(record.key, True)
        errors = answer.get("errors") or [{}]
        codes = {str(error.get("statusCode")) for error in errors}
        told = "; ".join(f"{error.get('statusCode')}: {error.get('message')}" for error in errors)
        return Outcome(
            record.key,
            False,
            self.client.redactor(told),
            may_pass=codes <= _PASSING,
            is_gone=codes <= _GONE,
        )
