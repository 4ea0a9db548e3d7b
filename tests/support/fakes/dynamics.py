"""Dynamics 365, played by the fault server."""

import copy
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from ingestion.systems.dynamics.tables import TABLES
from tests.support.companies.connected_company import Row, payload
from tests.support.servers.fault_server import (
    Answer,
    FaultServer,
    Request,
)

BASE = "/api/data/v9.2"
CLIENT_ID, SECRET = "app.registration", "secret.of.the.app.registration"
KINDS = {
    "decimal": "Money",
    "timestamp": "DateTime",
    "date": "DateTime",
    "bool": "Boolean",
    "bigint": "Integer",
    "text": "String",
}


class Environment:
    """A Dataverse environment; `version` counts its changes, and a delta token is a version."""

    def __init__(self, server: FaultServer) -> None:
        self.server, self.version, self.page_rows = server, 1, 50
        self.now, self.oldest_token, self.tracked = datetime(2026, 2, 1, 8, tzinfo=UTC), 0, True
        self.rows: dict[str, dict[str, tuple[int, Row | None]]] = {
            table.name: {
                row[table.primary_key[0]]: (1, row) for row in payload("dynamics/records.json")[table.name]
            }
            for table in TABLES
        }
        self.columns = {table.name: {c.name: KINDS[c.type] for c in table.columns} for table in TABLES}
        server.oauth("/token", client_id=CLIENT_ID, client_secret=SECRET)
        server.protect(BASE)
        server.route("GET", f"{BASE}/WhoAmI")(lambda _request: {"UserId": "u1", "OrganizationId": "o1"})
        server.route("GET", f"{BASE}/EntityDefinitions")(self._definition)
        server.route("GET", rf"{BASE}/EntityDefinitions\(LogicalName='(?P<name>\w+)'\)/Attributes")(
            self._attributes
        )
        server.route("GET", rf"{BASE}/(?P<set>\w+)")(self._list)

    def save(self, name: str, key: str, /, **values: Any) -> None:
        self.version += 1
        table = next(table for table in TABLES if table.name == name)
        _, row = self.rows[name].get(key, (0, None))
        like = row or payload("dynamics/records.json")[name][0]
        stamp = self.now.strftime("%Y-%m-%dT%H:%M:%SZ")
        self.rows[name][key] = (
            self.version,
            {**copy.deepcopy(like), table.primary_key[0]: key, "modifiedon": stamp, **values},
        )

    def remove(self, name: str, key: str) -> None:
        self.version += 1
        self.rows[name][key] = (self.version, None)

    def live(self, name: str) -> set[str]:
        return {key for key, (_, row) in self.rows[name].items() if row is not None}

    def _definition(self, request: Request) -> Any:
        name = request.query["$filter"].split("'")[1]
        known = (
            [{"LogicalName": f"{name}_logical", "ChangeTrackingEnabled": self.tracked}]
            if name in self.rows
            else []
        )
        return {"value": known}

    def _attributes(self, request: Request) -> Any:
        columns = self.columns[request.found["name"].removesuffix("_logical")]
        return {"value": [
            {"LogicalName": name[1:-6], "AttributeType": "Lookup"} if name.startswith("_") else {"LogicalName": name, "AttributeType": kind}
            for name, kind in columns.items()
        ]}  # fmt: skip

    def _list(self, request: Request) -> Any:
        name, query = request.found["set"], request.query
        if name not in self.rows:
            return Answer(
                404,
                {"error": {"code": "0x8006088a", "message": f"Resource not found for the segment '{name}'"}},
            )
        since, start = int(query.get("$deltatoken", "0")), int(query.get("$skiptoken", "0"))
        if "$deltatoken" in query and since < self.oldest_token:
            return Answer(
                410,
                {
                    "error": {
                        "code": "0x80044352",
                        "message": "Version stamp associated with the client has expired.",
                    }
                },
            )
        chosen = (query.get("$select") or query["selected"]).split(",")
        if wrong := [column for column in chosen if column not in self.columns[name]]:
            return Answer(
                400, {"error": {"code": "0x0", "message": f"Could not find a property named '{wrong[0]}'"}}
            )
        until = int(query.get("until", self.version))
        found = [(key, row) for key, (version, row) in self.rows[name].items() if since < version <= until]
        found = [(key, row) for key, row in found if row is not None or since]
        shown = [
            {column: row.get(column) for column in chosen} | {"@odata.etag": 'W/"1"'}
            if row is not None
            else {
                "@odata.context": f"{self.server.url}{BASE}/$metadata#{name}/$deletedEntity",
                "id": key,
                "reason": "deleted",
            }
            for key, row in found[start : start + self.page_rows]
        ]
        here = f"{self.server.url}{BASE}/{name}?selected={','.join(chosen)}"
        page: Row = {"@odata.context": f"{self.server.url}{BASE}/$metadata#{name}", "value": shown}
        if start + self.page_rows < len(found):
            token = f"&$deltatoken={since}" if since else ""
            page["@odata.nextLink"] = f"{here}{token}&until={until}&$skiptoken={start + self.page_rows}"
        elif since or until != self.version or "track-changes" in request.headers.get("prefer", ""):
            page["@odata.deltaLink"] = f"{here}&$deltatoken={until}"
        return page


def many(dataverse: Environment, count: int) -> None:
    for number in range(count):
        dataverse.now += timedelta(seconds=number % 2)
        dataverse.save("opportunities", f"o{number:04d}", actualvalue=Decimal(number) + Decimal("0.07"))
