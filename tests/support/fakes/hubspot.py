"""HubSpot, played by the fault server."""

from datetime import UTC, datetime, timedelta
from typing import Any

from ingestion.systems.hubspot.tables import COMPANIES, DEALS, LINE_ITEMS
from tests.support.companies.connected_company import Row, payload
from tests.support.servers.fault_server import (
    Answer,
    FaultServer,
    Request,
)

TOKEN = "pat.token.of.the.app"
KINDS = {
    "decimal": "number",
    "timestamp": "datetime",
    "bool": "bool",
    "date": "date",
    "text": "string",
    "bigint": "number",
}
AROUND = ("id", "createdAt", "updatedAt", "archived", "archivedAt", "url")
SEARCH_MAX = 10_000


def stamp(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}Z"


class Portal:
    """A HubSpot account; `now` is its clock."""

    def __init__(self, server: FaultServer) -> None:
        self.server, self.now, self.search_max = server, datetime(2026, 3, 1, 8, tzinfo=UTC), SEARCH_MAX
        self.records: dict[str, dict[str, Row]] = {"deals": {}, "companies": {}, "line_items": {}}
        self.history: dict[str, dict[str, list[Row]]] = {}
        self.owners: list[Row] = []
        self.defined = {
            table.name: {
                column.name: KINDS[column.type] for column in table.columns if column.name not in AROUND
            }
            for table in (DEALS, COMPANIES, LINE_ITEMS)
        }
        self.custom = {"deals": {"region": "enumeration"}}
        server.tokens.add(TOKEN)
        server.protect("/crm/")
        server.route("GET", r"/crm/v3/properties/(?P<kind>\w+)")(self._properties)
        server.route("GET", r"/crm/v3/objects/(?P<kind>\w+)")(self._list)
        server.route("POST", r"/crm/v3/objects/(?P<kind>\w+)/search")(self._search)
        server.route("POST", r"/crm/v3/objects/(?P<kind>\w+)/batch/read")(self._batch)
        server.route("GET", r"/crm/v3/owners")(
            lambda request: (
                self._page(
                    request,
                    [o for o in self.owners if str(o["archived"]).lower() == request.query["archived"]],
                )
                if "archived" in request.query
                else {"results": []}
            )
        )
        server.route("GET", r"/crm/v3/pipelines/deals")(
            lambda _request: {"results": payload("hubspot/pipelines.json")}
        )
        server.route("GET", r"/crm/v4/objects/deals/(?P<id>\w+)/associations/(?P<to>\w+)")(self._associations)

    # What people do

    def save(self, kind: str, key: str, *, at: datetime | None = None, **values: Any) -> Row:
        now = stamp(at or self.now)
        record = self.records[kind].setdefault(
            key,
            {
                "id": key,
                "createdAt": now,
                "archived": False,
                "properties": {"createdate": now, "hs_object_id": key},
            },
        )
        record["updatedAt"] = now
        record["properties"] |= values | {"hs_lastmodifieddate": now}
        for name, value in values.items():
            versions = self.history.setdefault(key, {}).setdefault(name, [])
            versions.insert(
                0, {"value": value, "timestamp": now, "sourceType": "CRM_UI", "updatedByUserId": 42}
            )
            del versions[20:]
        return record

    def archive(self, kind: str, key: str) -> None:
        self.records[kind][key] |= {
            "archived": True,
            "archivedAt": stamp(self.now),
            "updatedAt": stamp(self.now),
        }

    # What the API answers

    def _properties(self, request: Request) -> Any:
        kind = request.found["kind"]
        return {
            "results": [
                {"name": name, "type": type_, "hubspotDefined": name not in self.custom.get(kind, {})}
                for name, type_ in (self.defined[kind] | self.custom.get(kind, {})).items()
            ]
        }

    def _shown(self, record: Row, names: list[str]) -> Row:
        shown = {name: value for name, value in record.items() if name not in ("properties", "associations")}
        return shown | {"properties": {name: record["properties"].get(name) for name in names}}

    def _page(self, request: Request, found: list[Row]) -> Any:
        start, limit = int(request.query.get("after", "0")), int(request.query.get("limit", "100"))
        page = {"results": found[start : start + limit]}
        if start + limit < len(found):
            page["paging"] = {"next": {"after": str(start + limit)}}  # type: ignore[assignment]
        return page

    def _list(self, request: Request) -> Any:
        assert int(request.query.get("limit", "100")) <= 100
        archived = request.query.get("archived") == "true"
        found = [r for r in self.records[request.found["kind"]].values() if r["archived"] == archived]
        shown = [self._shown(record, request.query.get("properties", "").split(",")) for record in found]
        if "associations" in request.query:
            shown = [
                s | {"associations": r.get("associations", {})} for s, r in zip(shown, found, strict=True)
            ]
        return self._page(request, shown)

    def _search(self, request: Request) -> Any:
        body, found = (
            request.json,
            [r for r in self.records[request.found["kind"]].values() if not r["archived"]],
        )
        for one in body["filterGroups"][0]["filters"]:
            found = [r for r in found if self._fits(r, one)]
        sort = body["sorts"][0]["propertyName"]
        found.sort(key=lambda r: (int(r["id"]) if sort == "hs_object_id" else r["properties"][sort], r["id"]))
        after, limit = int(body["after"]), int(body["limit"])
        if limit > 200 or after + limit > self.search_max:
            return Answer(
                400, {"status": "error", "message": "paging over the limit", "category": "VALIDATION_ERROR"}
            )
        page = {
            "total": len(found),
            "results": [self._shown(r, body["properties"]) for r in found[after : after + limit]],
        }
        if after + limit < min(len(found), self.search_max):
            page["paging"] = {"next": {"after": str(after + limit)}}
        return page

    @staticmethod
    def _fits(record: Row, one: Row) -> bool:
        value = record["properties"][one["propertyName"]]
        if one["propertyName"] == "hs_object_id":
            return int(value) > int(one["value"])
        ours = int(datetime.fromisoformat(value).timestamp() * 1000)
        theirs = int(one["value"])
        return {"GTE": ours >= theirs, "GT": ours > theirs, "EQ": ours == theirs}[one["operator"]]

    def _batch(self, request: Request) -> Any:
        body, found = request.json, self.records[request.found["kind"]]
        assert len(body["inputs"]) <= (50 if "propertiesWithHistory" in body else 100)
        archived = request.query.get("archived") == "true"
        results = []
        for one in body["inputs"]:
            record = found.get(one["id"])
            if record is None or record["archived"] != archived:
                continue
            shown = self._shown(record, body["properties"])
            if "propertiesWithHistory" in body:
                known = self.history.get(one["id"], {})
                shown["propertiesWithHistory"] = {
                    n: known[n] for n in body["propertiesWithHistory"] if n in known
                }
            results.append(shown)
        if len(results) == len(body["inputs"]):
            return {"status": "COMPLETE", "results": results}
        lost = {"status": "error", "category": "OBJECT_NOT_FOUND", "message": "Could not get some objects"}
        return Answer(207, {"status": "COMPLETE", "results": results, "numErrors": 1, "errors": [lost]})

    def _associations(self, request: Request) -> Any:
        found = [
            {
                "toObjectId": 700 + n,
                "associationTypes": [{"category": "HUBSPOT_DEFINED", "typeId": 19, "label": None}],
            }
            for n in range(4)
        ]
        return self._page(request, found)


def deals(portal: Portal, count: int) -> None:
    for number in range(count):
        portal.now += timedelta(milliseconds=number % 3)
        portal.save(
            "deals",
            str(1000 + number),
            dealname=f"Deal {number}",
            amount=f"{number}.07",
            dealstage="closedwon",
        )


class WrittenPortal:
    """A portal that takes what is written to its deals. A batch with a wrong value is refused whole; an unknown deal by itself."""

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
