"""Writers against a server that answers as the vendors' documentation says; whole write-backs are in test_write_back.py."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from ingestion.api.auth import bearer
from ingestion.api.client import Client, ClientOptions
from ingestion.api.errors import ApiError
from ingestion.api.writing import Outgoing
from ingestion.systems.hubspot.writer import HubSpotWriter
from ingestion.systems.salesforce.writer import SalesforceWriter
from tests.support.servers.fault_server import Answer, FaultServer, Request

TOKEN = "token.of.the.crm"
RECORDS = [Outgoing(f"deal|{name}|USD", {"amount_paid": Decimal("12.5000"), "month": None}) for name in "abc"]


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as started:
        started.tokens.add(TOKEN)
        yield started


def client(server: FaultServer) -> Client:
    options = ClientOptions(attempts=3, backoff_seconds=0.01, wait_seconds_max=1)
    return Client("crm", server.url, bearer(TOKEN), options=options)


@pytest.fixture
def upserts(server: FaultServer) -> list[list[dict[str, Any]]]:
    """What is upserted into a custom object; a record whose key has a b is refused, and results name no key property."""
    seen: list[list[dict[str, Any]]] = []

    @server.route("POST", r"/crm/v3/objects/2-77/batch/upsert")
    def upsert(request: Request) -> Any:
        inputs = request.json["inputs"]
        seen.append(inputs)
        bad = [record["objectWriteTraceId"] for record in inputs if "|b|" in record["id"]]
        results = [
            {"id": str(900 + at), "properties": {}, "objectWriteTraceId": record["objectWriteTraceId"]}
            for at, record in enumerate(inputs)
            if "|b|" not in record["id"]
        ]
        if not bad:
            return {"status": "COMPLETE", "results": [{"id": result["id"]} for result in results]}
        error = {
            "category": "VALIDATION_ERROR",
            "message": "no such payee",
            "context": {"objectWriteTraceId": bad},
        }
        return Answer(207, {"status": "COMPLETE", "results": results, "errors": [error]})

    return seen


def test_hubspot_upserts_custom_objects_by_a_unique_property_and_empties_fields(
    server: FaultServer, upserts: list[list[dict[str, Any]]]
) -> None:
    outcomes = HubSpotWriter(client(server), "2-77", "commission_key").write([RECORDS[0], RECORDS[2]])
    assert [(outcome.key, outcome.is_written) for outcome in outcomes] == [
        ("deal|a|USD", True), ("deal|c|USD", True),
    ]  # fmt: skip
    assert upserts[0][0] == {
        "idProperty": "commission_key",
        "id": "deal|a|USD",
        "objectWriteTraceId": "deal|a|USD",
        "properties": {"amount_paid": "12.5", "month": ""},
    }


def test_hubspot_says_of_each_record_what_became_of_it(
    server: FaultServer, upserts: list[list[dict[str, Any]]]
) -> None:
    outcomes = HubSpotWriter(client(server), "2-77", "commission_key").write(RECORDS)
    assert [outcome.is_written for outcome in outcomes] == [True, False, True]
    assert outcomes[1].reason == "VALIDATION_ERROR: no such payee"
    assert len(upserts) == 1, "what a rule refuses is not sent again"


def test_an_answer_that_names_no_record_is_asked_again_about_each_alone(server: FaultServer) -> None:
    asked: list[int] = []

    @server.route("POST", r"/crm/v3/objects/deals/batch/update")
    def update(request: Request) -> Any:
        inputs = request.json["inputs"]
        asked.append(len(inputs))
        if len(inputs) > 1:
            return Answer(
                207, {"results": [], "errors": [{"category": "VALIDATION_ERROR", "message": "some"}]}
            )
        return {"results": [{"id": inputs[0]["id"]}]}

    outcomes = HubSpotWriter(client(server), "deals", "id").write(RECORDS)
    assert [outcome.is_written for outcome in outcomes] == [True, True, True]
    assert asked == [3, 2, 1, 1, 1]


def test_salesforce_is_not_believed_when_it_answers_for_other_records(server: FaultServer) -> None:
    server.route("PATCH", r"/services/data/v62.0/composite/sobjects/C__c/Key__c")(
        lambda _request: [{"success": True}]
    )
    with pytest.raises(ApiError, match="not one result a record"):
        SalesforceWriter(client(server), "C__c", "Key__c").write(RECORDS)


def test_a_lock_that_stays_is_given_up_after_the_attempts_with_its_reason(server: FaultServer) -> None:
    asked: list[int] = []

    @server.route("PATCH", r"/services/data/v62.0/composite/sobjects")
    def update(request: Request) -> Any:
        records = request.json["records"]
        asked.append(len(records))
        locked = {
            "success": False,
            "errors": [{"statusCode": "UNABLE_TO_LOCK_ROW", "message": f"no {TOKEN}"}],
        }
        return [locked if "|b|" in record["id"] else {"success": True} for record in records]

    outcomes = SalesforceWriter(client(server), "Opportunity", "Id").write(RECORDS)
    assert [outcome.is_written for outcome in outcomes] == [True, False, True]
    assert asked == [3, 1, 1]
    assert outcomes[1].reason == "UNABLE_TO_LOCK_ROW: no ***"
