"""Rippling through the real code: terminations, managers with history, private fields, moving lists."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingestion.api.alerts import SchemaAlert
from ingestion.api.errors import ApiError
from ingestion.load import TableResult
from ingestion.systems.rippling import connector
from ingestion.systems.rippling.tables import TABLES
from tests.support.companies.connected_company import (
    Connected,
    assert_in_specification,
    assert_same,
)
from tests.support.fakes.rippling import BASE, SPECIFICATION, TOKEN, Company
from tests.support.servers.fault_server import (
    FaultServer,
    change,
    cut_body,
    hang_up,
    retry_after,
    status,
)


@pytest.fixture
def rippling(monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    monkeypatch.setenv("SOURCES__RIPPLING__TOKEN", TOKEN)
    with FaultServer() as server:
        yield Company(server)


@pytest.fixture
def company(rippling: Company, tmp_path: Path) -> Connected:
    return Connected(rippling.server, "rippling", tmp_path, BASE)


def test_the_columns_are_fields_of_the_specification() -> None:
    for table, item in zip(TABLES, ("Employee", "Department", "Team", "Level"), strict=True):
        assert {column.name for column in table.columns} <= set(SPECIFICATION["schemas"][item])


def test_records_land_under_their_names_and_private_fields_do_not(
    rippling: Company, company: Connected
) -> None:
    company.load()
    for key, row in company.live("employees").items():
        assert_same(row, {name: value for name, value in rippling.employees[key].items() if name in row})
    for name in ("departments", "teams", "levels"):
        for record in rippling.lists[name]:
            assert_same(company.live(name)[record["id"]], record)
    landed = {
        name
        for (name,) in company.query(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'employees'"
        )
    }
    assert not landed & {"ssn", "dob", "personalEmail", "compensation", "customFields"}
    assert_in_specification(rippling.server.requests, SPECIFICATION["paths"], BASE)


def test_two_syncs_with_a_new_manager_a_termination_and_a_gone_team(
    rippling: Company, company: Connected
) -> None:
    company.load()
    assert company.load().load_ids == (), "nothing has changed"
    rippling.employees["e02"] |= {"manager": "e09"}
    rippling.employees["e01"] |= {"roleState": "TERMINATED", "endDate": "2026-03-31"}
    rippling.lists["teams"] = []
    rippling.hire(1)
    result = company.load()
    assert result.tables["employees"] == TableResult(4, 3, 0, 4)
    assert result.tables["teams"] == TableResult(0, 0, 1, 0)
    assert [row["manager"] for row in company.rows("employees", "id = 'e02'")] == ["e01", "e09"]
    ended = company.live("employees")["e01"]
    assert (ended["roleState"], ended["endDate"].isoformat()) == ("TERMINATED", "2026-03-31")


def test_custom_fields_that_are_named_become_columns(rippling: Company, company: Connected) -> None:
    company.configure(
        '[rippling.tables.employees]\ncolumns = { "Sales Region" = "text", employeeNumber = "bigint" }'
    )
    company.load()
    assert (
        company.live("employees")["e01"]["Sales Region"],
        company.live("employees")["e01"]["employeeNumber"],
    ) == ("West", 7)
    assert company.live("employees")["e02"]["Sales Region"] is None


def test_a_list_that_moves_while_it_is_read_is_read_again(
    rippling: Company, company: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connector, "PAGE", 10)
    rippling.hire(40)

    def meddle(offset: int) -> None:
        if offset > 10 and "e02" in rippling.employees:
            rippling.lists["employees"].remove(rippling.employees["e02"])

    rippling.before_page = meddle  # type: ignore[assignment]
    company.load()
    assert set(company.live("employees")) == set(rippling.employees)

    def always(offset: int) -> None:
        if offset:
            rippling.lists["employees"].pop(0)

    rippling.before_page = always  # type: ignore[assignment]
    with pytest.raises(ApiError, match="the list moved"):
        company.load()


def test_faults_in_mid_paging_change_nothing(rippling: Company, company: Connected) -> None:
    rippling.hire(650)
    rippling.server.faults("include_terminated", status(500), hang_up(), cut_body(), retry_after(0.3))
    assert company.load().tables["employees"].live == 653
    assert rippling.server.faults_left == 0


def test_a_rate_limit_is_honoured(rippling: Company, company: Connected) -> None:
    rippling.server.fault("/teams", retry_after(0.7))
    company.load()
    refused, again = rippling.server.asked("/teams")
    assert (refused.status, again.status) == (429, 200)
    assert 0.7 <= again.at - refused.at < 3


def test_a_lost_scope_alerts_and_check_names_it(
    rippling: Company, company: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert company.check().endswith("All in order.")
    company.load()
    for record in rippling.lists["employees"]:
        del record["manager"]
    with pytest.raises(SchemaAlert, match=r"rippling\.employees\.manager"):
        company.load()
    assert "manager not sent; give the key the scopes" in company.check()
    rippling.server.fault("/teams", status(403, {"detail": "no permission"}))
    assert "company:teams" in company.check()
    monkeypatch.setenv("SOURCES__RIPPLING__TOKEN", "key-of-somebody-else")
    said = company.check()
    assert "set the API key of the company" in said and "key-of-somebody-else" not in said


def test_an_answer_that_is_no_list_is_refused(rippling: Company, company: Connected) -> None:
    rippling.server.fault("/teams", change(lambda _body: {"results": []}))
    with pytest.raises(ApiError, match="is not a list"):
        company.load()
