"""The frame of a connector: cursors, deletes, memory, fields without a description, configuration."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import pytest

from ingestion.api.alerts import SchemaAlert
from ingestion.api.client import Client
from ingestion.api.config import ConfigError, Configured, duration, read_sources
from ingestion.api.connector import Connector, Deleted, FullReadNeeded, Reading, SourceConfig
from ingestion.api.records import Rows, as_text
from ingestion.landing.files import InputError
from ingestion.landing.settings import Settings
from ingestion.landing.tables import Table, amount, flag, instant, text
from ingestion.load import LoadResult, TableResult, load_system
from ingestion.models import unloaded_systems, unread_tables
from ingestion.registry import FILE_SYSTEMS, connected_system, source_systems
from tests.support.servers.fault_server import FaultServer, Request

DEALS = Table(
    "deals",
    (*text("id", "owner", "note"), *amount("amount"), *flag("gone"), *instant("changed")),
    ("id",),
    "changed",
)
RATES = Table("rates", (*text("from", "to"), *amount("rate")), ("from", "to"))
EVENTS = Table("events", (*text("id", "kind"), *instant("at")), ("id",), "at")


class Shop(Connector):
    """A system with changes and a feed of deletions (deals), a list (rates), and a delta link (events)."""

    name: ClassVar[str] = "shop"
    title: ClassVar[str] = "A shop"
    tables = (DEALS, RATES, EVENTS)
    readings: Mapping[str, Reading] = {
        "deals": Reading(incremental=True, overlap=timedelta(minutes=10)),
        "events": Reading(incremental=True, omits_empty=True),
    }

    def read(
        self, table: Table, client: Client, since: datetime | None
    ) -> Iterator[list[dict[str, Any]] | Deleted]:
        memory = self.memory[table.name]
        params = {"since": since.isoformat() if since else "", "link": memory.get("link", "")}
        body = client.get(f"/{table.name}", params)
        if body.get("expired"):
            raise FullReadNeeded("the link has expired")
        if "deleted" in body:
            yield Deleted([(key,) for key in body["deleted"]])
        yield body["rows"]
        if "link" in body:
            memory["link"] = body["link"]


def stamp(minute: int) -> str:
    return (datetime(2026, 3, 1, 8, tzinfo=UTC) + timedelta(minutes=minute)).isoformat()


def deal(number: int, minute: int, **values: Any) -> dict[str, Any]:
    return {
        "id": f"D{number}",
        "owner": "ana",
        "note": None,
        "amount": Decimal(number),
        "gone": False,
        "changed": stamp(minute),
    } | values


@dataclass
class World:
    """The shop's contents, and the warehouse."""

    server: FaultServer
    settings: Settings
    deals: list[dict[str, Any]] = field(
        default_factory=lambda: [deal(number, number) for number in range(100)]
    )
    rates: list[dict[str, Any]] = field(
        default_factory=lambda: [{"from": "EUR", "to": "USD", "rate": Decimal("1.1")}]
    )
    events: list[dict[str, Any]] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    link: str = "link-0"
    is_expired: bool = False

    def answer(self, request: Request) -> Any:
        rows: list[dict[str, Any]] = getattr(self, request.path.strip("/"))
        since = request.query.get("since")
        body: dict[str, Any] = {"rows": rows}
        if request.path == "/deals":
            body["deleted"] = self.deleted
            if since:
                body["rows"] = [
                    row
                    for row in rows
                    if datetime.fromisoformat(row["changed"]) >= datetime.fromisoformat(since)
                ]
        if request.path == "/events":
            body["link"] = self.link
            if self.is_expired and request.query.get("link"):
                return {"expired": True}
        return body

    def load(self, **changed: Any) -> LoadResult:
        config = SourceConfig("shop", "shop", self.server.url)
        configured = Configured(config, Shop, Shop.tables, **changed)
        return load_system(connected_system(configured), self.settings)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def asked(self, table: str) -> list[Mapping[str, str]]:
        return [request.query for request in self.server.asked(f"/{table}")]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("SOURCES__SHOP__TOKEN", "the-token-of-the-shop")
    with FaultServer() as server:
        made = World(server, Settings(home=tmp_path / "home", extracts=tmp_path, seeds=tmp_path / "seeds"))
        server.route("GET", "/(deals|rates|events)")(made.answer)
        yield made


