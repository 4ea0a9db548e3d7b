"""Stripe through the real code: Stripe's own example objects, changes by events, deletes, faults, checks."""

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ingestion.api.alerts import SchemaAlert
from ingestion.api.errors import ApiError, RateLimitError
from ingestion.load import TableResult
from ingestion.systems.stripe.tables import TABLES
from tests.support.companies.connected_company import (
    Connected,
    assert_in_specification,
    assert_same,
)
from tests.support.fakes.stripe import FIXTURES, ITEMS, KEY, SPECIFICATION, START, Account, invoices
from tests.support.servers.fault_server import (
    FaultServer,
    change,
    cut_body,
    hang_up,
    retry_after,
    status,
)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    monkeypatch.setenv("SOURCES__STRIPE__TOKEN", KEY)
    with FaultServer() as server:
        yield Account(server)


@pytest.fixture
def company(account: Account, tmp_path: Path) -> Connected:
    for name in ITEMS:
        account.save(name, f"{name}_example")
    account.lines("invoices_example", 1)
    return Connected(account.server, "stripe", tmp_path)


@pytest.mark.parametrize(
    "table", [table for table in TABLES if table.name in ITEMS], ids=lambda table: table.name
)
def test_the_columns_are_the_fields_that_stripe_documents(table: Any) -> None:
    item, names = ITEMS[table.name], {column.name for column in table.columns}
    # The trimmed example of an invoice payment lacks nothing either.
    assert names <= set(FIXTURES[item]) | set(SPECIFICATION["schemas"].get(item, {}))
    schema = SPECIFICATION["schemas"].get(item)
    if schema is None:
        return
    newer = {
        "invoices": {"from_invoice", "latest_revision", "effective_at", "parent"},
        "credit_notes": {"pre_payment_amount", "post_payment_amount", "refunds"},
    }.get(table.name, set())
    assert names - set(schema) <= newer
    expected = {"bigint": "integer", "timestamp": "integer", "bool": "boolean", "decimal": "number"}
    for column in table.columns:
        if column.type in expected and column.name in schema:
            assert schema[column.name] == expected[column.type], column.name


def test_stripes_own_examples_land_under_their_names(account: Account, company: Connected) -> None:
    company.load()
    for name in ITEMS:
        sent = account._shown(account.objects[name][f"{name}_example"])
        assert_same(
            company.live(name)[f"{name}_example"],
            json.loads(json.dumps(sent, default=str)),
            apart=("client_secret", "source"),
        )
    line = company.live("invoice_line_items")["invoices_example", "il_invoices_example_0"]
    sent = account.objects["invoices"]["invoices_example"]["all_lines"][0]
    assert_same(line, sent | {"invoice_created": START})
    assert "client_secret" not in company.live("payment_intents")["payment_intents_example"]
    assert "client_secret" not in company.live("charges")["charges_example"]["source"]
    known = SPECIFICATION["paths"] | {"GET /v1/invoice_payments": ["limit", "starting_after"]}
    assert_in_specification(account.server.requests, known)
    assert {request.headers["stripe-version"] for request in account.server.requests} == {"2025-09-30.clover"}


@pytest.mark.parametrize(
    ("currency", "amount"), [("usd", 1000), ("jpy", 1000), ("kwd", 1000), ("huf", -999999999999)]
)
def test_amounts_stay_the_whole_numbers_of_stripe(
    account: Account, company: Connected, currency: str, amount: int
) -> None:
    account.save("balance_transactions", "txn_1", currency=currency, amount=amount, fee=7, net=amount - 7,
                 exchange_rate=Decimal("0.123456789012"))  # fmt: skip
    company.configure(read=("balance_transactions",))
    company.load()
    landed = company.live("balance_transactions")["txn_1"]
    assert (landed["amount"], landed["net"], landed["currency"]) == (amount, amount - 7, currency)
    assert landed["exchange_rate"] == Decimal("0.123456789012")
    types = dict(
        company.query(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'balance_transactions'"
        )
    )
    assert (types["amount"], types["fee"], types["created"]) == (
        "BIGINT",
        "BIGINT",
        "TIMESTAMP WITH TIME ZONE",
    )


