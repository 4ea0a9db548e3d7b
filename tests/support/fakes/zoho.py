"""Zoho CRM, played by the fault server."""

import copy
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from ingestion.systems.zoho.tables import TABLES
from tests.support.companies.connected_company import Row, payload
from tests.support.servers.fault_server import (
    Answer,
    FaultServer,
    Request,
)

RECORDS = payload("zoho/records.json")
BASE = "/crm/v8"
KINDS = {
    "decimal": "currency",
    "timestamp": "datetime",
    "date": "date",
    "bool": "boolean",
    "bigint": "integer",
    "text": "text",
}


class Crm:
    """An organisation at Zoho CRM; `now` is its clock."""

    def __init__(self, server: FaultServer) -> None:
        self.server, self.now = server, datetime.fromisoformat("2026-05-15T08:00:00+03:00")
        self.records: dict[str, dict[str, Row]] = {
            name: {row["id"]: copy.deepcopy(row)} for name, row in RECORDS.items()
        }
        self.deleted: dict[str, list[Row]] = {name: [] for name in RECORDS}
        self.fields = {
            table.name: {c.name: KINDS[c.type] for c in table.columns if c.name != "id"}
            for table in TABLES[:3]
        }
        self.numbered_pages = 10
        self.between_sets = lambda: None
        server.oauth(
            "/oauth/v2/token",
            client_id="1000.ID",
            client_secret="secret.of.the.client",
            refresh_token="1000.refresh-token",
        )
        server.route("GET", f"{BASE}/settings/fields")(lambda request: self._checked(request, self._fields))
        server.route("GET", f"{BASE}/users")(lambda request: self._checked(request, self._users))
        server.route("GET", rf"{BASE}/(?P<module>\w+)/deleted")(
            lambda request: self._checked(request, self._gone)
        )
        server.route("GET", rf"{BASE}/(?P<module>\w+)/(?P<id>[0-9]+)")(
            lambda request: self._checked(request, self._one)
        )
        server.route("GET", rf"{BASE}/(?P<module>\w+)")(lambda request: self._checked(request, self._list))

    def save(self, module: str, key: str, /, at: datetime | None = None, **values: Any) -> None:
        row = self.records[module].setdefault(key, copy.deepcopy(RECORDS[module]) | {"id": key})
        row |= values | {"Modified_Time": (at or self.now).isoformat()}

    def delete(self, module: str, key: str) -> None:
        del self.records[module][key]
        self.deleted[module].append({"id": key, "deleted_time": self.now.isoformat(), "type": "recycle"})

    def _checked(self, request: Request, answer: Any) -> Any:
        word, _, token = request.headers.get("authorization", "").partition(" ")
        if word != "Zoho-oauthtoken" or token not in self.server.tokens:
            return Answer(401, {"code": "INVALID_TOKEN", "message": "invalid oauth token", "status": "error"})
        return answer(request)

    def _fields(self, request: Request) -> Any:
        fields = self.fields.get(request.query["module"], {}) | {"Stage_History": "subform"}
        return {"fields": [{"api_name": name, "data_type": kind} for name, kind in fields.items()]}

    def _page(self, request: Request, found: list[Row], items: str) -> Any:
        since = request.headers.get("if-modified-since")
        if not found:
            return Answer(304) if since else None
        size, token = int(request.query["per_page"]), request.query.get("page_token")
        page = int(token) if token else int(request.query.get("page", "1"))
        if not token and page > self.numbered_pages:
            return Answer(400, {"code": "DISCRETE_PAGINATION_LIMIT_EXCEEDED"})
        more = page * size < len(found)
        info = {
            "per_page": size,
            "page": page,
            "more_records": more,
            "next_page_token": str(page + 1) if more else None,
        }
        return {items: found[(page - 1) * size : page * size], "info": info}

    def _users(self, request: Request) -> Any:
        assert request.query["type"] == "AllUsers"
        seen = [
            user | {"Isonline": len(self.server.requests) % 2 == 0} for user in self.records["users"].values()
        ]
        return self._page(request, seen, "users")

    def _since(self, request: Request, found: list[Row], stamp: str) -> list[Row]:
        since = request.headers.get("if-modified-since")
        return [
            r for r in found if not since or datetime.fromisoformat(r[stamp]) >= datetime.fromisoformat(since)
        ]

    def _list(self, request: Request) -> Any:
        names = request.query["fields"].split(",")
        assert len(names) <= 50 and not set(names) - set(self.fields[request.found["module"]])
        found = sorted(self.records[request.found["module"]].values(), key=lambda row: int(row["id"]))
        found = self._since(request, found, "Modified_Time")
        shown = [
            {name: row.get(name) for name in names} | {"id": row["id"], "$editable": True} for row in found
        ]
        answer = self._page(request, shown, "data")
        self.between_sets()
        return answer

    def _one(self, request: Request) -> Any:
        row = self.records[request.found["module"]].get(request.found["id"])
        return {"data": [row]} if row else None

    def _gone(self, request: Request) -> Any:
        return self._page(
            request, self._since(request, self.deleted[request.found["module"]], "deleted_time"), "data"
        )


def many(crm: Crm, count: int) -> None:
    for number in range(count):
        crm.now += timedelta(seconds=number % 2)
        crm.save("Deals", str(9000 + number), Amount=Decimal(number) + Decimal("0.07"))