def plan(seeds: Path, source_object: str, expression: str) -> None:
    (seeds / "plans").mkdir(parents=True)
    (seeds / "crediting").mkdir()
    (seeds / "plans" / "plans.csv").write_text(
        f'plan_id,source_object,filter_expression\nothers,crm/Opportunity,"""note"" = 1"\nours,{source_object},\n'
    )
    quoted = expression.replace('"', '""')
    (seeds / "crediting" / "credit_rules.csv").write_text(
        f'plan_id,rule_id,condition_expression\nours,main,"{quoted}"\nothers,main,"{quoted}"\n'
    )


def test_the_cursor_is_the_latest_stamp_less_the_overlap(world: World) -> None:
    assert world.load().tables["deals"] == TableResult(100, 100, 0, 100)
    world.deals += [deal(200, 89), deal(201, 88)]
    result = world.load(overlap={"deals": timedelta(minutes=10)})
    assert world.asked("deals")[1]["since"] == stamp(99 - 10)
    assert result.tables["deals"] == TableResult(101, 1, 0, 101), (
        "one is at the cursor less the overlap, one below"
    )
    assert world.load(overlap={"deals": timedelta(minutes=11)}).tables["deals"] == TableResult(102, 1, 0, 102)


def test_rows_that_come_twice_land_once_and_the_latest_wins(world: World) -> None:
    world.deals += [deal(3, 120, amount=Decimal(8)), deal(3, 110, amount=Decimal(7)), deal(4, 4)]
    world.deals += [deal(5, 5, amount=Decimal(9))]
    assert world.load().tables["deals"] == TableResult(100, 100, 0, 100)
    assert world.query("SELECT id, amount FROM raw_shop.deals WHERE id IN ('D3', 'D4', 'D5') ORDER BY 1") == [
        ("D3", Decimal(8)),
        ("D4", Decimal(4)),
        ("D5", Decimal(9)),
    ]


def test_a_stamp_in_the_future_does_not_move_the_cursor_beyond_now(world: World) -> None:
    world.deals.append(deal(200, 0, changed="2999-01-01T00:00:00Z"))
    world.load()
    world.load()
    assert datetime.fromisoformat(world.asked("deals")[1]["since"]) <= datetime.now(UTC)


def test_a_feed_of_deletions_retires_rows(world: World) -> None:
    world.load()
    world.deals = [row for row in world.deals if row["id"] not in ("D7", "D8")]
    world.deleted = ["D7", "D8", "D-never-seen", "D99"]
    world.deals.append(deal(300, 100))
    assert world.load().tables["deals"] == TableResult(99, 1, 2, 99), "D99 is still sent, so it is there"
    assert world.load().load_ids == ()
    world.deals.append(deal(7, 130))
    assert world.load().tables["deals"] == TableResult(100, 1, 0, 100), "it may come back"
    world.deals = world.deals[:-1]
    world.deleted = ["D7"]
    assert world.load().tables["deals"] == TableResult(99, 0, 1, 99), "a delta of deletions alone"


def test_too_many_deletions_are_refused(world: World) -> None:
    world.load()
    world.deleted, world.deals = [f"D{number}" for number in range(60)], world.deals[60:]
    with pytest.raises(InputError, match=r"60 rows would be retired.*COMMISSIONS_ALLOW_SHRINK=shop\.deals"):
        world.load()
    world.settings = replace(world.settings, allow_shrink=frozenset({"shop.deals"}))
    assert world.load().tables["deals"] == TableResult(40, 0, 60, 40)


def test_a_list_is_compared_whole(world: World) -> None:
    world.load()
    world.rates.append({"from": "GBP", "to": "USD", "rate": Decimal("1.3")})
    assert world.load().tables["rates"] == TableResult(2, 1, 0, 2)
    world.rates[0]["rate"] = Decimal("1.2")
    del world.rates[1]
    assert world.load().tables["rates"] == TableResult(1, 1, 1, 1)
    assert world.load().load_ids == ()


