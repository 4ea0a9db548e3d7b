"""Pipedrive through the real code: deals in three lists, lines of deals, deals gone for good, the day's budget."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.api.alerts import SchemaAlert
from ingestion.api.errors import ApiError, RateLimitError
from ingestion.load import TableResult
from ingestion.systems.pipedrive import reader
from tests.support.companies.connected_company import Connected, assert_same
from tests.support.fakes.pipedrive import QUOTA, REGION, TOKEN, Pipes, many
from tests.support.servers.fault_server import (
    FaultServer,
    change,
    cut_body,
    hang_up,
    retry_after,
    status,
)


@pytest.fixture
def pipes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipes]:
    monkeypatch.setenv("SOURCES__PIPEDRIVE__API_KEY", TOKEN)
    with FaultServer() as server:
        yield Pipes(server)


@pytest.fixture
def company(pipes: Pipes, tmp_path: Path) -> Connected:
    return Connected(pipes.server, "pipedrive", tmp_path)


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


def test_faults_in_mid_paging_change_nothing(
    pipes: Pipes, company: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "PAGE", 10)
    many(pipes, 65)
    company.configure(read=("deals",))
    pipes.server.faults("/api/v2/deals$", status(500), hang_up(), cut_body(), retry_after(0.3))
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
