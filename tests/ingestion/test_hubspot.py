"""HubSpot through the real code: properties, history, the search's limits, archived and erased records, faults."""

import copy
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ingestion.api.alerts import SchemaAlert
from ingestion.api.errors import ApiError
from ingestion.load import TableResult
from ingestion.systems.hubspot import reader
from tests.support.companies.connected_company import Connected, assert_same, payload
from tests.support.fakes.hubspot import TOKEN, Portal, deals
from tests.support.servers.fault_server import (
    Answer,
    FaultServer,
    Request,
    change,
    expire_token,
    hang_up,
    retry_after,
    status,
)


@pytest.fixture
def portal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Portal]:
    monkeypatch.setenv("SOURCES__HUBSPOT__TOKEN", TOKEN)
    with FaultServer() as server:
        made = Portal(server)
        for record in payload("hubspot/deals.json")["results"]:
            made.records["deals"][record["id"]] = copy.deepcopy(record)
        made.owners = payload("hubspot/owners.json")
        yield made


@pytest.fixture
def company(portal: Portal, tmp_path: Path) -> Connected:
    return Connected(portal.server, "hubspot", tmp_path)


def test_records_land_under_their_names(portal: Portal, company: Connected) -> None:
    portal.save("deals", "77", amount="0.1", hs_deal_stage_probability="0.200000000000000011102230246251565404",
                region="North", hs_is_closed="true", closedate="2026-02-27T16:00:00.123Z")  # fmt: skip
    company.load()
    for record in payload("hubspot/deals.json")["results"]:
        sent = {name: value for name, value in record.items() if name != "properties"} | record["properties"]
        assert_same(company.live("deals")[record["id"]], sent)
    landed = company.live("deals")["77"]
    assert (landed["amount"], landed["region"], landed["hs_is_closed"]) == (Decimal("0.1"), "North", True)
    assert landed["hs_deal_stage_probability"] == Decimal("0.2")
    for owner in portal.owners:
        assert_same(company.live("owners")[owner["id"]], owner)
    for pipeline in payload("hubspot/pipelines.json"):
        assert_same(company.live("pipelines")[pipeline["id"]], pipeline)


def test_two_syncs_with_changes_archived_and_erased_records(portal: Portal, company: Connected) -> None:
    deals(portal, 250)
    company.load()
    assert company.load().load_ids == (), "nothing has changed"
    portal.now += timedelta(hours=4)
    portal.save("deals", "1003", amount="999.99", dealstage="closedlost")
    portal.save("deals", "5000", dealname="New", amount="1")
    portal.archive("deals", "1005")
    del portal.records["deals"]["1007"]
    before = len(portal.server.requests)
    assert company.load().tables["deals"] == TableResult(253, 3, 0, 253)
    lists = [
        r
        for r in portal.server.requests[before:]
        if r.path == "/crm/v3/objects/deals" and "associations" not in r.query
    ]
    assert {request.query.get("archived") for request in lists} == {"true"}, "no whole list"
    assert company.live("deals")["1005"]["archived"] is True
    versions = company.rows("deals", "id = '1003'")
    assert [row["amount"] for row in versions] == [Decimal("3.07"), Decimal("999.99")]
    company.configure('[hubspot.tables.deals]\nfull_every = "0 days"')
    assert company.load().tables["deals"].retired == 1, "the erased one"
    kept = {key: record["archived"] for key, record in portal.records["deals"].items()}
    assert {key: row["archived"] for key, row in company.live("deals").items()} == kept


def test_deals_that_a_merge_hid_retire_with_the_next_load(portal: Portal, company: Connected) -> None:
    deals(portal, 20)
    company.load()
    portal.now += timedelta(hours=4)
    del portal.records["deals"]["1003"], portal.records["deals"]["1004"]
    portal.save("deals", "1005", amount="12.21", hs_merged_object_ids="1003;1004;1005")
    before = company.live("deals")
    assert company.load().tables["deals"] == TableResult(len(before) - 2, 1, 2, len(before) - 2)
    assert set(before) - set(company.live("deals")) == {"1003", "1004"}
    assert company.load().load_ids == ()


def test_history_is_landed_and_never_forgotten(portal: Portal, company: Connected) -> None:
    portal.save("deals", "77", dealstage="qualified", amount="10")
    company.load()
    for number in range(30):
        portal.now += timedelta(hours=2)
        portal.save("deals", "77", amount=str(number))
        if number % 10 == 9:
            company.load()
    landed = [
        row
        for row in company.rows("deal_property_history")
        if row["id"] == "77" and row["property"] == "amount"
    ]
    assert [row["value"] for row in landed] == ["10", *(str(number) for number in range(30))]
    assert len(portal.history["77"]["amount"]) == 20
    assert_same(landed[-1], portal.history["77"]["amount"][0] | {"id": "77", "property": "amount"})