def test_a_list_without_stamp_that_stopped_changing_is_refused(world: World) -> None:
    at_once = {"rates": timedelta(0)}
    world.load(max_age=at_once)
    with pytest.raises(InputError, match="more than the 0:00:00 that max_age allows"):
        world.load(max_age=at_once)
    assert world.load(max_age={"rates": timedelta(hours=1)}).load_ids == ()
    world.rates[0]["rate"] = Decimal("1.2")
    assert world.load(max_age=at_once).tables["rates"].new_versions == 1


def test_two_different_rows_with_one_key_are_refused_without_a_stamp(world: World) -> None:
    world.rates.append(dict(world.rates[0]))
    assert world.load().tables["rates"].live == 1
    world.rates.append(world.rates[0] | {"rate": Decimal("1.2")})
    with pytest.raises(InputError, match=r"row 3 column from \+ to: 'EUR', 'USD' is the key of record"):
        world.load()


def test_memory_is_kept_with_the_load_and_a_full_read_follows_an_expired_link(world: World) -> None:
    world.events = [{"id": "E1", "kind": "new", "at": stamp(1)}]
    world.load()
    world.link, world.rates[0]["rate"] = "link-1", "no number"
    with pytest.raises(InputError):
        world.load()
    world.rates[0]["rate"] = Decimal("1.1")
    world.load()
    world.is_expired = True
    world.load()
    links = [query["link"] for query in world.asked("events")]
    assert (links[0], links[-3:]) == ("", ["link-0", "link-1", ""]), "the failed load has not moved the link"
    assert world.asked("events")[-1]["since"] == ""


def test_a_vanished_field_without_description_alerts(world: World) -> None:
    plan(world.settings.seeds, "shop/deals", "\"Note\" = 'x'")
    world.load()
    for row in world.deals:
        row["remark"] = row.pop("note")
    with pytest.raises(SchemaAlert) as caught:
        world.load()
    said = str(caught.value)
    assert "shop.deals.note: is no longer a field of the source" in said
    assert "used by plan ours (seeds/crediting/credit_rules.csv row 2, condition_expression)" in said
    assert "plan others" not in said and "new there: remark" in said


def test_a_field_that_changed_its_type_alerts_and_a_single_bad_value_is_named(world: World) -> None:
    world.load()
    world.deals.append(deal(300, 200, amount="12,50"))
    with pytest.raises(InputError, match="row 12 column amount: '12,50' is not a decimal number") as single:
        world.load()
    assert not isinstance(single.value, SchemaAlert)
    for row in world.deals:
        row["amount"] = {"value": "1", "currency": "EUR"}
    with pytest.raises(SchemaAlert, match=r"shop\.deals\.amount: has changed its type"):
        world.load()


def test_empty_fields_that_are_left_out_are_no_alert_until_all_are(world: World) -> None:
    world.events = [{"id": "E1", "kind": "new", "at": stamp(1)}, {"id": "E2", "at": stamp(2)}]
    world.load()
    world.events.append({"id": "E3", "at": stamp(3)})
    world.load()
    del world.events[0]["kind"]
    world.load()
    with pytest.raises(SchemaAlert, match=r"shop\.events\.kind"):
        world.load(full_every={"events": timedelta(0)})


def test_an_instant_without_zone_is_refused(world: World) -> None:
    world.deals[3]["changed"] = "2026-03-01T08:00:00"
    with pytest.raises(InputError, match="row 4 column changed: '2026-03-01T08:00:00' has no time zone"):
        world.load()


def test_a_failed_read_writes_nothing_and_the_next_goes_on(world: World) -> None:
    world.load()
    before = world.query("SELECT count(*), max(_dlt_valid_from) FROM raw_shop.deals")
    world.deals.append(deal(300, 300))
    world.rates[0]["rate"] = "none"
    with pytest.raises(InputError):
        world.load()
    assert world.query("SELECT count(*), max(_dlt_valid_from) FROM raw_shop.deals") == before
    world.rates[0]["rate"] = Decimal("1.1")
    assert world.load().tables["deals"] == TableResult(101, 1, 0, 101)
    assert world.asked("deals")[-1]["since"] == stamp(99 - 10), "the cursor of the last good load"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, ""),
        (True, "true"),
        (12, "12"),
        (Decimal("1.50"), "1.50"),
        (Decimal("1E+7"), "10000000"),
        ({"b": Decimal("0.10"), "a": ["x", None, True]}, '{"a":["x",null,true],"b":0.10}'),
        ('He said "é"', 'He said "é"'),
    ],
)
def test_values_become_text_digit_for_digit(value: Any, written: str) -> None:
    assert as_text(value) == written
    if isinstance(value, dict):
        assert json.loads(written, parse_float=Decimal) == value


