"""The rules of the calculation once more, in plain Python, for comparison with the warehouse.

Written from the rules in words, not from the SQL, and sharing no code with it: one row after the other, with
loops and exact fractions. Nothing is rounded unless a rule says so. Read `calculate` from top to bottom:
filtering, valuation, crediting, attainment, rewards, ledger.

All ranges of days are half-open: `valid_from` belongs to the range, `valid_to` does not; None is open.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from functools import cached_property
from typing import Protocol

BASE_CURRENCY = "USD"  # the fx feed quotes every currency in units per 1 USD
FX_RATE_AGE_DAYS_MAX = 7  # a rate may be at most 7 days old
LEVELS_MAX = 12  # a longer reporting line is taken for a circle

Fields = Mapping[str, str | None]


# --- Numbers ---------------------------------------------------------------------------------------------


def cut(value: Fraction, decimals: int = 10) -> Fraction:
    """Drop what lies behind the last decimal: 0.19 -> 0.1, -0.19 -> -0.1."""
    scale = 10**decimals
    kept = abs(value.numerator) * scale // value.denominator
    return Fraction(kept if value >= 0 else -kept, scale)


def round_half_away(value: Fraction, decimals: int) -> Fraction:
    """Round a half away from zero: 0.125 -> 0.13, -0.125 -> -0.13."""
    scale = 10**decimals
    kept = (2 * abs(value.numerator) * scale + value.denominator) // (2 * value.denominator)
    return Fraction(kept if value >= 0 else -kept, scale)


def clamp(value: Fraction, low: Fraction | None, high: Fraction | None) -> Fraction:
    """Bring a value between two bounds; None is no bound."""
    if low is not None and value < low:
        return low
    if high is not None and value > high:
        return high
    return value


# --- What goes in ----------------------------------------------------------------------------------------


class Dated(Protocol):
    @property
    def valid_from(self) -> date: ...
    @property
    def valid_to(self) -> date | None: ...


def in_force(row: Dated, day: date) -> bool:
    return row.valid_from <= day and (row.valid_to is None or day < row.valid_to)


@dataclass(frozen=True)
class Transaction:
    """One sales event. `fields` holds all of the source's own fields, for the plan's filter and value."""

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


@dataclass(frozen=True)
class PlanVersion:
    """One plan as it holds on some days."""

    plan_id: str
    valid_from: date
    valid_to: date | None
    source_object: str
    currency: str
    is_selected: Callable[[Fields], bool]  # the plan's filter
    value: Callable[[Transaction], Fraction | None]
    is_value_in_plan_unit: bool  # True: a count or points, never converted
    credit_method: str  # owner | territory | rollup
    calendar_id: str  # month | quarter | year | a company calendar
    tier_basis: str  # amount | quota_ratio
    quota_variable: str | None
    payout_event: str  # booking | collection


@dataclass(frozen=True)
class Assignment:
    plan_id: str
    payee_id: str
    valid_from: date
    valid_to: date | None = None


@dataclass(frozen=True)
class Tier:
    plan_id: str
    valid_from: date
    valid_to: date | None
    number: int
    tier_from: Fraction
    rate: Fraction
    rate_variable: str | None = None


@dataclass(frozen=True)
class Variable:
    name: str
    scope: str  # payee | plan | global
    scope_id: str | None
    value: Fraction
    valid_from: date
    valid_to: date | None = None


@dataclass(frozen=True)
class RollupLevel:
    plan_id: str
    level: int
    factor: Fraction
    valid_from: date
    valid_to: date | None = None


@dataclass(frozen=True)
class Window:
    calendar_id: str
    code: str
    window_from: date
    window_to: date


@dataclass(frozen=True)
class FxRate:
    currency: str
    day: date
    units_per_base: Fraction


@dataclass(frozen=True)
class TerritoryMembership:
    """Half-open, also where the HRIS writes the last day."""

    territory_id: str
    payee_id: str
    valid_from: date
    valid_to: date | None = None


@dataclass(frozen=True)
class ReportsTo:
    """From this day on, until the payee's next row, the payee reports to this manager (None = nobody)."""

    payee_id: str
    manager_id: str | None
    effective_date: date


