"""What happens at the source becomes a version or a status, never a loss."""

import gzip
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ingestion.landing.changes import plan_system
from ingestion.landing.files import InputError
from ingestion.load import TableResult
from ingestion.systems.billing import TABLES
from tests.support.companies.landed_company import Company, Row

INVOICES, PAYMENTS = TABLES


def versions(company: Company, invoice_id: str) -> list[tuple[Any, ...]]:
    """Return subtotal and whether it is live of each version of an invoice, oldest first."""
    return company.query(
        f"SELECT subtotal_amount, _dlt_valid_to IS NULL FROM raw_billing.invoices "
        f"WHERE invoice_id = '{invoice_id}' ORDER BY _dlt_valid_from"
    )


def mode(company: Company, before: dict[str, Any]) -> str:
    """Return how the invoices would be landed now, after the load that `before` remembers."""
    plans = plan_system("billing", TABLES, company.settings.extracts, before, company.settings)
    return plans["invoices"].mode


def remembered(company: Company) -> dict[str, Any]:
    """Return what a load of the files as they are now would remember."""
    plans = plan_system("billing", TABLES, company.settings.extracts, {}, company.settings)
    return {name: plan.remember for name, plan in plans.items()}


def invoice(number: int, updated_at: str, like: Row) -> Row:
    return like | {"invoice_id": f"INV-{number}", "opportunity_id": f"SO{number}", "updated_at": updated_at}


@pytest.mark.usefixtures("billing_landed")
def test_a_new_row_above_the_cursor_is_all_that_is_handed_on(company: Company) -> None:
    before = remembered(company)
    company.edit("billing", "invoices", lambda rows: [*rows, invoice(90001, "2015-01-01T00:00:00Z", rows[0])])
    assert mode(company, before) == "delta"
    result = company.load("billing")
    assert result.tables["invoices"] == TableResult(in_file=61, new_versions=1, retired=0, live=61)
    assert company.load("billing").load_ids == ()


@pytest.mark.usefixtures("billing_landed")
def test_a_late_row_below_the_cursor_is_landed(company: Company) -> None:
    before = remembered(company)
    company.edit("billing", "invoices", lambda rows: [*rows, invoice(90001, "2011-06-01T00:00:00Z", rows[0])])
    assert mode(company, before) == "full"
    assert company.load("billing").tables["invoices"] == TableResult(61, 1, 0, 61)


@pytest.mark.parametrize("stamp", ["kept", "new"])
@pytest.mark.usefixtures("billing_landed")
def test_an_edit_makes_a_new_version_and_keeps_the_old_one(company: Company, stamp: str) -> None:
    old = company.read("billing", "invoices")[3]

    def edit(rows: list[Row]) -> None:
        rows[3]["subtotal_amount"] = "99.0001"
        if stamp == "new":
            rows[3]["updated_at"] = "2015-01-01T00:00:00Z"

    company.edit("billing", "invoices", edit)
    assert company.load("billing").tables["invoices"] == TableResult(60, 1, 0, 60)
    assert versions(company, old["invoice_id"]) == [
        (Decimal(old["subtotal_amount"]), False),
        (Decimal("99.0001"), True),
    ]


@pytest.mark.usefixtures("billing_landed")
def test_a_delta_after_a_full_comparison_and_back(company: Company) -> None:
    """dlt keeps the merge hints of the last load: the next one must not act on them."""
    company.edit("billing", "invoices", lambda rows: [*rows, invoice(90001, "2015-01-01T00:00:00Z", rows[0])])
    assert company.load("billing").tables["invoices"] == TableResult(61, 1, 0, 61)
    company.edit("billing", "invoices", lambda rows: rows[1:])
    assert company.load("billing").tables["invoices"] == TableResult(60, 0, 1, 60)
    before = remembered(company)
    company.edit("billing", "invoices", lambda rows: [*rows, invoice(90002, "2016-01-01T00:00:00Z", rows[0])])
    assert mode(company, before) == "delta"
    assert company.load("billing").tables["invoices"] == TableResult(61, 1, 0, 61)
    company.edit("billing", "invoices", lambda rows: rows[:-1])
    assert company.load("billing").tables["invoices"] == TableResult(60, 0, 1, 60)


