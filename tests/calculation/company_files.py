"""Read a company for the oracle: the extracts as the systems sent them, and the plan seeds."""

import csv
import gzip
import io
from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

from oracle import (
    Assignment,
    Company,
    Employee,
    Fields,
    FxRate,
    Invoice,
    ManualAlias,
    Payment,
    PlanVersion,
    ReportsTo,
    RollupLevel,
    SystemUser,
    TerritoryMembership,
    Tier,
    Transaction,
    Variable,
    Window,
)

# The SQL texts that plan seeds hold, each said again in Python. An unknown text is a KeyError.
FILTERS: dict[str, Callable[[Fields], bool]] = {
    "\"Type\" = 'Reseller'": lambda deal: deal["Type"] == "Reseller",
    "\"Type\" = 'Online' and \"Product_Tier__c\" in ('A', 'B')": lambda deal: (
        deal["Type"] == "Online" and deal["Product_Tier__c"] in ("A", "B")
    ),
}
VALUES: dict[str, Callable[[Transaction], Fraction | None]] = {
    '"Amount"': lambda transaction: transaction.amount,
    "1": lambda transaction: Fraction(1),
}

Row = dict[str, str | None]


def read_csv(folder: Path, table: str) -> list[Row]:
    """Return the rows of table.csv or table.csv.gz; empty text is None."""
    path = folder / f"{table}.csv"
    packed = folder / f"{table}.csv.gz"
    content = path.read_bytes() if path.exists() else gzip.decompress(packed.read_bytes())
    rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    return [{name: text or None for name, text in row.items()} for row in rows]


def text(row: Row, name: str) -> str:
    found = row[name]
    if found is None:
        raise ValueError(f"{name} is empty in {row}")
    return found


def day(row: Row, name: str) -> date | None:
    found = row[name]
    return date.fromisoformat(found) if found else None


def first_day(row: Row, name: str = "valid_from") -> date:
    return date.fromisoformat(text(row, name))


def number(row: Row, name: str) -> Fraction | None:
    found = row[name]
    return Fraction(found) if found else None


def exact(row: Row, name: str) -> Fraction:
    return Fraction(text(row, name))


def after(last_day: date | None) -> date | None:
    """Return the first day that no longer belongs to a range whose last day is given."""
    return last_day + timedelta(days=1) if last_day else None


def crm_transactions(folder: Path) -> list[Transaction]:
    return [
        Transaction(
            transaction_id=f"crm/Opportunity/{row['Id']}",
            source_object="crm/Opportunity",
            booked_date=day(row, "CloseDate"),
            amount=number(row, "Amount"),
            currency=row["CurrencyIsoCode"],
            owner_alias=row["OwnerId"],
            territory_id=row["Territory2Id"],
            is_won=row["StageName"] == "Closed Won",
            is_deleted=row["IsDeleted"] == "true",
            fields=row,
        )
        for row in read_csv(folder, "Opportunity")
    ]


def maven_transactions(folder: Path) -> list[Transaction]:
    return [
        Transaction(
            transaction_id=f"maven_crm/sales_pipeline/{row['opportunity_id']}",
            source_object="maven_crm/sales_pipeline",
            booked_date=day(row, "close_date"),
            amount=number(row, "close_value"),
            currency=None,
            owner_alias=row["sales_agent"],
            territory_id=None,
            is_won=row["deal_stage"] == "Won",
            is_deleted=False,
            fields=row,
        )
        for row in read_csv(folder, "sales_pipeline")
    ]


def plan_versions(folder: Path) -> list[PlanVersion]:
    return [
        PlanVersion(
            plan_id=text(row, "plan_id"),
            valid_from=first_day(row),
            valid_to=day(row, "valid_to"),
            source_object=text(row, "source_object"),
            currency=text(row, "currency_code"),
            is_selected=FILTERS[text(row, "filter_expression")],
            value=VALUES[text(row, "value_expression")],
            is_value_in_plan_unit=row["value_currency_code"] == "plan",
            credit_method=text(row, "credit_method_code"),
            calendar_id=text(row, "calendar_id"),
            tier_basis=text(row, "tier_basis_code"),
            quota_variable=row["quota_variable"],
            payout_event=text(row, "payout_event_code"),
        )
        for row in read_csv(folder, "plans")
    ]


