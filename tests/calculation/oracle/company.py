"""What goes in: the rows of a company's tables, typed, and the questions that are asked of them for a day.

All ranges of days are half-open: `valid_from` belongs to the range, `valid_to` does not; None is open.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from functools import cache, cached_property
from types import NoneType
from typing import Any, Protocol, TypeVar, get_args, get_type_hints

from tests.calculation.oracle.exact import round_half_away
from tests.calculation.oracle.expressions import Fields, Value, parse

Row = Mapping[str, str | None]
Tables = Mapping[str, Sequence[Row]]

BASE_CURRENCY = "USD"  # the fx feed quotes every currency in units per 1 USD
FX_RATE_AGE_DAYS_MAX = 7  # a rate may be at most 7 days old
FIRST_LANDED = datetime(2000, 1, 1)  # of rows that do not say when they were landed
LEVELS_MAX = 12  # a longer reporting line is taken for a circle


class Dated(Protocol):
    @property
    def valid_from(self) -> date: ...
    @property
    def valid_to(self) -> date | None: ...


DatedRow = TypeVar("DatedRow", bound=Dated)


def in_force(row: Dated, day: date) -> bool:
    return row.valid_from <= day and (row.valid_to is None or day < row.valid_to)


def only_in_force(rows: Iterable[DatedRow], day: date) -> list[DatedRow]:
    return [row for row in rows if in_force(row, day)]


# --- Rows of the seeds, one class a table, the columns under their own names -------------------------------


@dataclass(frozen=True)
class PlanVersion:
    plan_id: str
    valid_from: date
    valid_to: date | None
    source_object: str
    currency_code: str
    filter_expression: str
    value_expression: str
    value_currency_code: str
    payable_expression: str | None
    amount_basis_code: str
    settle_days: int
    current_fields: str | None
    catalogue_id: str | None
    catalogue_key_expression: str | None
    rate_dimension_1_expression: str | None
    rate_dimension_2_expression: str | None
    rate_dimension_3_expression: str | None
    calendar_id: str
    progress_id: str | None
    aggregate_code: str
    weight_expression: str | None
    quota_expression: str | None
    quota_proration_code: str
    tier_basis_code: str
    tier_bound_code: str
    tier_start_code: str
    tier_method_code: str
    incentive_expression: str | None
    incentive_proration_code: str
    is_rollup_capped: bool
    beneficiary_code: str
    gap_code: str
    credit_event_code: str
    payout_event_code: str


@dataclass(frozen=True)
class PayoutTerms:
    """What counts as collected, expires, is taken back and held, of deals booked while the row is in force."""

    plan_id: str
    valid_from: date
    valid_to: date | None
    collected_part_code: str
    rebate_code: str
    overpayment_code: str
    expire_after_days: int | None
    clawback_policy_code: str
    clawback_base_code: str
    clawback_window_days: int | None
    clawback_proration_code: str
    unpaid_after_days: int | None
    cancelled_date_expression: str | None
    hold_days: int
    holdback_ratio: Fraction | None
    holdback_release_code: str | None
    holdback_days: int | None
    leaver_code: str | None
    leaver_days: int | None


@dataclass(frozen=True)
class Hold:
    """Lines of a plan, payee or deal (None: any) whose due day lies in [held_from, held_to)."""

    hold_id: str
    plan_id: str | None
    payee_id: str | None
    transaction_id: str | None
    held_from: date
    held_to: date | None


@dataclass(frozen=True)
class Draw:
    """What a payee is paid at least in a month whose first day is in force."""

    draw_id: str
    plan_id: str
    payee_id: str
    valid_from: date
    valid_to: date | None
    draw_kind_code: str
    covers_code: str
    currency_code: str
    amount: Fraction
    balance_max_amount: Fraction | None
    recovery_ratio: Fraction
    recovery_amount_max: Fraction | None


@dataclass(frozen=True)
class Assignment:
    plan_id: str
    payee_id: str
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True)
class TierRow:
    plan_id: str
    valid_from: date
    valid_to: date | None
    tier_number: int
    tier_from: Fraction
    tier_to: Fraction | None
    rate_expression: str | None
    tier_amount_expression: str | None


@dataclass(frozen=True)
class RateRow:
    plan_id: str
    valid_from: date
    valid_to: date | None
    tier_number: int | None
    dimension_1_value: str | None
    dimension_2_value: str | None
    dimension_3_value: str | None
    rate: Fraction


@dataclass(frozen=True)
class BonusRow:
    plan_id: str
    valid_from: date
    valid_to: date | None
    bonus_number: int
    bonus_kind_code: str
    basis_code: str
    basis_from: Fraction
    basis_to: Fraction | None
    amount_expression: str
    amount_to_expression: str | None
    frequency_code: str


@dataclass(frozen=True)
class ModifierRow:
    plan_id: str
    valid_from: date
    valid_to: date | None
    modifier_number: int
    modifier_kind_code: str
    scope_code: str | None
    amount_expression: str | None
    condition_plan_id: str | None
    condition_from: Fraction | None
    condition_to: Fraction | None


@dataclass(frozen=True)
class VariableRow:
    variable_name: str
    scope_code: str
    scope_id: str | None
    value: Fraction
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True)
class CatalogueRow:
    catalogue_id: str
    catalogue_key: str
    valid_from: date
    valid_to: date | None
    value: Fraction


@dataclass(frozen=True)
class CreditRule:
    plan_id: str
    valid_from: date
    valid_to: date | None
    rule_id: str
    rule_group: str
    priority: int
    recipient_code: str
    payee_expression: str | None
    split_type: str | None
    split_total_code: str | None
    condition_expression: str | None
    share_expression: str | None
    credit_type_code: str


@dataclass(frozen=True)
class RollupLevel:
    plan_id: str
    valid_from: date
    valid_to: date | None
    hierarchy_code: str
    level_number: int
    level_factor: Fraction


@dataclass(frozen=True)
class TeamRow:
    team_id: str
    valid_from: date
    valid_to: date | None
    parent_team_id: str | None
    leader_payee_id: str | None


@dataclass(frozen=True)
class Membership:
    team_id: str
    payee_id: str
    valid_from: date
    valid_to: date | None
    share_weight: Fraction


@dataclass(frozen=True)
class EmploymentSpan:
    """Days on which a payee is employed, or on leave."""

    payee_id: str
    employment_code: str
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True)
class ManualAlias:
    source_system: str
    alias: str
    payee_id: str
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True)
class Window:
    calendar_id: str
    window_code: str
    window_from: date
    window_to: date


# --- Rows of the sources -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Split:
    owner_alias: str | None
    split_type: str | None
    percentage: Fraction | None
    amount: Fraction | None


@dataclass(frozen=True)
class Landed:
    """A version of a row, and from when to when it was the one that counted; `until` None: it still is."""

    row: Row
    since: datetime
    until: datetime | None


@dataclass(frozen=True)
class Transaction:
    """One sales event, with the fields of its source.

    Under a plan that credits payments, a payment of a deal is one too: it has the deal's fields, on its own day.
    """

    transaction_id: str
    source_object: str  # "crm/Opportunity"
    booked_date: date | None
    amount: Fraction | None
    currency: str | None
    owner_alias: str | None
    territory_id: str | None
    is_won: bool
    is_deleted: bool
    fields: Fields = field(default_factory=dict, compare=False)
    fields_today: Fields = field(default_factory=dict, compare=False)
    splits: tuple[Split, ...] = field(default=(), compare=False)
    landed: tuple[Landed, ...] = field(default=(), compare=False)
    landed_splits: tuple[tuple[Landed, ...], ...] = field(default=(), compare=False)  # by split
    part: "CollectedPart | None" = field(default=None, compare=False)

    @property
    def source_system(self) -> str:
        return self.source_object.split("/")[0]

    @property
    def deal(self) -> "Transaction":
        """The deal of which it is a payment, or itself."""
        return self.part.deal if self.part else self


@dataclass(frozen=True)
class Employee:
    payee_id: str
    employee_number: str | None
    email: str | None
    login: str | None
    name: str
    employments: tuple[EmploymentSpan, ...]
    leaves: tuple[EmploymentSpan, ...]


@dataclass(frozen=True)
class Invoice:
    invoice_id: str
    deal_id: str | None
    subtotal: Fraction | None
    total: Fraction | None


@dataclass(frozen=True)
class Payment:
    """A payment, a refund or a credit memo (both of a negative amount)."""

    payment_id: str
    kind: str  # payment | refund | credit_memo
    invoice_id: str | None
    paid_date: date | None
    currency: str | None
    amount: Fraction | None
    is_deleted: bool


@dataclass(frozen=True)
class CollectedPart:
    """What a payment collected of its deal: from `before` to `after` of the deal's amount."""

    deal: Transaction
    payment: Payment
    before: Fraction
    after: Fraction