@dataclass(frozen=True)
class Employee:
    payee_id: str
    employee_number: str | None = None
    email: str | None = None


@dataclass(frozen=True)
class SystemUser:
    """How a source system knows a person."""

    system: str
    alias: str
    employee_number: str | None = None
    email: str | None = None


@dataclass(frozen=True)
class ManualAlias:
    system: str
    alias: str
    payee_id: str
    valid_from: date
    valid_to: date | None = None


@dataclass(frozen=True)
class Invoice:
    invoice_id: str
    deal_id: str | None
    currency: str | None
    subtotal: Fraction | None
    total: Fraction | None


@dataclass(frozen=True)
class Payment:
    """A payment, or a refund (negative amount)."""

    payment_id: str
    kind: str
    invoice_id: str | None
    paid_date: date | None
    currency: str | None
    amount: Fraction | None


@dataclass
class Company:
    transactions: list[Transaction]
    plans: list[PlanVersion]
    assignments: list[Assignment]
    tiers: list[Tier]
    variables: list[Variable] = field(default_factory=list)
    rollup_levels: list[RollupLevel] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    fx_rates: list[FxRate] = field(default_factory=list)
    memberships: list[TerritoryMembership] = field(default_factory=list)
    reporting: list[ReportsTo] = field(default_factory=list)
    employees: list[Employee] = field(default_factory=list)
    users: list[SystemUser] = field(default_factory=list)
    manual_aliases: list[ManualAlias] = field(default_factory=list)
    invoices: list[Invoice] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    minor_units: dict[str, int] = field(default_factory=lambda: {"USD": 2})  # currency -> decimals

    @cached_property
    def rate_by_day(self) -> dict[tuple[str, date], Fraction]:
        return {(rate.currency, rate.day): rate.units_per_base for rate in self.fx_rates}


# --- What comes out --------------------------------------------------------------------------------------


@dataclass
class Disposition:
    """What became of a transaction under a plan. No reason: credited."""

    transaction_id: str
    plan_id: str | None
    reason: str | None
    value: Fraction | None = None
    credited: Fraction | None = None
    credit_count: int = 0


@dataclass
class Credit:
    credit_id: str
    transaction: Transaction
    plan: PlanVersion
    payee_id: str
    credit_type: str
    level: int
    credit_date: date
    window: Window
    amount: Fraction
    before: Fraction = Fraction(0)  # running total of the window before this credit
    after: Fraction = Fraction(0)
    commission: Fraction | None = None  # None: the window's curve is unknown


@dataclass
class CurveTier:
    """A tier of one payee's window, in plan currency. The first has no start bound, the last no end."""

    number: int
    start: Fraction
    rate: Fraction
    low: Fraction | None
    high: Fraction | None


@dataclass
class WindowTotal:
    plan_id: str
    payee_id: str
    window: Window
    currency: str
    parameters_date: date
    credited: Fraction
    credit_count: int
    quota: Fraction | None
    attainment: Fraction | None
    reason: str | None
    curve: list[CurveTier] | None


@dataclass
class TierPart:
    credit_id: str
    tier_number: int
    rate: Fraction
    value: Fraction
    commission: Fraction


@dataclass
class Collection:
    payment: Payment
    transaction_id: str | None
    reason: str | None
    collected: Fraction | None = None
    before: Fraction | None = None  # collected on the deal, all its invoices together
    after: Fraction | None = None


@dataclass
class Line:
    credit_id: str
    plan_id: str
    payee_id: str
    event: str  # booking | payment | refund
    payment_id: str | None
    event_date: date
    currency: str
    amount: Fraction

    @property
    def period(self) -> str:
        return f"{self.event_date:%Y-%m}"