def test_a_float_is_refused() -> None:
    rows = Rows(RATES, "shop:rates")
    rows.add([{"from": "EUR", "to": "USD", "rate": 1.1}])
    assert [str(problem) for problem in rows.problems()] == [
        "shop:rates row 1 column rate: float is not a value of JSON; parse numbers as Decimal"
    ]


def test_an_api_row_and_a_file_row_have_one_hash(tmp_path: Path) -> None:
    from ingestion.landing.files import open_extract, read_extract

    path = tmp_path / "rates.csv"
    path.write_text("from,to,rate\nEUR,USD,1.10\n")
    by_file = read_extract(open_extract(path, "x", RATES), RATES).rows
    rows = Rows(RATES, "shop:rates")
    rows.add([{"from": "EUR", "to": "USD", "rate": Decimal("1.1"), "extra": None}])
    assert by_file is not None
    assert rows.distinct()["_row_hash"].to_pylist() == by_file["_row_hash"].to_pylist()


# sources.toml


def sources(tmp_path: Path, content: str) -> Path:
    path = tmp_path / "sources.toml"
    path.write_text(content)
    return path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[crm]\nbase_url = 'https://x.example'", "connector is missing"),
        ("[crm]\nconnector = 'salesforce'", "base_url is missing"),
        ("[crm]\nconnector = 'salesfarce'\nbase_url = 'https://x.example'", "no connector 'salesfarce'"),
        ("[crm]\nconnector = 'salesforce'\nbase_url = 'http://x.example'", "must begin with https"),
        (
            "[crm]\nconnector = 'salesforce'\nbase_url = 'https://x.example'\nclient_secret = 'x'",
            "looks like a secret",
        ),
        (
            "[crm]\nconnector = 'salesforce'\nbase_url = 'https://x.example'\n[crm.options]\npassword = 'x'",
            "looks like a secret",
        ),
        (
            "[crm]\nconnector = 'salesforce'\nbase_url = 'https://x.example'\nauth = 'basic'",
            "auth 'basic' is not known",
        ),
        (
            "[crm]\nconnector = 'salesforce'\nbase_url = 'https://x.example'\ntabels = 1",
            "tabels is not known",
        ),
        (
            "[crm]\nconnector = 'salesforce'\nbase_url = 'https://x.example'\n[crm.tables.User]\noverlap = '2h'",
            "no duration",
        ),
        (
            "[crm]\nconnector = 'salesforce'\nbase_url = 'https://x.example'\n[crm.tables.User.columns]\nX__c = 'money'",
            "type 'money'",
        ),
        ("[crm\n", "sources.toml"),
    ],
)
def test_a_wrong_configuration_names_the_place(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_sources(sources(tmp_path, content))


def test_a_missing_configuration_that_was_asked_for_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="COMMISSIONS_SOURCES"):
        read_sources(tmp_path / "none.toml")
    assert read_sources(None) == []


def test_a_system_of_files_is_replaced_and_keeps_what_the_models_read(tmp_path: Path) -> None:
    path = sources(tmp_path, "[crm]\nconnector = 'salesforce'\nbase_url = 'https://x.example'")
    systems = source_systems(Settings(home=tmp_path, extracts=tmp_path, sources=path))
    assert list(systems) == list(FILE_SYSTEMS)
    assert not systems["crm"].reads_files and systems["hris"].reads_files
    tables = {table.name: table for table in systems["crm"].tables}
    for declared in FILE_SYSTEMS["crm"].tables:
        assert set(declared.columns) <= set(tables[declared.name].columns)
        assert tables[declared.name].primary_key == declared.primary_key
    assert "OpportunityFieldHistory" in tables
    assert tables["Opportunity"].column("Product_Tier__c").type == "text"


