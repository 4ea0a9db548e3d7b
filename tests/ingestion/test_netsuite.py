"""NetSuite through the real code: signatures, SuiteQL by id and stamp, lines that are gone, deleted records, zones."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.api.alerts import SchemaAlert
from ingestion.api.errors import ApiError
from ingestion.load import TableResult
from ingestion.systems.netsuite import oauth1, reader
from ingestion.systems.netsuite.tables import LINK, TABLES
from tests.support.companies.connected_company import Connected, assert_same
from tests.support.fakes.netsuite import RECORDS, SECRETS, ZONE, Account, many
from tests.support.servers.fault_server import (
    FaultServer,
    change,
    cut_body,
    hang_up,
    retry_after,
    status,
)


@pytest.fixture
def netsuite(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    for name, value in SECRETS.items():
        monkeypatch.setenv(f"SOURCES__NETSUITE__{name.upper()}", value)
    with FaultServer() as server:
        yield Account(server)


@pytest.fixture
def company(netsuite: Account, tmp_path: Path) -> Connected:
    section = '[netsuite.options]\naccount = "1234567-sb1"\ntime_zone = "Europe/Berlin"\n'
    return Connected(netsuite.server, "netsuite", tmp_path, section=section)


def test_a_signature_is_that_of_an_independent_implementation() -> None:
    address = "https://1234567-sb1.suitetalk.api.netsuite.com/services/rest/query/v1/suiteql?limit=1000&offset=0&q=a%20b%2Bc"
    oauth = {
        "oauth_consumer_key": "consumer-key", "oauth_token": "token-id", "oauth_nonce": "abc123",
        "oauth_timestamp": "1770000000", "oauth_signature_method": "HMAC-SHA256", "oauth_version": "1.0",
    }  # fmt: skip
    # Made by oauthlib 3 for the same request.
    assert (
        oauth1.signature("POST", address, oauth, "consumer&secret", "token secret")
        == "F9xwmCtYB2SVfuhhur/ah6xnp63dwau5/Pxn05TKgzo="
    )


def test_records_land_under_their_names_and_in_utc(netsuite: Account, company: Connected) -> None:
    company.load()
    for name, record in RECORDS.items():
        sent = dict(record)
        for field, value in record.items():
            if re.fullmatch(r"[0-9-]{10} [0-9:]{8}", value):
                sent[field] = datetime.fromisoformat(value).replace(tzinfo=ZONE).isoformat()
            elif value in ("T", "F"):
                sent[field] = value == "T"
        parts = next(table.primary_key for table in TABLES if table.name == name)
        key = tuple(record[part] for part in parts) if len(parts) > 1 else record["id"]
        assert_same(company.live(name)[key], sent)
    assert company.live("transaction")["7001"]["lastmodifieddate"] == datetime(2026, 1, 31, 8, 15, tzinfo=UTC)
    assert company.live("transactionline")["7001", "1"]["quantity"] == Decimal("-2.5")


def test_two_syncs_with_changes_and_deletes(netsuite: Account, company: Connected) -> None:
    many(netsuite, 30)
    company.load()
    assert company.load().load_ids == (), "nothing has changed"
    netsuite.now += timedelta(hours=4)
    netsuite.save("transaction", "8003", foreigntotal="999.99", voided="T")
    netsuite.line("9000", 0)
    netsuite.drop_line("8004", 2)
    netsuite.delete("transaction", "8005", "Customer Payment")
    netsuite.delete("customer", "501", "Customer")
    before = len(netsuite.server.requests)
    result = company.load()
    assert result.tables["transaction"] == TableResult(31, 3, 1, 31)
    assert result.tables["transactionline"].retired == 4, "one line alone, three with their transaction"
    assert result.tables["customer"] == TableResult(0, 0, 1, 0)
    queries = [request.body.decode() for request in netsuite.server.requests[before:]]
    unstamped = re.compile(f"FROM (currency|{LINK.name}) ")
    lists = [query for query in queries if "ORDER BY" in query and not unstamped.search(query)]
    assert all(">= TO_DATE('2026-0" in query or ">= TO_DATE('202" in query for query in lists), (
        "no whole table"
    )
    assert set(company.live("transaction")) == set(netsuite.rows["transaction"])
    assert {f"{transaction}/{line}" for transaction, line in company.live("transactionline")} == set(
        netsuite.rows["transactionline"]
    )
    totals = [row["foreigntotal"] for row in company.rows("transaction", "id = '8003'")]
    assert totals == [Decimal("3.07"), Decimal("999.99")]


def test_a_line_beyond_the_usual_numbers_is_retired_too(netsuite: Account, company: Connected) -> None:
    for number in (0, 50, 150, 700):
        netsuite.line("8000", number)
    company.load()
    netsuite.now += timedelta(hours=4)
    for number in (50, 700):
        netsuite.drop_line("8000", number)
    company.load()
    assert [line for transaction, line in company.live("transactionline") if transaction == "8000"] == [
        "0",
        "150",
    ]


def test_links_of_payments_are_read_whole_and_one_that_is_undone_is_retired(
    netsuite: Account, company: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "PAGE", 10)
    # Pages cut the links of one invoice, and one invoice has more links than a page.
    for number in range(7):
        netsuite.apply("7200", str(8000 + number), "10.01", line=number)
        netsuite.apply("7201", str(8000 + number), "0.99")
    for number in range(25):
        netsuite.apply(str(7300 + number), "8100", "1")
    netsuite.apply("7400", "9000", "5")
    company.load()
    assert {"/".join(key) for key in company.live(LINK.name)} == set(netsuite.rows[LINK.name])
    assert company.load().load_ids == ()
    netsuite.rows[LINK.name].popitem()
    netsuite.apply("7200", "8000", "9.99")
    assert company.load().tables[LINK.name] == TableResult(40, 1, 1, 40)


def test_equal_and_late_stamps_and_the_repeated_hour_lose_nothing(
    netsuite: Account, company: Connected
) -> None:
    del netsuite.rows["transaction"]["7001"]
    # 2025-10-26 02:00 to 03:00 happens twice in Berlin; the stamps of both hours look the same.
    netsuite.now = datetime(2025, 10, 26, 0, 50, tzinfo=UTC)
    netsuite.save("transaction", "8001")
    company.configure(company.section, read=("transaction",))
    company.load()
    netsuite.now = datetime(2025, 10, 26, 1, 10, tzinfo=UTC)
    assert netsuite.stamp() < netsuite.rows["transaction"]["8001"]["lastmodifieddate"]
    netsuite.save("transaction", "8002")
    company.load()
    assert {"8001", "8002"} == set(company.live("transaction"))


def test_pages_go_on_from_the_last_id(
    netsuite: Account, company: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "PAGE", 10)
    many(netsuite, 35)
    # A row in front goes while pages are read: with offsets the next page would pass one over.
    netsuite.server.fault(
        reader.PATH, change(lambda body: (netsuite.rows["transaction"].pop("7001", None), body)[1]), skip=6
    )
    company.load()
    assert {f"{8000 + number}" for number in range(35)} <= set(company.live("transaction"))
    assert len(company.live("transactionline")) == 35 * 3 + 1


def test_faults_in_mid_paging_change_nothing(
    netsuite: Account, company: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "PAGE", 10)
    many(netsuite, 25)
    netsuite.server.faults(reader.PATH, status(500), hang_up(), cut_body(), retry_after(0.3), skip=7)
    assert company.load().tables["transaction"].live == 26
    assert len(company.live("transactionline")) == 25 * 3 + 1
    assert netsuite.server.faults_left == 0


def test_a_rate_limit_is_honoured(netsuite: Account, company: Connected) -> None:
    netsuite.server.fault(reader.PATH, retry_after(0.7), skip=2)
    company.load()
    refused, again = netsuite.server.requests[2:4]
    assert (refused.status, again.status, refused.body) == (429, 200, again.body)
    assert 0.7 <= again.at - refused.at < 3
    assert refused.headers["authorization"] != again.headers["authorization"], "signed anew"


def test_an_answer_without_rows_is_no_empty_table(netsuite: Account, company: Connected) -> None:
    netsuite.server.fault(reader.PATH, change(lambda _body: {"links": []}))
    with pytest.raises(ApiError, match="has no items"):
        company.load()


def test_a_renamed_custom_field_alerts(netsuite: Account, company: Connected) -> None:
    netsuite.columns["transaction"].add("custbody_region")
    netsuite.rows["transaction"]["7001"]["custbody_region"] = "North"
    company.configure(
        company.section + '[netsuite.tables.transaction]\ncolumns = { custbody_region = "text" }'
    )
    company.load()
    assert company.live("transaction")["7001"]["custbody_region"] == "North"
    netsuite.columns["transaction"].remove("custbody_region")
    with pytest.raises(SchemaAlert, match=r"netsuite\.transaction\.custbody_region"):
        company.load()
    assert "transaction.custbody_region" in company.check()


def test_check_tells_what_to_fix(
    netsuite: Account, company: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert company.check().endswith("All in order.")
    denied = {"title": "Bad Request", "o:errorDetails": [{"detail": "Record 'deletedrecord' was not found."}]}
    netsuite.server.fault(reader.PATH, status(400, denied), skip=len(TABLES))
    assert "give the role Deleted Records" in company.check()
    monkeypatch.setenv("SOURCES__NETSUITE__TOKEN_SECRET", "secret-that-is-wrong")
    said = company.check()
    assert "correct the four secrets" in said and "secret-that-is-wrong" not in said
