"""Write the sample company's extracts from the AdventureWorks tables and the Maven CRM files.

    python -m ingestion.sample.build --adventureworks DIR --maven DIR [--out DIR]

DIR holds the published tables as CSV or CSV.gz with a header. The output is deterministic: the same input
gives the same bytes. README.md beside this file says which columns are copied and which are derived, and by
which rule; the rules are the functions below. Amounts are copied as text or computed with Decimal.
"""

import argparse
import csv
import gzip
import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

Row = dict[str, str]

GZIP_FROM_BYTES = 100_000
ALL_ORDERS_SUBTOTAL = Decimal("57044330.8205")
REP_ORDERS_SUBTOTAL = Decimal("44210112.2798")

# Open deals are derived: the source has none. The days after which a reseller is expected to order again.
REORDER_DAYS = 91
OPEN_STAGES = ("Prospecting", "Proposal", "Negotiation")

CURRENCY_OF_COUNTRY = {"US": "USD", "CA": "CAD", "GB": "GBP", "AU": "AUD", "FR": "FRF", "DE": "DEM"}
TIER_OF_CATEGORY = {"Bikes": "A", "Components": "B"}


def read(folder: Path, name: str) -> list[Row]:
    """Return the rows of `name`.csv or `name`.csv.gz in `folder`."""
    plain, packed = folder / f"{name}.csv", folder / f"{name}.csv.gz"
    text = plain.read_bytes() if plain.exists() else gzip.decompress(packed.read_bytes())
    return list(csv.DictReader(io.StringIO(text.decode("utf-8"), newline="")))


def write_bytes(folder: Path, name: str, content: bytes) -> None:
    """Write one extract, packed when it is large, and remove its other form."""
    folder.mkdir(parents=True, exist_ok=True)
    plain, packed = folder / f"{name}.csv", folder / f"{name}.csv.gz"
    large = len(content) > GZIP_FROM_BYTES
    (plain if large else packed).unlink(missing_ok=True)
    if not large:
        plain.write_bytes(content)
        return
    with packed.open("wb") as raw, gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as out:
        out.write(content)


