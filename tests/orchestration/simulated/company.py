"""A company of two payees whose June 2013 is paid in July; every figure can be worked out by hand.

10 % of each deal, due as the customer pays (booking, collection). The extracts are files, as systems would drop them.

    deal      payee  booked      amount     paid
    D1        ana    2013-06-05   1,000.00  06-20
    D2        ana    2013-06-10   2,000.50  06-28, reported a day late
    D3        ben    2013-06-12     500.00  06-25; refunded 07-04
    D4        ana    2013-07-02     333.33  07-20
    D5        ben    2013-06-30     100.00  06-30, reported when June is closed
"""

import csv
import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path

from orchestration.plans.situations.build import write_seeds
from tests.support.companies import plan_company
from tests.support.companies.installation import ROOT, SAMPLE

Row = Mapping[str, str]
START = "2013-01-01"
PEOPLE = {"ana": ("Ana", "Silva"), "ben": ("Ben", "O'Neil")}
DEALS = {
    "D1": ("ana", "2013-06-05", "1000.00"),
    "D2": ("ana", "2013-06-10", "2000.50"),
    "D3": ("ben", "2013-06-12", "500.00"),
    "D4": ("ana", "2013-07-02", "333.33"),
    "D5": ("ben", "2013-06-30", "100.00"),
}
PLAN = {
    **plan_company.PLAN,
    "plan_id": "deals",
    "valid_from": START,
    "plan_name": "Ten per cent",
    "filter_expression": "\"CurrencyIsoCode\" = 'USD'",
    "payout_event_code": "collection",
}
DATED = {"plan_id": "deals", "valid_from": START}
PROJECT_SEEDS = ("payroll_layouts", "payroll_layout_columns", "earnings_codes")


def seeds(folder: Path) -> None:
    """Write the company's plans."""
    tables: dict[str, list[dict[str, str]]] = {
        "plans": [PLAN],
        "plan_assignments": [{**DATED, "payee_id": name} for name in PEOPLE],
        "credit_rules": [
            {
                **DATED,
                "rule_id": "owner",
                "rule_group": "main",
                "priority": "1",
                "recipient_code": "owner",
                "credit_type_code": "direct",
            }
        ],
        "tiers": [{**DATED, "tier_number": "1", "tier_from": "0", "rate_expression": "0.1"}],
        "approval_steps": [
            {"step_number": "1", "role_code": "manager"},
            {"step_number": "2", "role_code": "administrator"},
        ],
        "approvers": [
            {"role_code": "manager", "actor": "stephen", "valid_from": START},
            {"role_code": "administrator", "actor": "laura", "valid_from": START},
        ],
        "pay_groups": [
            {
                "pay_group_id": "sales",
                "valid_from": START,
                "layout_id": "csv",
                "deduction_code": "COMMDED",
                "negative_net_code": "carry_forward",
            }
        ],
        "pay_group_members": [{"pay_group_id": "sales", "valid_from": START}],
        "pay_cycles": [
            {
                "pay_group_id": "sales",
                "pay_cycle_code": f"2013-{month:02}",
                "valid_from": f"2013-{month:02}-01",
                "valid_to": f"2013-{month + 1:02}-01",
                "pay_date": f"2013-{month + 1:02}-15",
            }
            for month in (6, 7)
        ],
    }
    for name in PROJECT_SEEDS:
        with (ROOT / "seeds" / "payroll" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            tables[name] = list(csv.DictReader(file))
    write_seeds(tables, folder, ROOT / "seeds")


class Extracts:
    """The folder into which the source systems drop their files; every table of every system is there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.payments: list[Row] = []
        for path in sorted(SAMPLE.glob("*/*.csv*")):
            self.write(f"{path.parent.name}/{path.name.partition('.')[0]}", ())
        self.write(
            "hris/employees",
            [
                {
                    "id": name,
                    "employeeNumber": name,
                    "firstName": first,
                    "lastName": last,
                    "jobTitle": "Seller",
                    "hireDate": "2012-01-01",
                    "status": "Active",
                }
                for name, (first, last) in PEOPLE.items()
            ],
        )
        self.write(
            "crm/User",
            [
                {
                    "Id": f"U-{name}",
                    "Username": name,
                    "Name": name,
                    "EmployeeNumber": name,
                    "IsActive": "true",
                    "SystemModstamp": "2013-01-01T00:00:00Z",
                }
                for name in PEOPLE
            ],
        )

    def write(self, table: str, rows: Sequence[Row]) -> None:
        """Write a table ("crm/User") whole, with the columns that the sample's extract has."""
        system, name = table.split("/")
        sample = next((SAMPLE / system).glob(f"{name}.csv*"))
        opened = gzip.open if sample.suffix == ".gz" else open
        with opened(sample, "rt", encoding="utf-8", newline="") as file:
            columns = next(csv.reader(file))
        target = self.folder / system / f"{name}.csv"
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_suffix(".tmp")
        with temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        temporary.replace(target)

    def deals(self, *names: str, **amounts: str) -> None:
        """The CRM drops these deals; `amounts` are what it writes instead of some of their amounts."""
        self.write(
            "crm/Opportunity",
            [
                {
                    "Id": name,
                    "Name": f"Deal {name}",
                    "OwnerId": f"U-{DEALS[name][0]}",
                    "StageName": "Closed Won",
                    "IsClosed": "true",
                    "IsWon": "true",
                    "IsDeleted": "false",
                    "Amount": amounts.get(name, DEALS[name][2]),
                    "CurrencyIsoCode": "USD",
                    "CloseDate": DEALS[name][1],
                    "Type": "Reseller",
                    "CreatedDate": f"{DEALS[name][1]}T00:00:00Z",
                    "SystemModstamp": f"{DEALS[name][1]}T00:00:00Z",
                }
                for name in names
            ],
        )

    def pay(self, *rows: tuple[str, str]) -> None:
        """The billing system drops these further payments (deal, day), each of the whole deal."""
        self._bill("payment", rows)

    def refund(self, *rows: tuple[str, str]) -> None:
        """The billing system drops these further refunds (deal, day), each of the whole deal."""
        self._bill("refund", rows)

    def _bill(self, kind: str, rows: Sequence[tuple[str, str]]) -> None:
        for deal, day in rows:
            amount = DEALS[deal][2]
            self.payments.append(
                {
                    "payment_id": f"{kind.upper()}-{deal}",
                    "invoice_id": f"INV-{deal}",
                    "opportunity_id": deal,
                    "kind": kind,
                    "paid_date": day,
                    "currency_code": "USD",
                    "amount": f"-{amount}" if kind == "refund" else amount,
                    "updated_at": f"{day}T00:00:00Z",
                }
            )
        self.write("billing/payments", self.payments)
        paid = {row["opportunity_id"] for row in self.payments}
        self.write(
            "billing/invoices",
            [
                {
                    "invoice_id": f"INV-{name}",
                    "opportunity_id": name,
                    "customer_id": "C1",
                    "invoice_date": day,
                    "due_date": day,
                    "currency_code": "USD",
                    "subtotal_amount": amount,
                    "tax_amount": "0",
                    "freight_amount": "0",
                    "total_amount": amount,
                    "status": "paid",
                    "updated_at": f"{day}T00:00:00Z",
                }
                for name, (_, day, amount) in DEALS.items()
                if name in paid
            ],
        )