def company_from_files(extracts: Path, seeds: Path) -> Company:
    """Read the extracts (one folder a system) and the plan seeds."""
    return Company(
        transactions=crm_transactions(extracts / "crm") + maven_transactions(extracts / "maven_crm"),
        plans=plan_versions(seeds / "plans"),
        assignments=[
            Assignment(text(row, "plan_id"), text(row, "payee_id"), first_day(row), day(row, "valid_to"))
            for row in read_csv(seeds / "plans", "plan_assignments")
        ],
        tiers=[
            Tier(
                plan_id=text(row, "plan_id"),
                valid_from=first_day(row),
                valid_to=day(row, "valid_to"),
                number=int(text(row, "tier_number")),
                tier_from=exact(row, "tier_from"),
                rate=exact(row, "rate"),
                rate_variable=row["rate_variable"],
            )
            for row in read_csv(seeds / "plans", "tiers")
        ],
        variables=[
            Variable(
                name=text(row, "variable_name"),
                scope=text(row, "scope_code"),
                scope_id=row["scope_id"],
                value=exact(row, "value"),
                valid_from=first_day(row),
                valid_to=day(row, "valid_to"),
            )
            for row in read_csv(seeds / "plans", "variables")
        ],
        rollup_levels=[
            RollupLevel(
                plan_id=text(row, "plan_id"),
                level=int(text(row, "level_number")),
                factor=exact(row, "level_factor"),
                valid_from=first_day(row),
                valid_to=day(row, "valid_to"),
            )
            for row in read_csv(seeds / "crediting", "rollup_levels")
        ],
        windows=[
            Window(
                text(row, "calendar_id"),
                text(row, "window_code"),
                first_day(row, "window_from"),
                first_day(row, "window_to"),
            )
            for row in read_csv(seeds / "calendar", "windows")
        ],
        fx_rates=[
            FxRate(text(row, "ToCurrencyCode"), first_day(row, "CurrencyRateDate"), exact(row, "AverageRate"))
            for row in read_csv(extracts / "fx", "CurrencyRate")
            if row["FromCurrencyCode"] == "USD"
        ],
        memberships=[
            TerritoryMembership(
                territory_id=text(row, "territoryId"),
                payee_id=text(row, "employeeId"),
                valid_from=first_day(row, "startDate"),
                valid_to=after(day(row, "endDate")),
            )
            for row in read_csv(extracts / "hris", "territory_history")
        ],
        reporting=[
            ReportsTo(text(row, "employeeId"), row["reportsTo"], first_day(row, "date"))
            for row in read_csv(extracts / "hris", "job_info")
        ],
        employees=[
            Employee(text(row, "id"), row["employeeNumber"], row["workEmail"])
            for row in read_csv(extracts / "hris", "employees")
        ],
        users=[
            SystemUser("crm", text(row, "Id"), row["EmployeeNumber"], row["Email"])
            for row in read_csv(extracts / "crm", "User")
        ],
        manual_aliases=[
            ManualAlias(
                system=text(row, "source_system"),
                alias=text(row, "alias"),
                payee_id=text(row, "payee_id"),
                valid_from=first_day(row),
                valid_to=day(row, "valid_to"),
            )
            for row in read_csv(seeds / "crediting", "payee_aliases")
        ],
        invoices=[
            Invoice(
                invoice_id=text(row, "invoice_id"),
                deal_id=row["opportunity_id"],
                currency=row["currency_code"],
                subtotal=number(row, "subtotal_amount"),
                total=number(row, "total_amount"),
            )
            for row in read_csv(extracts / "billing", "invoices")
        ],
        payments=[
            Payment(
                payment_id=text(row, "payment_id"),
                kind=text(row, "kind"),
                invoice_id=row["invoice_id"],
                paid_date=day(row, "paid_date"),
                currency=row["currency_code"],
                amount=number(row, "amount"),
            )
            for row in read_csv(extracts / "billing", "payments")
        ],
        minor_units={
            text(row, "currency_code"): int(text(row, "minor_unit"))
            for row in read_csv(seeds / "reference", "currencies")
        },
    )
