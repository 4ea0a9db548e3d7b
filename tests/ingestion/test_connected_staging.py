"""Connected systems in the place of files: what each connector lands has the fields that all other models read.

The rows go through the real source code against the fakes of every_system.py; the figures are worked by hand.
"""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion import models
from ingestion.api.alerts import SchemaAlert
from ingestion.checks import check_sources
from ingestion.landing.settings import PROJECT_ROOT, SAMPLE_DIR, Settings
from ingestion.load import load_system
from ingestion.registry import configured_systems, source_systems
from orchestration.plans.checks import tables as preflight
from tests.support.companies.connected_company import plan_over
from tests.support.fakes import quickbooks, workday
from tests.support.fakes.every_system import Case, running
from tests.support.fakes.salesforce import CLIENT_ID, CLIENT_SECRET, standard_org
from tests.support.parses import FILES, run_dbt, set_with
from tests.support.servers.fault_server import FaultServer

PROJECT = PROJECT_ROOT / "dbt_project"
# Without unit tests, and without data tests that read models which are not built.
ALONE = ("--exclude-resource-type", "unit_test", "--indirect-selection", "cautious")


def dbt(settings: Settings, system: str, *arguments: str) -> set[str]:
    """Run dbt over the warehouse of a test, with the system in the place of files; what it has run."""
    done = run_dbt(settings.home, *arguments, switches=set_with(system) if system else FILES)
    assert done.is_good, "\n".join(node.message for node in done.nodes if not node.is_good) or done.error
    return {node.unique_id for node in done.nodes}


