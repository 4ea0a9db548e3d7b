"""Zoho CRM through the real code: more than 50 fields, page tokens, deleted records, tokens of its own kind."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.api.alerts import SchemaAlert
from ingestion.api.errors import ApiError
from ingestion.load import TableResult
from ingestion.systems.zoho import reader
from tests.support.companies.connected_company import Connected, assert_same
from tests.support.fakes.zoho import BASE, RECORDS, Crm, many
from tests.support.servers.fault_server import (
    FaultServer,
    change,
    cut_body,
    expire_token,
    hang_up,
    retry_after,
    status,
)


@pytest.fixture
def crm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Crm]:
    for name, value in (
        ("CLIENT_ID", "1000.ID"),
        ("CLIENT_SECRET", "secret.of.the.client"),
        ("REFRESH_TOKEN", "1000.refresh-token"),
    ):
        monkeypatch.setenv(f"SOURCES__ZOHO__{name}", value)
    with FaultServer() as server:
        yield Crm(server)


@pytest.fixture
def company(crm: Crm, tmp_path: Path) -> Connected:
    return Connected(
        crm.server, "zoho", tmp_path, BASE, f'[zoho.options]\ntoken_url = "{crm.server.url}/oauth/v2/token"\n'
    )


def test_records_land_under_their_names(crm: Crm, company: Connected) -> None:
    company.load()
    for name, record in RECORDS.items():
        sent = {
            field: value
            for field, value in record.items()
            if not field.startswith("$") and field != "Isonline"
        }
        assert_same(company.live(name)[record["id"]], sent)
    assert company.load().load_ids == (), "who is online is no change"


def test_two_syncs_with_changes_and_deletes(crm: Crm, company: Connected) -> None:
    many(crm, 250)
    company.load()
    crm.now += timedelta(hours=4)
    crm.save("Deals", "9003", Amount=Decimal("999.99"), Stage="Closed Lost")
    crm.save("Deals", "19000", Deal_Name="New")
    crm.delete("Deals", "9005")
    crm.delete("Products", RECORDS["Products"]["id"])
    before = len(crm.server.requests)
    result = company.load()
    assert result.tables["Deals"] == TableResult(251, 2, 1, 251)
    assert result.tables["Products"] == TableResult(0, 0, 1, 0)
    lists = [request for request in crm.server.requests[before:] if request.path == f"{BASE}/Deals"]
    assert lists and all("if-modified-since" in request.headers for request in lists)
    assert set(company.live("Deals")) == set(crm.records["Deals"])
    assert [row["Amount"] for row in company.rows("Deals", "id = '9003'")] == [
        Decimal("3.07"),
        Decimal("999.99"),
    ]
    assert company.load().load_ids == ()


def test_equal_and_late_stamps_lose_nothing(crm: Crm, company: Connected) -> None:
    many(crm, 10)
    company.load()
    crm.save("Deals", "19001")
    crm.save("Deals", "19002", at=crm.now - timedelta(minutes=50))
    company.load()
    assert {"19001", "19002"} <= set(company.live("Deals"))


def test_a_record_that_is_erased_without_trace_is_retired_by_the_full_read(
    crm: Crm, company: Connected
) -> None:
    many(crm, 10)
    company.load()
    del crm.records["Deals"]["9003"]
    assert company.load().tables["Deals"].retired == 0
    company.configure(company.section + '[zoho.tables.Deals]\nfull_every = "0 days"')
    assert company.load().tables["Deals"].retired == 1


def test_more_than_fifty_fields_are_put_together(crm: Crm, company: Connected) -> None:
    crm.fields["Deals"] |= {f"Custom_{number}": "double" for number in range(120)}
    many(crm, 5)
    for row in crm.records["Deals"].values():
        row |= {f"Custom_{number}": number for number in range(120)}
    edits = iter(
        [lambda: crm.save("Deals", "9002", at=crm.now + timedelta(hours=1), Custom_3=777, Custom_110=888)]
    )
    crm.between_sets = lambda: next(edits, lambda: None)()  # type: ignore[assignment]
    company.configure(
        company.section + '[zoho.tables.Deals]\ncolumns = { Custom_3 = "decimal", Custom_110 = "decimal" }'
    )
    company.load()
    landed = company.live("Deals")["9002"]
    assert (landed["Custom_3"], landed["Custom_110"]) == (777, 888), (
        "its parts come from one state of the record"
    )
    assert company.live("Deals")["9001"]["Custom_119"] == "119"
    assert len(company.live("Deals")) == 6


def test_beyond_the_numbered_pages_the_token_leads_on(
    crm: Crm, company: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "PAGE", 5)
    crm.numbered_pages = 3
    many(crm, 42)
    company.load()
    assert set(company.live("Deals")) == set(crm.records["Deals"])


def test_faults_in_mid_paging_change_nothing(
    crm: Crm, company: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "PAGE", 50)
    many(crm, 450)
    reordered = change(lambda body: body | {"data": body["data"][::-1]})
    crm.server.faults(
        f"{BASE}/Deals$", status(500), hang_up(), cut_body(), retry_after(0.3), expire_token(), reordered
    )
    assert company.load().tables["Deals"].live == 451
    assert crm.server.faults_left == 0


def test_a_rate_limit_is_honoured(crm: Crm, company: Connected) -> None:
    crm.server.fault(f"{BASE}/Accounts$", retry_after(0.7))
    company.load()
    refused, again = crm.server.asked(f"{BASE}/Accounts$")
    assert (refused.status, again.status) == (429, 200)
    assert 0.7 <= again.at - refused.at < 3


def test_an_answer_without_records_is_no_empty_list(crm: Crm, company: Connected) -> None:
    crm.server.fault(f"{BASE}/Deals$", change(lambda _body: {"status": "ok"}))
    with pytest.raises(ApiError, match="has no data"):
        company.load()


def test_a_renamed_field_alerts(crm: Crm, company: Connected) -> None:
    company.load()
    crm.fields["Deals"]["Gross_Amount"] = crm.fields["Deals"].pop("Amount")
    with pytest.raises(SchemaAlert, match=r"zoho\.Deals\.Amount.*new there: Gross_Amount"):
        company.load()


def test_check_tells_what_to_fix(crm: Crm, company: Connected, monkeypatch: pytest.MonkeyPatch) -> None:
    assert company.check().endswith("All in order.")
    scope = {"code": "OAUTH_SCOPE_MISMATCH", "message": "invalid oauth scope to access this URL"}
    crm.server.fault(f"{BASE}/Products$", *[status(401, scope)] * 2)
    assert "ZohoCRM.modules.products.READ" in company.check()
    monkeypatch.setenv("SOURCES__ZOHO__REFRESH_TOKEN", "1000.token-that-is-wrong")
    said = company.check()
    assert "make a new refresh token" in said and "1000.token-that-is-wrong" not in said


def test_page_tokens_that_run_in_a_circle_are_refused(crm: Crm, company: Connected) -> None:
    following = {None: "b", "b": "c", "c": "b"}
    crm._page = (
        lambda request, found, items: {  # type: ignore[method-assign]
            items: found[:1],
            "info": {"more_records": True, "next_page_token": following[request.query.get("page_token")]},
        }
    )
    for module in ("Accounts", "users"):
        company.configure(company.section, read=(module,))
        before = len(crm.server.asked(f"{BASE}/{module}$"))
        with pytest.raises(ApiError, match=f"zoho: .*/{module}: a page leads back"):
            company.load()
        assert len(crm.server.asked(f"{BASE}/{module}$")) - before == 3