# --- Reading -----------------------------------------------------------------------------------------------

NUMBER_FIELDS = {"Amount", "Tax_Amount__c", "Freight__c", "Total_Due__c", "close_value"}
FLAG_FIELDS = {"IsClosed", "IsWon", "IsDeleted", "Online_Order__c"}


def day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


@cache
def number(text: str | None) -> Fraction | None:
    return Fraction(text) if text else None


def is_true(text: str | None) -> bool:
    return (text or "").lower() == "true"


CONVERSIONS: dict[Any, Any] = {str: lambda text: text or None, date: day, Fraction: number, bool: is_true}
CONVERSIONS[int] = lambda text: int(text) if text else None

# Of a plan without a row for the day on which a deal was booked.
DEFAULT_TERMS = PayoutTerms(
    plan_id="",
    valid_from=date.min,
    valid_to=None,
    collected_part_code="net",
    rebate_code="uncollected",
    overpayment_code="capped",
    expire_after_days=None,
    clawback_policy_code="original_rate",
    clawback_base_code="paid",
    clawback_window_days=None,
    clawback_proration_code="none",
    unpaid_after_days=None,
    cancelled_date_expression=None,
    hold_days=0,
    holdback_ratio=None,
    holdback_release_code=None,
    holdback_days=None,
    leaver_code=None,
    leaver_days=None,
)

