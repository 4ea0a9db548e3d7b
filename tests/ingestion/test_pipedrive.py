"""Pipedrive through the real code: deals in three lists, lines of deals, deals gone for good, the day's budget."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from connected_company import Connected, Row, assert_same, payload
from fault_server import Answer, FaultServer, Request, change, cut_body, hang_up, retry_after, status

from ingestion.api.alerts import SchemaAlert
from ingestion.api.errors import ApiError, RateLimitError
from ingestion.load import TableResult
from ingestion.systems.pipedrive import reader

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


@pytest.fixture
def pipes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipes]:
    monkeypatch.setenv("SOURCES__PIPEDRIVE__API_KEY", TOKEN)
    with FaultServer() as server:
        yield Pipes(server)


@pytest.fixture
def company(pipes: Pipes, tmp_path: Path) -> Connected:
    return Connected(pipes.server, "pipedrive", tmp_path)


def many(pipes: Pipes, count: int) -> None:
    for number in range(count):
        pipes.now += timedelta(seconds=number % 2)
        pipes.save(1000 + number, value=Decimal(number) + Decimal("0.07"), status="won")


def test_records_land_under_their_names(pipes: Pipes, company: Connected) -> None:
    company.load()
    for name in ("deals", "deal_products", "products", "stages", "pipelines"):
        for record in pipes.records[name]:
            assert_same(company.live(name)[record["id"]], record)
    user = pipes.records["users"][0]
    landed = company.live("users")[user["id"]]
    assert_same(landed, user | {"modified": f"{user['modified']}+00:00", "created": f"{user['created']}+00:00"},
                apart=("last_login", "is_you"))  # fmt: skip
    assert company.load().load_ids == (), "a new login is no change"


def test_two_syncs_with_changes_and_deletes(pipes: Pipes, company: Connected) -> None:
    many(pipes, 30)
    for number in range(6):
        pipes.line(500 + number, 1000 + number // 3)
    company.load()
    pipes.now += timedelta(hours=4)
    pipes.save(1003, value=Decimal("999.99"))
    pipes.save(2000, title="New")
    pipes.save(1005, is_deleted=True, status="deleted")
    pipes.save(1006, is_archived=True)
    del pipes.deals[1007]
    pipes.recents.append({"item": "deal", "id": 1007, "data": None})
    pipes.line(500, 1000, quantity=Decimal("2.5"))
    del pipes.lines[501]
    before = len(pipes.server.requests)
    result = company.load()
    assert result.tables["deals"] == TableResult(len(pipes.deals), 5, 1, len(pipes.deals))
    asked = [
        request for request in pipes.server.requests[before:] if request.path.startswith("/api/v2/deals")
    ]
    assert all("updated_since" in request.query or "deal_ids" in request.query for request in asked)
    assert set(company.live("deals")) == set(pipes.deals) and set(company.live("deal_products")) == set(
        pipes.lines
    )
    assert (
        company.live("deals")[1005]["is_deleted"] is True
        and company.live("deals")[1006]["is_archived"] is True
    )
    assert [row["value"] for row in company.rows("deals", "id = 1003")] == [
        Decimal("3.07"),
        Decimal("999.99"),
    ]
    assert company.live("deal_products")[500]["quantity"] == Decimal("2.5")
    assert company.load().load_ids == ()


def test_all_lines_of_a_deal_are_retired_with_it(pipes: Pipes, company: Connected) -> None:
    for number in range(3):
        pipes.line(500 + number, 1)
    company.load()
    pipes.now += timedelta(hours=4)
    for key in [key for key, line in pipes.lines.items() if line["deal_id"] == 1]:
        del pipes.lines[key]
    pipes.save(1, is_deleted=True, status="deleted")
    company.load()
    assert set(company.live("deal_products")) == set(pipes.lines)


def test_equal_and_late_stamps_lose_nothing(pipes: Pipes, company: Connected) -> None:
    many(pipes, 10)
    company.load()
    pipes.save(2001)
    pipes.now -= timedelta(minutes=50)
    pipes.save(2002)
    company.load()
    assert {2001, 2002} <= set(company.live("deals"))


def test_custom_fields_that_are_named_become_columns(pipes: Pipes, company: Connected) -> None:
    company.configure(f'[pipedrive.tables.deals]\ncolumns = {{ {REGION} = "text", {QUOTA} = "decimal" }}')
    pipes.save(1, custom_fields={REGION: "North", QUOTA: {"value": Decimal("12.50"), "currency": "EUR"}})
    company.load()
    landed = company.live("deals")[1]
    assert (landed[REGION], landed[QUOTA]) == ("North", Decimal("12.5"))
    pipes.custom.remove(REGION)
    with pytest.raises(SchemaAlert, match=REGION):
        company.load()


@pytest.mark.parametrize("fault", [status(500), hang_up(), cut_body(), retry_after(0.3)],
                         ids=["500", "hang up", "body cut off", "429"])  # fmt: skip
def test_a_fault_in_mid_paging_changes_nothing(
    pipes: Pipes, company: Connected, monkeypatch: pytest.MonkeyPatch, fault: Any
) -> None:
    monkeypatch.setattr(reader, "PAGE", 10)
    many(pipes, 35)
    company.configure(read=("deals",))
    pipes.server.fault("/api/v2/deals$", fault, skip=1)
    company.load()
    assert set(company.live("deals")) == set(pipes.deals)
    assert pipes.server.faults_left == 0


def test_rate_limits_are_honoured(pipes: Pipes, company: Connected) -> None:
    pipes.server.fault("/api/v2/deals$", retry_after(0.7))
    pipes.server.fault("/api/v2/stages$", status(429, {"success": False}, {"x-ratelimit-reset": "1"}))
    company.load()
    for path, wait in (("/api/v2/deals$", 0.7), ("/api/v2/stages$", 1.0)):
        refused, again = pipes.server.asked(path)[:2]
        assert (refused.status, again.status) == (429, 200)
        assert wait <= again.at - refused.at < 3
    budget = status(429, {"success": False}, {"x-daily-ratelimit-token-remaining": "0"})
    pipes.server.fault("/api/v2/deals$", budget)
    company.configure("[pipedrive.tables.deals]\nmax_age = '9000 days'")
    before = len(pipes.server.asked("/api/v2/deals$"))
    if datetime.now(UTC) < datetime.now(UTC).replace(hour=23, minute=54):
        with pytest.raises(RateLimitError, match="it asks to wait"):
            company.load()
        assert len(pipes.server.asked("/api/v2/deals$")) == before + 1, "no attempt is wasted on it"


def test_an_answer_without_data_is_no_empty_list(pipes: Pipes, company: Connected) -> None:
    pipes.server.fault("/api/v2/deals$", change(lambda _body: {"success": True}))
    with pytest.raises(ApiError, match="has no data"):
        company.load()


def test_check_tells_what_to_fix(pipes: Pipes, company: Connected, monkeypatch: pytest.MonkeyPatch) -> None:
    assert company.check().endswith("All in order.")
    pipes.server.fault(
        "/api/v2/products$", status(403, {"success": False, "error": "Scope and URL mismatch"})
    )
    assert "give an OAuth app the scope products:read" in company.check()
    monkeypatch.setenv("SOURCES__PIPEDRIVE__API_KEY", "token-of-somebody-else")
    said = company.check()
    assert "set the API token of an active user" in said and "token-of-somebody-else" not in said


def test_pages_that_run_in_a_circle_are_refused(pipes: Pipes, company: Connected) -> None:
    cursors = {None: "b", "b": "c", "c": "b"}
    for name in ("products", "deals"):
        company.configure(read=(name,))
        pipes._page = (
            lambda request, found: {  # type: ignore[method-assign]
                "success": True,
                "data": found[:1],
                "additional_data": {"next_cursor": cursors[request.query.get("cursor")]},
            }
        )
        before = len(pipes.server.requests)
        with pytest.raises(ApiError, match=f"pipedrive: .*/api/v2/{name}: a page leads back"):
            company.load()
        assert len(pipes.server.requests) - before == 3


def test_the_list_of_changes_may_not_run_in_a_circle(pipes: Pipes, company: Connected) -> None:
    company.load()
    following = {None: 500, "500": 1000, "1000": 500}
    pipes._recents = lambda request: {  # type: ignore[method-assign]
        "success": True,
        "data": [{"item": "deal", "id": 1, "data": {"id": 1}}],
        "additional_data": {
            "pagination": {
                "more_items_in_collection": True,
                "next_start": following[request.query.get("start")],
            }
        },
    }
    with pytest.raises(ApiError, match=r"pipedrive: .*/api/v1/recents: a page leads back"):
        company.load()