def test_more_changes_than_a_search_gives_out(
    portal: Portal, company: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.load()
    monkeypatch.setattr(reader, "SEARCH_RESULTS_MAX", 400)
    portal.search_max = 400
    portal.now += timedelta(hours=4)
    deals(portal, 700)
    # A bulk import stamps more records with one millisecond than a search gives out.
    at = portal.now + timedelta(seconds=1)
    for number in range(900):
        portal.save("deals", str(9000 + number), at=at, amount="1")
    portal.save("deals", "99999", at=at + timedelta(milliseconds=1), amount="2")
    company.load()
    assert set(company.live("deals")) == set(portal.records["deals"])


def test_equal_and_late_stamps_lose_nothing(portal: Portal, company: Connected) -> None:
    deals(portal, 20)
    company.load()
    portal.save("deals", "2001")
    portal.save("deals", "2002", at=portal.now - timedelta(minutes=50))
    company.load()
    assert {"2001", "2002"} <= set(company.live("deals"))


def test_associations_are_followed_to_their_end(portal: Portal, company: Connected) -> None:
    portal.save("deals", "77")["associations"] = {
        "companies": {"results": [{"id": "600", "type": "deal_to_company"}, {"id": "600", "type": "deal_to_company_primary"}]},
        "line items": {"results": [{"id": "700", "type": "deal_to_line_item"}], "paging": {"next": {"after": "1"}}},
    }  # fmt: skip
    company.load()
    assert sorted(company.live("deal_associations")) == [
        ("77", "companies", "600", "deal_to_company"),
        ("77", "companies", "600", "deal_to_company_primary"),
        *(("77", "line items", str(700 + number), "deal_to_line_item") for number in range(4)),
    ]


def test_faults_in_mid_reading_change_nothing(portal: Portal, company: Connected) -> None:
    deals(portal, 250)
    reordered = change(lambda b: b | {"results": b["results"][::-1]})
    portal.server.faults("/objects/deals/batch/read", status(502), hang_up(), retry_after(0.3), reordered)
    assert company.load().tables["deals"].live == 252
    assert portal.server.faults_left == 0


def test_a_rate_limit_is_honoured(portal: Portal, company: Connected) -> None:
    portal.server.fault("/crm/v3/owners", retry_after(0.7))
    company.load()
    refused, again = portal.server.asked("/crm/v3/owners")[:2]
    assert (refused.status, again.status) == (429, 200)
    assert 0.7 <= again.at - refused.at < 3


def test_an_answer_without_records_is_no_empty_list(portal: Portal, company: Connected) -> None:
    portal.server.fault("/objects/deals$", change(lambda _body: {"status": "ok"}))
    with pytest.raises(ApiError, match="has no results"):
        company.load()


def test_a_renamed_property_alerts(portal: Portal, company: Connected) -> None:
    company.configure('[hubspot.tables.deals]\ncolumns = { region = "text" }')
    company.load()
    portal.custom["deals"] = {"sales_region": "enumeration"}
    with pytest.raises(SchemaAlert, match=r"hubspot\.deals\.region.*new there: sales_region"):
        company.load()
    portal.custom["deals"] = {"region": "enumeration"}
    portal.defined["deals"]["amount"] = "string"
    with pytest.raises(SchemaAlert, match=r"amount.*is text at the source, and is declared as decimal"):
        company.load()


def test_check_tells_what_to_fix(portal: Portal, company: Connected) -> None:
    assert company.check().endswith("All in order.")
    denied = {
        "status": "error",
        "category": "MISSING_SCOPES",
        "message": "This app hasn't been granted all scopes",
    }
    portal.server.fault("/objects/line_items", status(403, denied))
    assert (
        "give the app the scopes crm.objects.line_items.read and crm.schemas.line_items.read"
        in company.check()
    )
    portal.server.fault("/crm/", expire_token())
    said = company.check()
    assert "set the token of an active private app" in said and TOKEN not in said


def test_lists_that_run_in_a_circle_are_refused(portal: Portal, company: Connected) -> None:
    following = {None: "b", "b": "c", "c": "b"}
    portal._page = (
        lambda request, found: {  # type: ignore[method-assign]
            "results": found[:1],
            "paging": {"next": {"after": following[request.query.get("after")]}},
        }
    )
    for path, table in (("/crm/v3/owners", "owners"), ("/crm/v3/objects/companies", "companies")):
        company.configure(read=(table,))
        before = len(portal.server.asked(f"{path}$"))
        with pytest.raises(ApiError, match=f"hubspot: .*{path}: a page leads back"):
            company.load()
        assert len(portal.server.asked(f"{path}$")) - before == 3


def test_a_search_that_runs_in_a_circle_is_refused(portal: Portal, company: Connected) -> None:
    deals(portal, 250)
    company.configure(read=("deals",))
    company.load()
    portal.save("deals", "1")
    following = {"0": "200", "200": "400", "400": "200"}

    def circle(server: FaultServer, request: Request, answer: Any) -> Answer:
        right = answer()
        right.body = {
            "total": 9000,
            "results": [portal.records["deals"]["1"]],
            "paging": {"next": {"after": following[request.json["after"]]}},
        }
        return right

    portal.server.fault("/objects/deals/search$", circle, circle, circle, circle)
    with pytest.raises(ApiError, match=r"hubspot: .*/objects/deals/search: a page leads back"):
        company.load()