SeedRow = TypeVar("SeedRow")
Keyed = TypeVar("Keyed")


class Groups(dict[str, list[Keyed]]):
    """Rows by the value of one of their columns; no rows for a value that does not occur."""

    def __missing__(self, key: str) -> list[Keyed]:
        return []


def by(rows: Iterable[Keyed], column: str) -> Groups[Keyed]:
    grouped: Groups[Keyed] = Groups()
    for row in rows:
        grouped.setdefault(getattr(row, column), []).append(row)
    return grouped


def seed(tables: Tables, name: str, kind: type[SeedRow]) -> list[SeedRow]:
    """Return the rows of a seed as instances of the class that bears its columns."""
    hints = get_type_hints(kind)
    conversions = {}
    for column in fields(kind):  # type: ignore[arg-type]
        allowed = get_args(hints[column.name]) or (hints[column.name],)
        conversions[column.name] = CONVERSIONS[next(each for each in allowed if each is not NoneType)]
    return [
        kind(**{column: convert(row.get(column)) for column, convert in conversions.items()})
        for row in tables.get(name, ())
    ]


def typed(row: Row) -> dict[str, Value]:
    """Return a source's row with numbers and flags for the fields that hold them; days stay texts."""
    made: dict[str, Value] = {}
    for name, text in row.items():
        if name in NUMBER_FIELDS:
            made[name] = number(text)
        elif name in FLAG_FIELDS:
            made[name] = is_true(text) if text else None
        else:
            made[name] = text or None
    return made


