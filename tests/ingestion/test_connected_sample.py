"""The sample company with Salesforce, Stripe and BambooHR in the place of its files: the same payouts, row for row.

The vendors' servers hold the rows of the sample in their own shapes. Stripe counts whole cents, the sample's bills have
four decimals: for this proof the bills are rounded to cents on both sides.
"""

import csv
import shutil
from collections.abc import Iterator
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
from orchestration.calculation.dbt_process import BuildResult, current
from orchestration.calculation.manifest import project_digest
from orchestration.calculation.step import BUILD
from orchestration.plans.situations.build import calculate
from orchestration.warehouse.settings import DBT_PROJECT_DIR
from tests.support.companies.landed_company import sample_rows
from tests.support.fakes.bamboohr import KEY as BAMBOOHR_KEY
from tests.support.fakes.bamboohr import Hr
from tests.support.fakes.salesforce import CLIENT_ID, CLIENT_SECRET, Org, fill
from tests.support.fakes.stripe import KEY as STRIPE_KEY
from tests.support.fakes.stripe import Account
from tests.support.servers.fault_server import FaultServer

Row = dict[str, str]
# The staging models whose tests are run.
STAGED = ("path:models/staging/stripe", "path:models/staging/bamboohr")
SEEDS = PROJECT_ROOT / "seeds"
CRM = FILE_SYSTEMS["crm"]
CENT = Decimal("0.01")
SWITCHED = {"billing_system": "stripe", "hris_system": "bamboohr"}
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
    """The sample company with connected systems: its warehouse, and seeds of its own."""

    settings: Settings
    account: Account
    hr: Hr

    @property
    def seeds(self) -> Path:
        return self.settings.home / "seeds"

    def switch(self) -> None:
        """Copy the seeds, and have dbt parse the project with the connected systems, as docs/connecting.md says."""
        shutil.copytree(SEEDS, self.seeds)
        project, documented = (DBT_PROJECT_DIR / "dbt_project.yml", PROJECT_ROOT / "docs" / "connecting.md")
        for name, system in SWITCHED.items():
            assert f"  {name}: files\n" in project.read_text(), "what a person writes another system over"
            assert f"{name}: {system}" in documented.read_text()
        target = self.settings.home / "target"
        current().parse(target, project_digest(DBT_PROJECT_DIR), seeds=self.seeds, variables=SWITCHED)

    def load(self, *names: str) -> None:
        systems = source_systems(self.settings)
        for name in names or systems:
            load_system(systems[name], self.settings)

    def dbt(self, *arguments: str, as_of: date | None = None) -> BuildResult:
        """Run dbt in the process that stays alive: the project is parsed once."""
        return current().run(
            arguments,
            warehouse=self.settings.warehouse,
            home=self.settings.home,
            target=self.settings.home / "target",
            seeds=self.seeds,
            variables=SWITCHED,
            as_of_date=as_of.isoformat() if as_of else None,
        )


def said(done: BuildResult) -> str:
    return (
        "\n".join(f"{node.unique_id}: {node.message}" for node in done.nodes if not node.is_good)
        or done.error
    )


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
    tmp_path: Path,
) -> None:
    extracts, files = tmp_path / "extracts", tmp_path / "files"
    (extracts / "billing").mkdir(parents=True)
    for name, rows in zip(("invoices", "payments"), bills, strict=True):
        write(extracts / "billing" / f"{name}.csv", rows)
    # The sample with its bills landed anew: what is not made from the bills stays as it is calculated.
    shutil.copytree(sample_warehouse.parent, files)
    from_files = files / sample_warehouse.name
    with duckdb.connect(str(from_files)) as connection:
        connection.execute("DROP SCHEMA raw_billing CASCADE")
    load_system("billing", Settings(home=files, extracts=extracts))
    calculate(files, files / "seeds", sample_as_of, DBT_PROJECT_DIR, wanted={"fct_payouts"})
    built = company.dbt(*BUILD, "--select", "+fct_payouts", *STAGED, as_of=sample_as_of)
    assert built.is_good, said(built)
    from_systems = company.settings.warehouse
    assert payouts(from_systems) == payouts(from_files)
    # What rounding the bills has moved: a few cents in a row, none in the rows that there are.
    bundled, connected = amounts(sample_warehouse), amounts(from_systems)
    assert len(bundled) > 400 and set(connected) == set(bundled)
    assert max(abs(connected[key] - bundled[key]) for key in bundled) <= Decimal("0.05")


def test_the_tests_of_the_connected_models_pass(company: Company) -> None:
    tested = company.dbt("test", "--select", *STAGED)
    assert tested.is_good, said(tested)
    ran = [node.unique_id.partition(".")[0] for node in tested.nodes]
    assert ran.count("unit_test") == 11 and ran.count("test") > 0


def test_a_manager_who_is_nobody_stops_the_run_until_an_alias_names_him(company: Company) -> None:
    check = "assert_bamboohr_managers_are_known"
    job = next(row for row in company.hr.tables["jobInfo"] if row["employeeId"] == "275")
    known = job["reportsTo"]
    job["reportsTo"] = "Steve Jiang"
    company.load("bamboohr")
    failed = company.dbt("build", "--select", "stg_hris__job_info", check)
    assert not failed.is_good
    assert check in said(failed)
    with (company.seeds / "crediting" / "payee_aliases.csv").open("a") as seed:
        seed.write("bamboohr,Steve Jiang,274,2000-01-01,,letter of the HR department\n")
    fixed = company.dbt("build", "--select", "payee_aliases", "stg_hris__job_info", check)
    assert fixed.is_good, said(fixed)
    with duckdb.connect(str(company.settings.warehouse), read_only=True) as connection:
        sql = """SELECT "reportsTo" FROM staging.stg_hris__job_info WHERE "employeeId" = '275'"""
        assert connection.execute(sql).fetchall() == [("274",)]
    assert known == "Stephen Jiang"


@pytest.mark.proof
def test_every_data_test_passes_for_the_connected_company(company: Company, sample_as_of: date) -> None:
    built = company.dbt("build", "--exclude-resource-type", "unit_test", as_of=sample_as_of)
    assert built.is_good, said(built)
