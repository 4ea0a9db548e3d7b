"""A company with everything that is off in real life: the sample, thinned out and then spoiled on purpose.

Deals without owner, amount, currency, date or territory, lost and deleted ones, negative and empty ones; people
who move, managers who change, users known by e-mail only; gaps in the rates; plans with several versions,
currencies, calendars and levels; payments over, under, back, late and to nowhere.
"""

import csv
import shutil
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from tests.support.companies.company_files import Row, read_csv

AS_OF = date(2013, 3, 31)
KEPT = 4  # every 4th deal

RESELLER = "\"Type\" = 'Reseller'"
ONLINE = "\"Type\" = 'Online' and \"Product_Tier__c\" in ('A', 'B')"
FIRST = "2011-05-31"

# What a plan version says where nothing else is said.
PLAN = {
    "valid_to": "",
    "source_object": "crm/Opportunity",
    "value_expression": '"Amount"',
    "value_currency_code": "transaction",
    "amount_basis_code": "current",
    "settle_days": "0",
    "aggregate_code": "sum",
    "quota_proration_code": "none",
    "tier_basis_code": "amount",
    "tier_bound_code": "lower_inclusive",
    "tier_start_code": "zero",
    "tier_method_code": "marginal",
    "incentive_proration_code": "none",
    "is_rollup_capped": "false",
    "beneficiary_code": "payee",
    "gap_code": "error",
    "credit_event_code": "booking",
    "payout_event_code": "booking",
}
PLANS: list[dict[str, str]] = [
    # Two versions that change in the middle of a window; one window is missing from the calendar.
    {
        "plan_id": "reseller",
        "valid_from": FIRST,
        "valid_to": "2012-07-15",
        "currency_code": "USD",
        "filter_expression": RESELLER,
        "calendar_id": "adventure_works_quota",
        "quota_expression": "@@Quota",
        "tier_basis_code": "quota_ratio",
        "payout_event_code": "collection",
    },
    {
        "plan_id": "reseller",
        "valid_from": "2012-07-15",
        "currency_code": "USD",
        "filter_expression": RESELLER,
        "calendar_id": "adventure_works_quota",
        "quota_expression": "@@Quota",
        "tier_basis_code": "quota_ratio",
    },
    # No decimals, converted out of every currency; begins late and ends early.
    {
        "plan_id": "online",
        "valid_from": "2011-07-01",
        "valid_to": "2013-02-01",
        "currency_code": "JPY",
        "filter_expression": ONLINE,
        "calendar_id": "quarter",
        "payout_event_code": "collection",
    },
    {
        "plan_id": "management",
        "valid_from": FIRST,
        "currency_code": "EUR",
        "filter_expression": RESELLER,
        "calendar_id": "year",
        "payout_event_code": "collection",
    },
    # Counts deals; three decimals.
    {
        "plan_id": "count",
        "valid_from": FIRST,
        "currency_code": "KWD",
        "filter_expression": ONLINE,
        "value_expression": "1",
        "value_currency_code": "plan",
        "calendar_id": "month",
        "quota_expression": "@@Deals",
        "tier_basis_code": "quota_ratio",
    },
]

