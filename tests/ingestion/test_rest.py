"""A REST API that is described in sources.toml alone: pages, keys, changes, nested fields, credentials."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.api.config import ConfigError
from ingestion.api.errors import ApiError, UnavailableError
from ingestion.load import TableResult
from ingestion.registry import configured_systems
from tests.support.companies.connected_company import Connected
from tests.support.fakes.rest import RATE_TABLE, SECTION, TOKEN, Shop
from tests.support.servers.fault_server import FaultServer, hang_up, retry_after, status


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setenv("SOURCES__REST__TOKEN", TOKEN)
    with FaultServer() as server:
        made = Shop(server)
        for number in range(1, 11):
            made.save(number, Decimal("0.1") * number)
        yield made


@pytest.fixture
def company(shop: Shop, tmp_path: Path) -> Connected:
    return Connected(shop.server, "rest", tmp_path, "", SECTION)


def test_records_land_with_their_fields_exactly(shop: Shop, company: Connected) -> None:
    shop.server.fault(r"/orders", retry_after(0.2), status(503))
    company.load()
    landed = company.live("orders")
    assert set(landed) == {str(number) for number in range(1, 11)}
    assert landed["3"]["amount"] == Decimal("0.3") and landed["4"]["owner_id"] == "u1"
    assert landed["4"]["owner"] == '{"id":"u1","name":"x"}'
    assert landed["4"]["changed"] == datetime(2024, 1, 1, 12, 0, 4, tzinfo=UTC)
    assert [request.query["page"] for request in shop.server.asked(r"/orders")] == ["1", "1", "1", "2", "3"]


def test_only_changes_are_asked_for_and_nothing_is_lost_or_doubled(shop: Shop, company: Connected) -> None:
    company.load()
    shop.save(3, Decimal("9.999"))
    shop.save(11, Decimal("1.1"))
    before = len(shop.server.requests)
    assert company.load().tables["orders"] == TableResult(11, 2, 0, 11)
    # The last change was at 12:00:10, and the overlap is an hour.
    assert company.asked_since(before)[0].query["changed_since"] == "2024-01-01T11:00:10Z"
    assert [row["amount"] for row in company.rows("orders", "id = '3'")] == [Decimal("0.3"), Decimal("9.999")]
    assert company.load().load_ids == ()


def test_a_page_that_fails_for_good_writes_nothing(shop: Shop, company: Connected) -> None:
    company.load()
    shop.save(3, Decimal("9.999"))
    shop.server.fault(r"/orders", status(500), status(500), status(500))
    with pytest.raises(ApiError):
        company.load()
    assert company.live("orders")["3"]["amount"] == Decimal("0.3")
    assert company.load().tables["orders"] == TableResult(10, 1, 0, 10)


def test_a_list_that_is_read_whole_retires_what_is_gone(shop: Shop, company: Connected) -> None:
    company.configure('auth = "none"\n' + RATE_TABLE)
    company.load()
    shop.teams[1]["lead"] = "8"
    shop.teams.append({"code": "north", "lead": "9"})
    del shop.teams[0]
    company.load()
    assert {code: row["lead"] for code, row in company.live("teams").items()} == {"east": "8", "north": "9"}


def test_a_token_that_is_refused_is_said_without_it(shop: Shop, company: Connected) -> None:
    shop.server.fault(r"/orders", status(401))
    with pytest.raises(ApiError) as caught:
        company.load()
    assert "401" in str(caught.value) and TOKEN not in str(caught.value)
    assert "orders: readable (4 rows in the first page)" in company.check()


def test_a_list_of_something_else_is_refused(shop: Shop, company: Connected) -> None:
    company.configure('auth = "none"\n' + RATE_TABLE)
    shop.teams = ["west", "east"]
    with pytest.raises(ApiError, match="the list holds str instead of records; set records to the path"):
        company.load()


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('key = ["id"]', "tables.t.options.path is missing"),
        ('options = { path = "/t" }', "tables.t.key is missing"),
        (
            'key = ["id"]\noptions = { path = "/t", pages = 3 }',
            "tables.t.options.pages is not known; known are",
        ),
        ('key = ["id"]\noptions = { path = "/t", method = "DELETE" }', "method must be GET, or POST"),
        ('key = ["id"]\noptions = { path = "/t", paginator = "pages" }', "the paginator pages is not known"),
        (
            'key = ["id"]\noptions = { path = "/t", paginator = { type = "json_link", nxt = "n" } }',
            "tables.t.options.paginator",
        ),
        ('key = ["id"]\noptions = { path = "/t", since_param = "since" }', "needs tables.t.stamp"),
        ('key = ["id"]\noptions = { path = "/t", params = "a=b" }', "params must have keys of its own"),
    ],
)
def test_a_wrong_description_is_refused_before_anything_is_asked(
    shop: Shop, company: Connected, written: str, said: str
) -> None:
    company.configure(f'auth = "none"\n[rest.tables.t]\n{written}\n')
    with pytest.raises(ConfigError) as caught:
        configured_systems(company.settings)
    assert "sources.toml [rest]:" in str(caught.value) and said in str(caught.value)
    assert not shop.server.requests


def test_a_server_that_is_away_is_said(shop: Shop, company: Connected) -> None:
    shop.server.fault(r"/orders", hang_up(), hang_up(), hang_up())
    with pytest.raises(UnavailableError):
        company.load()
