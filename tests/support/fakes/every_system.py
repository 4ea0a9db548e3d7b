"""Every system that is read over REST, behind the fault server, in one shape: what the shared proofs need of each."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.landing.pipeline import landed_tables
from ingestion.landing.settings import Settings
from tests.support.companies.connected_company import Connected, payload
from tests.support.fakes import (
    bamboohr,
    dynamics,
    hubspot,
    netsuite,
    pipedrive,
    quickbooks,
    rippling,
    salesforce,
    stripe,
    workday,
    zoho,
)
from tests.support.servers.fault_server import FaultServer


@dataclass(frozen=True)
class System:
    """One system and its fake.

    Attributes:
        fake: makes the vendor's side at a server, with some records.
        secrets: the secrets by their names in the environment; none of them may be seen anywhere.
        change: edits, adds and deletes records between two loads.
        column: table and column that a plan uses.
        rename: gives that column another name at the vendor.
        path: part of the path of a request for records.
        payload, syncs: tests of the system's own file: the landed table beside the vendor's payload, and two loads
            with changes and deletes between them.
        section: the part of sources.toml that the connector needs.
        hidden: secrets as they travel, where that is another text.
    """

    fake: Callable[[FaultServer], Any]
    secrets: Mapping[str, str]
    change: Callable[[Any], None]
    column: tuple[str, str]
    rename: Callable[[Any], None]
    path: str
    payload: str
    syncs: str
    base_path: str = ""
    section: Callable[[FaultServer], str] = lambda _server: ""
    hidden: tuple[str, ...] = ()

    def company(self, name: str, server: FaultServer, home: Path) -> Connected:
        return Connected(server, name, home, self.base_path, self.section(server))


def moved(record: dict[str, Any], old: str, new: str) -> None:
    """Give a field of a record another name."""
    record[new] = record.pop(old, None)


# Salesforce


def _salesforce(server: FaultServer) -> Any:
    org = salesforce.standard_org(server, 120)
    org.page_rows = 50
    return org


def _change_salesforce(org: Any) -> None:
    for number in range(0, 120, 7):
        org.save("Opportunity", f"006{number:015d}", Amount=Decimal("1.2345"))
    org.delete("Opportunity", f"006{5:015d}")
    org.save("OpportunitySplit", "0SPnew", OpportunityId="006", SplitPercentage=Decimal(40))


def _rename_salesforce(org: Any) -> None:
    org.rename("Opportunity", "Region__c", "Sales_Region__c")
    org.save("Opportunity", f"006{3:015d}", Amount=Decimal("9.99"))


# Stripe


def _stripe(server: FaultServer) -> Any:
    account = stripe.Account(server)
    for name in stripe.ITEMS:
        account.save(name, f"{name}_example")
    account.lines("invoices_example", 1)
    stripe.invoices(account, 120)
    return account


def _change_stripe(account: Any) -> None:
    account.now += 86_400
    for number in range(0, 100, 9):
        account.save("invoices", f"in_{number:04d}", "invoice.paid", status="paid", amount_paid=number)
    account.delete("invoices", "in_0007", "invoice.deleted")
    account.delete("customers", "customers_example", "customer.deleted")
    account.save("refunds", "re_1", "refund.created", charge="charges_example", amount=40)


def _rename_stripe(account: Any) -> None:
    account.save("charges", "ch_2")
    moved(account.objects["charges"]["ch_2"], "amount", "amount_gross")
    del account.objects["charges"]["charges_example"]


# BambooHR


def _bamboohr(server: FaultServer) -> Any:
    hr = bamboohr.Hr(server)
    hr.page_rows = 25
    for number in range(60):
        hr.hire(str(123 + number))
    return hr


def _change_bamboohr(hr: Any) -> None:
    for number in range(0, 60, 5):
        hr.employees[str(123 + number)]["reportsToId"] = "126"
    hr.tables["jobInfo"].append(hr.tables["jobInfo"][0] | {"id": "1105", "date": "2026-02-01"})
    hr.tables["jobInfo"].remove(hr.tables["jobInfo"][3])
    del hr.employees["129"]


def _rename_bamboohr(hr: Any) -> None:
    for row in hr.tables["jobInfo"]:
        moved(row, "reportsTo", "manager")


# HubSpot


def _hubspot(server: FaultServer) -> Any:
    portal = hubspot.Portal(server)
    server.protect("/crm/")
    portal.owners = payload("hubspot/owners.json")
    hubspot.deals(portal, 120)
    return portal


def _change_hubspot(portal: Any) -> None:
    portal.now += timedelta(hours=4)
    for number in range(0, 100, 9):
        portal.save("deals", str(1000 + number), amount="999.99", dealstage="closedlost")
    portal.save("deals", "5000", dealname="New", amount="1")
    portal.archive("deals", "1005")


def _rename_hubspot(portal: Any) -> None:
    moved(portal.defined["deals"], "amount", "gross_amount")


# Dynamics 365


def _dynamics(server: FaultServer) -> Any:
    dataverse = dynamics.Environment(server)
    dynamics.many(dataverse, 120)
    return dataverse


def _change_dynamics(dataverse: Any) -> None:
    dataverse.now += timedelta(hours=2)
    for number in range(0, 100, 9):
        dataverse.save("opportunities", f"o{number:04d}", statecode=2, actualvalue=Decimal("999.99"))
    dataverse.save("opportunities", "onew", name="New")
    dataverse.remove("opportunities", "o0005")
    dataverse.remove("systemusers", "u0000000-0000-4000-8000-000000000001")


def _rename_dynamics(dataverse: Any) -> None:
    moved(dataverse.columns["opportunities"], "actualvalue", "new_actualvalue")


# QuickBooks


def _quickbooks(server: FaultServer) -> Any:
    # A refresh token that stays: several copies of one home are loaded. Replaced ones have a test of their own.
    server.oauth(
        "/tokens/bearer",
        client_id=quickbooks.CLIENT_ID,
        client_secret=quickbooks.SECRET,
        refresh_token=quickbooks.REFRESH,
    )
    books = quickbooks.Books(server)
    for number in range(120):
        books.save("Invoice", str(1000 + number), at=quickbooks.ago(days=5), TotalAmt=Decimal("100.10"))
    return books


def _change_quickbooks(books: Any) -> None:
    for number in range(0, 100, 9):
        books.save("Invoice", str(1000 + number), TotalAmt=Decimal("100.10"), Balance=Decimal("60.05"))
    books.delete("Invoice", "1003")
    books.save("Payment", "1", TotalAmt=Decimal("40.05"), UnappliedAmt=0, Line=[])


def _rename_quickbooks(books: Any) -> None:
    for record in books.records["Invoice"].values():
        moved(record, "TotalAmt", "GrossAmt")
        record["MetaData"]["LastUpdatedTime"] = quickbooks.ago()


# Pipedrive


def _pipedrive(server: FaultServer) -> Any:
    pipes = pipedrive.Pipes(server)
    pipedrive.many(pipes, 120)
    return pipes


def _change_pipedrive(pipes: Any) -> None:
    pipes.now += timedelta(hours=4)
    for number in range(0, 100, 9):
        pipes.save(1000 + number, value=Decimal("999.99"), status="lost")
    pipes.line(77, 1002)
    pipes.save(1005, is_deleted=True, status="deleted")


def _rename_pipedrive(pipes: Any) -> None:
    pipes.now += timedelta(hours=4)
    for deal in pipes.deals.values():
        moved(deal, "value", "gross_value")
        deal["update_time"] = pipes.stamp()


# Zoho CRM


def _zoho(server: FaultServer) -> Any:
    crm = zoho.Crm(server)
    zoho.many(crm, 120)
    return crm


def _change_zoho(crm: Any) -> None:
    crm.now += timedelta(hours=4)
    for number in range(0, 100, 9):
        crm.save("Deals", str(9000 + number), Amount=Decimal("999.99"))
    crm.save("Deals", "9999")
    crm.delete("Deals", "9005")


def _rename_zoho(crm: Any) -> None:
    moved(crm.fields["Deals"], "Amount", "Gross_Amount")


# NetSuite


def _netsuite(server: FaultServer) -> Any:
    account = netsuite.Account(server)
    netsuite.many(account, 50)
    return account


def _change_netsuite(account: Any) -> None:
    account.now += timedelta(hours=4)
    for number in range(0, 50, 9):
        account.save("transaction", str(8000 + number), foreigntotal="999.99")
    account.line("9000", 0)
    account.drop_line("8004", 2)
    account.delete("transaction", "8005", "Customer Payment")


def _rename_netsuite(account: Any) -> None:
    account.columns["transaction"] ^= {"foreigntotal", "custbody_total"}
    for row in account.rows["transaction"].values():
        moved(row, "foreigntotal", "custbody_total")


# Workday


def _workday(server: FaultServer) -> Any:
    tenant = workday.Tenant(server)
    like = tenant.workers[0]
    tenant.workers += [like | {"Employee_ID": str(30_000 + number)} for number in range(100)]
    return tenant


def _change_workday(tenant: Any) -> None:
    for worker in tenant.workers[3::9]:
        worker["Manager_ID"] = "21003"
    tenant.workers.pop()
    tenant.positions.append(tenant.positions[0] | {"Effective_Date": "06/01/2026"})


def _rename_workday(tenant: Any) -> None:
    for worker in tenant.workers:
        moved(worker, "Manager_ID", "Supervisor_ID")


# Rippling


def _rippling(server: FaultServer) -> Any:
    made = rippling.Company(server)
    made.hire(120)
    return made


def _change_rippling(made: Any) -> None:
    for number in range(0, 120, 9):
        made.employees[f"n{number:03d}"]["manager"] = "e09"
    made.lists["employees"].pop()
    made.lists["teams"].clear()


def _rename_rippling(made: Any) -> None:
    for record in made.lists["employees"]:
        moved(record, "manager", "supervisor")


EVERY_SYSTEM: Mapping[str, System] = {
    "salesforce": System(
        _salesforce,
        {"CLIENT_ID": salesforce.CLIENT_ID, "CLIENT_SECRET": salesforce.CLIENT_SECRET},
        _change_salesforce, ("Opportunity", "Region__c"), _rename_salesforce, r"/query/",
        "test_a_record_lands_under_the_names_of_the_source",
        "test_two_syncs_with_changes_and_deletes_between_them",
        section=lambda _server: 'read = ["Opportunity", "OpportunitySplit", "User"]\n',
    ),
    "stripe": System(
        _stripe, {"TOKEN": stripe.KEY}, _change_stripe, ("charges", "amount"), _rename_stripe, r"/v1/invoices$",
        "test_stripes_own_examples_land_under_their_names", "test_two_syncs_with_changes_and_deletes_between_them",
    ),
    "bamboohr": System(
        _bamboohr, {"API_KEY": bamboohr.KEY}, _change_bamboohr, ("jobInfo", "reportsTo"), _rename_bamboohr,
        r"/employees$", "test_records_land_under_their_names",
        "test_two_syncs_with_a_new_manager_a_termination_and_a_removed_row",
        hidden=(bamboohr.BASIC.split()[1],),
    ),
    "hubspot": System(
        _hubspot, {"TOKEN": hubspot.TOKEN}, _change_hubspot, ("deals", "amount"), _rename_hubspot,
        r"/objects/deals$", "test_records_land_under_their_names",
        "test_two_syncs_with_changes_archived_and_erased_records",
    ),
    "dynamics": System(
        _dynamics, {"CLIENT_ID": dynamics.CLIENT_ID, "CLIENT_SECRET": dynamics.SECRET}, _change_dynamics,
        ("opportunities", "actualvalue"), _rename_dynamics, r"/opportunities$",
        "test_records_land_under_their_names", "test_two_syncs_with_changes_and_deletes", dynamics.BASE,
        lambda server: f'[dynamics.options]\ntoken_url = "{server.url}/token"\n',
    ),
    "quickbooks": System(
        _quickbooks,
        {"CLIENT_ID": quickbooks.CLIENT_ID, "CLIENT_SECRET": quickbooks.SECRET,
         "REFRESH_TOKEN": quickbooks.REFRESH},
        _change_quickbooks, ("Invoice", "TotalAmt"), _rename_quickbooks, r"/query$",
        "test_recorded_objects_land_under_their_names", "test_two_syncs_with_a_void_a_deletion_and_a_payment",
        quickbooks.BASE, lambda server: f'[quickbooks.options]\ntoken_url = "{server.url}/tokens/bearer"\n',
    ),
    "pipedrive": System(
        _pipedrive, {"API_KEY": pipedrive.TOKEN}, _change_pipedrive, ("deals", "value"), _rename_pipedrive,
        r"/v2/deals$", "test_records_land_under_their_names", "test_two_syncs_with_changes_and_deletes",
    ),
    "zoho": System(
        _zoho,
        {"CLIENT_ID": "1000.ID", "CLIENT_SECRET": "secret.of.the.client", "REFRESH_TOKEN": "1000.refresh-token"},
        _change_zoho, ("Deals", "Amount"), _rename_zoho, r"/Deals$", "test_records_land_under_their_names",
        "test_two_syncs_with_changes_and_deletes", zoho.BASE,
        lambda server: f'[zoho.options]\ntoken_url = "{server.url}/oauth/v2/token"\n',
    ),
    "netsuite": System(
        _netsuite, {name.upper(): value for name, value in netsuite.SECRETS.items()}, _change_netsuite,
        ("transaction", "foreigntotal"), _rename_netsuite, r"/suiteql$",
        "test_records_land_under_their_names_and_in_utc", "test_two_syncs_with_changes_and_deletes",
        section=lambda _server: '[netsuite.options]\naccount = "1234567-sb1"\ntime_zone = "Europe/Berlin"\n',
    ),
    "workday": System(
        _workday, {"USERNAME": workday.USER, "PASSWORD": workday.PASSWORD}, _change_workday,
        ("workers", "Manager_ID"), _rename_workday, r"/Commission_Workers$",
        "test_a_report_lands_under_its_own_column_names",
        "test_snapshots_become_history_and_a_missing_worker_is_retired", workday.BASE,
        lambda _server: workday.SECTION, (workday.BASIC.split()[1],),
    ),
    "rippling": System(
        _rippling, {"TOKEN": rippling.TOKEN}, _change_rippling, ("employees", "manager"), _rename_rippling,
        r"include_terminated$", "test_records_land_under_their_names_and_private_fields_do_not",
        "test_two_syncs_with_a_new_manager_a_termination_and_a_gone_team", rippling.BASE,
    ),
}  # fmt: skip

Landed = dict[str, Counter[tuple[Any, ...]]]


@dataclass
class Case:
    """One system, running."""

    name: str
    system: System
    fake: Any
    company: Connected

    @property
    def server(self) -> FaultServer:
        return self.company.server

    @property
    def settings(self) -> Settings:
        return self.company.settings


@contextmanager
def running(name: str, monkeypatch: pytest.MonkeyPatch, home: Path) -> Iterator[Case]:
    """Start the fake of a system, with its secrets in the environment."""
    system = EVERY_SYSTEM[name]
    for secret, value in system.secrets.items():
        monkeypatch.setenv(f"SOURCES__{name.upper()}__{secret}", value)
    with FaultServer() as server:
        yield Case(name, system, system.fake(server), system.company(name, server, home))


def landed(system: str, settings: Settings) -> Landed:
    """All versions of all tables, without times and load ids, each with whether it is live."""
    found: Landed = {}
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        for table in landed_tables(connection, f"raw_{system}", "_dlt_valid_to"):
            rows = connection.execute(
                "SELECT * EXCLUDE (_dlt_load_id, _dlt_valid_from, _dlt_valid_to, _source_row), _dlt_valid_to IS NULL "
                f'FROM raw_{system}."{table}"'
            ).fetchall()
            found[table] = Counter(rows)
    return found
