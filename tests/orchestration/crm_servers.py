"""A Salesforce org and a HubSpot account that take what is written to them, as their documentation says they do."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from fault_server import Answer, FaultServer, Request

DATA = "/services/data/v62.0"
TOKEN = "token.of.the.crm"
# Called with the records of each request after they were saved and before it is answered.
Saved = Callable[[list[dict[str, Any]]], None]


class Org:
    """Commission__c by its external id, Opportunity by its id; records in `refused` meet a validation rule."""

    def __init__(self, server: FaultServer, deals: list[str]) -> None:
        self.server = server
        self.records: dict[str, dict[str, Any]] = {}
        self.deals: dict[str, dict[str, Any]] = {deal: {} for deal in deals}
        self.refused: set[str] = set()
        self.gone: set[str] = set()
        self.locked: dict[str, int] = {}
        self.saved: Saved = lambda _records: None
        self.fields = {
            "Commission__c": ["Commission_Key__c", "Opportunity__c", "Payee__c", "Amount__c", "Months__c", "State__c"],
            "Opportunity": ["Commission__c", "Payees__c"],
        }  # fmt: skip
        server.tokens.add(TOKEN)
        server.protect("/services/data/")
        server.route("GET", rf"{DATA}/sobjects/(?P<name>\w+)/describe")(self._describe)
        server.route("PATCH", rf"{DATA}/composite/sobjects/Commission__c/Commission_Key__c")(self._upsert)
        server.route("PATCH", rf"{DATA}/composite/sobjects")(self._update)

    def sent(self) -> list[int]:
        """Records of each request that wrote."""
        return [len(self._body(request)) for request in self.server.requests if request.method == "PATCH"]

    def _describe(self, request: Request) -> Any:
        fields = [
            {"name": name, "type": "string", "updateable": True, "externalId": name == "Commission_Key__c"}
            for name in self.fields[request.found["name"]]
        ]
        return {"name": request.found["name"], "queryable": True, "fields": fields}

    def _body(self, request: Any) -> list[dict[str, Any]]:
        body = json.loads(request.body, parse_float=Decimal)
        assert body["allOrNone"] is False and len(body["records"]) <= 200
        return list(body["records"])

    def _upsert(self, request: Request) -> Any:
        return self._each(request, "Commission_Key__c", lambda key: self.records.setdefault(key, {}))

    def _update(self, request: Request) -> Any:
        return self._each(request, "id", lambda key: self.deals[key])

    def _each(self, request: Request, key_name: str, find: Callable[[str], dict[str, Any]]) -> Any:
        records, answers = self._body(request), []
        for record in records:
            key = record[key_name]
            if key in self.refused:
                told = {
                    "statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
                    "message": "closed deals are frozen",
                }
                answers.append({"success": False, "errors": [told]})
            elif key in self.gone:
                told = {"statusCode": "ENTITY_IS_DELETED", "message": "entity is deleted"}
                answers.append({"success": False, "errors": [told]})
            elif self.locked.get(key):
                self.locked[key] -= 1
                told = {"statusCode": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access"}
                answers.append({"success": False, "errors": [told]})
            else:
                find(key).update({n: v for n, v in record.items() if n not in ("attributes", "id")})
                answers.append({"id": f"a00{key}", "success": True, "errors": []})
        self.saved(records)
        return answers


class Account:
    """HubSpot deals by id. A batch with a wrong value is refused whole; an unknown deal by itself."""

    def __init__(self, server: FaultServer, deals: list[str]) -> None:
        self.server = server
        self.deals: dict[str, dict[str, str]] = {deal: {} for deal in deals}
        self.wrong: set[str] = set()
        server.tokens.add(TOKEN)
        server.protect("/crm/")
        server.route("GET", r"/crm/v3/properties/deals")(
            lambda _request: {
                "results": [{"name": name} for name in ("commission_amount", "commission_currency")]
            }
        )
        server.route("POST", r"/crm/v3/objects/deals/batch/update")(self._update)

    def _update(self, request: Request) -> Any:
        inputs = request.json["inputs"]
        assert len(inputs) <= 100
        if any(record["id"] in self.wrong for record in inputs):
            return Answer(
                400,
                {
                    "status": "error",
                    "category": "VALIDATION_ERROR",
                    "message": "Property values were not valid",
                },
            )
        missing = [record["id"] for record in inputs if record["id"] not in self.deals]
        results = []
        for record in inputs:
            if record["id"] not in missing:
                self.deals[record["id"]].update(record["properties"])
                results.append({"id": record["id"], "properties": record["properties"]})
        if not missing:
            return {"status": "COMPLETE", "results": results}
        error = {
            "status": "error",
            "category": "OBJECT_NOT_FOUND",
            "message": "Could not get some",
            "context": {"ids": missing},
        }
        return Answer(207, {"status": "COMPLETE", "results": results, "numErrors": 1, "errors": [error]})