@dataclass
class Result:
    dispositions: dict[tuple[str, str | None], Disposition] = field(default_factory=dict)
    credits: dict[str, Credit] = field(default_factory=dict)
    windows: dict[tuple[str, str, str], WindowTotal] = field(default_factory=dict)  # plan, payee, code
    tier_parts: dict[tuple[str, int], TierPart] = field(default_factory=dict)
    collections: dict[str, Collection] = field(default_factory=dict)
    lines: dict[tuple[str, str | None], Line] = field(default_factory=dict)  # credit, payment
    payouts: dict[tuple[str, str, str, str], Fraction] = field(default_factory=dict)
    # payee, plan, period, currency


def calculate(company: Company, as_of: date) -> Result:
    """Calculate everything that is known on `as_of`."""
    result = Result()
    for transaction in company.transactions:
        settle_transaction(company, transaction, as_of, result)
    by_window: dict[tuple[str, str, str], list[Credit]] = defaultdict(list)
    for credit in result.credits.values():
        by_window[credit.plan.plan_id, credit.payee_id, credit.window.code].append(credit)
    for credits in by_window.values():
        reward_window(company, credits, result)
    collect_payments(company, as_of, result)
    make_lines(company, result)
    for line in result.lines.values():
        key = (line.payee_id, line.plan_id, line.period, line.currency)
        result.payouts[key] = result.payouts.get(key, Fraction(0)) + line.amount
    return result


def settle_transaction(company: Company, transaction: Transaction, as_of: date, result: Result) -> None:
    """Judge, value and credit one transaction under every plan that names its source object."""
    plan_ids = sorted({p.plan_id for p in company.plans if p.source_object == transaction.source_object})
    if not plan_ids:
        settled = Disposition(transaction.transaction_id, None, "no_plan_for_source")
        result.dispositions[transaction.transaction_id, None] = settled
    for plan_id in plan_ids:
        settled = Disposition(transaction.transaction_id, plan_id, None)
        result.dispositions[transaction.transaction_id, plan_id] = settled
        plan = plan_on(company, plan_id, transaction.booked_date, transaction.source_object)
        owner = owner_of(company, transaction)
        settled.reason = reason_not_eligible(plan, transaction, owner, as_of)
        if settled.reason or plan is None:
            continue
        settled.reason, settled.value = value_of(company, plan, transaction)
        if settled.reason or settled.value is None:
            continue
        settled.reason, credits = credits_of(company, plan, transaction, owner, settled.value)
        if settled.reason:
            continue
        for credit in credits:
            result.credits[credit.credit_id] = credit
        settled.credit_count = len(credits)
        settled.credited = sum((credit.amount for credit in credits), Fraction(0))


# --- 1. Filtering: does the transaction count under the plan? --------------------------------------------


def plan_on(company: Company, plan_id: str, day: date | None, source_object: str) -> PlanVersion | None:
    for version in company.plans:
        is_plan = version.plan_id == plan_id and version.source_object == source_object
        if is_plan and day is not None and in_force(version, day):
            return version
    return None


def reason_not_eligible(
    plan: PlanVersion | None, transaction: Transaction, owner: str | None, as_of: date
) -> str | None:
    """Return the first reason that stands in the way."""
    if transaction.is_deleted:
        return "deleted_in_source"
    if transaction.booked_date is not None and transaction.booked_date > as_of:
        return "after_as_of_date"
    if not transaction.is_won:
        return "status_not_eligible"
    if transaction.booked_date is None:
        return "missing_booked_date"
    if plan is None:
        return "outside_period"
    if not plan.is_selected(transaction.fields):
        return "filter_not_met"
    if plan.credit_method in ("owner", "rollup"):
        if not transaction.owner_alias:
            return "missing_owner"
        if owner is None:
            return "owner_not_in_hris"
    return None