def test_what_the_company_has_not_is_said_once_and_lands_empty(tmp_path: Path) -> None:
    content = (
        "[crm]\nconnector = 'salesforce'\nbase_url = 'https://x.example'\nread = ['Opportunity', 'User']\n"
    )
    (configured,) = read_sources(sources(tmp_path, content), FILE_SYSTEMS)
    said = [str(problem) for problem in unread_tables([configured])]
    assert len(said) == len(FILE_SYSTEMS["crm"].tables) - 2
    assert "the models read crm.OpportunitySplit, and [crm] does not bring it; add it to `read`" in said[0]
    content += (
        "without = ['Opportunity?*', 'Product*', 'Account', 'Territory2', 'Opportunity.Territory2Id']\n"
    )
    (configured,) = read_sources(
        sources(tmp_path, content.replace("?*'", "Split', 'OpportunityLineItem'")), FILE_SYSTEMS
    )
    assert unread_tables([configured]) == [] and len(configured.empty) == len(said)
    opportunity = configured.tables[0]
    assert [
        column.name for column in opportunity.columns if column not in configured.sought(opportunity).columns
    ] == ["Territory2Id"]


@pytest.mark.parametrize(("pattern", "message"), [
    ("Opportunities", "Opportunities is nothing that the models declare"),
    ("User", "User is read; name the tables"),
    ("User.Id", r"User\.Id is the key, stamp or mark of deletion"),
], ids=["nothing", "a table that is read", "a key"])  # fmt: skip
def test_a_wrong_without_is_refused(tmp_path: Path, pattern: str, message: str) -> None:
    content = f"[crm]\nconnector = 'salesforce'\nbase_url = 'https://x.example'\nread = ['User']\nwithout = ['{pattern}']"
    with pytest.raises(ConfigError, match=message):
        read_sources(sources(tmp_path, content), FILE_SYSTEMS)


STRIPE = "connector = 'stripe'\nbase_url = 'https://x.example'\n"


def test_a_section_replaces_a_system_of_files_that_is_then_not_loaded(tmp_path: Path) -> None:
    path = sources(tmp_path, f"[stripe]\n{STRIPE}replaces = 'billing'")
    systems = source_systems(Settings(home=tmp_path, extracts=tmp_path, sources=path))
    assert list(systems) == ["crm", "hris", "fx", "maven_crm", "stripe"]
    assert systems["stripe"].schema == "raw_stripe"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f"[stripe]\n{STRIPE}replaces = 'bills'", "must be a system of files: crm, hris, billing"),
        (f"[stripe]\n{STRIPE}replaces = ['billing']", "must be a system of files"),
        (f"[a]\n{STRIPE}replaces = 'billing'\n[b]\n{STRIPE}replaces = 'billing'", "billing is replaced by"),
        (f"[stripe]\n{STRIPE}replaces = 'billing'\n[billing]\n{STRIPE}", "billing is replaced by"),
    ],
)
def test_what_cannot_be_replaced_is_refused(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_sources(sources(tmp_path, content), FILE_SYSTEMS)


def test_a_system_that_the_models_read_and_no_load_keeps_is_a_problem(tmp_path: Path) -> None:
    project = tmp_path / "dbt_project.yml"
    project.write_text("vars: {billing_system: files, hris_system: bamboohr}")
    assert unloaded_systems(["crm", "hris", "billing", "bamboohr"], project) == []
    said = [str(problem) for problem in unloaded_systems(["crm", "hris", "stripe"], project)]
    assert len(said) == 2
    assert "column billing_system: the models read 'billing' (billing_system: files), which is not" in said[0]
    assert "column hris_system: the models read 'bamboohr'" in said[1] and "replaces hris" in said[1]
    assert unloaded_systems(FILE_SYSTEMS) == [], "the project as it is delivered"


def test_durations() -> None:
    assert duration("2 hours") == timedelta(hours=2)
    assert duration("1 day") == timedelta(days=1)