SEEDS: dict[str, tuple[str, Sequence[tuple[str, ...]]]] = {
    "plans/tiers": (
        "plan_id valid_from valid_to tier_number tier_from tier_to rate_expression",
        [
            ("reseller", FIRST, "2012-05-30", "1", "0", "0.35", "@@BaseRate"),
            ("reseller", FIRST, "2012-05-30", "2", "0.35", "", "@@BaseRate * 1.75"),
            ("reseller", "2012-05-30", "", "1", "0", "0.1", "0.01"),
            ("reseller", "2012-05-30", "", "2", "0.1", "0.25", "2 * @@BaseRate"),
            ("reseller", "2012-05-30", "", "3", "0.25", "", "-0.5 * @@BaseRate"),
            ("online", "2011-07-01", "", "1", "0", "1000000", "0.0015"),
            ("online", "2011-07-01", "", "2", "1000000", "3000000", "0.0033"),
            ("online", "2011-07-01", "", "3", "3000000", "", "0.01"),
            ("management", FIRST, "", "1", "0", "200000", "@@OverrideRate"),
            ("management", FIRST, "", "2", "200000", "", "0.0005"),
            ("count", FIRST, "", "1", "0", "1", "0.0125"),
            ("count", FIRST, "", "2", "1", "", "0.3335"),
        ],
    ),
    "crediting/credit_rules": (
        "plan_id valid_from valid_to rule_id rule_group priority recipient_code credit_type_code",
        [
            ("reseller", FIRST, "", "owner", "main", "1", "owner", "direct"),
            ("management", FIRST, "", "owner", "main", "1", "owner", "direct"),
            ("online", FIRST, "", "territory", "main", "1", "territory", "territory"),
            ("count", FIRST, "", "territory", "main", "1", "territory", "territory"),
        ],
    ),
    "plans/plan_assignments": (
        "plan_id payee_id valid_from valid_to",
        [("reseller", str(payee), FIRST, "") for payee in (275, 276, 279, 281, 282, 283)]
        + [
            ("reseller", "277", "2011-07-10", "2012-01-20"),  # starts within a window, comes back in another
            ("reseller", "277", "2012-06-20", ""),
            ("reseller", "278", FIRST, "2012-12-31"),
        ]
        + [("online", str(payee), FIRST, "") for payee in (278, 279, 280, 281, 283, 284, 289, 290)]
        + [("online", "276", "2011-11-15", ""), ("online", "282", FIRST, "2012-10-10")]
        + [("count", str(payee), FIRST, "") for payee in range(275, 291)]
        + [("management", payee, FIRST, "") for payee in ("273", "276", "287", "282")]
        + [("management", "274", "2011-08-15", "2012-11-01"), ("management", "1", "2012-01-01", "")],
    ),
    "plans/variables": (
        "variable_name scope_code scope_id value unit_code valid_from valid_to",
        [
            ("Quota", "global", "", "250000", "USD", FIRST, "2012-05-30"),
            ("Quota", "global", "", "333333.33", "USD", "2012-05-30", ""),
            ("Quota", "payee", "275", "777777", "USD", "2011-08-31", "2012-12-15"),
            ("Quota", "plan", "reseller", "100000", "USD", "2011-12-01", "2012-02-29"),
            ("BaseRate", "global", "", "0.0125", "ratio", FIRST, ""),
            ("BaseRate", "plan", "reseller", "0.0111", "ratio", "2012-02-29", "2012-08-30"),
            ("BaseRate", "payee", "279", "0.03", "ratio", "2012-01-15", ""),
            ("OverrideRate", "plan", "management", "0.003", "ratio", "2011-01-01", ""),
            ("OverrideRate", "payee", "273", "0.0017", "ratio", "2012-01-01", ""),
            ("Deals", "global", "", "3", "count", "2011-01-01", ""),
            ("Deals", "payee", "281", "7", "count", "2011-01-01", "2012-06-01"),
        ],
    ),
    "crediting/rollup_levels": (
        "plan_id valid_from valid_to hierarchy_code level_number level_factor",
        [
            ("management", FIRST, "2012-06-01", "manager", "0", "1"),
            ("management", FIRST, "", "manager", "1", "0.3333333333"),
            ("management", FIRST, "2012-09-01", "manager", "2", "0.125"),
            ("management", "2012-09-01", "", "manager", "2", "0"),
            ("management", FIRST, "", "manager", "3", "0.07"),
        ],
    ),
    "crediting/payee_aliases": (
        "source_system alias payee_id valid_from valid_to",
        [
            ("crm", "005000000000280", "281", "2012-01-01", "2012-07-01"),
            ("crm", "005000000000275", "276", "2012-03-01", "2012-03-31"),
            ("crm", "005000000000281", "999", "2012-10-01", "2012-11-01"),
            ("maven_crm", "005000000000282", "276", "2011-01-01", ""),
        ],
    ),
}
MISSING_WINDOW = "Q2012-11-30"


