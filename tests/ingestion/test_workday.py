"""Workday through the real code: reports in JSON and CSV under their own column names, snapshots as history."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ingestion.api.alerts import SchemaAlert
from ingestion.api.config import ConfigError
from ingestion.api.errors import ApiError
from ingestion.load import TableResult
from tests.support.companies.connected_company import Connected, assert_same
from tests.support.fakes.workday import BASE, PASSWORD, SECTION, USER, Tenant
from tests.support.servers.fault_server import (
    FaultServer,
    cut_body,
    hang_up,
    retry_after,
    status,
)


@pytest.fixture
def tenant(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tenant]:
    monkeypatch.setenv("SOURCES__WORKDAY__USERNAME", USER)
    monkeypatch.setenv("SOURCES__WORKDAY__PASSWORD", PASSWORD)
    with FaultServer() as server:
        yield Tenant(server)


@pytest.fixture
def company(tenant: Tenant, tmp_path: Path) -> Connected:
    return Connected(tenant.server, "workday", tmp_path, BASE, SECTION)


def test_a_report_lands_under_its_own_column_names(tenant: Tenant, company: Connected) -> None:
    company.load()
    for record in tenant.workers:
        days = {name: record[name][:10] for name in ("Hire_Date", "Termination_Date") if name in record}
        assert_same(
            company.live("workers")[record["Employee_ID"]],
            record | days | {"Active": record["Active"] == "1"},
        )
    assert company.live("workers")["21001"]["Base_Pay"] == Decimal("120000.5")
    landed = company.rows("position_history")
    assert [(row["Effective_Date"].isoformat(), row["Manager_ID"], row["Position"]) for row in landed] == [
        ("2021-03-15", "21003", 'AE, "West"'),
        ("2026-02-01", "21001", "Senior\nAE"),
    ]


def test_snapshots_become_history_and_a_missing_worker_is_retired(tenant: Tenant, company: Connected) -> None:
    company.load()
    assert company.load().load_ids == (), "nothing has changed"
    tenant.workers[1] |= {"Manager_ID": "21003", "Termination_Date": "2026-05-31"}
    del tenant.workers[2]
    tenant.workers.append({"Employee_ID": "21004", "Worker": "New", "Active": "1", "Hire_Date": "2026-06-01"})
    tenant.positions.append(tenant.positions[0] | {"Effective_Date": "06/01/2026"})
    result = company.load()
    assert result.tables["workers"] == TableResult(3, 2, 1, 3)
    assert result.tables["position_history"].new_versions == 1
    versions = company.rows("workers", "\"Employee_ID\" = '21002'")
    assert [row["Manager_ID"] for row in versions] == ["21001", "21003"]
    assert versions[1]["Termination_Date"].isoformat() == "2026-05-31"


def test_two_changes_on_one_day_land_in_the_order_of_the_report(tenant: Tenant, company: Connected) -> None:
    company.load()
    last = tenant.positions[-1]
    tenant.positions += [last | {"Manager_ID": "21009"}, last | {"Manager_ID": "21009"}]
    assert company.load().tables["position_history"] == TableResult(3, 1, 0, 3), (
        "the first row stays as it is"
    )
    landed = company.rows("position_history", "_dlt_valid_to IS NULL AND \"Effective_Date\" = '2026-02-01'")
    assert sorted((row["report_order"] or 1, row["Manager_ID"]) for row in landed) == [
        (1, "21001"),
        (2, "21009"),
    ]
    tenant.workers.append(tenant.workers[0] | {"Manager_ID": "21009"})
    with pytest.raises(Exception, match=r"is the key of record 1 as well, with other contents"):
        company.load()


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_a_column_that_is_renamed_in_the_report_alerts(tenant: Tenant, company: Connected, kind: str) -> None:
    company.load()
    rows = tenant.workers if kind == "json" else tenant.positions
    for row in rows:
        row["Supervisor_ID"] = row.pop("Manager_ID", None)
    table = "workers" if kind == "json" else "position_history"
    with pytest.raises(SchemaAlert, match=rf"workday\.{table}\.Manager_ID.*new there: Supervisor_ID"):
        company.load()


@pytest.mark.parametrize("report", ["Commission_Workers", "Position"])
@pytest.mark.parametrize("fault", [status(503), hang_up(), cut_body(), retry_after(0.3)],
                         ids=["503", "hang up", "body cut off", "429"])  # fmt: skip
def test_a_fault_changes_nothing(tenant: Tenant, company: Connected, fault: Any, report: str) -> None:
    tenant.server.fault(report, fault)
    result = company.load()
    assert (result.tables["workers"].live, result.tables["position_history"].live) == (3, 2)
    assert tenant.server.faults_left == 0


def test_a_rate_limit_is_honoured(tenant: Tenant, company: Connected) -> None:
    tenant.server.fault("Commission_Workers", retry_after(0.7))
    company.load()
    refused, again = tenant.server.asked("Commission_Workers")
    assert (refused.status, again.status) == (429, 200)
    assert 0.7 <= again.at - refused.at < 3


def test_crooked_answers_are_refused(tenant: Tenant, company: Connected) -> None:
    text = {"Content-Type": "text/csv"}
    for body, told in (
        ("Employee_ID,Effective_Date,Manager_ID\n1,01/02/2026", "line 2 has 2 fields, the header has 3"),
        ("Employee_ID,Effective_Date,Effective_Date\n", "the column Effective_Date is there twice"),
        ("", "the answer is no CSV"),
    ):
        tenant.server.fault("Position", status(200, body, text))
        with pytest.raises(ApiError, match=told):
            company.load()
    tenant.server.fault("Commission_Workers", status(200, {"error": "the report failed"}))
    with pytest.raises(ApiError, match="has no Report_Entry"):
        company.load()
    tenant.positions[0]["Effective_Date"] = "31.01.2026"
    with pytest.raises(Exception, match=r"Effective_Date.*is not a date"):
        company.load()


def test_the_configuration_is_checked(tenant: Tenant, company: Connected) -> None:
    for section, told in (
        ('[workday.tables.x]\nkey = ["Employee_ID"]', "options.report is missing"),
        ('[workday.tables.x]\noptions = { report = "a/b" }', "has no key"),
        (
            '[workday.tables.x]\nkey = ["a"]\noptions = { report = "a/b", format = "xml" }',
            "format is not known",
        ),
        ('[workday.tables.x]\nkey = ["a"]\noptions = { report = "a/b", sheet = 1 }', "sheet is not known"),
    ):
        company.configure(section)
        with pytest.raises(ConfigError, match=told):
            company.load()


def test_check_tells_what_to_fix(tenant: Tenant, company: Connected, monkeypatch: pytest.MonkeyPatch) -> None:
    assert company.check().endswith("All in order.")
    tenant.server.fault("Commission_Workers", status(403, {"error": "permission denied"}))
    assert "share the report with the integration user" in company.check()
    tenant.server.fault("Position", status(404))
    assert "see owner and name of the report" in company.check()
    monkeypatch.setenv("SOURCES__WORKDAY__PASSWORD", "password-that-is-wrong")
    said = company.check()
    assert "401" in said and "password-that-is-wrong" not in said