def write(folder: Path, name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write `rows` as CSV with a header: UTF-8, LF."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    write_bytes(folder, name, text.getvalue().encode("utf-8"))


def days_after(day: str, days: int) -> str:
    """Return the ISO date `days` after the ISO date `day`."""
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


def midnight(day: str) -> str:
    """Return the instant at which the ISO date `day` begins in UTC."""
    return f"{day}T00:00:00Z"


def yes_no(flag: bool) -> str:
    return "true" if flag else "false"


def half(amount: Decimal) -> Decimal:
    """Return half of `amount`, rounded half up to cents."""
    return (amount / 2).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def four_decimals(amount: Decimal) -> str:
    return str(amount.quantize(Decimal("0.0001")))


def order_number(order: Row) -> str:
    return f"SO{order['SalesOrderID']}"


def user_id(business_entity_id: str) -> str:
    """Return the CRM user id of a person: empty for none."""
    return f"005{int(business_entity_id):012d}" if business_entity_id else ""


class AdventureWorks:
    """The tables that the extracts are made from, and the lookups between them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.orders = read(folder, "SalesOrderHeader")
        self.lines = read(folder, "SalesOrderDetail")
        self.territories = {row["TerritoryID"]: row for row in read(folder, "SalesTerritory")}
        self.customers = {row["CustomerID"]: row for row in read(folder, "Customer")}
        self.stores = {row["BusinessEntityID"]: row for row in read(folder, "Store")}
        self.products = read(folder, "Product")
        self.subcategories = {row["ProductSubcategoryID"]: row for row in read(folder, "ProductSubcategory")}
        self.categories = {row["ProductCategoryID"]: row["Name"] for row in read(folder, "ProductCategory")}
        self.employees = {row["BusinessEntityID"]: row for row in read(folder, "Employee")}
        self.persons = {row["BusinessEntityID"]: row for row in read(folder, "Person_employees")}
        self.emails = {
            row["BusinessEntityID"]: row["EmailAddress"] for row in read(folder, "EmailAddress_employees")
        }
        self.sales_people = read(folder, "SalesPerson")
        self.rates = read(folder, "CurrencyRate")
        self.rate_days = {(row["ToCurrencyCode"], row["CurrencyRateDate"]) for row in self.rates}
        self.order_by_id = {row["SalesOrderID"]: row for row in self.orders}

    def account_number(self, order: Row) -> str:
        return self.customers[order["CustomerID"]]["AccountNumber"]

    def store_name(self, customer_id: str) -> str:
        """Return the name of the customer's store: empty for a person."""
        store_id = self.customers[customer_id]["StoreID"]
        return self.stores[store_id]["Name"] if store_id else ""

    def currency(self, order: Row) -> str:
        """Return the local currency of the order's territory on the order date.

        Francs and marks last as long as their rates are quoted; from then on it is the euro.
        """
        code = CURRENCY_OF_COUNTRY[self.territories[order["TerritoryID"]]["CountryRegionCode"]]
        if code in ("FRF", "DEM") and (code, order["OrderDate"]) not in self.rate_days:
            return "EUR"
        return code

    def category_of_products(self) -> dict[str, str]:
        """Return the category name of each product: empty where the product has no subcategory."""
        names: dict[str, str] = {}
        for product in self.products:
            subcategory = self.subcategories.get(product["ProductSubcategoryID"])
            names[product["ProductID"]] = (
                self.categories[subcategory["ProductCategoryID"]] if subcategory else ""
            )
        return names

    def tiers(self) -> dict[str, str]:
        """Return the product tier of each order: that of the category with the largest line total.

        Equal totals: the tier that comes first alphabetically.
        """
        category = self.category_of_products()
        totals: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        for line in self.lines:
            totals[line["SalesOrderID"]][category[line["ProductID"]]] += Decimal(line["LineTotal"])
        return {
            order_id: min((-total, TIER_OF_CATEGORY.get(name, "C")) for name, total in by_category.items())[1]
            for order_id, by_category in totals.items()
        }


def open_opportunities(source: AdventureWorks, tiers: dict[str, str]) -> list[tuple[str, ...]]:
    """Return the derived open deals: every tenth reseller order of the last day that has any, expected once more."""
    of_resellers = [order for order in source.orders if order["OnlineOrderFlag"] == "0"]
    last_day = max(order["OrderDate"] for order in of_resellers)
    found = []
    for order in of_resellers:
        number = int(order["SalesOrderID"])
        if order["OrderDate"] != last_day or number % 10:
            continue
        expected = days_after(last_day, REORDER_DAYS)
        found.append(
            (
                f"RE{order['SalesOrderID']}",
                f"{source.store_name(order['CustomerID'])} reorder",
                source.account_number(order),
                user_id(order["SalesPersonID"]),
                OPEN_STAGES[number // 10 % len(OPEN_STAGES)],
                "false",
                "false",
                "false",
                order["SubTotal"],
                source.currency(order),
                expected,
                order["TerritoryID"],
                "Reseller",
                tiers[order["SalesOrderID"]],
                "false",
                *("" for _ in range(7)),
                midnight(order["OrderDate"]),
                midnight(order["OrderDate"]),
            )
        )
    return found


def build_crm(source: AdventureWorks, out: Path) -> None:
    """Write the CRM's extracts: one opportunity an order, and the open ones."""
    tiers = source.tiers()
    opportunities: list[tuple[str, ...]] = []
    for order in source.orders:
        online = order["OnlineOrderFlag"] == "1"
        buyer = "Online order" if online else source.store_name(order["CustomerID"])
        won = order["Status"] == "5"
        opportunities.append(
            (
                order_number(order),
                f"{buyer} {order_number(order)}",
                source.account_number(order),
                user_id(order["SalesPersonID"]),
                "Closed Won" if won else "Negotiation",
                yes_no(won),
                yes_no(won),
                "false",
                order["SubTotal"],
                source.currency(order),
                order["OrderDate"],
                order["TerritoryID"],
                "Online" if online else "Reseller",
                tiers[order["SalesOrderID"]],
                yes_no(online),
                order_number(order),
                order["PurchaseOrderNumber"],
                order["TaxAmt"],
                order["Freight"],
                order["TotalDue"],
                order["DueDate"],
                order["ShipDate"],
                midnight(order["OrderDate"]),
                midnight(order["ShipDate"]),
            )
        )
    opportunities += open_opportunities(source, tiers)
    write(
        out,
        "Opportunity",
        [
            "Id",
            "Name",
            "AccountId",
            "OwnerId",
            "StageName",
            "IsClosed",
            "IsWon",
            "IsDeleted",
            "Amount",
            "CurrencyIsoCode",
            "CloseDate",
            "Territory2Id",
            "Type",
            "Product_Tier__c",
            "Online_Order__c",
            "Sales_Order_Number__c",
            "Purchase_Order__c",
            "Tax_Amount__c",
            "Freight__c",
            "Total_Due__c",
            "Due_Date__c",
            "Ship_Date__c",
            "CreatedDate",
            "SystemModstamp",
        ],
        opportunities,
    )
    write(
        out,
        "OpportunityLineItem",
        ("Id", "OpportunityId", "Product2Id", "Quantity", "UnitPrice", "TotalPrice", "SystemModstamp"),
        (
            (
                line["SalesOrderDetailID"],
                f"SO{line['SalesOrderID']}",
                line["ProductID"],
                line["OrderQty"],
                line["UnitPrice"],
                line["LineTotal"],
                midnight(source.order_by_id[line["SalesOrderID"]]["ShipDate"]),
            )
            for line in source.lines
        ),
    )
    category = source.category_of_products()
    write(
        out,
        "Product2",
        ("Id", "Name", "ProductCode", "Family", "Subcategory__c", "List_Price__c"),
        (
            (
                product["ProductID"],
                product["Name"],
                product["ProductNumber"],
                category[product["ProductID"]],
                source.subcategories.get(product["ProductSubcategoryID"], {"Name": ""})["Name"],
                product["ListPrice"],
            )
            for product in source.products
        ),
    )
    write(
        out,
        "ProductCost__c",
        ("Product2Id", "Start_Date__c", "End_Date__c", "Standard_Cost__c"),
        (
            (cost["ProductID"], cost["StartDate"], cost["EndDate"], cost["StandardCost"])
            for cost in read(source.folder, "ProductCostHistory")
        ),
    )
    buyers = sorted({order["CustomerID"] for order in source.orders}, key=int)
    write(
        out,
        "Account",
        ("Id", "Name", "Customer_Id__c"),
        (
            (source.customers[buyer]["AccountNumber"], source.store_name(buyer), buyer)
            for buyer in buyers
            if source.store_name(buyer)
        ),
    )
    managers = {
        source.employees[row["BusinessEntityID"]]["ManagerBusinessEntityID"] for row in source.sales_people
    }
    selling = {row["BusinessEntityID"] for row in source.sales_people}
    vice_president = {person for person in managers - selling if person}
    write(
        out,
        "User",
        ("Id", "Username", "Email", "Name", "EmployeeNumber", "IsActive", "SystemModstamp"),
        (
            (
                user_id(person),
                source.emails[person],
                source.emails[person],
                " ".join(
                    part
                    for part in (
                        source.persons[person][name] for name in ("FirstName", "MiddleName", "LastName")
                    )
                    if part
                ),
                person,
                yes_no(source.employees[person]["CurrentFlag"] == "1"),
                midnight(source.employees[person]["ModifiedDate"]),
            )
            for person in sorted(selling | vice_president, key=int)
        ),
    )
    write(
        out,
        "Territory2",
        ("Id", "Name", "Country__c", "Group__c"),
        (
            (row["TerritoryID"], row["Name"], row["CountryRegionCode"], row["Group"])
            for row in source.territories.values()
        ),
    )


def build_hris(source: AdventureWorks, out: Path) -> None:
    """Write the HR system's extracts."""
    write(
        out,
        "employees",
        [
            "id",
            "employeeNumber",
            "firstName",
            "middleName",
            "lastName",
            "workEmail",
            "loginId",
            "jobTitle",
            "hireDate",
            "terminationDate",
            "status",
        ],
        (
            (
                person,
                person,
                source.persons[person]["FirstName"],
                source.persons[person]["MiddleName"],
                source.persons[person]["LastName"],
                source.emails[person],
                employee["LoginID"],
                employee["JobTitle"],
                employee["HireDate"],
                "",
                "Active" if employee["CurrentFlag"] == "1" else "Inactive",
            )
            for person, employee in source.employees.items()
        ),
    )
    write(
        out,
        "job_info",
        ("employeeId", "date", "jobTitle", "reportsTo"),
        (
            (person, employee["HireDate"], employee["JobTitle"], employee["ManagerBusinessEntityID"])
            for person, employee in source.employees.items()
        ),
    )
    departments = {row["DepartmentID"]: row["Name"] for row in read(source.folder, "Department")}
    write(
        out,
        "department_history",
        ("employeeId", "departmentId", "departmentName", "shiftId", "startDate", "endDate"),
        (
            (
                row["BusinessEntityID"],
                row["DepartmentID"],
                departments[row["DepartmentID"]],
                row["ShiftID"],
                row["StartDate"],
                row["EndDate"],
            )
            for row in read(source.folder, "EmployeeDepartmentHistory")
        ),
    )
    write(
        out,
        "territory_history",
        ("employeeId", "territoryId", "startDate", "endDate"),
        (
            (row["BusinessEntityID"], row["TerritoryID"], row["StartDate"], row["EndDate"])
            for row in read(source.folder, "SalesTerritoryHistory")
        ),
    )
    write(
        out,
        "compensation",
        ("employeeId", "startDate", "payRate", "payFrequency"),
        (
            (row["BusinessEntityID"], row["RateChangeDate"], row["Rate"], row["PayFrequency"])
            for row in read(source.folder, "EmployeePayHistory")
        ),
    )
    write(
        out,
        "sales_people",
        ("employeeId", "territoryId", "salesQuota", "bonus", "commissionRate"),
        (
            (
                row["BusinessEntityID"],
                row["TerritoryID"],
                row["SalesQuota"],
                row["Bonus"],
                row["CommissionPct"],
            )
            for row in source.sales_people
        ),
    )


def payment_events(order: Row) -> list[tuple[str, str, Decimal]]:
    """Return the order's payments and refunds as (kind, date, signed amount), by the rule in README.md."""
    total, due, n = Decimal(order["TotalDue"]), order["DueDate"], int(order["SalesOrderID"]) % 100
    if order["OnlineOrderFlag"] == "1":
        paid = [("payment", order["OrderDate"], total)]
        return [*paid, ("refund", days_after(order["OrderDate"], 20), -total)] if n >= 97 else paid
    if n < 60:
        return [("payment", days_after(due, n % 20), total)]
    if n < 80:
        return [("payment", due, half(total)), ("payment", days_after(due, 30), total - half(total))]
    if n < 90:
        return [("payment", days_after(due, 60 + n), total)]
    if n < 96:
        return []
    refund = total if n < 98 else half(total)
    return [("payment", due, total), ("refund", days_after(due, 45), -refund)]


def invoice_status(total: Decimal, events: Sequence[tuple[str, str, Decimal]]) -> str:
    """Return the status after all events, from what was kept of the total."""
    kept = sum((amount for _, _, amount in events), Decimal(0))
    if not events:
        return "open"
    if kept == total:
        return "paid"
    return "partly_paid" if kept else "refunded"


def build_billing(source: AdventureWorks, out: Path) -> None:
    """Write the derived invoices, payments and refunds, and three payments that match no deal."""
    invoices, payments = [], []
    for order in source.orders:
        number, currency, events = order["SalesOrderID"], source.currency(order), payment_events(order)
        invoice_id = f"INV-{number}"
        last_event = max([order["ShipDate"], *(day for _, day, _ in events)])
        invoices.append(
            (
                invoice_id,
                order_number(order),
                source.account_number(order),
                order["ShipDate"],
                order["DueDate"],
                currency,
                order["SubTotal"],
                order["TaxAmt"],
                order["Freight"],
                order["TotalDue"],
                invoice_status(Decimal(order["TotalDue"]), events),
                midnight(last_event),
            )
        )
        counts: dict[str, int] = defaultdict(int)
        for kind, day, amount in events:
            counts[kind] += 1
            payment_id = f"{'PAY' if kind == 'payment' else 'REF'}-{number}-{counts[kind]}"
            payments.append(
                (
                    payment_id,
                    invoice_id,
                    order_number(order),
                    kind,
                    day,
                    currency,
                    four_decimals(amount),
                    midnight(day),
                )
            )
    payments += [
        (
            "PAY-X0001-1",
            "INV-99999",
            "SO99999",
            "payment",
            "2012-03-15",
            "USD",
            "1250.0000",
            midnight("2012-03-15"),
        ),
        ("PAY-X0002-1", "", "", "payment", "2012-09-03", "USD", "310.4200", midnight("2012-09-03")),
        ("PAY-X0003-1", "", "SO4366O", "payment", "2013-01-21", "CAD", "87.5000", midnight("2013-01-21")),
    ]
    write(
        out,
        "invoices",
        [
            "invoice_id",
            "opportunity_id",
            "customer_id",
            "invoice_date",
            "due_date",
            "currency_code",
            "subtotal_amount",
            "tax_amount",
            "freight_amount",
            "total_amount",
            "status",
            "updated_at",
        ],
        invoices,
    )
    write(
        out,
        "payments",
        [
            "payment_id",
            "invoice_id",
            "opportunity_id",
            "kind",
            "paid_date",
            "currency_code",
            "amount",
            "updated_at",
        ],
        payments,
    )


def build_fx(source: AdventureWorks, out: Path) -> None:
    """Write all currency rates as published."""
    write(out, "CurrencyRate", tuple(source.rates[0]), (tuple(row.values()) for row in source.rates))


def build_maven(folder: Path, out: Path) -> None:
    """Copy the Maven CRM files byte by byte."""
    for name in ("sales_pipeline", "accounts", "products", "sales_teams"):
        write_bytes(out, name, (folder / f"{name}.csv").read_bytes())


def check_totals(source: AdventureWorks) -> None:
    """Refuse an input that is not the published one.

    Raises:
        ValueError: a sum or a count differs from the published one.
    """
    total = sum(Decimal(order["SubTotal"]) for order in source.orders)
    rep_total = sum(Decimal(order["SubTotal"]) for order in source.orders if order["SalesPersonID"])
    found = (len(source.orders), total, rep_total)
    expected = (7422, ALL_ORDERS_SUBTOTAL, REP_ORDERS_SUBTOTAL)
    if found != expected:
        raise ValueError(
            f"orders, subtotal, subtotal of rep orders are {found}; the published ones are {expected}"
        )


def build(adventureworks: Path, maven: Path, out: Path) -> None:
    """Write all extracts below `out`, one folder per system."""
    source = AdventureWorks(adventureworks)
    check_totals(source)
    build_crm(source, out / "crm")
    build_hris(source, out / "hris")
    build_billing(source, out / "billing")
    build_fx(source, out / "fx")
    build_maven(maven, out / "maven_crm")


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the sample company's extracts.")
    parser.add_argument(
        "--adventureworks", type=Path, required=True, help="folder of the AdventureWorks tables"
    )
    parser.add_argument("--maven", type=Path, required=True, help="folder of the Maven CRM files")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="default: this folder")
    arguments = parser.parse_args()
    build(arguments.adventureworks, arguments.maven, arguments.out)


if __name__ == "__main__":
    main()
