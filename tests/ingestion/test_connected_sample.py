"""The sample company with Salesforce, Stripe and BambooHR in the place of its files: the same payouts, row for row.

The vendors' servers hold the rows of the sample in their own shapes. Stripe counts whole cents, the sample's bills have
four decimals: for this proof the bills are rounded to cents on both sides.
"""

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.landing.settings import PROJECT_ROOT, SAMPLE_DIR, Settings
from ingestion.load import load_system
from ingestion.registry import FILE_SYSTEMS, source_systems
from tests.support.companies.landed_company import sample_rows
from tests.support.fakes.bamboohr import KEY as BAMBOOHR_KEY
from tests.support.fakes.bamboohr import Hr
from tests.support.fakes.salesforce import CLIENT_ID, CLIENT_SECRET, Org, fill
from tests.support.fakes.stripe import KEY as STRIPE_KEY
from tests.support.fakes.stripe import Account
from tests.support.servers.fault_server import FaultServer

Row = dict[str, str]
Build = Callable[[Path, date, Path, Path], Path]
SEEDS = PROJECT_ROOT / "seeds"
CRM = FILE_SYSTEMS["crm"]
CENT = Decimal("0.01")
PARTS = ("subtotal_amount", "tax_amount", "freight_amount")

SOURCES = """
[crm]
connector = "salesforce"
base_url = "{crm}"
read = [{crm_tables}]

[stripe]
connector = "stripe"
base_url = "{stripe}"
replaces = "billing"

[bamboohr]
connector = "bamboohr"
base_url = "{bamboohr}"
replaces = "hris"
read = ["employees", "numbers", "jobInfo", "employmentStatus", "territory_history"]

[bamboohr.tables.numbers]
key = ["eeid"]
columns = {{ employeeNumber = "text" }}
options = {{ dataset = "employee" }}

[bamboohr.tables.territory_history]
columns = {{ territoryId = "text", startDate = "date", endDate = "date" }}
"""


# The bills in whole cents


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def billing_in_cents() -> tuple[list[Row], list[Row]]:
    """Return invoices and payments of the sample rounded to cents; what was paid in full stays paid in full."""
    invoices, payments = sample_rows("billing", "invoices"), sample_rows("billing", "payments")
    exact = {row["invoice_id"]: Decimal(row["total_amount"]) for row in invoices}
    for row in invoices:
        parts = {name: cents(Decimal(row[name])) for name in PARTS}
        row |= {name: str(value) for name, value in parts.items()}
        row["total_amount"] = str(sum(parts.values()))
    total = {row["invoice_id"]: Decimal(row["total_amount"]) for row in invoices}
    before: dict[str, Decimal] = {}
    for row in sorted(payments, key=lambda row: (row["paid_date"], row["payment_id"])):
        invoice, amount = row["invoice_id"], Decimal(row["amount"])
        paid = before.get(invoice, Decimal(0))
        before[invoice] = paid + amount
        row["amount"] = str(
            _rounded(paid + amount, invoice, exact, total) - _rounded(paid, invoice, exact, total)
        )
    return invoices, payments


def _rounded(paid: Decimal, invoice: str, exact: dict[str, Decimal], total: dict[str, Decimal]) -> Decimal:
    return total[invoice] if paid == exact.get(invoice) else cents(paid)