def write_csv(path: Path, rows: list[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def rough_seeds(source: Path, target: Path) -> None:
    """Write the plan seeds above; reference seeds stay."""
    shutil.copytree(source, target)
    columns = read_header(source / "plans" / "plans.csv")
    made: list[Row] = []
    for plan in PLANS:
        said = PLAN | {"plan_name": plan["plan_id"]} | plan
        if unknown := said.keys() - set(columns):
            raise ValueError(f"plans: no such columns: {sorted(unknown)}")
        made.append({column: said.get(column) or None for column in columns} | {"source_document": "tests"})
    write_csv(target / "plans" / "plans.csv", made)
    for name, (names, rows) in SEEDS.items():
        columns = read_header(source / f"{name}.csv")
        if unknown := set(names.split()) - set(columns):
            raise ValueError(f"{name}: no such columns: {sorted(unknown)}")
        made = [
            dict.fromkeys(columns) | dict(zip(names.split(), row, strict=True)) | {"source_document": "tests"}
            for row in rows
        ]
        write_csv(target / f"{name}.csv", made)
    windows = [
        row for row in read_csv(source / "calendar", "windows") if row["window_code"] != MISSING_WINDOW
    ]
    write_csv(target / "calendar" / "windows.csv", windows)


def read_header(path: Path) -> list[str]:
    with path.open(newline="", encoding="utf-8") as handle:
        return next(csv.reader(handle))


Change = Callable[[Row], object]


def put(**values: str | None) -> Change:
    return lambda row: row.update(values)


def negate(*names: str) -> Change:
    return lambda row: row.update({name: f"-{row[name]}" for name in names})


def spoil(rows: list[Row], *changes: tuple[int, Change]) -> None:
    """Apply each change to every n-th row, beginning at another row each."""
    for first, (every, change) in enumerate(changes):
        for row in rows[first::every]:
            change(row)


def rough_extracts(source: Path, target: Path) -> None:
    """Write the sample's extracts, thinned out and spoiled."""
    for system in ("crm", "hris", "fx", "billing", "maven_crm"):
        for path in sorted((source / system).glob("*.csv*")):
            table = path.name.split(".")[0]
            rows = read_csv(source / system, table)
            if rows:
                write_csv(target / system / f"{table}.csv", SPOILED.get(table, list)(rows))
            else:  # only a header
                shutil.copy(path, target / system)
    keep_deals(target)


def keep_deals(target: Path) -> None:
    """Drop invoices and payments of deals that were thinned out, then make the billing rough."""
    deals = read_csv(target / "crm", "Opportunity")
    ids = {row["Id"] for row in deals}
    negative = {row["Id"] for row in deals if (row["Amount"] or "").startswith("-")}
    invoices = [row for row in read_csv(target / "billing", "invoices") if row["opportunity_id"] in ids]
    known = {row["invoice_id"] for row in invoices}
    payments = [row for row in read_csv(target / "billing", "payments") if row["invoice_id"] in known]
    payments = [row for row in payments if row["invoice_id"]]
    for row in invoices:
        if row["opportunity_id"] in negative:
            negate("subtotal_amount", "total_amount")(row)
    for row in payments:
        if row["opportunity_id"] in negative:
            row["amount"] = f"-{row['amount']}".replace("--", "")

    second = []  # every 17th deal has a second invoice, with less tax, and is paid too much
    for row in invoices[::17]:
        second.append(row | {"invoice_id": f"{row['invoice_id']}-B", "total_amount": row["subtotal_amount"]})
    for number, row in enumerate(payments[::17]):
        payments.append(row | {"payment_id": f"B{number}", "invoice_id": f"{row['invoice_id']}-B"})
    for number, row in enumerate(payments[::19]):
        back = {"payment_id": f"A{number}", "kind": "refund", "amount": f"-{row['amount']}".replace("--", "")}
        payments.append(row | back | {"paid_date": "2012-12-24" if number % 2 else row["paid_date"]})
    for row in payments[::23]:
        row["amount"] = f"{row['amount']}".replace(".", "9.")
    invoices += second
    spoil(invoices, (113, put(opportunity_id=None)), (127, put(opportunity_id="SO-1")))
    spoil(invoices[5:], (131, put(total_amount="0")), (151, put(subtotal_amount="0")))
    spoil(
        payments,
        (97, put(paid_date=None)),
        (101, put(amount=None)),
        (103, put(invoice_id=None)),
        (107, put(invoice_id="INV-0")),
        (109, put(currency_code="AUD")),
        (127, put(paid_date="2013-03-31")),
        (131, put(paid_date="2013-04-01")),
    )
    write_csv(target / "billing" / "invoices.csv", invoices)
    write_csv(target / "billing" / "payments.csv", payments)


def rough_deals(rows: list[Row]) -> list[Row]:
    rows = rows[::KEPT]
    spoil(
        rows,
        (37, put(StageName="Negotiation")),
        (41, put(IsDeleted="true")),
        (43, put(CloseDate=None)),
        (47, put(CloseDate="2013-07-15")),
        (49, put(CloseDate="2011-05-30")),
        (53, put(OwnerId=None)),
        (59, put(OwnerId="005000000000000")),
        (61, put(Amount=None)),
        (67, put(CurrencyIsoCode=None)),
        (71, put(CurrencyIsoCode="ZZZ")),
        (73, put(CurrencyIsoCode="CHF")),
        (79, put(Territory2Id=None)),
        (83, put(Type=None)),
        (89, put(Product_Tier__c=None)),
    )
    # Six and seven days after the last rate of the Euro: the first counts, the second does not.
    euros = [row for row in rows if row["CurrencyIsoCode"] == "EUR" and row["Type"] == "Online"]
    spoil(euros, (50, put(CloseDate="2012-01-15")), (50, put(CloseDate="2012-01-16")))
    filled = [row for row in rows if row["Amount"]]
    spoil(filled, (29, negate("Amount")), (31, put(Amount="0")))
    return rows


def rough_users(rows: list[Row]) -> list[Row]:
    by_number = {row["EmployeeNumber"]: row for row in rows}
    by_number["278"] |= {"EmployeeNumber": None, "Email": "Garrett1@Adventure-Works.com"}
    by_number["279"] |= {"EmployeeNumber": "99999"}
    by_number["280"] |= {"EmployeeNumber": None, "Email": None}
    return rows


def rough_jobs(rows: list[Row]) -> list[Row]:
    moves: list[tuple[str, str, str | None]] = [
        ("276", "2012-03-01", "273"),
        ("282", "2012-05-01", "287"),
        ("283", "2012-10-01", None),
        ("277", "2011-09-01", "276"),
    ]
    names = ("employeeId", "date", "reportsTo")
    moved: list[Row] = [dict(zip(names, move, strict=True)) for move in moves]
    return [*rows, *(row | {"jobTitle": "Moved"} for row in moved)]


def rough_territories(rows: list[Row]) -> list[Row]:
    more: list[tuple[str, str, str, str | None]] = [
        ("280", "4", "2011-10-01", "2012-01-31"),
        ("286", "9", "2012-01-01", None),
        ("290", "9", "2012-06-15", "2012-06-15"),
        ("284", "4", "2012-03-05", None),
    ]
    names = ("employeeId", "territoryId", "startDate", "endDate")
    made: list[Row] = [dict(zip(names, row, strict=True)) for row in more]
    return [*rows, *made]


def rough_rates(rows: list[Row]) -> list[Row]:
    """Leave gaps: 11 days without EUR and GBP, 6 days without JPY."""
    return [
        row
        for row in rows
        if not (
            row["ToCurrencyCode"] in ("EUR", "GBP")
            and "2012-01-10" <= str(row["CurrencyRateDate"]) <= "2012-01-20"
        )
        and not (
            row["ToCurrencyCode"] == "JPY" and "2012-05-01" <= str(row["CurrencyRateDate"]) <= "2012-05-06"
        )
    ]


SPOILED: dict[str, Callable[[list[Row]], list[Row]]] = {
    "Opportunity": rough_deals,
    "User": rough_users,
    "job_info": rough_jobs,
    "territory_history": rough_territories,
    "CurrencyRate": rough_rates,
    "sales_pipeline": lambda rows: rows[:50],
    "OpportunityLineItem": lambda rows: rows[:50],
}
