"""Small companies made at random over everything that plans can say, with the days, amounts and ties that hurt.

A company is made by a `random.Random`, so that a seed gives the same company again. All its ids, variables and
calendars carry its name, so that many companies stand side by side in one warehouse without seeing each other.
"""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

from tests.calculation.oracle.gaps import plans_with_gaps
from tests.support.companies.company_files import Row, Tables, read_csv
from tests.support.companies.random_plans import RATES, PlanMaker
from tests.support.companies.rough_company import read_header


def words(text: str) -> list[str]:
    return text.split()


AS_OF = date(2024, 7, 14)
START = "2024-01-01"
DAYS = words(
    """
    2023-12-31 2024-01-01 2024-01-15 2024-01-31 2024-02-01 2024-02-10 2024-02-14 2024-02-15 2024-02-29
    2024-03-01 2024-03-31 2024-04-01 2024-05-15 2024-05-31 2024-06-01 2024-06-30 2024-07-01 2024-07-14
    2024-07-15
    """
)
BOUNDARIES = ("2024-02-01", "2024-02-15", "2024-03-01", "2024-04-01", "2024-05-15", "2024-07-01")
AMOUNTS = words(
    """
    100 250 250 500 500 1000 1000 2500 5000 5000 10000 0 0.01 33.33 99.99 1234.5678 -100 -250 -500 -1000 -2500 -33.33
    """
)
CURRENCIES = ("USD", "USD", "USD", "EUR", "EUR", "JPY", "KWD")
ROOT = Path(__file__).resolve().parents[3]
SHARED = {name: read_csv(ROOT / "seeds" / "reference", name) for name in ("currencies", "reason_codes")}
PLAN_COLUMNS = read_header(ROOT / "seeds" / "plans" / "plans.csv")