def test_a_fraction_of_the_smallest_unit_is_refused(account: Account, company: Connected) -> None:
    account.save("charges", "ch_half", amount=Decimal("10.5"))
    with pytest.raises(Exception, match=r"amount.*whole number"):
        company.load()
    assert (
        not company.settings.warehouse.exists()
        or company.query("SELECT 1 FROM information_schema.tables WHERE table_name = 'charges'") == []
    )


def test_two_syncs_with_changes_and_deletes_between_them(account: Account, company: Connected) -> None:
    invoices(account, 250)
    company.load()
    assert company.load().load_ids == (), "nothing has changed"
    account.now += 86_400
    account.save("invoices", "in_0003", "invoice.paid", status="paid", amount_paid=3)
    account.save("invoices", "in_new", "invoice.created", status="draft")
    account.lines("in_new", 12)
    account.delete("invoices", "in_0007", "invoice.deleted")
    account.delete("customers", "customers_example", "customer.deleted")
    account.save("refunds", "re_1", "refund.created", charge="charges_example", amount=40)
    account.save("charges", "charges_example", "charge.refunded", amount_refunded=40)
    before = len(account.server.requests)
    result = company.load()
    assert result.tables["invoices"] == TableResult(251, 2, 1, 251)
    assert result.tables["customers"] == TableResult(0, 0, 1, 0)
    assert (result.tables["refunds"].new_versions, result.tables["charges"].new_versions) == (1, 1)
    lists = [request for request in account.server.requests[before:] if request.path == "/v1/invoices"]
    assert all("created[gte]" in request.query for request in lists), "no whole list"
    for name in ITEMS:
        assert set(company.live(name)) == set(account.objects[name]), name
    for key, record in account.objects["invoices"].items():
        assert company.live("invoices")[key]["status"] == record["status"]
    assert len([key for key in company.live("invoice_line_items") if key[0] == "in_new"]) == 12
    versions = company.rows("invoices", "id = 'in_0003'")
    assert [(row["status"], row["amount_paid"]) for row in versions] == [("open", 0), ("paid", 3)]
    assert company.load().load_ids == ()


def test_a_line_that_is_taken_off_a_draft_is_retired(account: Account, company: Connected) -> None:
    account.save("invoices", "in_draft", "invoice.created", status="draft")
    account.lines("in_draft", 14)
    company.load()
    for left, state in ((11, "draft"), (10, "open")):
        account.now += 60
        account.lines("in_draft", left)
        account.save("invoices", "in_draft", "invoice.updated", status=state)
        company.load()
        live = [key for key in company.live("invoice_line_items") if key[0] == "in_draft"]
        assert len(live) == left
    account.now += 60
    account.delete("invoices", "invoices_example", "invoice.deleted")
    company.load()
    assert [key for key in company.live("invoice_line_items") if key[0] == "invoices_example"] == []


def test_equal_and_late_stamps_lose_nothing(account: Account, company: Connected) -> None:
    invoices(account, 10)
    company.load()
    account.save("invoices", "in_equal", created=account.now)
    account.save("invoices", "in_late", "invoice.created", created=account.now - 40 * 86_400)
    company.load()
    assert {"in_equal", "in_late"} <= set(company.live("invoices"))


def test_a_dispute_and_a_credit_note_bring_the_charge_and_the_invoice_anew(
    account: Account, company: Connected
) -> None:
    account.now += 7200
    company.load()
    account.now += 7200
    account.save("charges", "charges_example", disputed=True)
    account.save("disputes", "dp_1", "charge.dispute.created", charge="charges_example")
    account.save("invoices", "invoices_example", post_payment_credit_notes_amount=100)
    account.save("credit_notes", "cn_1", "credit_note.created", invoice="invoices_example")
    account.tell("invoice.upcoming", {"object": "invoice", "customer": "customers_example"})
    company.load()
    assert company.live("charges")["charges_example"]["disputed"] is True
    assert company.live("invoices")["invoices_example"]["post_payment_credit_notes_amount"] == 100
    assert set(company.live("credit_notes")) == {"credit_notes_example", "cn_1"}