def write(path: Path, rows: list[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


# The vendors


def seconds(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


def units(amount: str) -> int:
    """Return an amount as Stripe counts it; the sample has currencies with two decimals only."""
    counted = Decimal(amount) * 100
    assert counted == int(counted)
    return int(counted)


def bill(account: Account, invoices: list[Row], payments: list[Row]) -> None:
    """Make the invoices, payments and refunds of the sample as Stripe has them."""
    for row in sorted(invoices, key=lambda row: row["invoice_date"]):
        account.now = seconds(row["invoice_date"])
        total, tax = units(row["total_amount"]), units(row["tax_amount"])
        account.save(
            "invoices", row["invoice_id"].replace("INV-", "in_"),
            customer=row["customer_id"], currency=row["currency_code"].lower(),
            status="paid" if row["status"] in ("paid", "refunded") else "open",
            total=total, total_excluding_tax=total - tax, amount_shipping=units(row["freight_amount"]),
            due_date=seconds(row["due_date"]), effective_at=account.now, starting_balance=0, ending_balance=0,
            amount_paid=0, metadata={"opportunity_id": row["opportunity_id"]},
        )  # fmt: skip
    known = {row["invoice_id"] for row in invoices}
    intents: dict[str, str] = {}
    for row in sorted(payments, key=lambda row: (row["paid_date"], row["payment_id"])):
        account.now = seconds(row["paid_date"])
        key, currency, invoice = (
            row["payment_id"].partition("-")[2],
            row["currency_code"].lower(),
            row["invoice_id"],
        )
        amount, of_deal = units(row["amount"]), {"opportunity_id": row["opportunity_id"]}
        if amount < 0:
            account.save("refunds", f"re_{key}", amount=-amount, currency=currency, status="succeeded",
                         payment_intent=intents[invoice], charge=None)  # fmt: skip
            continue
        account.save("charges", f"ch_{key}", amount=amount, amount_captured=amount, captured=True, currency=currency,
                     status="succeeded", payment_intent=f"pi_{key}", metadata=of_deal)  # fmt: skip
        if invoice in known:
            intents[invoice] = f"pi_{key}"
            account.objects["invoices"][invoice.replace("INV-", "in_")]["amount_paid"] += amount
            account.save("invoice_payments", f"inpay_{key}", invoice=invoice.replace("INV-", "in_"), currency=currency,
                         status="paid", amount_paid=amount, amount_requested=amount,
                         payment={"type": "payment_intent", "payment_intent": f"pi_{key}"},
                         status_transitions={"canceled_at": None, "paid_at": account.now})  # fmt: skip


def employ(hr: Hr) -> None:
    """Make the employees of the sample, their jobs and territories as BambooHR has them."""
    hr.page_rows = 100
    people = {row["id"]: row for row in sample_rows("hris", "employees")}
    managers = {row["employeeId"]: row["reportsTo"] for row in sample_rows("hris", "job_info")}

    def name(key: str) -> str | None:
        return f"{people[key]['firstName']} {people[key]['lastName']}" if key else None

    for key, row in people.items():
        same = ("firstName", "middleName", "lastName", "workEmail", "hireDate", "status")
        hr.hire(
            key, **{field: row[field] or None for field in same}, preferredName=None, jobTitleName=row["jobTitle"],
            reportsToId=managers[key] or None, reportsToName=name(managers[key]),
        )  # fmt: skip
        hr.dataset.append({"eeid": key, "employeeNumber": row["employeeNumber"]})
    hr.tables["jobInfo"] = [
        {"id": str(7000 + number), "employeeId": row["employeeId"], "date": row["date"], "jobTitle": row["jobTitle"],
         "reportsTo": name(row["reportsTo"]), "department": None, "division": None, "location": None}
        for number, row in enumerate(sample_rows("hris", "job_info"))
    ]  # fmt: skip
    hr.tables["employmentStatus"] = [
        {
            "id": str(9000 + number),
            "employeeId": key,
            "date": row["hireDate"],
            "employmentStatus": "Full-Time",
        }
        for number, (key, row) in enumerate(people.items())
    ]
    hr.tables["territory_history"] = [
        {"id": str(number), **{field: value or None for field, value in row.items()}}
        for number, row in enumerate(sample_rows("hris", "territory_history"), start=1)
    ]


# The company


@dataclass
class Company:
    """The sample company with connected systems: its warehouse, and a copy of the project that is switched to them."""

    settings: Settings
    account: Account
    hr: Hr

    @property
    def project(self) -> Path:
        return self.settings.home / "project"

    def switch(self) -> None:
        """Copy the project and name the connected systems in it, as docs/connecting.md says."""
        unwanted = shutil.ignore_patterns("target", "logs")
        shutil.copytree(PROJECT_ROOT / "dbt_project", self.project / "dbt_project", ignore=unwanted)
        shutil.copytree(SEEDS, self.project / "seeds")
        path = self.project / "dbt_project" / "dbt_project.yml"
        text = path.read_text()
        for line, switched in (
            ("  billing_system: files\n", "  billing_system: stripe\n"),
            ("  hris_system: files\n", "  hris_system: bamboohr\n"),
        ):
            assert line in text and switched.strip() in (PROJECT_ROOT / "docs" / "connecting.md").read_text()
            text = text.replace(line, switched)
        path.write_text(text)

    def load(self, *names: str) -> None:
        systems = source_systems(self.settings)
        for name in names or systems:
            load_system(systems[name], self.settings)

    def dbt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        kept = {
            key: value for key, value in os.environ.items() if not key.startswith(("COMMISSIONS_", "DBT_"))
        }
        return subprocess.run(
            [str(Path(sys.executable).parent / "dbt"), "--no-use-colors", *arguments],
            cwd=self.project / "dbt_project",
            env=kept | {"COMMISSIONS_HOME": str(self.settings.home), "DO_NOT_TRACK": "1"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip


@pytest.fixture(scope="module")
def bills() -> tuple[list[Row], list[Row]]:
    return billing_in_cents()


@pytest.fixture(scope="module")
def company(
    bills: tuple[list[Row], list[Row]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Company]:
    """The connected company, loaded once; the servers keep running."""
    folder = tmp_path_factory.mktemp("connected")
    extracts = folder / "extracts"
    for name in ("fx", "maven_crm"):
        shutil.copytree(SAMPLE_DIR / name, extracts / name)
    with (
        FaultServer() as salesforce,
        FaultServer() as stripe,
        FaultServer() as bamboohr,
        pytest.MonkeyPatch.context() as patched,
    ):
        for secret, value in (
            ("CRM__CLIENT_ID", CLIENT_ID), ("CRM__CLIENT_SECRET", CLIENT_SECRET),
            ("STRIPE__TOKEN", STRIPE_KEY), ("BAMBOOHR__API_KEY", BAMBOOHR_KEY),
        ):  # fmt: skip
            patched.setenv(f"SOURCES__{secret}", value)
        org, account, hr = Org(salesforce), Account(stripe), Hr(bamboohr)
        org.page_rows = 2000
        for table in CRM.tables:
            fill(org, table)
        bill(account, *bills)
        employ(hr)
        sources = folder / "sources.toml"
        crm_tables = ", ".join(f'"{table.name}"' for table in CRM.tables)
        sources.write_text(
            SOURCES.format(
                crm=salesforce.url, stripe=stripe.url, bamboohr=bamboohr.url, crm_tables=crm_tables
            )
        )
        made = Company(Settings(home=folder / "home", extracts=extracts, sources=sources), account, hr)
        made.load()
        made.switch()
        yield made


def payouts(warehouse: Path) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute("SELECT * FROM marts.fct_payouts ORDER BY payout_key").fetchall()


def amounts(warehouse: Path) -> dict[str, Decimal]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        found = connection.execute("SELECT payout_key, payout_amount FROM marts.fct_payouts").fetchall()
    return {key: amount for key, amount in found}


def test_everything_is_asked_for_in_pages(company: Company, bills: tuple[list[Row], list[Row]]) -> None:
    pages = {
        name: len(company.account.server.asked(f"^/v1/{name}$")) for name in ("invoices", "invoice_payments")
    }
    assert pages["invoices"] >= 2 * len(bills[0]) // 100, "once for the invoices, once for their lines"
    assert pages["invoice_payments"] > 70
    assert len(company.hr.server.asked(r"/api/v1/employees$")) == 3
    assert len(company.hr.server.asked("/datasets/")) == len(company.hr.dataset) / 2


def test_the_connected_company_pays_the_same_as_the_company_of_files(
    company: Company,
    bills: tuple[list[Row], list[Row]],
    sample_as_of: date,
    sample_warehouse: Path,
    warehouse_builder: Build,
    tmp_path: Path,
) -> None:
    extracts = tmp_path / "extracts"
    shutil.copytree(SAMPLE_DIR, extracts, ignore=shutil.ignore_patterns("billing", "*.py", "__pycache__"))
    (extracts / "billing").mkdir()
    for name, rows in zip(("invoices", "payments"), bills, strict=True):
        write(extracts / "billing" / f"{name}.csv", rows)
    (tmp_path / "files").mkdir()
    from_files = warehouse_builder(tmp_path / "files", sample_as_of, extracts, SEEDS)
    built = company.dbt(
        "build", "--exclude-resource-type", "unit_test", "--vars", f"{{as_of_date: '{sample_as_of}'}}"
    )
    assert built.returncode == 0, built.stdout[-4000:]
    from_systems = company.settings.warehouse
    assert payouts(from_systems) == payouts(from_files)
    # What rounding the bills has moved: a few cents in a row, none in the rows that there are.
    bundled, connected = amounts(sample_warehouse), amounts(from_systems)
    assert len(bundled) > 400 and set(connected) == set(bundled)
    assert max(abs(connected[key] - bundled[key]) for key in bundled) <= Decimal("0.05")


def test_the_unit_tests_of_the_connected_models_pass(company: Company) -> None:
    tested = company.dbt("test", "--select", "path:models/staging/stripe", "path:models/staging/bamboohr")
    assert tested.returncode == 0, tested.stdout[-4000:]
    ran = json.loads((company.project / "dbt_project" / "target" / "run_results.json").read_text())["results"]
    assert sum(result["unique_id"].startswith("unit_test.") for result in ran) == 7


def test_a_manager_who_is_nobody_stops_the_run_until_an_alias_names_him(company: Company) -> None:
    check = "assert_bamboohr_managers_are_known"
    job = next(row for row in company.hr.tables["jobInfo"] if row["employeeId"] == "275")
    known = job["reportsTo"]
    job["reportsTo"] = "Steve Jiang"
    company.load("bamboohr")
    failed = company.dbt("build", "--select", "stg_hris__job_info", check)
    assert failed.returncode == 1 and f"Failure in test {check}" in failed.stdout
    with (company.project / "seeds" / "crediting" / "payee_aliases.csv").open("a") as seed:
        seed.write("bamboohr,Steve Jiang,274,2000-01-01,,letter of the HR department\n")
    fixed = company.dbt("build", "--select", "payee_aliases", "stg_hris__job_info", check)
    assert fixed.returncode == 0, fixed.stdout[-4000:]
    with duckdb.connect(str(company.settings.warehouse), read_only=True) as connection:
        sql = """SELECT "reportsTo" FROM staging.stg_hris__job_info WHERE "employeeId" = '275'"""
        assert connection.execute(sql).fetchall() == [("274",)]
    assert known == "Stephen Jiang"