def landed_versions(rows: Iterable[Row], key: str) -> dict[str, list[Landed]]:
    """Group rows that are versions of one record; those that do not say when they were landed came a day after each other."""
    grouped: dict[str, list[Row]] = defaultdict(list)
    for place, row in enumerate(rows):
        grouped[row.get(key) or f"row {place}"].append(row)
    made: dict[str, list[Landed]] = {}
    for name, versions in grouped.items():
        starts = [
            moment(row.get("_dlt_valid_from")) or FIRST_LANDED + timedelta(days=age)
            for age, row in enumerate(versions)
        ]
        ends = [moment(row.get("_dlt_valid_to")) for row in versions]
        made[name] = [
            Landed(row, start, end or next_start)
            for row, start, end, next_start in zip(versions, starts, ends, [*starts[1:], None], strict=True)
        ]
    return made


def moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def crm_transactions(tables: Tables) -> list[Transaction]:
    """Read deals as they are today. Several rows of one deal are its versions, the latest one last."""
    splits: dict[str, list[tuple[Landed, ...]]] = defaultdict(list)
    for versions in landed_versions(tables.get("crm/OpportunitySplit", ()), "Id").values():
        splits[versions[-1].row["OpportunityId"] or ""].append(tuple(versions))
    made = []
    for deal_id, landed in landed_versions(tables.get("crm/Opportunity", ()), "Id").items():
        today = crm_transaction(landed[-1].row, is_deleted=landed[-1].until is not None)
        of_deal = tuple(splits[deal_id])
        latest = [versions[-1] for versions in of_deal]
        live = tuple(split_of(split.row) for split in latest if split.until is None and is_live(split.row))
        made.append(replace(today, splits=live, landed=tuple(landed), landed_splits=of_deal))
    return made


def crm_transaction(row: Row, *, is_deleted: bool) -> Transaction:
    fields = typed(row)
    return Transaction(
        transaction_id=f"crm/Opportunity/{row['Id']}",
        source_object="crm/Opportunity",
        booked_date=day(row["CloseDate"]),
        amount=number(row["Amount"]),
        currency=row["CurrencyIsoCode"] or None,
        owner_alias=row["OwnerId"] or None,
        territory_id=row["Territory2Id"] or None,
        is_won=is_won(row),
        is_deleted=is_true(row["IsDeleted"]) or is_deleted,
        fields=fields,
        fields_today=fields,
    )


def is_won(row: Row) -> bool:
    return row["StageName"] == "Closed Won"


def is_live(row: Row) -> bool:
    return not is_true(row["IsDeleted"])


def split_of(row: Row) -> Split:
    percentage, amount = number(row["SplitPercentage"]), number(row["SplitAmount"])
    return Split(row["SplitOwnerId"] or None, row["SplitType"] or None, percentage, amount)


def as_of_close(deal: Transaction, settle_days: int, current_fields: Iterable[str]) -> Transaction:
    """Return a deal as it was when it was won, but for the fields that are named; won and deleted are those of today.

    What was edited on the day of the close or on one of the `settle_days` days after it counts as the close; without such
    days only what was won with it does.
    """
    if not deal.is_won or not deal.landed:
        return deal
    since_close: list[Landed] = []
    for version in deal.landed:
        since_close = [*since_close, version] if is_won(version.row) else []
    closed_at = since_close[0].since
    end = datetime.combine(closed_at.date() + timedelta(days=settle_days), time.max)
    last_moment = end if settle_days else closed_at
    chosen = [version for version in since_close if version.since <= last_moment][-1]
    named = set(current_fields)
    today = deal.landed[-1].row
    row = {name: today.get(name) if name in named else cell for name, cell in chosen.row.items()}
    splits = deal.splits
    if "OpportunitySplit" not in named:
        counted = [
            version
            for versions in deal.landed_splits
            for version in versions
            if version.since <= last_moment and (version.until is None or last_moment < version.until)
        ]
        splits = tuple(split_of(version.row) for version in counted if is_live(version.row))
    then = crm_transaction(row, is_deleted=False)
    return replace(
        then,
        is_won=deal.is_won,
        is_deleted=deal.is_deleted,
        fields_today=deal.fields,
        splits=splits,
        landed=deal.landed,
        landed_splits=deal.landed_splits,
    )


