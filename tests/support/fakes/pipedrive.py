"""Pipedrive, played by the fault server."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.support.companies.connected_company import Row, payload
from tests.support.servers.fault_server import (
    Answer,
    FaultServer,
    Request,
)

TOKEN = "api.token.of.the.admin"
REGION = "dcf558aac1ae4e8c4f849ba5e668430d8df9be12"
QUOTA = "9d3f0a3dd4a5bb7df12a4b7e3c2c6d9cbb9c2a10"


class Pipes:
    """A company at Pipedrive; `now` is its clock."""

    def __init__(self, server: FaultServer) -> None:
        self.server, self.now = server, datetime.now(UTC).replace(microsecond=0) - timedelta(days=2)
        self.records: Row = payload("pipedrive/records.json")
        self.deals: dict[int, Row] = {deal["id"]: deal for deal in self.records["deals"]}
        self.lines: dict[int, Row] = {line["id"]: line for line in self.records["deal_products"]}
        self.recents: list[Row] = payload("pipedrive/recents.json")
        self.custom = [REGION, QUOTA]
        server.route("GET", r"/api/v2/deals")(lambda request: self._checked(request, self._deals))
        server.route("GET", r"/api/v2/deals/archived")(lambda request: self._checked(request, self._deals))
        server.route("GET", r"/api/v2/deals/products")(lambda request: self._checked(request, self._lines))
        server.route("GET", r"/api/v2/(?P<list>products|stages|pipelines)")(
            lambda request: self._checked(request, lambda r: self._page(r, self.records[r.found["list"]]))
        )
        server.route("GET", r"/api/v1/users")(lambda request: self._checked(request, self._users))
        server.route("GET", r"/api/v1/recents")(lambda request: self._checked(request, self._recents))
        server.route("GET", r"/api/v1/dealFields")(
            lambda request: self._checked(
                request, lambda _: {"success": True, "data": [{"key": key} for key in self.custom]}
            )
        )

    def stamp(self) -> str:
        return self.now.strftime("%Y-%m-%dT%H:%M:%SZ")

    def save(self, key: int, **values: Any) -> None:
        like = self.records["deals"][0]
        self.deals[key] = {**self.deals.get(key, like), "id": key, **values, "update_time": self.stamp()}

    def line(self, key: int, deal: int, **values: Any) -> None:
        like = self.records["deal_products"][0]
        self.lines[key] = {
            **self.lines.get(key, like),
            "id": key,
            "deal_id": deal,
            **values,
            "update_time": self.stamp(),
        }
        self.save(deal)

    def _checked(self, request: Request, answer: Any) -> Any:
        if request.headers.get("x-api-token") != TOKEN:
            return Answer(401, {"success": False, "error": "unauthorized access"})
        return answer(request)

    def _page(self, request: Request, found: list[Row]) -> Any:
        start, limit = int(request.query.get("cursor", "0")), int(request.query.get("limit", "100"))
        following = str(start + limit) if start + limit < len(found) else None
        return {
            "success": True,
            "data": found[start : start + limit] or None,
            "additional_data": {"next_cursor": following},
        }

    def _deals(self, request: Request) -> Any:
        archived, deleted = request.path.endswith("archived"), request.query.get("status") == "deleted"
        found = [
            d
            for d in self.deals.values()
            if d["is_deleted"] == deleted and (deleted or d["is_archived"] == archived)
        ]
        if since := request.query.get("updated_since"):
            found = [deal for deal in found if deal["update_time"] >= since]
        return self._page(request, sorted(found, key=lambda deal: (deal["update_time"], deal["id"])))

    def _lines(self, request: Request) -> Any:
        ids = {int(one) for one in request.query["deal_ids"].split(",")}
        assert len(ids) <= 100
        return self._page(request, [line for line in self.lines.values() if line["deal_id"] in ids])

    def _users(self, _request: Request) -> Any:
        users = [user | {"last_login": str(len(self.server.requests))} for user in self.records["users"]]
        return {"success": True, "data": users}

    def _recents(self, request: Request) -> Any:
        assert request.query["items"] == "deal"
        more = {"pagination": {"start": 0, "limit": 500, "more_items_in_collection": False}}
        return {"success": True, "data": [*self.recents, None], "additional_data": more}


def many(pipes: Pipes, count: int) -> None:
    for number in range(count):
        pipes.now += timedelta(seconds=number % 2)
        pipes.save(1000 + number, value=Decimal(number) + Decimal("0.07"), status="won")