def owner_of(company: Company, transaction: Transaction) -> str | None:
    """Return the payee behind the owner: by manual alias, else by employee number, else by e-mail."""
    system = transaction.source_object.split("/")[0]
    if not transaction.owner_alias:
        return None
    for manual in company.manual_aliases:
        is_same = manual.system == system and manual.alias == transaction.owner_alias
        if is_same and transaction.booked_date is not None and in_force(manual, transaction.booked_date):
            is_in_hris = any(employee.payee_id == manual.payee_id for employee in company.employees)
            return manual.payee_id if is_in_hris else None
    for user in company.users:
        if user.system != system or user.alias != transaction.owner_alias:
            continue
        for employee in company.employees:
            if user.employee_number and user.employee_number == employee.employee_number:
                return employee.payee_id
        for employee in company.employees:
            if user.email and employee.email and user.email.lower() == employee.email.lower():
                return employee.payee_id
    return None


# --- 2. Valuation: what is it worth, in the plan's currency? ---------------------------------------------


def value_of(
    company: Company, plan: PlanVersion, transaction: Transaction
) -> tuple[str | None, Fraction | None]:
    """Return (reason, None) or (None, value)."""
    native = plan.value(transaction)
    if native is None:
        return "missing_amount", None
    if plan.is_value_in_plan_unit:
        return None, cut(native)
    if not transaction.currency:
        return "missing_currency", None
    if transaction.currency not in company.minor_units:
        return "unknown_currency", None
    if transaction.currency == plan.currency:
        return None, cut(native)
    assert transaction.booked_date is not None
    units_plan = units_per_base(company, plan.currency, transaction.booked_date)
    units_deal = units_per_base(company, transaction.currency, transaction.booked_date)
    if units_plan is None or units_deal is None:
        return "missing_fx_rate", None
    return None, cut(native * units_plan / units_deal)


def units_per_base(company: Company, currency: str, day: date) -> Fraction | None:
    """Return the latest rate of the day or the days before it, if it is at most 7 days old."""
    if currency == BASE_CURRENCY:
        return Fraction(1)
    for age in range(FX_RATE_AGE_DAYS_MAX + 1):
        rate = company.rate_by_day.get((currency, day - timedelta(days=age)))
        if rate is not None:
            return rate
    return None


# --- 3. Crediting: whose is it? --------------------------------------------------------------------------


def credits_of(
    company: Company, plan: PlanVersion, transaction: Transaction, owner: str | None, value: Fraction
) -> tuple[str | None, list[Credit]]:
    """Return (reason, []) or (None, credits)."""
    day = transaction.booked_date
    assert day is not None
    shares: list[tuple[str, str, int, Fraction]] = []  # type, payee, level, amount
    if plan.credit_method == "owner":
        assert owner is not None
        if is_assigned(company, plan.plan_id, owner, day):
            shares.append(("direct", owner, 0, value))
    elif plan.credit_method == "territory":
        if not transaction.territory_id:
            return "missing_territory", []
        members = {
            m.payee_id
            for m in company.memberships
            if m.territory_id == transaction.territory_id and in_force(m, day)
        }
        if not members:
            return "no_territory_member", []
        on_plan = sorted(member for member in members if is_assigned(company, plan.plan_id, member, day))
        for place, member in enumerate(on_plan):
            up_to_this = cut(value * (place + 1) / len(on_plan))
            up_to_last = cut(value * place / len(on_plan))
            shares.append(("territory", member, 0, up_to_this - up_to_last))
    elif plan.credit_method == "rollup":
        assert owner is not None
        for level, person in enumerate(reporting_line(company, owner, day)):
            factor = level_factor(company, plan.plan_id, level, day)
            if factor is not None and is_assigned(company, plan.plan_id, person, day):
                shares.append(("rollup", person, level, round_half_away(value * factor, 10)))
    else:
        raise ValueError(f"plan {plan.plan_id}: unknown credit method {plan.credit_method}")
    if not shares:
        return "no_plan_assignment", []
    window = window_of(company, plan.calendar_id, day)
    if window is None:
        return "no_attainment_window", []
    credits = []
    for credit_type, payee_id, level, amount in shares:
        credit_id = f"{plan.plan_id}|{transaction.transaction_id}|{credit_type}|{payee_id}|{level}"
        credits.append(
            Credit(credit_id, transaction, plan, payee_id, credit_type, level, day, window, amount)
        )
    return None, credits