class Maker:
    """Makes one company, table by table."""

    def __init__(self, name: str, random: Random, *, is_plain: bool = False) -> None:
        """`is_plain` leaves out what depends on the order of payee ids, and what does not double with money."""
        self.name = name
        self.random = random
        self.is_plain = is_plain
        self.tables: Tables = {}
        self.people = [f"{name}p{number}" for number in range(1, random.randint(2, 8) + 1)]
        self.users = {payee: f"{name}u{payee.rsplit('p')[-1]}" for payee in self.people}
        self.territories = [f"{name}t1", f"{name}t2"]
        self.teams = [f"{name}g{number}" for number in range(1, random.randint(0, 3) + 1)]
        self.deals = [f"{name}d{number:02}" for number in range(1, random.randint(5, 25) + 1)]
        # Where all deals are of few sizes, payees are often level and totals often on a bound.
        self.amounts = AMOUNTS if random.randrange(100) < 70 else ["100", "250", "500", "-100"]
        self.plans = [f"{name}plan{number}" for number in range(1, random.randint(1, 4) + 1)]
        self.has_terms = random.randrange(100) < 80

    # Small choices

    def add(self, table: str, **cells: str | None) -> None:
        if "/" not in table:
            cells.setdefault("source_document", "tests")
        self.tables.setdefault(table, []).append(cells)

    def chance(self, of_100: int) -> bool:
        return self.random.randrange(100) < of_100

    def one(self, *choices: str) -> str:
        return self.random.choice(choices)

    def day(self) -> str:
        return self.random.choice(DAYS)

    def boundary(self) -> str:
        return self.random.choice(BOUNDARIES)

    def named(self, name: str) -> str:
        """Return a variable of this company's own: @@Quota_k001."""
        return f"{name}_{self.name}"

    def make(self) -> Tables:
        self.make_people()
        self.make_teams()
        self.make_variables()
        self.make_catalogue()
        self.make_deals()
        made: list[PlanMaker] = []
        for plan_id in self.plans:
            made.append(
                PlanMaker(self, plan_id, self.random.choice(made) if made and self.chance(20) else None)
            )
            made[-1].make()
        self.make_bills()
        self.edit_closed_deals()
        if self.has_terms and self.chance(35):
            self.make_holds()
        if self.has_terms and self.chance(50) and not self.is_plain:
            self.make_draws()
        self.make_spans()
        return self.tables

    # People

    def make_people(self) -> None:
        for place, payee in enumerate(self.people):
            self.add(
                "hris/employees",
                id=payee,
                employeeNumber=payee.replace("p", "n"),
                firstName=payee,
                middleName=None,
                lastName="Test",
                workEmail=f"{payee}@example.org",
                loginId=f"{payee}.login",
                jobTitle="Seller",
                hireDate="2020-01-01" if self.chance(90) else self.boundary(),
                terminationDate=self.boundary() if self.chance(10) else None,
                status="Active",
            )
            # Known to the CRM by one mark, sometimes by a surer one of which the HRIS has never heard as well.
            mark = self.random.choice(["number", "number", "number", "email", "login", "name"])
            self.add(
                "crm/User",
                Id=self.users[payee],
                Username=f"{payee}.LOGIN" if mark == "login" else f"{payee}.user",
                Email=f"{payee}@EXAMPLE.org" if mark == "email" else None,
                Name=f"{payee} TEST" if mark == "name" else payee,
                EmployeeNumber=payee.replace("p", "n") if mark == "number" else None,
                IsActive="true",
                SystemModstamp="2024-01-01T00:00:00Z",
            )
            self.make_reporting(place, payee)
        if self.chance(20):
            alias, payee = self.random.choice(list(self.users.values())), self.random.choice(self.people)
            self.add(
                "payee_aliases",
                source_system="crm",
                alias=alias,
                payee_id=payee,
                valid_from=self.boundary(),
                valid_to=None,
            )

    def make_spans(self) -> None:
        """Let some leave and come back, told by the company's own spans or by landed versions, and some be on leave.

        What came later is chosen by itself, so that the companies of a seed stay as they were.
        """
        random = Random(f"{self.name} spans {hash(self.random.getstate()[1])}")
        for payee in self.people:
            left, back, gone = sorted(random.choices(BOUNDARIES, k=3))
            kind = random.randrange(100)
            if kind < 12:
                self.add_span(payee, "employed", "2020-01-01", left)
                if back < gone:
                    self.add_span(payee, "employed", back, random.choice((None, gone)))
            elif kind < 24:
                rows = self.tables["hris/employees"]
                place = next(place for place, row in enumerate(rows) if row["id"] == payee)
                first = rows[place] | {"hireDate": "2020-01-01", "terminationDate": left}
                rows[place] |= {"hireDate": back, "terminationDate": random.choice((None, left, gone))}
                rows.insert(place, first)
            if random.randrange(100) < 15:
                begins, ends = sorted(random.sample(BOUNDARIES, 2))
                self.add_span(payee, "leave", begins, random.choice((ends, ends, None)))

    def add_span(self, payee: str, code: str, valid_from: str, valid_to: str | None) -> None:
        cells = {"payee_id": payee, "employment_code": code, "valid_from": valid_from}
        self.add("employment_spans", **cells, valid_to=valid_to)

    def make_reporting(self, place: int, payee: str) -> None:
        """Let everybody report to somebody before them in the list, so that lines end."""
        above: list[str | None] = [*self.people[:place], None]
        days = ["2020-01-01"] + ([self.boundary()] if self.chance(30) else [])
        for first_day in days:
            manager = self.random.choice(above) if self.chance(50) else above[max(0, place - 1)]
            self.add("hris/job_info", employeeId=payee, date=first_day, jobTitle="Seller", reportsTo=manager)

    def make_teams(self) -> None:
        for payee in self.people:
            if self.chance(60):
                territory = self.random.choice(self.territories)
                ends = self.boundary() if self.chance(25) else None
                row = {"employeeId": payee, "territoryId": territory, "startDate": START, "endDate": ends}
                self.add("hris/territory_history", **row)
        for place, team in enumerate(self.teams):
            parent = self.random.choice(self.teams[:place]) if place and self.chance(70) else None
            self.add(
                "teams",
                team_id=team,
                valid_from=START,
                valid_to=None,
                parent_team_id=parent,
                leader_payee_id=self.random.choice(self.people) if self.chance(85) else None,
            )
        for payee in self.people:
            if self.teams and self.chance(60):
                moves = self.boundary() if self.chance(45) else None
                self.add_member(self.random.choice(self.teams), payee, START, moves)
                if moves:
                    self.add_member(self.random.choice(self.teams), payee, moves, None)

    def add_member(self, team: str, payee: str, valid_from: str, valid_to: str | None) -> None:
        weight = self.one("1", "1", "2", "0.5", "3")
        cells = {"team_id": team, "payee_id": payee, "valid_from": valid_from, "valid_to": valid_to}
        self.add("team_memberships", **cells, share_weight=weight)

    # Numbers

    def make_variables(self) -> None:
        values = {
            "Quota": ("5000", "10000", "1000", "3000"),
            "Rate": RATES,
            "Bonus": ("100", "250.55", "1000"),
        }
        values |= {"Incentive": ("2000", "999.99"), "Share": ("0.5", "0.25"), "Least": ("250", "500", "0.5")}
        for name, choices in values.items():
            if self.chance(92):
                self.add_variable(name, "global", None, choices)
            if self.chance(30):
                self.add_variable(name, "plan", self.random.choice(self.plans), choices)
            if self.chance(40):
                self.add_variable(name, "payee", self.random.choice(self.people), choices)
            if self.teams and self.chance(80 if name == "Quota" else 40):
                self.add_variable(name, "team", self.random.choice(self.teams), choices)

    def add_variable(self, name: str, scope: str, scope_id: str | None, choices: tuple[str, ...]) -> None:
        changes = self.boundary() if self.chance(30) else None
        days = [("2023-01-01", changes)] + ([(changes, None)] if changes and self.chance(85) else [])
        for valid_from, valid_to in days:
            self.add(
                "variables",
                variable_name=self.named(name),
                scope_code=scope,
                scope_id=scope_id,
                value="0" if name == "Quota" and self.chance(4) else self.random.choice(choices),
                unit_code="number",
                valid_from=valid_from,
                valid_to=valid_to,
            )

    def make_catalogue(self) -> None:
        for key in ("A", "B", "C"):
            if self.chance(80):
                self.add(
                    "catalogue",
                    catalogue_id=f"{self.name}cat",
                    catalogue_key=key,
                    valid_from=START,
                    valid_to=self.boundary() if self.chance(20) else None,
                    value=self.one("10", "25.5", "100", "-3"),
                    unit_code="points",
                )

    # Deals

    def make_deals(self) -> None:
        currency = self.random.choice(CURRENCIES)
        for deal in self.deals:
            amount = self.random.choice(self.amounts)
            self.add_versions(
                Id=deal,
                Name=deal,
                AccountId=self.name,
                OwnerId=self.owner(),
                StageName="Closed Won" if self.chance(95) else "Negotiation",
                IsClosed="true",
                IsWon="true",
                IsDeleted="true" if self.chance(2) else "false",
                Amount=None if self.chance(2) else amount,
                CurrencyIsoCode=None
                if self.chance(1)
                else currency
                if self.chance(70)
                else self.one(*CURRENCIES, "GBP"),
                CloseDate=None if self.chance(2) else self.day(),
                Territory2Id=None if self.chance(10) else self.random.choice(self.territories),
                Type=self.one("New", "Renewal", "Upsell"),
                Product_Tier__c=None if self.chance(4) else self.one("A", "B", "C"),
                Online_Order__c=self.one("true", "false"),
                Sales_Order_Number__c=None,
                Purchase_Order__c=self.users[self.random.choice(self.people)] if self.chance(70) else None,
                Tax_Amount__c=self.one("10", "50", "0", "12.5", "33.3"),
                Freight__c=self.one("1", "2", "0.5", "3"),
                Total_Due__c=amount,
                Due_Date__c=None,
                Ship_Date__c=None,
                Cancelled_Date__c=self.day() if self.chance(12) else None,
                CreatedDate="2023-12-01T00:00:00Z",
                SystemModstamp="2024-01-01T00:00:00Z",
            )
            if self.chance(30):
                self.make_splits(deal, amount)

    def add_versions(self, **cells: str | None) -> None:
        """Land a deal, and now and then before it how it was while it was open, and won with another amount."""
        before = []
        for _ in range(self.random.randint(1, 3) if self.chance(25) else 0):
            stage = self.one("Closed Won", "Closed Won", "Negotiation")
            before.append(cells | {"StageName": stage, "Amount": self.random.choice(self.amounts)})
        for version in before:
            self.add("crm/Opportunity", **version)
        self.add("crm/Opportunity", **cells, _dlt_valid_to="2024-06-01" if self.chance(1) else None)

    def owner(self) -> str | None:
        if self.chance(3):
            return None
        return f"{self.name}u0" if self.chance(3) else self.users[self.random.choice(self.people)]

    def make_splits(self, deal: str, amount: str) -> None:
        """Split by percent or by amount, mostly into a whole; half of them are of type Overlay."""
        percents = self.random.choice(
            [["50", "50"], ["33.33", "33.33", "33.34"], ["70", "30"], ["60", "30"], ["100"]]
        )
        is_by_amount = self.chance(35)
        left = Decimal(amount)
        for place, percent in enumerate(percents):
            part = (
                left
                if place == len(percents) - 1
                else (Decimal(amount) * Decimal(percent) / 100).quantize(Decimal("0.01"))
            )
            left -= part
            self.add(
                "crm/OpportunitySplit",
                Id=f"{deal}s{place}",
                OpportunityId=deal,
                SplitOwnerId=f"{self.name}u0"
                if self.chance(3)
                else self.users[self.random.choice(self.people)],
                SplitType=self.one("Revenue", "Revenue", "Revenue", "Overlay"),
                SplitPercentage=None if is_by_amount else percent,
                SplitAmount=str(-part if self.chance(15) else part) if is_by_amount else None,
                IsDeleted="true" if self.chance(4) else "false",
                SystemModstamp="2024-01-01T00:00:00Z",
            )

    def edit_closed_deals(self) -> None:
        """Let deals have been won with other fields than they have now, and splits come or go a day or two after the close.

        What came later is chosen by itself, so that deals and splits stay as they were.
        """
        random = Random(f"edits of {self.name} {hash(self.random.getstate()[1])}")
        landed = self.tables["crm/Opportunity"]
        last = {row["Id"]: place for place, row in enumerate(landed)}
        edited: list[Row] = []
        for place, row in enumerate(landed):
            if last[row["Id"]] == place and random.randrange(100) < 35:
                edited += [row | self.other_fields(row, random) for _ in range(random.randint(1, 3))]
            edited.append(row)
        self.tables["crm/Opportunity"] = edited
        for split in self.tables.get("crm/OpportunitySplit", []):
            if random.randrange(100) < 30:
                split["_dlt_valid_from"] = random.choice(("2000-01-01", "2000-01-02", "2000-01-03"))
            if random.randrange(100) < 10 and not split.get("_dlt_valid_from"):
                split["_dlt_valid_to"] = random.choice(("2000-01-02", "2000-01-03"))

    def other_fields(self, deal: Row, random: Random) -> Row:
        """Return what a deal had in some of its fields before it was edited."""
        others: Row = {
            "Amount": random.choice(self.amounts),
            "CurrencyIsoCode": random.choice(CURRENCIES),
            "OwnerId": self.users[random.choice(self.people)],
            "Territory2Id": random.choice(self.territories),
            "CloseDate": random.choice(DAYS),
            "Type": random.choice(("New", "Renewal", "Upsell")),
            "Product_Tier__c": random.choice(("A", "B", "C")),
            "Online_Order__c": random.choice(("true", "false")),
            "Tax_Amount__c": random.choice(("10", "50", "0", "12.5")),
            "Freight__c": random.choice(("1", "2", "0.5", "3")),
            "Purchase_Order__c": self.users[random.choice(self.people)],
            "Cancelled_Date__c": random.choice((None, deal["CloseDate"])),
            "StageName": random.choice(("Closed Won", "Closed Won", "Closed Won", "Negotiation")),
        }
        return {name: others[name] for name in random.sample(sorted(others), random.randint(1, 4))}

    # Billing

    def make_bills(self) -> None:
        """Bill most deals, some of them on two invoices."""
        latest = {row["Id"]: row for row in self.tables["crm/Opportunity"]}
        for deal, row in latest.items():
            if row["Amount"] is None or not self.chance(70):
                continue
            halves = [Decimal(row["Amount"])]
            if self.chance(15):
                halves = [part.quantize(Decimal("0.0001")) for part in (halves[0] / 3, halves[0] * 2 / 3)]
            for number, subtotal in enumerate(halves):
                self.make_invoice(f"{deal}i{number}", row, subtotal)

    def make_invoice(self, invoice: str, deal: Row, subtotal: Decimal) -> None:
        total = (subtotal * self.random.choice([Decimal(1), Decimal("1.2")])).quantize(Decimal("0.0001"))
        cells = {"opportunity_id": deal["Id"], "currency_code": deal["CurrencyIsoCode"]}
        cells |= {"invoice_id": invoice, "updated_at": "2024-01-01T00:00:00Z"}
        self.add(
            "billing/invoices",
            **cells,
            customer_id=self.name,
            invoice_date=START,
            due_date=START,
            subtotal_amount=str(subtotal),
            tax_amount=str(total - subtotal),
            freight_amount="0",
            total_amount=str(total),
            status="sent",
        )
        for place in range(self.random.randint(0, 4)):
            kind, amount = self.billing_row(place, total)
            self.add(
                "billing/payments",
                **cells,
                payment_id=f"{invoice}{place}",
                kind=kind,
                paid_date=self.day(),
                amount=str(amount),
            )

    def billing_row(self, place: int, total: Decimal) -> tuple[str, Decimal]:
        """Return the kind and amount of a row: mostly a payment; what is refunded may be reversed again."""
        share = self.random.choice([Decimal(text) for text in ("0.5", "0.5", "0.3333", "1", "1", "1.3")])
        part = (total * share).quantize(Decimal("0.01"))
        back = ["refund -", "refund -", "refund +", "credit_memo -", "credit_memo -", "payment -"]
        kind, sign = self.one(*back).split() if self.chance(40 if place else 10) else ("payment", "+")
        return kind, part if sign == "+" else -part

    def make_holds(self) -> None:
        """Hold lines of a plan, a payee or a deal, or of several of them together; some until further notice."""
        for number in range(1, self.random.randint(1, 3) + 1):
            begins, ends = sorted((self.day(), self.day()))
            cells = {"plan_id": self.one(*self.plans), "payee_id": self.one(*self.people)}
            cells["transaction_id"] = f"crm/Opportunity/{self.one(*self.deals)}"
            meant = self.random.sample(sorted(cells), self.random.choice([1, 1, 2]))
            self.add(
                "holds",
                **{column: cell if column in meant else None for column, cell in cells.items()},
                hold_id=f"{self.name}hold{number}",
                held_from=begins,
                held_to=None if self.chance(30) or begins == ends else ends,
                reason="audit",
            )

    def make_draws(self) -> None:
        """Give somebody on a plan a draw, whose terms may change or end."""
        currencies = {row["plan_id"]: row["currency_code"] for row in self.tables["plans"]}
        assigned = self.tables.get("plan_assignments", [])
        for number in range(1, self.random.randint(1, 3) + 1 if assigned else 1):
            on_plan = self.random.choice(assigned)
            plan_id = on_plan["plan_id"]
            changes = self.boundary() if self.chance(50) else None
            spans = [("2024-01-01", changes)]
            if changes and self.chance(60):
                spans.append((changes, None))
            rows: list[dict[str, str | None]] = [
                dict(
                    draw_id=f"{self.name}draw{number}",
                    plan_id=plan_id,
                    payee_id=on_plan["payee_id"],
                    valid_from=valid_from,
                    valid_to=valid_to,
                    draw_kind_code=self.one("recoverable", "recoverable", "recoverable", "non_recoverable"),
                    covers_code=self.one("plan", "payee"),
                    currency_code=currencies[plan_id],
                    amount=self.one("5", "20", "100"),
                    balance_max_amount=self.one("50", "300") if self.chance(40) else None,
                    recovery_ratio=self.one("1", "1", "0.5", "0.3333333333"),
                    recovery_amount_max=self.one("25", "100") if self.chance(30) else None,
                )
                for valid_from, valid_to in spans
            ]
            if not any(self.shares_earnings(row) for row in rows):
                for row in rows:
                    self.add("draws", **row)

    def shares_earnings(self, draw: dict[str, str | None]) -> bool:
        """Tell whether a row would settle on earnings that another draw settles on, which is refused."""
        return any(
            (row["payee_id"], row["currency_code"]) == (draw["payee_id"], draw["currency_code"])
            and (row["plan_id"] == draw["plan_id"] or "payee" in (row["covers_code"], draw["covers_code"]))
            for row in self.tables.get("draws", [])
        )


