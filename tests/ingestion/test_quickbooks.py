"""QuickBooks Online through the real code: recorded objects, change data capture, voids, deletions, moving lists."""

import copy
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.api.alerts import SchemaAlert
from ingestion.api.errors import ApiError, AuthError
from ingestion.load import TableResult
from ingestion.systems.quickbooks import reader
from tests.support.companies.connected_company import Connected, assert_same
from tests.support.fakes.quickbooks import BASE, CLIENT_ID, RECORDS, REFRESH, SECRET, Books, ago
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
def books(monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    for name, value in (("CLIENT_ID", CLIENT_ID), ("CLIENT_SECRET", SECRET), ("REFRESH_TOKEN", REFRESH)):
        monkeypatch.setenv(f"SOURCES__QUICKBOOKS__{name}", value)
    with FaultServer() as server:
        made = Books(server)
        for name in ("Invoice", "SalesReceipt", "Customer"):
            made.records[name] = {record["Id"]: copy.deepcopy(record) for record in RECORDS[name]}
        yield made


@pytest.fixture
def company(books: Books, tmp_path: Path) -> Connected:
    section = f'[quickbooks.options]\ntoken_url = "{books.server.url}/tokens/bearer"'
    return Connected(books.server, "quickbooks", tmp_path, BASE, section)


def test_recorded_objects_land_under_their_names(books: Books, company: Connected) -> None:
    company.load()
    for name in ("Invoice", "SalesReceipt", "Customer"):
        for record in RECORDS[name]:
            sent = record | {"LastUpdatedTime": record["MetaData"]["LastUpdatedTime"]}
            assert_same(company.live(name)[record["Id"]], sent)
    types = dict(
        company.query(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'Invoice'"
        )
    )
    assert (types["TotalAmt"], types["TxnDate"], types["ExchangeRate"]) == (
        "DECIMAL(28,8)",
        "DATE",
        "DECIMAL(28,10)",
    )


def test_two_syncs_with_a_void_a_deletion_and_a_payment(books: Books, company: Connected) -> None:
    for number in range(20):
        books.save("Invoice", str(1000 + number), at=ago(days=5), TotalAmt=Decimal("100.10"))
    company.load()
    assert company.load().load_ids == (), "nothing has changed"
    books.records["Invoice"]["264"] = RECORDS["Invoice_voided"] | {"MetaData": {"LastUpdatedTime": ago()}}
    books.delete("Invoice", "1003")
    paid = {"Amount": Decimal("40.05"), "LinkedTxn": [{"TxnId": "1004", "TxnType": "Invoice"}]}
    books.save("Payment", "1", TotalAmt=Decimal("40.05"), UnappliedAmt=0, Line=[paid])
    books.save(
        "Invoice",
        "1004",
        TotalAmt=Decimal("100.10"),
        Balance=Decimal("60.05"),
        LinkedTxn=[{"TxnId": "1", "TxnType": "Payment"}],
    )
    before = len(books.server.requests)
    result = company.load()
    assert result.tables["Invoice"] == TableResult(20, 2, 1, 20)
    asked = [request for request in books.server.requests[before:] if "query" in request.query]
    assert {request.query["query"].split()[3] for request in asked} <= {
        "Payment",
        "CreditMemo",
        "RefundReceipt",
    }, "whole lists only of what was empty"
    voided = company.rows("Invoice", "\"Id\" = '264'")
    assert [(row["TotalAmt"], row["PrivateNote"], row["SyncToken"]) for row in voided] == [
        (Decimal(100), None, "0"),
        (Decimal(0), "Voided", "1"),
    ]
    assert set(company.live("Invoice")) == set(books.records["Invoice"])
    assert '"Amount":40.05' in company.live("Payment")["1"]["Line"]
    assert company.live("Invoice")["1004"]["Balance"] == Decimal("60.05")


def test_equal_and_late_stamps_lose_nothing(books: Books, company: Connected) -> None:
    at = ago(minutes=5)
    books.save("Invoice", "1000", at=at)
    company.load()
    books.save("Invoice", "1001", at=at)
    books.save("Invoice", "1002", at=ago(minutes=50))
    company.load()
    assert {"1000", "1001", "1002"} <= set(company.live("Invoice"))


def test_more_changes_than_change_data_capture_gives_out(books: Books, company: Connected) -> None:
    company.load()
    for number in range(1100):
        books.save("Invoice", str(1000 + number), TotalAmt=number)
    company.load()
    assert set(company.live("Invoice")) == set(books.records["Invoice"])


def test_a_table_that_rested_is_asked_from_the_last_load_on(books: Books, company: Connected) -> None:
    company.load()
    assert max(row["LastUpdatedTime"] for row in company.rows("SalesReceipt")).year == 2020
    books.save("SalesReceipt", "99")
    before = len(books.server.requests)
    company.load()
    assert "99" in company.live("SalesReceipt")
    asked = [
        request
        for request in books.server.requests[before:]
        if request.query.get("entities") == "SalesReceipt"
    ]
    assert datetime.fromisoformat(asked[0].query["changedSince"]) > datetime.now(UTC) - timedelta(
        days=29, minutes=1
    )


def test_a_list_that_moves_while_it_is_read_is_read_again(
    books: Books, company: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "PAGE", 10)
    for number in range(60):
        books.save("Invoice", str(1000 + number))

    def meddle(start: int) -> None:
        if start > 20 and "1001" in books.records["Invoice"]:
            # One away in front, one new behind: the count stays, and a record between two pages would be lost.
            books.delete("Invoice", "1001")
            books.save("Invoice", "2000")

    books.before_page = meddle  # type: ignore[assignment]
    company.configure(company.section, read=("Invoice",))
    company.load()
    assert set(company.live("Invoice")) == set(books.records["Invoice"])


def test_faults_in_mid_paging_change_nothing(
    books: Books, company: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "PAGE", 10)
    for number in range(85):
        books.save("Invoice", str(1000 + number))
    company.configure(company.section, read=("Invoice",))
    faults = (status(500), hang_up(), cut_body(), retry_after(0.3), expire_token())
    books.server.faults(f"{BASE}/query", *faults, skip=2)
    assert company.load().tables["Invoice"].live == 86
    assert books.server.faults_left == 0


def test_a_rate_limit_is_honoured(books: Books, company: Connected) -> None:
    books.server.fault(f"{BASE}/query", retry_after(0.7))
    company.load()
    refused, again = books.server.asked(f"{BASE}/query")[:2]
    assert (refused.status, again.status) == (429, 200)
    assert 0.7 <= again.at - refused.at < 3


def test_the_refresh_token_that_intuit_replaces_is_kept(books: Books, company: Connected) -> None:
    company.load()
    replaced = books.server.refresh_token
    assert replaced != REFRESH
    company.load()
    assert books.server.refresh_token != replaced, "the kept one was used"
    kept = company.settings.home / "tokens" / "quickbooks.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    books.server.refresh_token = "another one"
    with pytest.raises(AuthError, match="still authorised"):
        company.load()


def test_a_field_that_vanishes_alerts(books: Books, company: Connected) -> None:
    company.load()
    for record in books.records["Invoice"].values():
        record["GrossAmt"] = record.pop("TotalAmt")
        record["MetaData"]["LastUpdatedTime"] = ago()
    with pytest.raises(SchemaAlert, match=r"quickbooks\.Invoice\.TotalAmt.*new there: GrossAmt"):
        company.load()


def test_an_answer_without_records_is_no_empty_list(books: Books, company: Connected) -> None:
    books.server.fault(f"{BASE}/query", change(lambda _body: {"time": ago()}))
    with pytest.raises(ApiError, match="has no QueryResponse"):
        company.load()


def test_check_tells_what_to_fix(books: Books, company: Connected) -> None:
    assert company.check().endswith("All in order.")
    books.server.fault(
        f"{BASE}/query", status(403, {"Fault": {"Error": [{"Message": "ApplicationAuthorizationFailed"}]}})
    )
    assert "com.intuit.quickbooks.accounting" in company.check()
    books.server.fault(f"{BASE}/query", *[status(401, RECORDS["error_401"])] * 2)
    assert "authorise the app again" in company.check()