def is_assigned(company: Company, plan_id: str, payee_id: str, day: date) -> bool:
    return any(
        row.plan_id == plan_id and row.payee_id == payee_id and in_force(row, day)
        for row in company.assignments
    )


def manager_of(company: Company, payee_id: str, day: date) -> str | None:
    begun = [row for row in company.reporting if row.payee_id == payee_id and row.effective_date <= day]
    if not begun:
        return None
    return max(begun, key=lambda row: row.effective_date).manager_id


def reporting_line(company: Company, payee_id: str, day: date) -> list[str]:
    """Return the payee, the manager, the manager's manager ... on that day."""
    line = [payee_id]
    while (manager := manager_of(company, line[-1], day)) is not None:
        if len(line) > LEVELS_MAX:
            raise ValueError(f"reporting line of {payee_id} on {day} has no end: {line}")
        line.append(manager)
    return line


def level_factor(company: Company, plan_id: str, level: int, day: date) -> Fraction | None:
    for row in company.rollup_levels:
        if row.plan_id == plan_id and row.level == level and in_force(row, day):
            return row.factor
    return None


# --- 4. Attainment: how far has the payee come in the window? --------------------------------------------


def window_of(company: Company, calendar_id: str, day: date) -> Window | None:
    """Return the window of a calendar that holds the day; month, quarter and year are built in."""
    months = {"month": 1, "quarter": 3, "year": 12}.get(calendar_id)
    if months is None:
        for window in company.windows:
            if window.calendar_id == calendar_id and window.window_from <= day < window.window_to:
                return window
        return None
    first_month = (day.month - 1) // months * months + 1
    first = date(day.year, first_month, 1)
    last_month = first_month + months
    end = date(day.year, last_month, 1) if last_month <= 12 else date(day.year + 1, 1, 1)
    code = {1: f"{first:%Y-%m}", 3: f"{first:%Y}-Q{(first_month + 2) // 3}", 12: f"{first:%Y}"}[months]
    return Window(calendar_id, code, first, end)


def parameters_date_of(company: Company, plan_id: str, payee_id: str, window: Window) -> date:
    """Return the window's first day, or the payee's first day on the plan within it."""
    first_days = []
    for row in company.assignments:
        if row.plan_id == plan_id and row.payee_id == payee_id:
            first_day = max(row.valid_from, window.window_from)
            if first_day < window.window_to and in_force(row, first_day):
                first_days.append(first_day)
    return min(first_days)


def variable_on(company: Company, name: str, plan_id: str, payee_id: str, day: date) -> Fraction | None:
    """Return the value of the narrowest scope that has one on the day: payee, then plan, then global."""
    for scope, scope_id in (("payee", payee_id), ("plan", plan_id), ("global", None)):
        for row in company.variables:
            is_scope = row.scope == scope and (scope == "global" or row.scope_id == scope_id)
            if row.name == name and is_scope and in_force(row, day):
                return row.value
    return None


def attainment_of(
    plan: PlanVersion, credited: Fraction, quota: Fraction | None
) -> tuple[str | None, Fraction | None]:
    if plan.quota_variable is None:
        return "plan_has_no_quota", None
    if quota is None:
        return "missing_quota", None
    if quota == 0:
        return "zero_quota", None
    return None, cut(credited / quota)


# --- 5. Rewards: what commission does each credit establish? ---------------------------------------------