def test_a_balance_transaction_becomes_available_without_an_event(
    account: Account, company: Connected
) -> None:
    account.save("balance_transactions", "txn_1", status="pending")
    company.load()
    account.now += 9 * 86_400
    account.save("balance_transactions", "txn_1", status="available")
    company.load()
    assert company.live("balance_transactions")["txn_1"]["status"] == "available"


def test_many_changes_and_a_long_pause_are_read_whole(
    account: Account, company: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.configure("[stripe.options]\nchanged_max = 3", read=("invoices",))
    invoices(account, 120)
    company.load()
    for number in range(5):
        account.save("invoices", f"in_{number:04d}", "invoice.voided", status="void")
    before = len(account.server.requests)
    assert company.load().tables["invoices"].new_versions == 5
    asked = [
        request for request in account.server.requests[before:] if request.path.startswith("/v1/invoices")
    ]
    assert len(asked) == 2 and not any("created[gte]" in request.query for request in asked)
    account.now += 7200
    account.save("invoices", "in_0000", "invoice.updated")
    company.load()
    # Longer than events are kept: what happened meanwhile is in no event any more.
    del account.objects["invoices"]["in_0050"]
    assert company.load().tables["invoices"].retired == 0
    monkeypatch.setattr("ingestion.systems.stripe.connector.EVENTS_REACH", timedelta(0))
    assert company.load().tables["invoices"].retired == 1


def test_faults_in_mid_paging_change_nothing(account: Account, company: Connected) -> None:
    invoices(account, 950)
    company.configure(read=("invoices",))
    repeated = change(lambda body: body | {"data": body["data"] + body["data"][:7]})
    reordered = change(
        lambda body: body | {"data": body["data"][-1:] + body["data"][:-1] + body["data"][-1:]}
    )
    account.server.faults(
        r"/v1/invoices$", status(500), hang_up(), cut_body(), retry_after(0.2), repeated, reordered
    )
    assert company.load().tables["invoices"].live == 951
    assert account.server.faults_left == 0


def test_a_rate_limit_is_honoured(account: Account, company: Connected) -> None:
    invoices(account, 150)
    account.server.fault(r"/v1/invoices$", retry_after(0.7), skip=1)
    company.load()
    refused, again = account.server.asked(r"/v1/invoices$")[1:3]
    assert (refused.status, again.status, refused.query) == (429, 200, again.query)
    assert 0.7 <= again.at - refused.at < 3
    account.server.fault(r"/v1/charges$", *[status(429, {"error": {"code": "rate_limit"}})] * 3)
    with pytest.raises(RateLimitError):
        company.load()


def test_a_page_that_comes_again_is_refused(account: Account, company: Connected) -> None:
    invoices(account, 250)
    first = [account._shown(record) for record in account.objects["invoices"].values()][::-1][:100]
    account.server.fault(r"/v1/invoices$", change(lambda body: body | {"data": first}), skip=1)
    company.configure(read=("invoices",))
    with pytest.raises(ApiError, match="leads back"):
        company.load()


def test_a_renamed_field_alerts(account: Account, company: Connected) -> None:
    company.load()
    account.save("charges", "ch_2")
    account.objects["charges"]["ch_2"]["amount_gross"] = account.objects["charges"]["ch_2"].pop("amount")
    account.objects["charges"].pop("charges_example")
    with pytest.raises(SchemaAlert, match=r"stripe\.charges\.amount"):
        company.load()


def test_check_names_what_is_missing(
    account: Account, company: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert company.check().endswith("All in order.")
    account.forbidden.add("refunds")
    assert "give the restricted key the permission Read on refunds" in company.check()
    account.save("customers", "customers_example", livemode=False)
    account.forbidden.clear()
    assert "in test mode" in company.check()
    monkeypatch.setenv("SOURCES__STRIPE__TOKEN", "rk_live_revoked_key")
    said = company.check()
    assert "set the token" in said and "rk_live_revoked_key" not in said