def maven_transactions(tables: Tables) -> list[Transaction]:
    made = []
    for row in tables.get("maven_crm/sales_pipeline", ()):
        made.append(
            Transaction(
                transaction_id=f"maven_crm/sales_pipeline/{row['opportunity_id']}",
                source_object="maven_crm/sales_pipeline",
                booked_date=day(row["close_date"]),
                amount=number(row["close_value"]),
                currency=None,
                owner_alias=row["sales_agent"] or None,
                territory_id=None,
                is_won=row["deal_stage"] == "Won",
                is_deleted=False,
                fields=typed(row),
                fields_today=typed(row),
            )
        )
    return made


def territory_memberships(tables: Tables) -> list[Membership]:
    """Read the HRIS's territory history, which writes the last day of a range."""
    made = []
    for row in tables.get("hris/territory_history", ()):
        last_day, first_day = day(row["endDate"]), day(row["startDate"])
        assert first_day is not None
        valid_to = last_day + timedelta(days=1) if last_day else None
        made.append(
            Membership(row["territoryId"] or "", row["employeeId"] or "", first_day, valid_to, Fraction(1))
        )
    return made


def employments_landed(tables: Tables) -> Iterator[EmploymentSpan]:
    """Yield the employments that an HR system tells which keeps one hire and one leaving date of each employee.

    Several rows of one employee are its versions, the latest one last. An earlier employment is what was landed with
    another hire date, before the present one, and with a leaving date up to the present hire. A leaving date before
    the hire is of an employment before.
    """
    versions: dict[str, dict[date, date | None]] = defaultdict(dict)
    present: dict[str, date] = {}
    for row in tables.get("hris/employees", ()):
        payee_id, hired, left = row["id"] or "", day(row["hireDate"]) or date.min, day(row["terminationDate"])
        present[payee_id] = hired
        versions[payee_id][hired] = left if left and left >= hired else None
    for payee_id, known in versions.items():
        for hired, left in known.items():
            if hired == present[payee_id] or (left and left <= present[payee_id]):
                yield EmploymentSpan(payee_id, "employed", hired, left)