def reward_window(company: Company, credits: list[Credit], result: Result) -> None:
    """Put the credits of one payee's window on its running total and price each on the tier curve."""
    credits = sorted(credits, key=lambda c: (c.credit_date, c.transaction.transaction_id, c.credit_id))
    plan, payee_id, window = credits[0].plan, credits[0].payee_id, credits[0].window
    total = Fraction(0)
    for credit in credits:
        credit.before = total
        total += credit.amount
        credit.after = total

    day = parameters_date_of(company, plan.plan_id, payee_id, window)
    plan = plan_on(company, plan.plan_id, day, plan.source_object) or plan
    quota = None
    if plan.quota_variable is not None:
        quota = variable_on(company, plan.quota_variable, plan.plan_id, payee_id, day)
    reason, attainment = attainment_of(plan, total, quota)
    curve = curve_of(company, plan, payee_id, day, quota)
    result.windows[plan.plan_id, payee_id, window.code] = WindowTotal(
        plan_id=plan.plan_id,
        payee_id=payee_id,
        window=window,
        currency=plan.currency,
        parameters_date=day,
        credited=total,
        credit_count=len(credits),
        quota=quota,
        attainment=attainment,
        reason=reason,
        curve=curve,
    )
    if curve is None:
        return
    decimals = company.minor_units[plan.currency]
    for credit in credits:
        paid_after = round_half_away(commission_on_total(curve, credit.after), decimals)
        paid_before = round_half_away(commission_on_total(curve, credit.before), decimals)
        credit.commission = paid_after - paid_before
        for tier in curve:
            enters = clamp(credit.before, tier.low, tier.high)
            leaves = clamp(credit.after, tier.low, tier.high)
            if enters == leaves:
                continue
            at_exit = round_half_away(commission_on_total(curve, leaves), decimals)
            at_entry = round_half_away(commission_on_total(curve, enters), decimals)
            result.tier_parts[credit.credit_id, tier.number] = TierPart(
                credit.credit_id, tier.number, tier.rate, leaves - enters, at_exit - at_entry
            )


def curve_of(
    company: Company, plan: PlanVersion, payee_id: str, day: date, quota: Fraction | None
) -> list[CurveTier] | None:
    """Return the tiers with their bounds in plan currency; None when a quota, rate or the tiers are missing."""
    tiers = [tier for tier in company.tiers if tier.plan_id == plan.plan_id and in_force(tier, day)]
    tiers.sort(key=lambda tier: tier.number)
    curve: list[CurveTier] = []
    for tier in tiers:
        start, rate = tier.tier_from, tier.rate
        if plan.tier_basis == "quota_ratio":
            if not quota:
                return None
            start = tier.tier_from * quota
        if tier.rate_variable is not None:
            variable = variable_on(company, tier.rate_variable, plan.plan_id, payee_id, day)
            if variable is None:
                return None
            rate = tier.rate * variable
        if curve:
            curve[-1].high = start
        curve.append(CurveTier(tier.number, start, rate, low=start if curve else None, high=None))
    return curve or None


def commission_on_total(curve: list[CurveTier], total: Fraction) -> Fraction:
    """F(total): each part of the total times the rate of the tier in which it lies.

    Below the first tier's start the first tier's line goes on, so a negative total has a negative commission.
    """
    commission = Fraction(0)
    for tier in curve:
        commission += tier.rate * (clamp(total, tier.low, tier.high) - tier.start)
    return commission


# --- 6. Ledger: when is it due? --------------------------------------------------------------------------


def in_order(payments: Iterable[Payment]) -> list[Payment]:
    return sorted(payments, key=lambda payment: (payment.paid_date or date.min, payment.payment_id))


