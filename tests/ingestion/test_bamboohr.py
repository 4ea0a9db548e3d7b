"""BambooHR through the real code: the vendor's example of employees, job history, terminations, hidden fields."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingestion.api.alerts import SchemaAlert
from ingestion.api.errors import ApiError, ForbiddenError
from ingestion.load import TableResult
from ingestion.systems.bamboohr.tables import ALWAYS_SENT, EMPLOYEES
from tests.support.companies.connected_company import (
    Connected,
    assert_in_specification,
    assert_same,
)
from tests.support.fakes.bamboohr import KEY, SPECIFICATION, Hr
from tests.support.servers.fault_server import Answer, FaultServer, Request, change, retry_after


@pytest.fixture
def hr(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hr]:
    monkeypatch.setenv("SOURCES__BAMBOOHR__API_KEY", KEY)
    with FaultServer() as server:
        made = Hr(server)
        made.hire(
            "123",
            firstName="Zoë",
            workEmail="zoe@example.com",
            reportsToId="125",
            reportsToName="Ines Duarte",
        )
        made.hire("124", status="Inactive", reportsToId="123")
        for number in range(125, 130):
            made.hire(str(number), hireDate="0000-00-00")
        yield made


@pytest.fixture
def company(hr: Hr, tmp_path: Path) -> Connected:
    return Connected(hr.server, "bamboohr", tmp_path)


def test_the_columns_are_fields_of_the_specification() -> None:
    names = {column.name for column in EMPLOYEES.columns}
    assert names <= set(SPECIFICATION["schemas"]["employees"])
    assert names - ALWAYS_SENT <= set(SPECIFICATION["employees_fields"]), "others cannot be asked for"


def test_records_land_under_their_names(hr: Hr, company: Connected) -> None:
    company.load()
    for key, row in company.live("employees").items():
        asked = {name: hr.employees[key][name] for name in row}
        assert_same(row, asked | ({} if asked["hireDate"] != "0000-00-00" else {"hireDate": None}))
    for name in ("jobInfo", "employmentStatus"):
        for record in hr.tables[name]:
            assert_same(company.live(name)[record["id"]], json.loads(json.dumps(record)))
    assert_in_specification(hr.server.requests, SPECIFICATION["paths"])
    managers = [
        (row["date"].isoformat(), row["reportsTo"])
        for row in company.rows("jobInfo")
        if row["employeeId"] == "123"
    ]
    assert managers == [("2021-02-01", "Ines Duarte"), ("2023-07-01", "Zoë Larsen")]
    assert "photoUrl" not in company.live("employees")["123"]
    assert company.load().load_ids == (), "a new signed link is no change"


def test_two_syncs_with_a_new_manager_a_termination_and_a_removed_row(hr: Hr, company: Connected) -> None:
    company.load()
    hr.employees["123"]["reportsToId"] = "126"
    hr.tables["jobInfo"].append(
        hr.tables["jobInfo"][0] | {"id": "1105", "date": "2026-02-01", "reportsTo": "Ben Ode"}
    )
    hr.tables["jobInfo"].remove(hr.tables["jobInfo"][3])
    hr.tables["employmentStatus"].append(
        {
            "id": "2104",
            "employeeId": "123",
            "date": "2026-03-31",
            "employmentStatus": "Terminated",
            "comment": "",
        }
    )
    del hr.employees["129"]
    result = company.load()
    assert result.tables["employees"] == TableResult(6, 1, 1, 6)
    assert result.tables["jobInfo"] == TableResult(4, 1, 1, 4)
    assert result.tables["employmentStatus"].new_versions == 1
    assert [row["reportsToId"] for row in company.rows("employees", "\"employeeId\" = '123'")] == [
        "125",
        "126",
    ]
    assert set(company.live("employees")) == set(hr.employees)
    ended = [row for row in company.rows("employmentStatus") if row["employmentStatus"] == "Terminated"]
    assert {(row["employeeId"], row["date"].isoformat()) for row in ended} == {
        ("124", "2026-06-30"),
        ("123", "2026-03-31"),
    }


def test_a_hidden_field_stops_the_load_and_is_named(hr: Hr, company: Connected) -> None:
    company.load()
    hr.restricted = ["homePhone", "hireDate"]
    with pytest.raises(ForbiddenError, match=r"hireDate of employee 123 may not be seen"):
        company.load()
    assert "give the user of the key an access level" in company.check()
    hr.restricted = ["homePhone"]
    assert company.load().load_ids == ()


def test_further_tables_and_a_dataset_land(hr: Hr, company: Connected) -> None:
    hr.tables["customTerritories"] = [
        {"id": "1", "employeeId": "123", "date": "2026-01-01", "customRegion": "North"}
    ]
    hr.dataset = [
        {
            "employeeNumber": str(number),
            "terminationDate": "0000-00-00" if number else "2026-06-30",
            "customQuota": "10.50",
        }
        for number in range(5)
    ]
    company.configure(
        '[bamboohr.tables.customTerritories]\ncolumns = { date = "date" }\n'
        '[bamboohr.tables.numbers]\nkey = ["employeeNumber"]\noptions = { dataset = "employee" }\n'
        'columns = { employeeNumber = "text", terminationDate = "date", customQuota = "decimal" }\n',
        read=("customTerritories", "numbers"),
    )
    company.load()
    assert company.live("customTerritories")["1"]["customRegion"] == "North"
    landed = company.live("numbers")
    assert len(landed) == 5 and landed["0"]["terminationDate"].isoformat() == "2026-06-30"
    assert landed["3"]["terminationDate"] is None and str(landed["3"]["customQuota"]) == "10.50000000"
    assert_in_specification(hr.server.requests, SPECIFICATION["paths"])


def test_a_rate_limit_is_honoured(hr: Hr, company: Connected) -> None:
    hr.server.fault(r"/employees$", retry_after(0.6, 503), retry_after(0.6), skip=1)
    company.load()
    asked = hr.server.asked(r"/employees$")
    assert [request.status for request in asked] == [200, 503, 429, 200, 200, 200]
    assert min(asked[2].at - asked[1].at, asked[3].at - asked[2].at) >= 0.6
    assert len(company.live("employees")) == 7


def test_a_page_that_comes_twice_in_place_of_the_next_is_refused(hr: Hr, company: Connected) -> None:
    first = [record | {"_restrictedFields": []} for record in list(hr.employees.values())[:2]]
    hr.server.fault(r"/employees$", change(lambda body: body | {"data": first}), skip=1)
    with pytest.raises(ApiError, match="held 5 different rows, BambooHR announced 7"):
        company.load()


def test_a_field_that_is_no_longer_sent_alerts(hr: Hr, company: Connected) -> None:
    company.load()
    for row in hr.tables["jobInfo"]:
        row["manager"] = row.pop("reportsTo")
    with pytest.raises(SchemaAlert, match=r"bamboohr\.jobInfo\.reportsTo.*new there: manager"):
        company.load()
    assert "reportsTo not sent" in company.check()


def test_check_tells_what_to_fix(hr: Hr, company: Connected, monkeypatch: pytest.MonkeyPatch) -> None:
    assert company.check().endswith("All in order.")
    del hr.tables["employmentStatus"]
    assert "`/api/v1/meta/tables`" in company.check()
    monkeypatch.setenv("SOURCES__BAMBOOHR__API_KEY", "revoked-key-of-somebody")
    said = company.check()
    assert "set the API key of an active user" in said and "revoked-key-of-somebody" not in said


def test_cursors_that_run_in_a_circle_are_refused(hr: Hr, company: Connected) -> None:
    following = {None: "2", "2": "4", "4": "2"}

    def circle(server: FaultServer, request: Request, answer: Any) -> Answer:
        right = answer()
        right.body["meta"]["page"]["nextCursor"] = following[request.query.get("page[after]")]
        return right

    hr.server.fault(r"/employees$", circle, circle, circle, circle)
    with pytest.raises(ApiError, match=r"bamboohr: .*/api/v1/employees: a page leads back"):
        company.load()
    assert hr.server.faults_left == 1


def test_a_dataset_that_never_ends_is_refused(hr: Hr, company: Connected) -> None:
    hr.dataset = [{"employeeNumber": str(number)} for number in range(5)]
    company.configure(
        '[bamboohr.tables.numbers]\nkey = ["employeeNumber"]\noptions = { dataset = "employee" }\n',
        read=("numbers",),
    )

    def endless(server: FaultServer, request: Request, answer: Any) -> Answer:
        rows = [{"fields": row} for row in hr.dataset[:2]]
        return Answer(200, {"data": rows, "meta": {"totalPages": request.json["page"] + 1, "totalItems": 5}})

    hr.server.fault(r"/datasets/employee/data$", *[endless] * 4)
    with pytest.raises(ApiError, match="numbers: the pages held 6 different rows, BambooHR announced 5"):
        company.load()
    assert hr.server.faults_left == 1