def rows(settings: Settings, relation: str, *columns: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        listed = ", ".join(f'"{column}"' for column in columns)
        return connection.execute(f"SELECT {listed} FROM {relation} ORDER BY ALL").fetchall()


def check_unit_tests(settings: Settings, system: str) -> None:
    """Pass the unit tests of a system's models; there are some."""
    ran = dbt(settings, system, "test", "--select", f"path:models/staging/{system}")
    assert any(name.startswith("unit_test.") for name in ran)


@pytest.fixture(scope="module")
def other_crm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which the CRM is landed that the data pool reads beside the chosen one: copied, never changed."""
    home = tmp_path_factory.mktemp("maven") / "home"
    load_system("maven_crm", Settings(home=home, extracts=SAMPLE_DIR))
    return home


@pytest.fixture
def started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest
) -> Callable[[str], Case]:
    """Start the fake of a system, empty of the mass of records that the shared proofs need."""

    def start(name: str) -> Case:
        case = running(name, monkeypatch, tmp_path)
        made = case.__enter__()
        request.addfinalizer(lambda: case.__exit__(None, None, None))
        return made

    return start


# CRM: a deal that is won and edited afterwards, an open one, one that is deleted


def _hubspot(portal: Any) -> None:
    portal.records["deals"].clear()
    portal.custom["deals"]["region"] = "enumeration"
    for key, owner, stage, won in (("1", "51", "closedwon", "true"), ("2", "52", "appointment", "false"),
                                   ("3", "51", "closedwon", "true")):  # fmt: skip
        portal.save(
            "deals", key, amount="1000.50", dealstage=stage, hs_is_closed_won=won, hubspot_owner_id=owner,
            closedate="2026-01-31T23:30:00.000Z", deal_currency_code="EUR" if won == "true" else None, region="West",
        )  # fmt: skip


def _edit_hubspot(portal: Any) -> None:
    portal.now += timedelta(hours=4)
    portal.save("deals", "1", amount="900.25")
    portal.archive("deals", "3")


def _dynamics(dataverse: Any) -> None:
    user = "u0000000-0000-4000-8000-000000000001"
    dataverse.rows["opportunities"].clear()
    for key, state, owner in (("1", 1, user), ("2", 0, None), ("3", 1, user)):
        dataverse.save(
            "opportunities", key, statecode=state, stepname="3-Close", actualvalue=Decimal("1000.50") if state else None,
            actualclosedate="2026-02-01" if state else None, _owninguser_value=owner, _ownerid_value=owner or "team",
        )  # fmt: skip


def _edit_dynamics(dataverse: Any) -> None:
    dataverse.now += timedelta(hours=2)
    dataverse.save("opportunities", "1", actualvalue=Decimal("900.25"))
    dataverse.remove("opportunities", "3")


def _pipedrive(pipes: Any) -> None:
    pipes.deals.clear()
    pipes.lines.clear()
    for key, status, owner in ((1, "won", 71), (2, "open", 72), (3, "won", 71)):
        pipes.save(
            key, value=Decimal("1000.50"), status=status, owner_id=owner, currency="EUR" if status == "won" else "USD",
            won_time="2026-01-31T23:30:00Z" if status == "won" else None,
            local_won_date="2026-02-01" if key == 1 else None,
        )  # fmt: skip


def _edit_pipedrive(pipes: Any) -> None:
    pipes.now += timedelta(hours=4)
    pipes.save(1, value=Decimal("900.25"))
    pipes.save(3, is_deleted=True, status="deleted")


def _zoho(crm: Any) -> None:
    crm.records["Deals"].clear()
    crm.fields["Deals"]["Currency"] = "picklist"
    for key, stage, owner in (("1", "Closed Won", "51"), ("2", "Qualification", "52"), ("3", "Signed", "51")):
        crm.save(
            "Deals", key, Amount=Decimal("1000.50"), Stage=stage, Closing_Date="2026-02-01",
            Owner={"name": "Ava Nguyen", "id": owner}, Currency="EUR" if stage != "Qualification" else None,
        )  # fmt: skip


def _edit_zoho(crm: Any) -> None:
    crm.now += timedelta(hours=4)
    crm.save("Deals", "1", Amount=Decimal("900.25"))
    crm.delete("Deals", "3")


# What fills a CRM, what edits it; owners of the deals; stage and day of the open deal; a column of the CRM's own; one user.
CRMS = {
    "hubspot": (
        _hubspot, _edit_hubspot, ("51", "52"), ("appointment", date(2026, 2, 1)), "hubspot_owner_id",
        ("51", None, "ava@example.com", "Ava Nguyen"),
    ),
    "dynamics": (
        _dynamics, _edit_dynamics, ("u0000000-0000-4000-8000-000000000001", "team"), ("3-Close", None),
        "actualclosedate",
        ("u0000000-0000-4000-8000-000000000001", "21002", "zoe@example.com", "Zoë Larsen"),
    ),
    "pipedrive": (
        _pipedrive, _edit_pipedrive, ("71", "72"), ("open", None), "value",
        ("71", None, "ava@example.com", "Ava Nguyen"),
    ),
    "zoho": (
        _zoho, _edit_zoho, ("51", "52"), ("Qualification", date(2026, 2, 1)), "Stage",
        ("7328395000000605001", None, "ava@example.com", "Ava Nguyen"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("system", CRMS)
def test_deals_of_another_crm_are_in_the_data_pool(
    system: str, started: Callable[[str], Case], other_crm: Path
) -> None:
    fill, edit, owners, (stage, closed), column, user = CRMS[system]
    case = started(system)
    shutil.copytree(other_crm, case.settings.home)
    fill(case.fake)
    case.company.load()
    edit(case.fake)
    case.company.load()
    chosen = f"path:models/staging/{system} path:models/staging/crm path:models/staging/maven_crm"
    dbt(
        case.settings,
        system,
        "build",
        *ALONE,
        "--select",
        *chosen.split(),
        "plans",
        "int_pool__deal_versions",
        "int_pool__deals",
    )
    deals = rows(
        case.settings, "staging.stg_crm__opportunities", "transaction_id", "Amount", "CloseDate", "OwnerId",
        "CurrencyIsoCode", "StageName",
    )  # fmt: skip
    amounts = [Decimal("900.25"), None if system == "dynamics" else Decimal("1000.50"), Decimal("1000.50")]
    won = ("Closed Won", date(2026, 2, 1))
    stages = [won, (stage, closed), ("deleted", date(2026, 2, 1)) if system == "pipedrive" else won]
    currency = "USD" if system == "dynamics" else "EUR"
    assert deals == [
        (f"crm/Opportunity/{key}", amount, day, owners[key == 2], "USD" if key == 2 else currency, name)
        for key, amount, (name, day) in zip((1, 2, 3), amounts, stages, strict=True)
    ]
    # Beside them every field of the system itself, under its own name.
    assert [
        row[0] is not None for row in rows(case.settings, "staging.stg_crm__opportunities", column)
    ].count(True) > 1
    since_close = rows(case.settings, "staging.stg_crm__opportunities_since_close", "Id", "Amount")
    assert ("1", Decimal("1000.50")) in since_close and "2" not in dict(since_close)
    assert user in rows(case.settings, "staging.stg_crm__users", "Id", "EmployeeNumber", "Email", "Name")
    found = rows(
        case.settings, "intermediate.int_pool__deals", "source_record_id", "transaction_amount", "is_closed_won",
        "is_deleted_in_source",
    )  # fmt: skip
    assert [row for row in found if len(row[0]) == 1] == [
        ("1", amounts[0], True, False), ("2", amounts[1], False, False),
        ("3", amounts[2], system != "pipedrive", True),
    ]  # fmt: skip
    check_unit_tests(case.settings, system)


def test_an_org_without_the_fields_of_the_sample_company_is_read_as_the_documents_say(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    written = (PROJECT_ROOT / "docs" / "connecting.md").read_text()
    (without,) = (line for line in written.splitlines() if line.startswith("without = "))
    for secret, value in (("CLIENT_ID", CLIENT_ID), ("CLIENT_SECRET", CLIENT_SECRET)):
        monkeypatch.setenv(f"SOURCES__CRM__{secret}", value)
    with FaultServer() as server:
        org = standard_org(server, 20)
        for name in ("Territory2", "UserTerritory2Association"):
            del org.objects[name]
        read = [name for name in org.objects if name != "OpportunityLineItem"]
        sources = tmp_path / "sources.toml"
        content = f'[crm]\nconnector = "salesforce"\nbase_url = "{server.url}"\nread = {json.dumps(read)}\n{without}\n'
        sources.write_text(content.replace('"ProductCost__c"', '"ProductCost__c", "OpportunityLineItem"'))
        # Without plans: those of the sample name fields that this org has not, which the check would say.
        settings = Settings(
            home=tmp_path / "home", extracts=SAMPLE_DIR, sources=sources, seeds=tmp_path / "seeds"
        )
        (configured,) = configured_systems(settings)
        assert models.unread_tables([configured]) == []
        assert [str(found) for found in check_sources([configured], settings) if not found.is_ok] == []
        landed = load_system(source_systems(settings)["crm"], settings).tables
        assert (landed["Opportunity"].live, landed["Territory2"].live) == (20, 0)
        assert load_system(source_systems(settings)["crm"], settings).load_ids == (), "nothing has changed"
    load_system("maven_crm", settings)
    chosen = ("path:models/staging/crm", "path:models/staging/maven_crm")
    dbt(
        settings,
        "",
        "build",
        *ALONE,
        "--select",
        *chosen,
        "plans",
        "int_pool__deal_versions",
        "int_pool__deals",
    )
    columns = ("Id", "Amount", "Territory2Id", "Region__c")
    assert rows(settings, "staging.stg_crm__opportunities", *columns)[1] == (
        f"006{1:015d}", Decimal("100.07"), None, "North",
    )  # fmt: skip
    assert len(rows(settings, "staging.stg_crm__opportunity_splits", "Id")) > 1
    assert rows(settings, "staging.stg_crm__product_costs", "Product2Id") == []


@pytest.mark.parametrize("system", CRMS)
def test_a_renamed_field_alerts_and_names_the_plan_that_pays_on_deals(
    system: str, started: Callable[[str], Case], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    project = tmp_path / "dbt_project.yml"
    project.write_text(f"vars: {{crm_system: {system}}}")
    monkeypatch.setattr(models, "DBT_PROJECT", project)
    case = started(system)
    # A plan may name the field of the CRM, as plans on Salesforce do: it is the same column.
    plan_over(tmp_path / "seeds", "crm", "Opportunity", "Amount")
    seeds = tmp_path / "seeds"
    case.company.load(seeds=seeds)
    case.system.rename(case.fake)
    with pytest.raises(
        SchemaAlert, match=r"plan plan_at_hand \(seeds/plans/plans.csv row 2, filter_expression\)"
    ):
        case.company.load(seeds=seeds)


def test_a_plan_on_deals_may_name_fields_of_the_crm_and_of_the_connected_system(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    project, sources = tmp_path / "dbt_project.yml", tmp_path / "sources.toml"
    project.write_text("vars: {crm_system: pipedrive, hris_system: rippling}")
    sources.write_text(
        '[pipedrive]\nconnector = "pipedrive"\nbase_url = "https://example.pipedrive.com"\nreplaces = "crm"\n'
        '[rippling]\nconnector = "rippling"\nbase_url = "https://api.rippling.com"\nreplaces = "hris"\n'
    )
    monkeypatch.setattr(models, "DBT_PROJECT", project)
    monkeypatch.setattr(
        preflight, "SYSTEMS", source_systems(Settings(home=tmp_path, extracts=SAMPLE_DIR, sources=sources))
    )
    company = preflight.read_company({}, PROJECT_ROOT, SAMPLE_DIR)
    fields = company.fields_of("crm/Opportunity")
    assert fields["Amount"] == fields["value"] == "DECIMAL(28,8)"
    assert (fields["CloseDate"], fields["Id"], fields["stage_id"]) == ("DATE", "VARCHAR", "BIGINT")
    assert len({name.lower() for name in fields}) == len(fields)
    assert company.territories is None


# Billing


def test_quickbooks_bills_and_money_have_the_fields_of_the_billing_extracts(
    started: Callable[[str], Case],
) -> None:
    case = started("quickbooks")
    books = case.fake
    for records in books.records.values():
        records.clear()

    def bill(name: str, key: str, total: str, tax: str, **values: Any) -> None:
        books.save(
            name, key, at=quickbooks.ago(days=5), TotalAmt=Decimal(total), TxnDate="2026-01-15",
            TxnTaxDetail={"TotalTax": Decimal(tax)}, CustomField=[
                {"DefinitionId": "1", "Name": "Crew #", "Type": "StringType"},
                {"DefinitionId": "2", "Name": "Opportunity", "Type": "StringType", "StringValue": f"SO{key}"},
            ], **values,
        )  # fmt: skip

    shipped = [
        {"Amount": Decimal("100"), "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {"ItemRef": {"value": "1"}}},
        {"Amount": Decimal("10.50"), "DetailType": "SalesItemLineDetail",
         "SalesItemLineDetail": {"ItemRef": {"value": "SHIPPING_ITEM_ID"}}},
    ]  # fmt: skip
    bill("Invoice", "101", "130.50", "20", Balance=Decimal(0), Line=shipped)
    bill("Invoice", "102", "50", "0", Balance=Decimal("20"), Line=shipped[:1])
    # 25 came as a deposit on the invoice, the rest was written off.
    bill("Invoice", "105", "100", "0", Balance=Decimal(0), Deposit=Decimal("25"), Line=shipped[:1])
    bill("SalesReceipt", "103", "107", "7", Balance=Decimal(0), Line=shipped[:1])
    bill("RefundReceipt", "104", "53.50", "3.50", Balance=Decimal(0), Line=shipped[:1])

    def paid(key: str, total: str, unapplied: str, *lines: tuple[str, str, str]) -> None:
        books.save(
            "Payment", key, at=quickbooks.ago(days=4), TxnDate="2026-02-01", TotalAmt=Decimal(total),
            UnappliedAmt=Decimal(unapplied),
            Line=[{"Amount": Decimal(amount), "LinkedTxn": [{"TxnId": linked, "TxnType": kind}]} for amount, kind, linked in lines],
        )  # fmt: skip

    # 40 of the first invoice are covered by a credit memo; 5.25 stay with the customer.
    paid(
        "201",
        "125.75",
        "5.25",
        ("130.50", "Invoice", "101"),
        ("30", "Invoice", "102"),
        ("40", "CreditMemo", "301"),
    )
    paid("202", "0", "0", ("75", "Invoice", "105"), ("75", "JournalEntry", "9"))
    case.company.load()
    chosen = ("path:models/staging/quickbooks", "path:models/staging/billing")
    dbt(case.settings, "quickbooks", "build", *ALONE, "--select", *chosen)
    columns = (
        "invoice_id",
        "opportunity_id",
        "currency_code",
        "subtotal_amount",
        "tax_amount",
        "freight_amount",
        "status",
    )
    assert rows(case.settings, "staging.stg_billing__invoices", *columns) == [
        ("101", "SO101", "USD", Decimal("100"), Decimal("20"), Decimal("10.5"), "paid"),
        ("102", "SO102", "USD", Decimal("50"), Decimal("0"), Decimal("0"), "open"),
        ("105", "SO105", "USD", Decimal("100"), Decimal("0"), Decimal("0"), "paid"),
        ("RefundReceipt|104", "SO104", "USD", Decimal("50"), Decimal("3.5"), Decimal("0"), "paid"),
        ("SalesReceipt|103", "SO103", "USD", Decimal("100"), Decimal("7"), Decimal("0"), "paid"),
    ]
    first, second = date(2026, 1, 15), date(2026, 2, 1)
    columns = ("payment_id", "invoice_id", "kind", "paid_date", "currency_code", "amount")
    assert rows(case.settings, "staging.stg_billing__payments", *columns) == [
        ("201|101", "101", "payment", second, "USD", Decimal("90.5")),
        ("201|101|memo", "101", "credit_memo", second, "USD", Decimal("-40")),
        ("201|102", "102", "payment", second, "USD", Decimal("30")),
        ("201|unapplied", None, "payment", second, "USD", Decimal("5.25")),
        ("Invoice|105|deposit", "105", "payment", first, "USD", Decimal("25")),
        ("RefundReceipt|104", "RefundReceipt|104", "refund", first, "USD", Decimal("-53.5")),
        ("SalesReceipt|103", "SalesReceipt|103", "payment", first, "USD", Decimal("107")),
    ]
    assert Decimal("90.5") + 30 + Decimal("5.25") == Decimal("125.75"), "what the customer sent"
    assert rows(
        case.settings, "staging.stg_billing__settled", "invoice_id", "settled_amount", "written_off_amount"
    ) == [
        ("101", Decimal("130.5"), Decimal("0")),
        ("102", Decimal("30"), Decimal("0")),
        ("105", Decimal("100"), Decimal("75")),
    ]
    check_unit_tests(case.settings, "quickbooks")


def test_netsuite_bills_and_money_have_the_fields_of_the_billing_extracts(
    started: Callable[[str], Case],
) -> None:
    case = started("netsuite")
    account = case.fake
    for name in ("transaction", "transactionline", "nexttransactionlinelink"):
        account.rows[name].clear()
    account.columns["transaction"].add("custbody_opportunity")

    def transaction(
        key: str, kind: str, total: str, day: str, tax: str = "0", freight: str = "0", **values: Any
    ) -> None:
        account.save(
            "transaction", key, type=kind, foreigntotal=total, trandate=day, foreignamountunpaid="0",
            custbody_opportunity=f"SO{key}", **values,
        )  # fmt: skip
        for line, (amount, changed) in enumerate(
            ((tax, {"taxline": "T", "itemtype": "TaxItem"}), (freight, {"itemtype": "ShipItem"}))
        ):
            account.line(key, line, foreignamount=amount, **changed)

    # Amounts that NetSuite shows with the sign of the books: revenue and its tax are negative.
    transaction("1", "CustInvc", "130.5", "2026-01-15", "-20", "-10.5")
    transaction("2", "CashSale", "107", "2026-01-15", "-7")
    transaction("3", "CashRfnd", "-53.5", "2026-01-16", "3.5")
    transaction("4", "CustPymt", "-100", "2026-02-01")
    transaction("5", "CustCred", "-60", "2026-02-02", createdfrom="1")
    transaction("6", "CustRfnd", "20", "2026-02-03")
    transaction("7", "Journal", "5", "2026-02-04")
    transaction("8", "SalesOrd", "130.5", "2026-01-01", posting="F")
    transaction("9", "CustPymt", "-9", "2026-02-05", voided="T")
    account.apply("4", "1", "50.25")
    account.apply("4", "1", "35", line=1)
    account.apply("5", "1", "40")
    account.apply("6", "5", "20")
    account.apply("7", "1", "5")
    account.apply("8", "1", "1", linktype="OrdBill")
    case.company.configure(
        case.company.section + '[netsuite.tables.transaction]\ncolumns = { custbody_opportunity = "text" }\n'
    )
    case.company.load()
    chosen = ("path:models/staging/netsuite", "path:models/staging/billing")
    dbt(case.settings, "netsuite", "build", *ALONE, "--select", *chosen)
    columns = (
        "invoice_id",
        "opportunity_id",
        "currency_code",
        "subtotal_amount",
        "tax_amount",
        "freight_amount",
        "total_amount",
    )
    assert rows(case.settings, "staging.stg_billing__invoices", *columns) == [
        ("1", "SO1", "USD", Decimal("100"), Decimal("20"), Decimal("10.5"), Decimal("130.5")),
        ("2", "SO2", "USD", Decimal("100"), Decimal("7"), Decimal("0"), Decimal("107")),
        ("3", "SO3", "USD", Decimal("50"), Decimal("3.5"), Decimal("0"), Decimal("53.5")),
    ]
    columns = ("payment_id", "invoice_id", "kind", "paid_date", "currency_code", "amount")
    assert rows(case.settings, "staging.stg_billing__payments", *columns) == [
        ("2", "2", "payment", date(2026, 1, 15), "USD", Decimal("107")),
        ("3", "3", "refund", date(2026, 1, 16), "USD", Decimal("-53.5")),
        ("4|1", "1", "payment", date(2026, 2, 1), "USD", Decimal("85.25")),
        ("4|unapplied", None, "payment", date(2026, 2, 1), "USD", Decimal("14.75")),
        ("5|1", "1", "credit_memo", date(2026, 2, 2), "USD", Decimal("-40")),
        ("6|5", "1", "refund", date(2026, 2, 3), "USD", Decimal("-20")),
    ]
    check_unit_tests(case.settings, "netsuite")


# HR


EMPLOYEE = ("id", "employeeNumber", "firstName", "lastName", "workEmail", "hireDate", "terminationDate")
JOB = ("employeeId", "date", "reportsTo")
SPAN = ("employee_id", "employment_code", "valid_from", "valid_to")


def test_workday_workers_have_the_fields_of_the_hr_extracts(started: Callable[[str], Case]) -> None:
    case = started("workday")
    tenant = case.fake
    tenant.workers[:] = [
        {"Employee_ID": "21001", "First_Name": "Ines", "Last_Name": "Duarte", "Work_Email": "ines@example.com",
         "Hire_Date": "2015-02-01-08:00", "Active": "1"},
        {"Employee_ID": "21003", "First_Name": "Sam", "Last_Name": "Park", "Hire_Date": "2019-03-15",
         "Termination_Date": "2026-01-31", "Manager_ID": "21001", "Active": "0"},
    ]  # fmt: skip
    tenant.positions[:] = [
        {"Employee_ID": "21003", "Effective_Date": "03/15/2019", "Manager_ID": "", "Position": "SDR"},
        {"Employee_ID": "21003", "Effective_Date": "02/01/2021", "Manager_ID": "21009", "Position": "SDR"},
        {"Employee_ID": "21003", "Effective_Date": "02/01/2021", "Manager_ID": "21001", "Position": "AE"},
    ]
    columns = (
        'First_Name = "text", Middle_Name = "text", Last_Name = "text", Work_Email = "text", User_Name = "text", '
        'Position = "text", Hire_Date = "date"'
    )
    case.company.configure(workday.SECTION.replace('Hire_Date = "date"', columns))
    case.company.load()
    tenant.workers[1] |= {
        "Hire_Date": "2026-05-01",
        "Active": "1",
    }  # hired again, the old leaving date still there
    case.company.load()
    chosen = ("path:models/staging/workday", "path:models/staging/hris")
    dbt(case.settings, "workday", "build", *ALONE, "--select", *chosen)
    assert rows(case.settings, "staging.stg_hris__employees", *EMPLOYEE) == [
        ("21001", "21001", "Ines", "Duarte", "ines@example.com", date(2015, 2, 1), None),
        ("21003", "21003", "Sam", "Park", None, date(2026, 5, 1), date(2026, 1, 31)),
    ]
    assert rows(case.settings, "staging.stg_hris__employment_spans", *SPAN) == [
        ("21001", "employed", date(2015, 2, 1), None),
        ("21003", "employed", date(2019, 3, 15), date(2026, 1, 31)),
        ("21003", "employed", date(2026, 5, 1), None),
    ]
    assert rows(case.settings, "staging.stg_hris__job_info", *JOB) == [
        ("21003", date(2019, 3, 15), None), ("21003", date(2021, 2, 1), "21001"),
    ]  # fmt: skip
    assert rows(case.settings, "staging.stg_hris__territory_history", "employeeId") == []
    listed = run_dbt(
        case.settings.home,
        "test",
        "--select",
        "assert_workday_days_have_one_position",
        switches=set_with("workday"),
    )
    assert ("warn", 1) in [(node.status, node.failures) for node in listed.nodes], (
        "the position that holds for no time"
    )


def test_ripplings_landed_versions_are_the_history_of_managers(started: Callable[[str], Case]) -> None:
    case = started("rippling")
    case.fake.lists["employees"][:] = case.fake.lists["employees"][:3]
    case.company.configure('[rippling.tables.employees]\ncolumns = { employeeNumber = "bigint" }\n')
    case.company.load()
    today = datetime.now(UTC).date()
    case.fake.employees["e02"]["manager"] = "e03"
    case.fake.employees["e03"] |= {"roleState": "ACTIVE", "startDate": "2026-05-01", "endDate": None}
    case.company.load()
    chosen = ("path:models/staging/rippling", "path:models/staging/hris")
    dbt(case.settings, "rippling", "build", *ALONE, "--select", *chosen)
    assert rows(case.settings, "staging.stg_hris__employees", *EMPLOYEE) == [
        ("e01", "7", "Ines", "Duarte", "ines@example.com", date(2019, 3, 29), None),
        ("e02", "8", "Ava", "Nguyen", "ava@example.com", date(2021, 2, 1), None),
        ("e03", "9", "Zoë", "Larsen", None, date(2026, 5, 1), None),
    ]
    assert rows(case.settings, "staging.stg_hris__employment_spans", *SPAN) == [
        ("e01", "employed", date(2019, 3, 29), None),
        ("e02", "employed", date(2021, 2, 1), None),
        ("e03", "employed", date(2020, 2, 1), date(2020, 4, 23)),
        ("e03", "employed", date(2026, 5, 1), None),
    ]
    jobs = rows(case.settings, "staging.stg_hris__job_info", *JOB)
    assert [job for job in jobs if job[1] < today] == [
        ("e01", date(2019, 3, 29), None), ("e02", date(2021, 2, 1), "e01"), ("e03", date(2020, 2, 1), "e02"),
    ]  # fmt: skip
    (changed,) = [job for job in jobs if job[1] >= today and job[0] == "e02"]
    assert changed[0] == "e02" and changed[2] == "e03", "from the day on which the change was landed"
    check_unit_tests(case.settings, "rippling")
