"""Dynamics 365 through the real code: delta links, removed and expired ones, definitions, tables without tracking."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ingestion.api.alerts import SchemaAlert
from ingestion.api.errors import ApiError
from ingestion.load import TableResult
from ingestion.systems.dynamics.tables import TABLES
from tests.support.companies.connected_company import Connected, assert_same, payload
from tests.support.fakes.dynamics import BASE, CLIENT_ID, SECRET, Environment, many
from tests.support.servers.fault_server import (
    Answer,
    FaultServer,
    Request,
    change,
    cut_body,
    expire_token,
    hang_up,
    retry_after,
    status,
)


@pytest.fixture
def dataverse(monkeypatch: pytest.MonkeyPatch) -> Iterator[Environment]:
    monkeypatch.setenv("SOURCES__DYNAMICS__CLIENT_ID", CLIENT_ID)
    monkeypatch.setenv("SOURCES__DYNAMICS__CLIENT_SECRET", SECRET)
    with FaultServer() as server:
        yield Environment(server)


@pytest.fixture
def company(dataverse: Environment, tmp_path: Path) -> Connected:
    section = f'[dynamics.options]\ntoken_url = "{dataverse.server.url}/token"\n'
    return Connected(dataverse.server, "dynamics", tmp_path, BASE, section)


def test_records_land_under_their_names(dataverse: Environment, company: Connected) -> None:
    company.load()
    for name, records in payload("dynamics/records.json").items():
        for record in records:
            sent = {field: value for field, value in record.items() if "@" not in field}
            assert_same(company.live(name)[next(iter(sent.values()))], sent)
    assert company.live("opportunities")[next(iter(dataverse.live("opportunities")))][
        "exchangerate"
    ] == Decimal("1.080000000001")
    asked = dataverse.server.asked("/token")[0].body.decode()
    assert "scope=http%3A%2F%2F127.0.0.1" in asked and "%2F.default" in asked


def test_two_syncs_with_changes_and_deletes(dataverse: Environment, company: Connected) -> None:
    many(dataverse, 120)
    company.load()
    assert company.load().tables["opportunities"].new_versions == 0
    dataverse.now += timedelta(hours=2)
    dataverse.save("opportunities", "o0003", statecode=2, actualvalue=Decimal("999.99"))
    dataverse.save("opportunities", "onew", name="New")
    # Change tracking does not go by the stamp: a late one is no matter.
    dataverse.save("opportunities", "olate", modifiedon="2025-01-01T00:00:00Z")
    dataverse.remove("opportunities", "o0005")
    dataverse.remove("systemusers", "u0000000-0000-4000-8000-000000000001")
    before = len(dataverse.server.requests)
    result = company.load()
    assert result.tables["opportunities"] == TableResult(122, 3, 1, 122)
    assert result.tables["systemusers"].retired == 1
    lists = [
        r for r in dataverse.server.requests[before:] if r.path.endswith(("opportunities", "systemusers"))
    ]
    assert lists and all("$deltatoken" in request.query for request in lists)
    assert set(company.live("opportunities")) == dataverse.live("opportunities")
    assert [row["actualvalue"] for row in company.rows("opportunities", "opportunityid = 'o0003'")] == [
        Decimal("3.07"),
        Decimal("999.99"),
    ]


def test_an_expired_delta_link_leads_to_a_whole_read(dataverse: Environment, company: Connected) -> None:
    many(dataverse, 20)
    company.load()
    dataverse.remove("opportunities", "o0005")
    dataverse.oldest_token = dataverse.version
    assert company.load().tables["opportunities"].retired == 1
    dataverse.remove("opportunities", "o0006")
    assert company.load().tables["opportunities"].retired == 1
    assert set(company.live("opportunities")) == dataverse.live("opportunities")


def test_a_new_column_leads_to_a_whole_read(dataverse: Environment, company: Connected) -> None:
    company.load()
    dataverse.columns["opportunities"]["new_margin"] = "Decimal"
    for _, row in dataverse.rows["opportunities"].values():
        assert row is not None
        row["new_margin"] = Decimal("12.5")
    company.configure(
        company.section + '[dynamics.tables.opportunities]\ncolumns = { new_margin = "decimal" }'
    )
    company.load()
    assert {row["new_margin"] for row in company.rows("opportunities")} == {Decimal("12.5")}


def test_a_table_without_tracking_is_compared_whole(dataverse: Environment, company: Connected) -> None:
    dataverse.tracked = False
    section = company.section + "".join(
        f"[dynamics.tables.{t.name}]\noptions = {{ track_changes = false }}\n" for t in TABLES
    )
    assert "Track changes is off; switch it on" in company.check()
    company.configure(section)
    assert company.check().endswith("All in order.")
    many(dataverse, 20)
    company.load()
    dataverse.remove("opportunities", "o0005")
    assert company.load().tables["opportunities"].retired == 1
    assert not [
        request
        for request in dataverse.server.requests
        if "track-changes" in request.headers.get("prefer", "")
    ]


def test_faults_in_mid_paging_change_nothing(dataverse: Environment, company: Connected) -> None:
    dataverse.page_rows = 10
    many(dataverse, 120)
    reordered = change(lambda body: body | {"value": body["value"][::-1]})
    dataverse.server.faults(
        "/opportunities$", status(500), hang_up(), cut_body(), retry_after(0.3), expire_token(), reordered
    )
    assert company.load().tables["opportunities"].live == 121
    assert dataverse.server.faults_left == 0


def test_a_load_that_fails_keeps_its_delta_link(dataverse: Environment, company: Connected) -> None:
    many(dataverse, 20)
    company.load()
    dataverse.save("opportunities", "o0003", name="Changed")
    dataverse.server.fault("/systemusers$", *[status(500)] * 3)
    with pytest.raises(ApiError):
        company.load()
    assert company.load().tables["opportunities"].new_versions == 1


def test_a_rate_limit_is_honoured(dataverse: Environment, company: Connected) -> None:
    dataverse.server.fault("/accounts$", retry_after(0.7))
    company.load()
    refused, again = dataverse.server.asked("/accounts$")
    assert (refused.status, again.status) == (429, 200)
    assert 0.7 <= again.at - refused.at < 3


def test_links_to_other_hosts_and_circles_are_refused(dataverse: Environment, company: Connected) -> None:
    elsewhere = "https://elsewhere.example/api/data/v9.2/opportunities?$skiptoken=1"
    dataverse.server.fault("/opportunities$", change(lambda body: body | {"@odata.nextLink": elsewhere}))
    with pytest.raises(ApiError, match="the credentials are not sent there"):
        company.load()
    many(dataverse, 120)
    circle = change(
        lambda body: (
            body
            | {"@odata.nextLink": f"{dataverse.server.url}{BASE}/opportunities?selected=name&$skiptoken=0"}
        )
    )
    dataverse.server.fault("/opportunities$", circle, circle)
    with pytest.raises(ApiError, match="leads back"):
        company.load()


def test_a_renamed_column_alerts(dataverse: Environment, company: Connected) -> None:
    company.load()
    columns = dataverse.columns["opportunities"]
    columns["new_actualvalue"] = columns.pop("actualvalue")
    with pytest.raises(
        SchemaAlert, match=r"dynamics\.opportunities\.actualvalue.*new there: new_actualvalue"
    ):
        company.load()


def test_check_tells_what_to_fix(
    dataverse: Environment, company: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert company.check().endswith("All in order.")
    dataverse.server.fault(
        "/accounts$", status(403, {"error": {"code": "0x80040220", "message": "missing prvReadAccount"}})
    )
    assert "give the application user a role that reads accounts" in company.check()
    monkeypatch.setenv("SOURCES__DYNAMICS__CLIENT_SECRET", "secret-that-is-wrong")
    said = company.check()
    assert "add the app as an application user" in said and "secret-that-is-wrong" not in said


def test_page_links_that_run_in_a_circle_are_refused(dataverse: Environment, company: Connected) -> None:
    company.configure(company.section, read=("accounts",))
    following = {None: "1", "1": "2", "2": "1"}

    def circle(server: FaultServer, request: Request, answer: Any) -> Answer:
        link = f"{server.url}{BASE}/accounts?selected=name&$skiptoken="
        return Answer(
            200, {"value": [], "@odata.nextLink": link + following[request.query.get("$skiptoken")]}
        )

    dataverse.server.fault("/accounts$", circle, circle, circle, circle)
    with pytest.raises(ApiError, match=r"dynamics: .*/accounts: a page leads back"):
        company.load()
    assert dataverse.server.faults_left == 1