def collect_payments(company: Company, as_of: date, result: Result) -> None:
    """Match each payment through its invoice to its deal, and add up what was collected on the deal itself."""
    deals = {t.transaction_id: t for t in company.transactions}
    invoices = {invoice.invoice_id: invoice for invoice in company.invoices}
    paid_on_invoice: dict[str, Fraction] = defaultdict(Fraction)
    collected_on_deal: dict[str, Fraction] = defaultdict(Fraction)
    for payment in in_order(company.payments):
        invoice = invoices.get(payment.invoice_id or "")
        deal_key = f"crm/Opportunity/{invoice.deal_id}" if invoice and invoice.deal_id else None
        deal = deals.get(deal_key or "")
        reason = reason_unmatched(payment, invoice, deal, as_of)
        row = Collection(payment, deal.transaction_id if deal else None, reason)
        result.collections[payment.payment_id] = row
        if reason:
            continue
        assert invoice and deal and invoice.total  # else there is a reason
        assert invoice.subtotal is not None and payment.amount is not None
        net_ratio = invoice.subtotal / invoice.total  # tax and freight taken out
        net_before = cut(paid_on_invoice[invoice.invoice_id] * net_ratio)
        paid_on_invoice[invoice.invoice_id] += payment.amount
        net_after = cut(paid_on_invoice[invoice.invoice_id] * net_ratio)
        row.collected = net_after - net_before
        row.before = collected_on_deal[deal.transaction_id]
        row.after = collected_on_deal[deal.transaction_id] = row.before + row.collected


def reason_unmatched(
    payment: Payment, invoice: Invoice | None, deal: Transaction | None, as_of: date
) -> str | None:
    """Return the first reason why a payment reaches no deal."""
    if payment.paid_date is None:
        return "missing_paid_date"
    if payment.paid_date > as_of:
        return "after_as_of_date"
    if payment.amount is None:
        return "missing_amount"
    if not payment.invoice_id:
        return "missing_invoice"
    if invoice is None:
        return "unknown_invoice"
    if not invoice.deal_id:
        return "missing_deal"
    if deal is None:
        return "unknown_deal"
    if payment.currency != deal.currency:
        return "currency_differs"
    if not deal.amount:
        return "deal_without_amount"
    if not invoice.total or invoice.subtotal is None:
        return "invoice_without_total"
    return None


def make_lines(company: Company, result: Result) -> None:
    """Make commission due: whole on booking, or bit by bit as the customer pays."""
    collected: dict[str, list[Collection]] = defaultdict(list)
    for row in result.collections.values():  # in the order of payment
        if row.reason is None and row.transaction_id is not None:
            collected[row.transaction_id].append(row)
    for credit in result.credits.values():
        if credit.commission is None:
            continue
        plan, deal = credit.plan, credit.transaction
        if plan.payout_event == "booking":
            result.lines[credit.credit_id, None] = Line(
                credit.credit_id,
                plan.plan_id,
                credit.payee_id,
                "booking",
                None,
                credit.credit_date,
                plan.currency,
                credit.commission,
            )
        elif plan.payout_event == "collection":
            decimals = company.minor_units[plan.currency]
            for row in collected[deal.transaction_id]:
                assert row.before is not None and row.after is not None and row.payment.paid_date is not None
                earned_before = earned_to_date(credit, row.before, decimals)
                earned_after = earned_to_date(credit, row.after, decimals)
                result.lines[credit.credit_id, row.payment.payment_id] = Line(
                    credit.credit_id,
                    plan.plan_id,
                    credit.payee_id,
                    row.payment.kind,
                    row.payment.payment_id,
                    row.payment.paid_date,
                    plan.currency,
                    earned_after - earned_before,
                )
        else:
            raise ValueError(f"plan {plan.plan_id}: unknown payout event {plan.payout_event}")


def earned_to_date(credit: Credit, collected: Fraction, decimals: int) -> Fraction:
    """Commission times the share of the deal that is collected, between none and all of it."""
    amount = credit.transaction.amount
    assert amount and credit.commission is not None
    counted = clamp(collected, min(Fraction(0), amount), max(Fraction(0), amount))
    return round_half_away(credit.commission * counted / amount, decimals)