def random_company(name: str, random: Random, *, is_plain: bool = False) -> Tables:
    """Make a company that the warehouse accepts; `name` has four letters or digits and no p or n."""
    tables = Maker(name, random, is_plain=is_plain).make()
    tables["fx/CurrencyRate"] = fx_rates()
    for shared in ("currencies", "reason_codes"):
        tables[shared] = SHARED[shared]
    list_gaps(tables)
    return tables


def list_gaps(tables: Tables) -> None:
    """Let plans that miss a number list it; under gap_code error the warehouse would stop."""
    gaps = plans_with_gaps(tables, AS_OF)
    for row in tables["plans"]:
        if row["plan_id"] in gaps:
            row["gap_code"] = "list"


def fx_rates(until: date = AS_OF) -> list[Row]:
    """Quote four currencies daily, with holes of 8 days (EUR), 12 days (GBP) and weekends (JPY)."""
    rows: list[Row] = []
    day, number = date(2023, 12, 20), 0
    while day <= until:
        for currency, base in (("EUR", "0.9"), ("JPY", "150"), ("KWD", "0.3075"), ("GBP", "0.8")):
            number += 1
            is_hole = (
                (currency == "EUR" and date(2024, 2, 8) <= day <= date(2024, 2, 15))
                or (currency == "GBP" and date(2024, 2, 3) <= day <= date(2024, 2, 14))
                or (currency == "JPY" and day.weekday() >= 5)
            )
            if not is_hole:
                rate = Decimal(base) * (1 + Decimal(day.day) / 1000)
                rows.append(
                    {
                        "CurrencyRateID": str(number),
                        "CurrencyRateDate": str(day),
                        "FromCurrencyCode": "USD",
                        "ToCurrencyCode": currency,
                        "AverageRate": str(rate),
                        "EndOfDayRate": str(rate),
                    }
                )
        day += timedelta(days=1)
    return rows