@pytest.mark.usefixtures("billing_landed")
def test_a_removed_row_is_retired_and_may_come_back(company: Company) -> None:
    removed = company.read("billing", "invoices")[5]
    amount = Decimal(removed["subtotal_amount"])
    company.edit("billing", "invoices", lambda rows: [*rows[:5], *rows[6:]])
    assert company.load("billing").tables["invoices"] == TableResult(59, 0, 1, 59)
    assert versions(company, removed["invoice_id"]) == [(amount, False)]
    company.edit("billing", "invoices", lambda rows: [*rows, removed])
    assert company.load("billing").tables["invoices"] == TableResult(60, 1, 0, 60)
    assert versions(company, removed["invoice_id"]) == [(amount, False), (amount, True)]


@pytest.mark.usefixtures("billing_landed")
def test_an_edit_that_is_taken_back_makes_three_versions(company: Company) -> None:
    original = company.read("billing", "invoices")[3]["subtotal_amount"]
    for written in ("1.0000", original):
        rows = company.read("billing", "invoices")
        rows[3]["subtotal_amount"] = written
        company.write("billing", "invoices", rows)
        company.load("billing")
    shown = versions(company, company.read("billing", "invoices")[3]["invoice_id"])
    assert shown == [(Decimal(original), False), (Decimal("1.0000"), False), (Decimal(original), True)]


def test_a_table_without_stamp_is_compared_whole(company: Company) -> None:
    company.load("hris")
    company.edit("hris", "sales_people", lambda rows: rows[2].update(commissionRate="0.0155"))
    result = company.load("hris")
    assert result.tables["sales_people"] == TableResult(17, 1, 0, 17)
    assert {row.new_versions for name, row in result.tables.items() if name != "sales_people"} == {0}


@pytest.mark.usefixtures("billing_landed")
def test_the_same_rows_in_another_form_land_nothing(company: Company) -> None:
    company.edit("billing", "invoices", lambda rows: rows[::-1])
    company.edit("billing", "payments", lambda rows: rows[0].update(amount=rows[0]["amount"] + "000"))
    result = company.load("billing")
    assert {row.new_versions for row in result.tables.values()} == {0}
    path = company.path("billing", "invoices")
    Path(f"{path}.gz").write_bytes(gzip.compress(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n")))
    path.unlink()
    result = company.load("billing")
    assert {row.new_versions for row in result.tables.values()} == {0}


@pytest.mark.usefixtures("billing_landed")
def test_rows_landed_from_a_renamed_file_are_still_retired(company: Company) -> None:
    path = company.path("billing", "invoices")
    Path(f"{path}.gz").write_bytes(gzip.compress(b"\n".join(path.read_bytes().split(b"\n")[:-2]) + b"\n"))
    path.unlink()
    assert company.load("billing").tables["invoices"] == TableResult(59, 0, 1, 59)


@pytest.mark.usefixtures("billing_landed")
def test_a_column_that_is_not_declared_lands_as_text_with_a_notice(company: Company) -> None:
    rows = company.read("billing", "invoices")
    company.write(
        "billing", "invoices", [row | {"Region__c": "North" if n == 0 else ""} for n, row in enumerate(rows)]
    )
    result = company.load("billing")
    assert result.tables["invoices"] == TableResult(60, 1, 0, 60), (
        "rows with an empty new column keep their version"
    )
    assert [notice for notice in result.notices if "Region__c" in notice]
    landed = company.query('SELECT "Region__c" FROM raw_billing.invoices WHERE "Region__c" IS NOT NULL')
    assert landed == [("North",)]


def test_a_file_with_the_header_alone_retires_all_rows_when_that_is_allowed(company: Company) -> None:
    company.load("hris")
    company.write("hris", "territory_history", [])
    with pytest.raises(InputError, match="would be retired"):
        company.load("hris")
    result = company.load("hris", allow_shrink=frozenset({"hris.territory_history"}))
    assert result.tables["territory_history"] == TableResult(0, 0, 15, 0)


def test_an_empty_first_extract_makes_an_empty_table(company: Company) -> None:
    company.write("hris", "territory_history", [])
    assert company.load("hris").tables["territory_history"] == TableResult(0, 0, 0, 0)
    assert company.query('SELECT count("endDate") FROM raw_hris.territory_history') == [(0,)]


def test_what_cannot_be_paid_lands_all_the_same(company: Company) -> None:
    """An empty amount, an unknown deal, an unknown currency are shown by the models, not refused here."""
    company.edit(
        "billing",
        "payments",
        lambda rows: rows[0].update(amount="", opportunity_id="nobody's", currency_code="XXX"),
    )
    company.load("billing")
    shown = company.query(
        "SELECT opportunity_id, currency_code FROM raw_billing.payments WHERE amount IS NULL"
    )
    assert shown == [("nobody's", "XXX")]