class Company:
    """The typed tables of one company, and look-ups in them."""

    def __init__(self, tables: Tables) -> None:
        self.transactions = crm_transactions(tables) + maven_transactions(tables)
        self.plans = seed(tables, "plans", PlanVersion)
        self.assignments = by(seed(tables, "plan_assignments", Assignment), "plan_id")
        self.tiers = by(seed(tables, "tiers", TierRow), "plan_id")
        self.rates = by(seed(tables, "rates", RateRow), "plan_id")
        self.bonuses = by(seed(tables, "bonuses", BonusRow), "plan_id")
        self.modifiers = by(seed(tables, "modifiers", ModifierRow), "plan_id")
        self.variables = by(seed(tables, "variables", VariableRow), "variable_name")
        self.catalogue = by(seed(tables, "catalogue", CatalogueRow), "catalogue_id")
        self.payout_terms = by(seed(tables, "payout_terms", PayoutTerms), "plan_id")
        self.holds = seed(tables, "holds", Hold)
        self.draws = seed(tables, "draws", Draw)
        self.credit_rules = by(seed(tables, "credit_rules", CreditRule), "plan_id")
        self.rollup_levels = by(seed(tables, "rollup_levels", RollupLevel), "plan_id")
        self.teams = by(seed(tables, "teams", TeamRow), "team_id")
        self.manual_aliases = by(seed(tables, "payee_aliases", ManualAlias), "alias")
        self.windows = by(seed(tables, "windows", Window), "calendar_id")
        memberships = seed(tables, "team_memberships", Membership)
        memberships = [
            row if row.share_weight is not None else Membership(**{**vars(row), "share_weight": Fraction(1)})
            for row in memberships
        ] + territory_memberships(tables)
        self.members = by(memberships, "team_id")
        self.memberships = by(memberships, "payee_id")
        own_spans = seed(tables, "employment_spans", EmploymentSpan)
        leaves = by((row for row in own_spans if row.employment_code == "leave"), "payee_id")
        employments = by(employments_landed(tables), "payee_id")
        employments |= by((row for row in own_spans if row.employment_code == "employed"), "payee_id")
        self.employees = {
            row["id"] or "": Employee(
                row["id"] or "",
                row["employeeNumber"] or None,
                (row["workEmail"] or "").lower() or None,
                (row.get("loginId") or "").lower() or None,
                " ".join(
                    part for part in map(row.get, ("firstName", "middleName", "lastName")) if part
                ).lower(),
                tuple(employments[row["id"] or ""]),
                tuple(leaves[row["id"] or ""]),
            )
            for row in tables.get("hris/employees", ())
        }
        self.managers: dict[str, list[tuple[date, str | None]]] = defaultdict(list)
        for row in tables.get("hris/job_info", ()):
            first_day = day(row["date"])
            assert first_day is not None
            self.managers[row["employeeId"] or ""].append((first_day, row["reportsTo"] or None))
        self.users = list(tables.get("crm/User", ()))
        self.units_per_base = {
            (row["ToCurrencyCode"], day(row["CurrencyRateDate"])): number(row["AverageRate"]) or Fraction(0)
            for row in tables.get("fx/CurrencyRate", ())
            if row["FromCurrencyCode"] == BASE_CURRENCY
        }
        self.minor_units = {
            row["currency_code"]: int(row["minor_unit"] or 0) for row in tables.get("currencies", ())
        }
        self.precedence = {
            row["reason_code"]: int(row["precedence"] or 0) for row in tables.get("reason_codes", ())
        }
        self.invoices = {
            row["invoice_id"]: Invoice(
                row["invoice_id"] or "",
                row["opportunity_id"] or None,
                number(row["subtotal_amount"]),
                number(row["total_amount"]),
            )
            for row in tables.get("billing/invoices", ())
        }
        # As with deals, several rows of one payment are its versions, the latest one last.
        self.payments = {
            row["payment_id"] or "": Payment(
                row["payment_id"] or "",
                row["kind"] or "",
                row["invoice_id"] or None,
                day(row["paid_date"]),
                row["currency_code"] or None,
                number(row["amount"]),
                bool(row.get("_dlt_valid_to")),
            )
            for row in tables.get("billing/payments", ())
        }

    # Plans

    def plan_on(self, plan_id: str, on: date | None) -> PlanVersion | None:
        """Return the version of a plan that is in force on a day."""
        for version in self.plans:
            if version.plan_id == plan_id and on is not None and in_force(version, on):
                return version
        return None

    def credits_payments(self, plan_id: str) -> bool:
        return any(p.credit_event_code == "collection" for p in self.plans if p.plan_id == plan_id)

    def terms_on(self, plan_id: str, on: date | None) -> PayoutTerms:
        """Return the payout terms of a plan that are in force on a day, or the defaults."""
        found = only_in_force(self.payout_terms[plan_id], on) if on is not None else []
        return found[0] if found else DEFAULT_TERMS

    def assignments_of(self, plan_id: str, payee_id: str) -> list[Assignment]:
        found = [row for row in self.assignments[plan_id] if row.payee_id == payee_id]
        return sorted(found, key=lambda row: row.valid_from)

    def is_assigned(self, plan_id: str, payee_id: str, on: date) -> bool:
        return any(in_force(row, on) for row in self.assignments_of(plan_id, payee_id))

    # People

    @cached_property
    def team_ids(self) -> set[str]:
        return set(self.teams) | set(self.members)

    def is_payee(self, payee_id: str | None) -> bool:
        return payee_id in self.employees or payee_id in self.team_ids

    def as_read(self, plan_id: str, deal: Transaction) -> Transaction:
        """Return a deal in the version that a plan reads."""
        plan = next(plan for plan in self.plans if plan.plan_id == plan_id)
        if plan.amount_basis_code == "current":
            return deal
        names = [name.strip() for name in (plan.current_fields or "").split(",")]
        return as_of_close(deal, plan.settle_days or 0, names)

    def is_employed(self, payee_id: str, on: date) -> bool:
        person = self.employees.get(payee_id)
        if person is None:
            return True  # a team
        return any(in_force(span, on) for span in person.employments)

    def is_on_leave(self, payee_id: str, on: date) -> bool:
        """Say whether somebody is away on the day: a leave counts only within an employment."""
        person = self.employees.get(payee_id)
        return person is not None and any(in_force(span, on) for span in person.leaves)

    def is_there(self, payee_id: str, on: date) -> bool:
        return self.is_employed(payee_id, on) and not self.is_on_leave(payee_id, on)

    def has_left_since(self, payee_id: str, on: date) -> date | None:
        """Return the day on which somebody left who is no longer employed on a day; None for everybody else."""
        person = self.employees.get(payee_id)
        if person is None or self.is_employed(payee_id, on):
            return None
        ends = [span.valid_to for span in person.employments if span.valid_from <= on and span.valid_to]
        ends = [end for end in ends if end <= on and self.is_employed(payee_id, end - timedelta(days=1))]
        return max(ends, default=None)

    def gets_payment(self, payee_id: str, terms: PayoutTerms, on: date, default: str) -> bool:
        """Say whether somebody gets what a customer pays on a day: always but for leavers, who get it by the terms."""
        left = self.has_left_since(payee_id, on)
        code = terms.leaver_code or default
        if left is None or code == "pay":
            return True
        return code == "days" and on < left + timedelta(days=terms.leaver_days or 0)

    def spans_of(self, payee_id: str) -> list[EmploymentSpan]:
        person = self.employees.get(payee_id)
        return [*person.employments, *person.leaves] if person else []

    def first_day_there(self, payee_id: str, first: date, last: date) -> date | None:
        """Return the first day from `first` to `last` on which the payee is there."""
        changes = {end for span in self.spans_of(payee_id) for end in (span.valid_from, span.valid_to) if end}
        days = sorted({first, *(day for day in changes if first <= day)})
        return next((day for day in days if day <= last and self.is_there(payee_id, day)), None)

    def last_day_there(self, payee_id: str, first: date, last: date) -> date | None:
        """Return the last day from `first` to `last` on which the payee is there."""
        days = (last - timedelta(days=number) for number in range((last - first).days + 1))
        return next((day for day in days if self.is_there(payee_id, day)), None)

    def days_there(self, payee_id: str, first: date, end: date) -> int:
        """Count the days from `first` to the one before `end` on which the payee is there."""
        days = (first + timedelta(days=number) for number in range((end - first).days))
        return sum(self.is_there(payee_id, day) for day in days)

    @cached_property
    def payee_by_user(self) -> dict[str, str]:
        """CRM user id -> payee."""
        found = {}
        for user in self.users:
            payee_id = self.payee_with(
                user.get("EmployeeNumber"), user.get("Email"), user.get("Username"), user.get("Name")
            )
            if payee_id is not None:
                found[user["Id"] or ""] = payee_id
        return found

    def payee_with(
        self, number: str | None, email: str | None, login: str | None, name: str | None
    ) -> str | None:
        """Return the payee with the number, else with the e-mail, the user name, the full name."""
        people = self.employees.values()
        for fits in (
            [p.payee_id for p in people if number and p.employee_number == number],
            [p.payee_id for p in people if email and p.email == email.lower()],
            [p.payee_id for p in people if login and p.login == login.lower()],
            [p.payee_id for p in people if name and p.name == name.lower()],
        ):
            if fits:
                return fits[0] if len(fits) == 1 else None
        return None

    def payee_behind(self, system: str, alias: str | None, on: date) -> str | None:
        """Return the payee behind a name that a system uses; a manual alias of the day wins."""
        if not alias:
            return None
        for manual in self.manual_aliases.get(alias, []):
            if manual.source_system == system and in_force(manual, on):
                return manual.payee_id if self.is_payee(manual.payee_id) else None
        if system == "crm":
            return self.payee_by_user.get(alias)
        return self.payee_with(alias, alias, alias, alias)

    def manager_of(self, payee_id: str, on: date) -> str | None:
        begun = [row for row in self.managers.get(payee_id, []) if row[0] <= on]
        return max(begun, key=lambda row: row[0])[1] if begun else None

    def team_on(self, team_id: str, on: date) -> TeamRow | None:
        return next(iter(only_in_force(self.teams.get(team_id, []), on)), None)

    def teams_of(self, payee_id: str, on: date) -> list[str]:
        """Return the teams and territories of which the payee is a direct member."""
        return sorted({row.team_id for row in only_in_force(self.memberships.get(payee_id, []), on)})

    # Numbers

    def window_on(self, calendar_id: str, on: date) -> Window | None:
        """Return the window of a calendar that holds the day; all but a company's own calendars are built in."""
        if calendar_id == "transaction":
            return Window(calendar_id, "transaction", on, on + timedelta(days=1))
        if calendar_id == "life":
            return Window(calendar_id, "life", date.min, date.max)
        months = {"month": 1, "quarter": 3, "year": 12}.get(calendar_id)
        if months is None:
            for window in self.windows[calendar_id]:
                if window.window_from <= on < window.window_to:
                    return window
            return None
        first_month = (on.month - 1) // months * months + 1
        first = date(on.year, first_month, 1)
        end_month = first_month + months
        end = date(on.year, end_month, 1) if end_month <= 12 else date(on.year + 1, 1, 1)
        code = {1: f"{first:%Y-%m}", 3: f"{on.year}-Q{(first_month + 2) // 3}", 12: f"{on.year}"}[months]
        return Window(calendar_id, code, first, end)

    def window_from(self, calendar_id: str, on: date) -> Window | None:
        """Return the window of a calendar that holds the day or, in a gap between windows, the next one."""
        later = [window for window in self.windows[calendar_id] if on < window.window_to]
        return self.window_on(calendar_id, on) or min(later, key=lambda row: row.window_from, default=None)

    def variable(self, name: str, plan_id: str, payee_id: str | None, on: date) -> Fraction | None:
        """Return the value of the narrowest scope on the day: payee, team, plan, global.

        Without a payee only plan and global are looked at. Two teams with a value: ValueError.
        """
        found: dict[str, list[Fraction]] = defaultdict(list)
        teams = self.teams_of(payee_id, on) if payee_id else []
        for row in only_in_force(self.variables[name], on):
            is_meant = {
                "payee": row.scope_id == payee_id and payee_id is not None,
                "team": row.scope_id in teams,
                "plan": row.scope_id == plan_id,
                "global": True,
            }[row.scope_code]
            if is_meant:
                found[row.scope_code].append(row.value)
        if len(found["team"]) > 1 and not found["payee"]:
            raise ValueError(f"{name} of {payee_id} on {on}: several teams have a value")
        for scope in ("payee", "team", "plan", "global"):
            if found[scope]:
                return found[scope][0]
        return None

    def number(self, expression: str, plan_id: str, payee_id: str, on: date) -> Fraction | None:
        """Evaluate a number expression for a payee on a day, to 10 decimals; None where a variable has no value."""
        parsed = parse(expression)
        values = {name: self.variable(name, plan_id, payee_id, on) for name in parsed.variables}
        if None in values.values():
            return None
        value = parsed.value({}, values)
        assert value is None or isinstance(value, Fraction)
        return None if value is None else round_half_away(value, 10)

    def deal_variables(
        self, expressions: Iterable[str | None], plan_id: str, on: date
    ) -> dict[str, Fraction | None]:
        """Return the plan or global values of all variables in expressions over a deal."""
        names = {name for text in expressions if text for name in parse(text).variables}
        return {name: self.variable(name, plan_id, None, on) for name in names if name != "CatalogueValue"}

    def units_on(self, currency: str, on: date) -> Fraction | None:
        """Return the latest rate of the day or the days before it, if it is at most 7 days old."""
        if currency == BASE_CURRENCY:
            return Fraction(1)
        for age in range(FX_RATE_AGE_DAYS_MAX + 1):
            rate = self.units_per_base.get((currency, on - timedelta(days=age)))
            if rate is not None:
                return rate
        return None
